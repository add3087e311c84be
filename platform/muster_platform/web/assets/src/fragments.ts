/**
 * Parts of a page that the server draws again when something happened.
 *
 * <div data-fragment="/url" data-topics="topic topic"> is fetched anew after an event on one of its
 * topics, and every data-every seconds where nothing tells of changes. The server renders and checks permissions each time; no markup is made from messages.
 */
import { getText } from "./http";
import { liveClient } from "./live";
import { renderTimes } from "./times";

const SETTLE_MS = 250;

class Fragment {
  #element: HTMLElement;
  #url: string;
  #timer: number | undefined;
  #busy = false;
  #again = false;

  constructor(element: HTMLElement, url: string) {
    this.#element = element;
    this.#url = url;
  }

  /** Fetches soon; many events in a moment make one request. */
  soon(): void {
    this.#timer ??= window.setTimeout(() => void this.#fetch(), SETTLE_MS);
  }

  async #fetch(): Promise<void> {
    this.#timer = undefined;
    if (document.querySelector("#confirm[open]")) {
      this.soon(); // what is asked about stays as it is
      return;
    }
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const html = await getText(this.#url);
    this.#busy = false;
    if (html !== undefined) this.#replace(html);
    if (this.#again) {
      this.#again = false;
      this.soon();
    }
  }

  #replace(html: string): void {
    if (this.#element.contains(document.activeElement) && hasInput(document.activeElement)) {
      this.soon(); // never take a half-typed word away
      return;
    }
    const focused = focusKey(this.#element);
    this.#element.innerHTML = html;
    renderTimes(this.#element);
    if (focused) this.#element.querySelector<HTMLElement>(focused)?.focus();
    this.#element.dispatchEvent(new CustomEvent("muster:fragment", { bubbles: true }));
  }
}

function hasInput(element: Element | null): boolean {
  return element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
}

function focusKey(element: HTMLElement): string | undefined {
  const active = document.activeElement;
  if (!active || !element.contains(active)) return undefined;
  const key = active.closest<HTMLElement>("[data-key]")?.dataset.key;
  return key ? `[data-key="${CSS.escape(key)}"]` : undefined;
}

/** Binds every fragment of the page to its topics. */
export function bindFragments(): void {
  const live = liveClient();
  for (const element of document.querySelectorAll<HTMLElement>("[data-fragment]")) {
    const fragment = new Fragment(element, element.dataset.fragment ?? "");
    for (const topic of element.dataset.topics?.split(" ").filter(Boolean) ?? []) {
      live?.on(topic, () => fragment.soon());
    }
    live?.onRefresh(() => fragment.soon());
    const everyS = Number(element.dataset.every ?? 0);
    if (everyS > 0) {
      window.setInterval(() => {
        if (!document.hidden) fragment.soon();
      }, everyS * 1_000);
    }
  }
}
