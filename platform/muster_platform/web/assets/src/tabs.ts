/** Strips of tabs that scroll: the present tab is brought into view. */
export function bindTabs(): void {
  for (const strip of document.querySelectorAll<HTMLElement>("nav.tabs")) {
    const tab = strip.querySelector<HTMLElement>('[aria-current="page"]');
    if (!tab || strip.scrollWidth <= strip.clientWidth) continue;
    strip.scrollLeft = tab.offsetLeft - strip.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2;
  }
}

/** Tables wider than their card: they can be reached and scrolled by the keyboard. */
export function bindScrollers(): void {
  const look = (): void => {
    for (const box of document.querySelectorAll<HTMLElement>(".list-scroll")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  look();
  window.addEventListener("resize", look);
  document.addEventListener("muster:fragment", look);
}
