/**
 * One small chart: of each bucket the mean is drawn as a line and min to max as a band behind it.
 */
import uPlot from "uplot";
import { fullTime } from "./times";

export interface Series {
  name: string;
  ts: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  bucket_ms: number;
}

const HEIGHT_PX = 136;
const KEPT_POINTS = 5_000;
const ZOOM_PX = 8;
const ZOOM_MS = 1_000;

/** Asks for a time [since, until) in ms more closely. */
export type Zoom = (since: number, until: number) => void;

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 }).format(value);
}

/** Writes the times of an axis in the reader's way, with the day where the range is long. */
function axisTimes(plot: uPlot, ticks: number[]): string[] {
  const { min = 0, max = 0 } = plot.scales.x ?? {};
  const isLong = (max ?? 0) - (min ?? 0) > 36 * 3_600;
  const form = new Intl.DateTimeFormat(
    undefined,
    isLong ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  );
  return ticks.map((tick) => form.format(new Date(tick * 1_000)));
}

/** Draws on/off values as steps. */
const stepped = uPlot.paths.stepped?.({ align: 1 });

export class Chart {
  readonly name: string;
  #box: HTMLElement;
  #value: HTMLElement;
  #plot: uPlot | undefined;
  #xs: number[] = [];
  #ys: (number | null)[] = [];
  #low: (number | null)[] = [];
  #high: (number | null)[] = [];
  #gathered = false;
  #from = 0;
  #to = 0;
  #zoom: Zoom;

  constructor(parent: HTMLElement, name: string, zoom: Zoom, reset: () => void) {
    this.name = name;
    this.#zoom = zoom;
    const figure = document.createElement("figure");
    figure.className = "metric-chart";
    const caption = document.createElement("figcaption");
    const label = document.createElement("span");
    label.textContent = name;
    this.#value = document.createElement("output");
    caption.append(label, this.#value);
    this.#box = document.createElement("div");
    this.#box.className = "metric-plot";
    this.#box.addEventListener("dblclick", reset);
    figure.append(caption, this.#box);
    parent.append(figure);
  }

  set(series: Series | undefined, from: number, to: number): void {
    this.#from = from;
    this.#to = to;
    this.#xs = series ? series.ts.map((ts) => ts / 1_000) : [];
    this.#ys = series ? [...series.mean] : [];
    this.#low = series ? [...series.min] : [];
    this.#high = series ? [...series.max] : [];
    this.#gathered = Boolean(series?.bucket_ms);
    this.draw(true);
  }

  push(ts: number, value: number): void {
    const last = this.#xs.at(-1);
    if (last !== undefined && ts / 1_000 < last) return;
    this.#xs.push(ts / 1_000);
    for (const column of [this.#ys, this.#low, this.#high]) column.push(value);
    if (this.#xs.length > KEPT_POINTS) {
      for (const column of [this.#xs, this.#ys, this.#low, this.#high]) {
        column.splice(0, KEPT_POINTS / 10);
      }
    }
  }

  slide(now: number): void {
    const width = this.#to - this.#from;
    this.#to = now;
    this.#from = now - width;
  }

  draw(anew = false): void {
    this.#value.textContent = format(this.#ys.at(-1));
    const empty = this.#xs.length === 0;
    this.#box.classList.toggle("is-empty", empty);
    if (anew || !this.#plot) {
      this.#plot?.destroy();
      this.#plot = empty ? undefined : new uPlot(this.#options(), this.#data(), this.#box);
      return;
    }
    this.#plot.setData(this.#data(), false);
    this.#plot.setScale("x", { min: this.#from / 1_000, max: this.#to / 1_000 });
  }

  #data(): uPlot.AlignedData {
    return [this.#xs, this.#ys, this.#high, this.#low];
  }

  resize(): void {
    this.#plot?.setSize({ width: this.#box.clientWidth, height: HEIGHT_PX });
  }

  #options(): uPlot.Options {
    const ink = css("--tblr-secondary-color") || css("--tblr-secondary");
    const line = css("--muster-accent");
    const grid = { stroke: css("--tblr-border-color"), width: 1 };
    const axis = { stroke: ink, grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    return {
      width: this.#box.clientWidth,
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: {
        sync: { key: "device" },
        points: { size: (_plot, index) => (index === 1 ? 7 : 0) },
        drag: { x: true, y: false, setScale: false },
      },
      bands: this.#gathered ? [{ series: [2, 3], fill: css("--muster-accent-band") }] : [],
      scales: { x: { min: this.#from / 1_000, max: this.#to / 1_000 } },
      axes: [
        { ...axis, space: 70, size: 26, values: axisTimes },
        { ...axis, size: 56, values: (_plot, ticks) => ticks.map((tick) => format(tick)) },
      ],
      series: [
        {},
        {
          label: this.name,
          stroke: line,
          width: 1.75,
          ...(stepped && this.#ys.every((y) => y === 0 || y === 1) ? { paths: stepped } : {}),
          ...(this.#gathered ? {} : { fill: css("--muster-accent-faint") }),
          points: { show: this.#xs.length < 40, size: 5 },
        },
        { label: "max", width: 0, points: { show: false } },
        { label: "min", width: 0, points: { show: false } },
      ],
      hooks: {
        setCursor: [(plot) => this.#showAt(plot)],
        setSelect: [(plot) => this.#selected(plot)],
      },
    };
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < ZOOM_PX) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const since = plot.posToVal(left, "x") * 1_000;
    const until = plot.posToVal(left + width, "x") * 1_000;
    if (until - since >= ZOOM_MS) this.#zoom(Math.floor(since), Math.ceil(until));
  }

  #showAt(plot: uPlot): void {
    const index = plot.cursor.idx;
    if (index === null || index === undefined) {
      this.#value.textContent = format(this.#ys.at(-1));
      return;
    }
    const at = this.#xs[index];
    const [low, high] = [this.#low[index], this.#high[index]];
    const spread = this.#gathered && low !== high ? ` (${format(low)} – ${format(high)})` : "";
    this.#value.textContent = `${format(this.#ys[index])}${spread}${at ? ` · ${fullTime(at * 1_000)}` : ""}`;
  }
}
