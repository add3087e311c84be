/**
 * A device's log as it is written: <section data-logtail data-url="…" data-topic="…">; or that of
 * many devices: data-tail instead of a topic, filters named by data-tail-field.
 *
 * Rows are made with textContent only: whatever a device says stays text.
 */
import { getJson } from "./http";
import { liveClient } from "./live";
import { clockTime, fullTime, utc } from "./times";

export interface LogRecord {
  id: string;
  ts: number;
  level: string;
  logger: string;
  message: string;
  device?: string;
  exception?: { type: string; message: string; stacktrace: string } | null;
}

interface Page {
  records: LogRecord[];
}

/** What is pushed: short, without exceptions, the level as a number. */
interface PushedPage {
  records?: (Omit<LogRecord, "level"> & { level: number; fault?: string | null })[];
  device?: string;
  left_out?: number;
}

const KEPT_ROWS = 1_000;
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const TYPING_MS = 300;
const FILL_IN_MS = 2_000;

class LogTail {
  #section: HTMLElement;
  #list: HTMLElement;
  #level: HTMLSelectElement | null;
  #text: HTMLInputElement | null;
  #pauseButton: HTMLButtonElement | null;
  #more: HTMLButtonElement | null;
  #rows = new Map<string, HTMLLIElement>();
  #fillIn = 0;
  #waiting: LogRecord[] = [];
  #paused = false;
  #fields: (HTMLInputElement | HTMLSelectElement)[];
  #dropped = 0;

  constructor(section: HTMLElement) {
    this.#section = section;
    this.#list = section.querySelector<HTMLElement>("[data-log-list]")!;
    this.#level = section.querySelector("[data-log-level]");
    this.#text = section.querySelector("[data-log-text]");
    this.#pauseButton = section.querySelector("[data-log-pause]");
    this.#more = section.querySelector("[data-log-more]");
    this.#level?.addEventListener("change", () => void this.#load());
    let timer = 0;
    this.#text?.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void this.#load(), TYPING_MS);
    });
    this.#pauseButton?.addEventListener("click", () => this.#pause(!this.#paused));
    this.#more?.addEventListener("click", () => this.#toEnd());
    this.#list.addEventListener("scroll", () => this.#showMore(false));
    const live = liveClient();
    this.#fields = [...section.querySelectorAll<HTMLInputElement>("[data-tail-field]")];
    if (section.hasAttribute("data-tail")) this.#follow();
    const topic = section.dataset.topic;
    if (topic) live?.on(topic, (data) => this.#receive((data as PushedPage).records ?? []));
    live?.onRefresh(() => void this.#load(true));
    void this.#load();
  }

  /** Follows many devices: the server applies the filters. */
  #follow(): void {
    const live = liveClient();
    let timer = 0;
    const begin = (): void => {
      live?.tail(this.#filter(), (data) => this.#receiveMany(data as PushedPage));
      void this.#load();
    };
    for (const field of this.#fields) {
      field.addEventListener("input", () => {
        window.clearTimeout(timer);
        timer = window.setTimeout(begin, TYPING_MS);
      });
    }
    const form = this.#section.querySelector("form");
    form?.addEventListener("submit", (event) => event.preventDefault());
    live?.addEventListener("lagged", (event) => this.#missed(Number((event as CustomEvent).detail)));
    live?.addEventListener("denied", (event) => this.#deny((event as CustomEvent).detail));
    live?.tail(this.#filter(), (data) => this.#receiveMany(data as PushedPage));
  }

  #filter(): Record<string, string | number> {
    const given = this.#fields.filter((field) => field.value.trim() !== "");
    return Object.fromEntries(
      given.map((field) => {
        const name = field.dataset.tailField ?? "";
        return [name, name === "group" ? Number(field.value) : field.value.trim()];
      }),
    );
  }

  #receiveMany(pushed: PushedPage): void {
    this.#missed(pushed.left_out ?? 0);
    this.#receive((pushed.records ?? []).map((one) => ({ ...one, device: pushed.device ?? "" })));
  }

  /** Tells how many records were not shown, since this began. */
  #missed(count: number): void {
    this.#dropped += count;
    const sign = this.#section.querySelector("[data-log-dropped]");
    if (sign && this.#dropped) sign.textContent = `${this.#dropped.toLocaleString()} not shown`;
  }

  #deny(message: { topic?: string; reason?: string }): void {
    const sign = this.#section.querySelector("[data-log-dropped]");
    if (sign && message.topic === "tail") sign.textContent = message.reason ?? "";
  }

  /** Fetches what the filters choose; adds what is new, or begins anew. */
  async #load(add = false): Promise<void> {
    const url = new URL(this.#section.dataset.url ?? "", location.href);
    if (this.#level?.value) url.searchParams.set("level", this.#level.value);
    if (this.#text?.value) url.searchParams.set("text", this.#text.value);
    for (const [name, value] of Object.entries(this.#filter())) {
      url.searchParams.set(name, String(value));
    }
    const page = await getJson<Page>(url.href);
    if (!page) return;
    if (!add) {
      this.#rows.clear();
      this.#waiting = [];
      this.#list.replaceChildren();
    }
    this.#append(page.records);
    if (!add) this.#toEnd();
    this.#section.classList.toggle("is-empty", this.#list.childElementCount === 0);
  }

  #receive(pushed: NonNullable<PushedPage["records"]>): void {
    const records = pushed.map((one) => ({ ...one, level: LEVELS[one.level / 10 - 1] ?? "" }));
    const wanted = records.filter((record) => this.#matches(record));
    if (this.#paused) {
      const all = [...this.#waiting, ...wanted];
      this.#waiting = all.slice(-KEPT_ROWS);
      this.#missed(all.length - this.#waiting.length);
      this.#pauseLabel();
      return;
    }
    this.#append(wanted);
    // What is pushed is cut short: the whole records follow, for many pushes once.
    this.#fillIn ||= window.setTimeout(() => {
      this.#fillIn = 0;
      if (!this.#paused) void this.#load(true);
    }, FILL_IN_MS);
  }

  #matches(record: LogRecord): boolean {
    const least = LEVELS.indexOf(this.#level?.value ?? "");
    if (least > 0 && LEVELS.indexOf(record.level) < least) return false;
    const text = this.#text?.value.trim().toLowerCase();
    return !text || `${record.logger} ${record.message}`.toLowerCase().includes(text);
  }

  #append(records: LogRecord[]): void {
    const atEnd = this.#atEnd();
    let isNew = false;
    for (const record of records) {
      const known = this.#rows.get(record.id);
      if (known) {
        if (record.exception !== undefined) this.#complete(known, record);
        continue;
      }
      isNew = true;
      this.#insert(record);
    }
    if (!isNew) return;
    while (this.#list.childElementCount > KEPT_ROWS) this.#drop(this.#list.firstElementChild);
    this.#section.classList.remove("is-empty");
    if (atEnd) this.#toEnd();
    else this.#showMore(true);
  }

  #insert(record: LogRecord): void {
    const added = row(record);
    this.#rows.set(record.id, added);
    let before = this.#list.lastElementChild;
    while (before instanceof HTMLElement && Number(before.dataset.at) > record.ts) {
      before = before.previousElementSibling;
    }
    if (before) before.after(added);
    else this.#list.prepend(added);
  }

  #complete(known: HTMLLIElement, record: LogRecord): void {
    if (known.dataset.whole) return;
    const whole = row(record);
    known.replaceWith(whole);
    this.#rows.set(record.id, whole);
  }

  #drop(first: Element | null): void {
    if (first instanceof HTMLElement && first.dataset.id) this.#rows.delete(first.dataset.id);
    first?.remove();
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#append(waiting);
    }
    this.#pauseLabel();
  }

  #pauseLabel(): void {
    const label = this.#pauseButton?.querySelector("[data-log-pause-label]");
    if (!label || !this.#pauseButton) return;
    this.#pauseButton.setAttribute("aria-pressed", String(this.#paused));
    const more = this.#waiting.length ? ` (${this.#waiting.length})` : "";
    label.textContent = this.#paused ? `Resume${more}` : "Pause";
  }

  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < 40;
  }

  #toEnd(): void {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#showMore(false);
  }

  #showMore(isNew: boolean): void {
    if (!this.#more) return;
    if (isNew) this.#more.hidden = false;
    else if (this.#atEnd()) this.#more.hidden = true;
  }
}

function span(className: string, text: string): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}

function row(record: LogRecord): HTMLLIElement {
  const item = document.createElement("li");
  item.className = record.device ? "log-row wide" : "log-row";
  item.dataset.level = record.level;
  item.dataset.id = record.id;
  item.dataset.at = String(record.ts);
  if (record.exception !== undefined) item.dataset.whole = "yes";
  const time = document.createElement("time");
  time.className = "log-time";
  time.textContent = clockTime(record.ts);
  time.title = `${fullTime(record.ts)}\n${utc(record.ts)}`;
  item.append(time, span("log-level", record.level));
  if (record.device) item.append(deviceLink(record.device));
  const body = span("log-body", "");
  if (record.logger) body.append(span("log-logger", record.logger), " ");
  body.append(record.message);
  if (record.exception) body.append(exception(record.exception));
  item.append(body);
  return item;
}

function deviceLink(id: string): HTMLAnchorElement {
  const link = document.createElement("a");
  link.className = "log-device";
  link.href = `/admin/devices/${encodeURIComponent(id)}/`;
  link.textContent = id;
  return link;
}

function exception(error: NonNullable<LogRecord["exception"]>): HTMLElement {
  const details = document.createElement("details");
  details.className = "log-exception";
  const summary = document.createElement("summary");
  summary.textContent = error.message ? `${error.type}: ${error.message}` : error.type;
  const trace = document.createElement("pre");
  trace.textContent = error.stacktrace || "No stack trace was sent.";
  details.append(summary, trace);
  return details;
}

/** Binds every log tail of the page. */
export function bindLogTails(): void {
  for (const section of document.querySelectorAll<HTMLElement>("[data-logtail]")) new LogTail(section);
}
