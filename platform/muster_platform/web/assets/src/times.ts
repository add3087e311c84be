/** Writes times in the reader's zone; the UTC form stands in the tooltip. */
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const stamp = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** Says how long ago (or ahead) ts (ms since the epoch) is, seen from now. */
export function ago(ts: number, now: number = Date.now()): string {
  const delta = ts - now;
  for (const [unit, size] of UNITS) {
    if (Math.abs(delta) >= size) return relative.format(Math.trunc(delta / size), unit);
  }
  if (Math.abs(delta) < 5_000) return "just now";
  return relative.format(Math.trunc(delta / 1_000), "second");
}

/** Gives the clock time, with the day in front where it is not today. */
export function clockTime(ts: number, now: number = Date.now()): string {
  const date = new Date(ts);
  const today = new Date(now).toDateString() === date.toDateString();
  return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

/** Gives date and time in the reader's zone. */
export function fullTime(ts: number): string {
  return stamp.format(new Date(ts));
}

/** Gives the UTC form that tooltips show. */
export function utc(ts: number): string {
  return new Date(ts).toISOString().replace("T", " ").replace("Z", " UTC");
}

/** Fills every <time data-ts> below root; data-form is relative (default), full or clock. */
export function renderTimes(root: ParentNode = document): void {
  for (const element of root.querySelectorAll<HTMLElement>("time[data-ts]")) {
    const ts = Number(element.dataset.ts);
    if (!Number.isFinite(ts) || Math.abs(ts) > 8.64e15) continue;
    const form = element.dataset.form ?? "relative";
    const text = form === "full" ? fullTime(ts) : form === "clock" ? clockTime(ts) : ago(ts);
    if (element.textContent !== text) element.textContent = text;
    element.title ||= form === "full" ? utc(ts) : `${fullTime(ts)}\n${utc(ts)}`;
  }
}

/** Keeps relative times true while the page is looked at. */
export function keepTimes(): void {
  renderTimes();
  window.setInterval(() => {
    if (!document.hidden) renderTimes();
  }, 10_000);
}
