/**
 * Dragging over a histogram narrows the range: <div data-histogram data-since data-until data-url>.
 *
 * Without it each bar is a link of its own.
 */
const LEAST_PX = 6;

class Histogram {
  #box: HTMLElement;
  #svg: SVGSVGElement;
  #mark: HTMLElement;
  #from: number | undefined;
  #dragged = false;

  constructor(box: HTMLElement, svg: SVGSVGElement, mark: HTMLElement) {
    this.#box = box;
    this.#svg = svg;
    this.#mark = mark;
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    svg.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.pointerType !== "touch") this.#from = event.clientX;
    });
    window.addEventListener("pointermove", (event) => this.#move(event));
    window.addEventListener("pointerup", (event) => this.#end(event));
    // The click on a bar's link that ends a drag is none.
    svg.addEventListener("click", (event) => {
      if (this.#dragged) event.preventDefault();
      this.#dragged = false;
    });
  }

  #move(event: PointerEvent): void {
    if (this.#from === undefined) return;
    if (Math.abs(event.clientX - this.#from) < LEAST_PX) return;
    const outer = this.#box.getBoundingClientRect();
    const [left, right] = this.#ends(event.clientX);
    this.#dragged = true;
    this.#mark.hidden = false;
    this.#mark.style.left = `${left - outer.left}px`;
    this.#mark.style.width = `${right - left}px`;
  }

  #end(event: PointerEvent): void {
    if (this.#from === undefined) return;
    const [left, right] = this.#ends(event.clientX);
    this.#from = undefined;
    this.#mark.hidden = true;
    if (!this.#dragged) return;
    const { left: start, width } = this.#svg.getBoundingClientRect();
    const since = Number(this.#box.dataset.since);
    const length = Number(this.#box.dataset.until) - since;
    const at = (x: number): string => String(Math.round(since + (length * (x - start)) / width));
    const url = new URL(this.#box.dataset.url ?? "", location.href);
    url.searchParams.set("since", at(left));
    url.searchParams.set("until", at(right));
    location.assign(url);
  }

  #ends(x: number): [number, number] {
    const { left, right } = this.#svg.getBoundingClientRect();
    const inside = [this.#from ?? x, x].map((one) => Math.min(Math.max(one, left), right));
    return [Math.min(...inside), Math.max(...inside)];
  }
}

/** Binds every histogram of the page, and lets a chosen range end a dragged one. */
export function bindHistograms(): void {
  for (const box of document.querySelectorAll<HTMLElement>("[data-histogram]")) {
    const svg = box.querySelector("svg");
    const mark = box.querySelector<HTMLElement>("[data-histogram-mark]");
    if (svg && mark) new Histogram(box, svg, mark);
  }
  for (const field of document.querySelectorAll<HTMLSelectElement>('select[name="range"]')) {
    field.addEventListener("change", () => {
      field.form?.querySelectorAll("[data-of-range]").forEach((hidden) => hidden.remove());
    });
  }
}
