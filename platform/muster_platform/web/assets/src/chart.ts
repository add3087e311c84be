/**
 * Telemetry of one device: a small chart per metric, over one range, with one shared cursor.
 *
 * <section data-charts data-url="…" data-topic="…"> holds buttons [data-range="ms"], ticks
 * [data-metric] and the box [data-chart-box].
 */
import uPlot from "uplot";
import { getJson, getText } from "./http";
import { liveClient } from "./live";
import { ago, fullTime, renderTimes } from "./times";

interface Series {
  name: string;
  ts: number[];
  mean: number[];
}

interface Latest {
  name: string;
  text: string;
  ts: number;
}

interface Answer {
  from: number;
  to: number;
  series: Series[];
  latest: Latest[];
}

/** What is pushed: the newest value of each metric in a batch. */
interface Pushed {
  values?: Record<string, { ts: number; value: number | string }>;
}

const HEIGHT_PX = 136;
const KEPT_POINTS = 5_000;
const REDRAW_MS = 250;

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 }).format(value);
}

function shown(value: number | string): string {
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : value;
}

function showLatest({ name, text, ts }: Latest): void {
  const key = CSS.escape(name);
  const value = document.querySelector<HTMLElement>(`[data-latest="${key}"]`);
  const when = document.querySelector<HTMLElement>(`[data-latest-at="${key}"]`);
  if (!value || !when || Number(when.dataset.ts) > ts) return;
  value.textContent = text;
  when.dataset.ts = String(ts);
  when.textContent = ago(ts);
  when.title = "";
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

class Chart {
  readonly name: string;
  #box: HTMLElement;
  #value: HTMLElement;
  #plot: uPlot | undefined;
  #xs: number[] = [];
  #ys: (number | null)[] = [];
  #from = 0;
  #to = 0;

  constructor(parent: HTMLElement, name: string) {
    this.name = name;
    const figure = document.createElement("figure");
    figure.className = "metric-chart";
    const caption = document.createElement("figcaption");
    const label = document.createElement("span");
    label.textContent = name;
    this.#value = document.createElement("output");
    caption.append(label, this.#value);
    this.#box = document.createElement("div");
    this.#box.className = "metric-plot";
    figure.append(caption, this.#box);
    parent.append(figure);
  }

  set(series: Series | undefined, from: number, to: number): void {
    this.#from = from;
    this.#to = to;
    this.#xs = series ? series.ts.map((ts) => ts / 1_000) : [];
    this.#ys = series ? [...series.mean] : [];
    this.draw(true);
  }

  push(ts: number, value: number): void {
    const last = this.#xs.at(-1);
    if (last !== undefined && ts / 1_000 < last) return;
    this.#xs.push(ts / 1_000);
    this.#ys.push(value);
    if (this.#xs.length > KEPT_POINTS) {
      this.#xs.splice(0, KEPT_POINTS / 10);
      this.#ys.splice(0, KEPT_POINTS / 10);
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
      this.#plot = empty ? undefined : new uPlot(this.#options(), [this.#xs, this.#ys], this.#box);
      return;
    }
    this.#plot.setData([this.#xs, this.#ys], false);
    this.#plot.setScale("x", { min: this.#from / 1_000, max: this.#to / 1_000 });
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
      cursor: { sync: { key: "device" }, points: { size: 7 }, drag: { x: false, y: false } },
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
          fill: css("--muster-accent-faint"),
          points: { show: this.#xs.length < 40, size: 5 },
        },
      ],
      hooks: { setCursor: [(plot) => this.#showAt(plot)] },
    };
  }

  #showAt(plot: uPlot): void {
    const index = plot.cursor.idx;
    if (index === null || index === undefined) {
      this.#value.textContent = format(this.#ys.at(-1));
      return;
    }
    const at = this.#xs[index];
    this.#value.textContent = `${format(this.#ys[index])}${at ? ` · ${fullTime(at * 1_000)}` : ""}`;
  }
}

class Charts {
  #section: HTMLElement;
  #box: HTMLElement;
  #charts: Chart[] = [];
  #rangeMs: number;
  #dirty = false;

  constructor(section: HTMLElement) {
    this.#section = section;
    this.#box = section.querySelector<HTMLElement>("[data-chart-box]")!;
    this.#rangeMs = Number(section.dataset.rangeMs ?? 900_000);
    for (const button of section.querySelectorAll<HTMLButtonElement>("[data-range]")) {
      button.addEventListener("click", () => this.#range(Number(button.dataset.range)));
    }
    section.addEventListener("change", () => void this.#load());
    new ResizeObserver(() => this.#charts.forEach((chart) => chart.resize())).observe(this.#box);
    document.documentElement.addEventListener("muster:theme", () => {
      this.#charts.forEach((chart) => chart.draw(true));
    });
    const live = liveClient();
    const topic = section.dataset.topic;
    if (topic) live?.on(topic, (data) => this.#receive(data as Pushed));
    live?.onRefresh(() => void this.#load());
    window.setInterval(() => this.#redraw(), REDRAW_MS);
    this.#range(this.#rangeMs);
  }

  #range(ms: number): void {
    this.#rangeMs = ms;
    for (const button of this.#section.querySelectorAll<HTMLButtonElement>("[data-range]")) {
      const isOn = Number(button.dataset.range) === ms;
      button.classList.toggle("active", isOn);
      button.setAttribute("aria-pressed", String(isOn));
    }
    void this.#load();
  }

  #names(): string[] {
    const ticks = this.#section.querySelectorAll<HTMLInputElement>("input[data-metric]:checked");
    return [...ticks].map((tick) => tick.value);
  }

  async #load(): Promise<void> {
    const names = this.#names();
    if (names.join("\n") !== this.#charts.map((chart) => chart.name).join("\n")) {
      this.#box.replaceChildren();
      this.#charts = names.map((name) => new Chart(this.#box, name));
    }
    if (!names.length) return;
    const url = new URL(this.#section.dataset.url ?? "", location.href);
    url.searchParams.set("range_ms", String(this.#rangeMs));
    for (const name of names) url.searchParams.append("metric", name);
    const answer = await getJson<Answer>(url.href);
    if (!answer) return;
    answer.latest.forEach(showLatest);
    for (const chart of this.#charts) {
      const series = answer.series.find((one) => one.name === chart.name);
      chart.set(series, answer.from, answer.to);
    }
  }

  #receive(data: Pushed): void {
    for (const [name, { ts, value }] of Object.entries(data.values ?? {})) {
      const cell = this.#section.querySelector(`[data-latest="${CSS.escape(name)}"]`);
      const text = cell?.hasAttribute("data-boolean") ? (value ? "yes" : "no") : shown(value);
      showLatest({ name, ts, text });
      if (typeof value !== "number") continue;
      this.#charts.find((chart) => chart.name === name)?.push(ts, value);
      this.#dirty = true;
    }
  }

  #redraw(): void {
    if (!this.#dirty || document.hidden) return;
    this.#dirty = false;
    for (const chart of this.#charts) {
      chart.slide(Date.now());
      chart.draw();
    }
  }
}

/** Waits for the first value of a device that has none yet, and takes the section as drawn then. */
function awaitFirst(section: HTMLElement): void {
  const live = liveClient();
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy || !section.isConnected) return;
    busy = true;
    const html = await getText(location.href);
    const page = new DOMParser().parseFromString(html ?? "", "text/html");
    const drawn = page.querySelector<HTMLElement>("[data-charts]");
    if (drawn?.querySelector("[data-chart-box]")) {
      section.replaceWith(drawn);
      renderTimes(drawn);
      new Charts(drawn);
    }
    busy = false;
  };
  if (section.dataset.topic) live?.on(section.dataset.topic, () => void look());
  live?.onRefresh(() => void look());
}

/** Binds the charts of the page. */
export function bindCharts(): void {
  for (const section of document.querySelectorAll<HTMLElement>("[data-charts]")) {
    if (section.querySelector("[data-chart-box]")) new Charts(section);
    else awaitFirst(section);
  }
}
