/** Sets dark or light before the first paint; the choice is remembered, "auto" follows the system. */
const KEY = "muster-theme";
const root = document.documentElement;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function choice(): string {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto"; // storage may be forbidden; the system's wish still holds
  }
}

function apply(): void {
  const wanted = choice();
  const theme = wanted === "dark" || (wanted === "auto" && dark.matches) ? "dark" : "light";
  root.dataset.bsTheme = theme;
  root.dataset.themeChoice = wanted;
  root.dispatchEvent(new CustomEvent("muster:theme", { detail: theme }));
}

function onClick(event: Event): void {
  const target = event.target instanceof Element ? event.target.closest("[data-set-theme]") : null;
  if (!(target instanceof HTMLElement)) return;
  try {
    localStorage.setItem(KEY, target.dataset.setTheme ?? "auto");
  } catch {
    root.dataset.themeChoice = target.dataset.setTheme;
  }
  apply();
}

root.classList.add("js");
apply();
dark.addEventListener("change", apply);
document.addEventListener("click", onClick);
