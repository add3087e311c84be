/** Lists: filters that build their query, ticking of rows, links over whole rows. */

/** Wires the ticks of a list to its bar of actions. */
export function bindSelection(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-selection]")) {
    const all = form.querySelector<HTMLInputElement>("[data-select-all]");
    const rows = (): HTMLInputElement[] => [
      ...form.querySelectorAll<HTMLInputElement>("[data-select-row]"),
    ];
    const bar = form.querySelector<HTMLElement>("[data-selection-bar]");
    const count = form.querySelector<HTMLElement>("[data-selection-count]");
    const update = (): void => {
      const ticked = rows().filter((row) => row.checked).length;
      if (bar) bar.hidden = ticked === 0;
      if (count) count.textContent = `${ticked} selected`;
      if (all) {
        all.checked = ticked > 0 && ticked === rows().length;
        all.indeterminate = ticked > 0 && ticked < rows().length;
      }
    };
    form.addEventListener("change", (event) => {
      if (event.target === all && all) for (const row of rows()) row.checked = all.checked;
      update();
    });
    update();
  }
}

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

/** Saves an inline edit (Flask-Admin's ajax update) and says whether it was kept. */
export function bindRowLinks(): void {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const row = target?.closest<HTMLElement>("tr[data-href]");
    if (!row || target?.closest("a,button,input,label,select,summary,time")) return;
    if (window.getSelection()?.toString()) return;
    location.assign(row.dataset.href ?? "");
  });
}
