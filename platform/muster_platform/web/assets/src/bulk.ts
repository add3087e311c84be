/** Ticking rows of a list: how many are ticked, all on the page, all that match. */

function number(count: number): string {
  return count === 0 ? "Tick devices to act on several" : `${count} ticked`;
}

/** Binds the bar above a list and the ticks in its rows. */
export function bindBulk(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-bulk]");
  if (!form) {
    bindTickAll();
    return;
  }
  const ticks = [...document.querySelectorAll<HTMLInputElement>("input[data-tick]")];
  const head = document.querySelector<HTMLInputElement>("input[data-tick-all]");
  const all = form.querySelector<HTMLInputElement>("input[data-bulk-all]");
  const label = form.querySelector<HTMLElement>("[data-bulk-count]");
  const button = form.querySelector<HTMLButtonElement>("button");
  const show = (): void => {
    const ticked = ticks.filter((tick) => tick.checked).length;
    const everyone = all?.checked ?? false;
    if (head) {
      head.checked = ticked === ticks.length && ticked > 0;
      head.indeterminate = ticked > 0 && ticked < ticks.length;
    }
    for (const tick of ticks) tick.disabled = everyone;
    if (label) label.textContent = everyone ? "All that match" : number(ticked);
    if (button) button.disabled = ticked === 0 && !everyone;
    form.classList.toggle("is-active", ticked > 0 || everyone);
  };
  head?.addEventListener("change", () => {
    for (const tick of ticks) tick.checked = head.checked;
    show();
  });
  for (const tick of ticks) tick.addEventListener("change", show);
  all?.addEventListener("change", show);
  window.addEventListener("pageshow", show);
  show();
}

/** Binds "tick all" of a list whose ticks belong to a form of its own. */
function bindTickAll(): void {
  const head = document.querySelector<HTMLInputElement>("input[data-tick-all]");
  head?.addEventListener("change", () => {
    for (const tick of document.querySelectorAll<HTMLInputElement>("input[data-tick]")) tick.checked = head.checked;
  });
}
