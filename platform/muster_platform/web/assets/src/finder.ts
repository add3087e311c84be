/**
 * The search box in the frame: a combobox (ARIA practices) whose list the server draws.
 *
 * Arrow keys walk through the results, Enter opens the marked one, or the page of all results where
 * none is marked; Escape closes.
 */
import { getText } from "./http";

const SETTLE_MS = 150;

class Finder {
  #input: HTMLInputElement;
  #list: HTMLElement;
  #url: string;
  #timer: number | undefined;
  #asked = 0;

  constructor(form: HTMLFormElement, input: HTMLInputElement, list: HTMLElement) {
    this.#input = input;
    this.#list = list;
    this.#url = form.dataset.finder ?? "";
    input.addEventListener("input", () => this.#soon());
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("focus", () => {
      if (input.value.trim() && this.#options().length) this.#show(true);
    });
    form.addEventListener("focusout", (event) => {
      if (!(event.relatedTarget instanceof Node && form.contains(event.relatedTarget))) this.#show(false);
    });
    // A press on a result must not take the focus away before the click has opened it.
    list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  #soon(): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(), SETTLE_MS);
  }

  async #ask(): Promise<void> {
    const text = this.#input.value.trim();
    const number = ++this.#asked;
    if (!text) {
      this.#show(false);
      this.#list.replaceChildren();
      return;
    }
    const html = await getText(`${this.#url}?${new URLSearchParams({ text })}`);
    if (html === undefined || number !== this.#asked) return; // a later question is on its way
    this.#list.innerHTML = html;
    this.#mark(undefined);
    this.#show(document.activeElement === this.#input);
  }

  #key(event: KeyboardEvent): void {
    const options = this.#options();
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!options.length) return;
      event.preventDefault();
      this.#show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = at < 0 ? (step > 0 ? 0 : options.length - 1) : at + step;
      this.#mark(options[(next + options.length) % options.length]);
    } else if (event.key === "Enter" && at >= 0 && !this.#list.hidden) {
      event.preventDefault();
      options[at]?.click();
    } else if (event.key === "Escape" && !this.#list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      this.#show(false);
    }
  }

  #options(): HTMLAnchorElement[] {
    return [...this.#list.querySelectorAll<HTMLAnchorElement>("a[role=option]")];
  }

  #mark(wanted: HTMLAnchorElement | undefined): void {
    for (const option of this.#options()) {
      option.setAttribute("aria-selected", String(option === wanted));
    }
    if (wanted) {
      this.#input.setAttribute("aria-activedescendant", wanted.id);
      wanted.scrollIntoView({ block: "nearest" });
    } else {
      this.#input.removeAttribute("aria-activedescendant");
    }
  }

  #show(isOpen: boolean): void {
    this.#list.hidden = !isOpen;
    this.#input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) this.#mark(undefined);
  }
}

/** Binds the search box of the frame. */
export function bindFinder(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-finder]")) {
    const input = form.querySelector<HTMLInputElement>("[data-search]");
    const list = form.querySelector<HTMLElement>("[role=listbox]");
    if (input && list) new Finder(form, input, list);
  }
}
