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

const KEPT_ROWS = 1_000;
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const TYPING_MS = 300;

class LogTail {
  #section: HTMLElement;
  #list: HTMLElement;
  #level: HTMLSelectElement | null;
  #text: HTMLInputElement | null;
  #pauseButton: HTMLButtonElement | null;
  #more: HTMLButtonElement | null;
  #seen = new Set<string>();
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
    if (topic) live?.on(topic, (data) => this.#receive((data as Page).records ?? []));
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
      this.#seen.clear();
      this.#waiting = [];
      this.#list.replaceChildren();
    }
    this.#append(page.records);
    if (!add) this.#toEnd();
    this.#section.classList.toggle("is-empty", this.#list.childElementCount === 0);
  }

  #receive(records: LogRecord[]): void {
    const wanted = records.filter((record) => this.#matches(record));
    if (this.#paused) {
      this.#waiting = [...this.#waiting, ...wanted].slice(-KEPT_ROWS);
      this.#pauseLabel();
    } else {
      this.#append(wanted);
    }
  }

  #matches(record: LogRecord): boolean {
    const least = LEVELS.indexOf(this.#level?.value ?? "");
    if (least > 0 && LEVELS.indexOf(record.level) < least) return false;
    const text = this.#text?.value.trim().toLowerCase();
    return !text || `${record.logger} ${record.message}`.toLowerCase().includes(text);
  }

  #append(records: LogRecord[]): void {
    const fresh = records.filter((record) => !this.#seen.has(record.id));
    if (!fresh.length) return;
    const atEnd = this.#atEnd();
    const rows = document.createDocumentFragment();
    for (const record of fresh) {
      this.#seen.add(record.id);
      rows.append(row(record));
    }
    this.#list.append(rows);
    while (this.#list.childElementCount > KEPT_ROWS) this.#list.firstElementChild?.remove();
    if (this.#seen.size > 4 * KEPT_ROWS) this.#seen = new Set([...this.#seen].slice(-2 * KEPT_ROWS));
    this.#section.classList.remove("is-empty");
    if (atEnd) this.#toEnd();
    else this.#showMore(true);
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
