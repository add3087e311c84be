/**
 * Telemetry of one device: a small chart per metric, over one time, with one shared cursor.
 *
 * The server gathers: of each bucket the mean is drawn as a line and min to max as a band behind
 * it. Dragging over a chart asks for that time more closely; a double click goes back.
 *
 * <section data-charts data-url="…" data-topic="…"> holds buttons [data-range="ms"], ticks
 * [data-metric], the box [data-chart-box], and [data-window…] for a time of one's own.
 */
import { getJson, getText } from "./http";
import { liveClient } from "./live";
import { Chart, type Series } from "./plot";
import { ago, renderTimes } from "./times";

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

const REDRAW_MS = 250;

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

/** Writes a time in short, for the button that chooses it. */
function between(from: number, to: number): string {
  const form = new Intl.DateTimeFormat(undefined, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return form.formatRange(new Date(from), new Date(to));
}

/** Writes a moment as <input type="datetime-local"> takes it, in the reader's zone. */
function localInput(ms: number): string {
  const zone = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - zone).toISOString().slice(0, 19);
}

class Charts {
  #section: HTMLElement;
  #box: HTMLElement;
  #charts: Chart[] = [];
  #rangeMs: number;
  /** A time of one's own, which does not move on. */
  #window: { since: number; until: number } | undefined;
  #dirty = false;

  constructor(section: HTMLElement) {
    this.#section = section;
    this.#box = section.querySelector<HTMLElement>("[data-chart-box]")!;
    this.#rangeMs = Number(section.dataset.rangeMs ?? 900_000);
    for (const button of section.querySelectorAll<HTMLButtonElement>("[data-range]")) {
      button.addEventListener("click", () => this.#range(Number(button.dataset.range)));
    }
    section.addEventListener("change", (event) => {
      if ((event.target as HTMLElement).matches("[data-metric]")) void this.#load();
    });
    section.querySelector("[data-window-apply]")?.addEventListener("click", () => this.#custom());
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
    this.#window = undefined;
    for (const button of this.#section.querySelectorAll<HTMLButtonElement>("[data-range]")) {
      const isOn = Number(button.dataset.range) === ms;
      button.classList.toggle("active", isOn);
      button.setAttribute("aria-pressed", String(isOn));
    }
    void this.#load();
  }

  /** Shows [since, until) more closely; the chart where one dragged tells its neighbours, too. */
  #show(since: number, until: number): void {
    if (this.#window?.since === since && this.#window.until === until) return;
    this.#window = { since, until };
    for (const button of this.#section.querySelectorAll<HTMLButtonElement>("[data-range]")) {
      button.classList.remove("active");
      button.setAttribute("aria-pressed", "false");
    }
    void this.#load();
  }

  #custom(): void {
    const read = (name: string): number =>
      new Date(this.#section.querySelector<HTMLInputElement>(name)?.value ?? "").getTime();
    const [since, until] = [read("[data-window-since]"), read("[data-window-until]")];
    if (since < until) this.#show(since, until);
  }

  #tellWindow(from: number, to: number): void {
    const write = (name: string, ms: number): void => {
      const input = this.#section.querySelector<HTMLInputElement>(name);
      if (input && document.activeElement !== input) input.value = localInput(ms);
    };
    write("[data-window-since]", from);
    write("[data-window-until]", to);
    const label = this.#section.querySelector<HTMLElement>("[data-window]");
    if (label) label.textContent = this.#window ? between(from, to) : "Custom";
    const csv = this.#section.querySelector<HTMLAnchorElement>("[data-csv]");
    if (!csv) return;
    const url = new URL(csv.href);
    url.search = "";
    for (const name of this.#names()) url.searchParams.append("metric", name);
    url.searchParams.set("since", String(from));
    url.searchParams.set("until", String(to));
    csv.href = url.href;
  }

  #names(): string[] {
    const ticks = this.#section.querySelectorAll<HTMLInputElement>("input[data-metric]:checked");
    return [...ticks].map((tick) => tick.value);
  }

  async #load(): Promise<void> {
    const names = this.#names();
    if (names.join("\n") !== this.#charts.map((chart) => chart.name).join("\n")) {
      this.#box.replaceChildren();
      const zoom = (since: number, until: number): void => this.#show(since, until);
      const reset = (): void => this.#range(this.#rangeMs);
      this.#charts = names.map((name) => new Chart(this.#box, name, zoom, reset));
    }
    if (!names.length) return;
    const url = new URL(this.#section.dataset.url ?? "", location.href);
    const asked = this.#window;
    if (asked) {
      url.searchParams.set("since", String(asked.since));
      url.searchParams.set("until", String(asked.until));
    } else url.searchParams.set("range_ms", String(this.#rangeMs));
    for (const name of names) url.searchParams.append("metric", name);
    const answer = await getJson<Answer>(url.href);
    if (!answer || asked !== this.#window) return;
    answer.latest.forEach(showLatest);
    this.#tellWindow(answer.from, answer.to);
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
      if (typeof value !== "number" || this.#window) continue;
      this.#charts.find((chart) => chart.name === name)?.push(ts, value);
      this.#dirty = true;
    }
  }

  #redraw(): void {
    if (!this.#dirty || document.hidden || this.#window) return;
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
