/** Lists: filters that build their query, links over whole rows. */

/** Sends a filter form when a select changes, and leaves empty fields out of the address. */
export function bindFilters(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-filters]")) {
    form.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement) form.requestSubmit();
    });
    form.addEventListener("submit", () => {
      for (const field of form.querySelectorAll<HTMLInputElement>("input,select")) {
        if (field.value === "") field.disabled = true;
      }
      window.setTimeout(() => {
        for (const field of form.querySelectorAll<HTMLInputElement>("input,select")) {
          field.disabled = false;
        }
      });
    });
  }
}

/** Opens the page of a row when the row is clicked beside its links. */
export function bindRowLinks(): void {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const row = target?.closest<HTMLElement>("tr[data-href]");
    if (!row || target?.closest("a,button,input,label,select,summary,time")) return;
    if (window.getSelection()?.toString()) return;
    location.assign(row.dataset.href ?? "");
  });
}
