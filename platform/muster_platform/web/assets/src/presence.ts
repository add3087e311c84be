/** Counts of devices heard while a page is open; the badge itself is a fragment. */
import { liveClient } from "./live";

/** Shows "heard just now" beside a device's name when anything of it arrives. */
export function bindPresence(): void {
  const live = liveClient();
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-heard-topic]")) {
    for (const topic of element.dataset.heardTopic?.split(" ") ?? []) {
      live?.on(topic, () => {
        element.dataset.ts = String(Date.now());
        element.textContent = "just now";
        element.title = "";
      });
    }
  }
}
