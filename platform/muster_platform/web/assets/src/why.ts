/** The "Why?" button: one call, shown in a dialog; without scripts the link opens a page. */
import { getText } from "./http";
import { renderTimes } from "./times";

export function bindWhy(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#why");
  const body = dialog?.querySelector<HTMLElement>("[data-why-body]");
  if (!dialog || !body) return;
  document.addEventListener("click", (event) => {
    const link =
      event.target instanceof Element
        ? event.target.closest<HTMLAnchorElement>("a[data-why]")
        : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    body.textContent = "Looking…";
    dialog.showModal();
    void getText(link.href).then((html) => {
      if (html === undefined) {
        body.textContent = "The answer could not be fetched. Check the connection and try again.";
        return;
      }
      body.innerHTML = html;
      renderTimes(body);
    });
  });
}
