/** Strips of tabs that scroll: the present tab is brought into view. */
export function bindTabs(): void {
  for (const strip of document.querySelectorAll<HTMLElement>("nav.tabs")) {
    const tab = strip.querySelector<HTMLElement>('[aria-current="page"]');
    if (!tab || strip.scrollWidth <= strip.clientWidth) continue;
    strip.scrollLeft = tab.offsetLeft - strip.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2;
  }
}
