/**
 * A device's log as it is written: <section data-logtail data-url="…" data-topic="…">.
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
  records?: (Omit<LogRecord, "level"> & { level: number })[];
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
    const topic = section.dataset.topic;
    if (topic) live?.on(topic, (data) => this.#receive((data as PushedPage).records ?? []));
    live?.onRefresh(() => void this.#load(true));
    void this.#load();
  }

  /** Fetches what the filters choose; adds what is new, or begins anew. */
  async #load(add = false): Promise<void> {
    const url = new URL(this.#section.dataset.url ?? "", location.href);
    if (this.#level?.value) url.searchParams.set("level", this.#level.value);
    if (this.#text?.value) url.searchParams.set("text", this.#text.value);
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
      this.#waiting = [...this.#waiting, ...wanted].slice(-KEPT_ROWS);
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
  item.className = "log-row";
  item.dataset.level = record.level;
  item.dataset.id = record.id;
  item.dataset.at = String(record.ts);
  if (record.exception !== undefined) item.dataset.whole = "yes";
  const time = document.createElement("time");
  time.className = "log-time";
  time.textContent = clockTime(record.ts);
  time.title = `${fullTime(record.ts)}\n${utc(record.ts)}`;
  item.append(time, span("log-level", record.level));
  const body = span("log-body", "");
  if (record.logger) body.append(span("log-logger", record.logger), " ");
  body.append(record.message);
  if (record.exception) body.append(exception(record.exception));
  item.append(body);
  return item;
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
