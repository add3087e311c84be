/** Menus, side navigation, confirmations and copy buttons: native elements, few lines. */
function closest<T extends HTMLElement>(event: Event, selector: string): T | null {
  return event.target instanceof Element ? event.target.closest<T>(selector) : null;
}

/** Closes open menus (<details data-menu>) on a click elsewhere and on Escape. */
export function bindMenus(): void {
  const open = (): NodeListOf<HTMLDetailsElement> =>
    document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]");
  document.addEventListener("click", (event) => {
    const kept = closest<HTMLDetailsElement>(event, "details[data-menu]");
    const inPanel = closest(event, "[data-menu-keep]");
    for (const menu of open()) if (menu !== kept || (closest(event, "[role=menuitem]") && !inPanel)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}

/** Opens and closes the side navigation where it lies over the page (phones). */
export function bindNavigation(): void {
  const nav = document.querySelector<HTMLElement>("#side");
  const toggles = document.querySelectorAll<HTMLElement>("[data-nav-toggle]");
  if (!nav) return;
  const set = (isOpen: boolean): void => {
    document.body.classList.toggle("nav-open", isOpen);
    for (const toggle of toggles) toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) nav.querySelector<HTMLElement>("a")?.focus();
  };
  for (const toggle of toggles) {
    toggle.addEventListener("click", () => set(!document.body.classList.contains("nav-open")));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("nav-open")) {
      set(false);
      toggles[0]?.focus();
    }
    const typing = event.target instanceof Element && event.target.closest("input,textarea,select");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      document.querySelector<HTMLElement>("[data-search]")?.focus();
    }
  });
}

/** Asks before a form with data-confirm is sent. */
export function bindConfirm(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#confirm");
  if (!dialog) return;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.confirmed) return;
    const submitter = event.submitter instanceof HTMLElement ? event.submitter : undefined;
    const question = submitter?.dataset.confirm ?? form.dataset.confirm;
    if (!question) return;
    event.preventDefault();
    dialog.querySelector("[data-confirm-text]")!.textContent = question;
    const yes = dialog.querySelector("[data-confirm-yes]")!;
    yes.textContent = submitter?.dataset.confirmYes ?? form.dataset.confirmYes ?? "Continue";
    const isDanger = "danger" in (submitter?.dataset ?? {}) || "danger" in form.dataset;
    yes.classList.toggle("btn-danger", isDanger);
    yes.classList.toggle("btn-primary", !isDanger);
    dialog.returnValue = "";
    dialog.showModal();
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue !== "yes") return;
        if (!form.isConnected) {
          // Its part of the page was drawn anew meanwhile; the answer was given all the same.
          form.hidden = true;
          document.body.append(form);
        }
        form.dataset.confirmed = "yes";
        form.requestSubmit(submitter);
        delete form.dataset.confirmed;
      },
      { once: true },
    );
  });
}

/** Picks the radio button that data-picks names once something is put into its field. */
export function bindPicks(): void {
  document.addEventListener("input", (event) => {
    const field = closest<HTMLInputElement>(event, "[data-picks]");
    const radio = field?.value && document.querySelector<HTMLInputElement>(field.dataset.picks ?? "");
    if (radio) radio.checked = true;
  });
}

/** Copies the text of the element that data-copy names. */
export function bindCopy(): void {
  document.addEventListener("click", (event) => {
    const button = closest<HTMLButtonElement>(event, "[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy ?? "");
    const text = source?.textContent?.trim() ?? "";
    void navigator.clipboard?.writeText(text).then(() => {
      const label = button.querySelector("[data-copy-label]");
      if (label) label.textContent = "Copied";
    });
  });
}

/** Opens <dialog>s from buttons with data-dialog, and details of "Why?" fetched on demand. */
export function bindDialogs(): void {
  document.addEventListener("click", (event) => {
    const opener = closest(event, "[data-dialog]");
    if (opener) {
      document.querySelector<HTMLDialogElement>(opener.dataset.dialog ?? "")?.showModal();
    }
    if (closest(event, "[data-close]")) closest<HTMLDialogElement>(event, "dialog")?.close();
    if (event.target instanceof HTMLDialogElement) event.target.close();
  });
}

/** Marks a form as busy so that a second click does not send it twice. */
export function bindBusy(): void {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !(event.target instanceof HTMLFormElement)) return;
    if (event.target.method !== "post") return;
    const button = event.submitter;
    if (button instanceof HTMLButtonElement) {
      window.setTimeout(() => {
        button.disabled = true;
        button.classList.add("btn-loading");
      });
      window.setTimeout(() => {
        button.disabled = false;
        button.classList.remove("btn-loading");
      }, 4_000);
    }
  });
}
