/** The browser's end of `muster live`: one WebSocket, many topics, polling where it is away. */
import { getStatus } from "./http";

export type LiveState = "connecting" | "live" | "reconnecting" | "polling";
export type Listener = (data: unknown, topic: string) => void;

interface Envelope {
  type: "event" | "ping" | "lagged" | "denied" | "subscribed" | "bye";
  topic?: string;
  data?: unknown;
  reason?: string;
  records?: number;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const SILENCE_MS = 45_000;
const POLL_MS = 5_000;
const FAILURES_BEFORE_POLLING = 2;
const SIGNED_OUT = 4401;
const TAIL = "tail";
const RENEW_URL = "/admin/session";

/** Subscribes to topics and hands out what comes; says in words how it stands. */
export class LiveClient extends EventTarget {
  #listeners = new Map<string, Set<Listener>>();
  #refreshers = new Set<() => void>();
  #tail: { filter: object; listener: Listener } | undefined;
  #socket: WebSocket | undefined;
  #failures = 0;
  #heardAt = 0;
  #over = false;
  #state: LiveState = "connecting";
  #url: string;

  constructor(url: string) {
    super();
    this.#url = url;
    window.setInterval(() => this.#watch(), 5_000);
    window.setInterval(() => this.#poll(), POLL_MS);
    window.addEventListener("online", () => this.#connect());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#state !== "live") this.#connect();
    });
  }

  /** Says whether this page listens to anything. */
  get listens(): boolean {
    return this.#listeners.size > 0 || this.#tail !== undefined;
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Calls the listener for each event on the topic. */
  on(topic: string, listener: Listener): void {
    const known = this.#listeners.get(topic);
    if (known) {
      known.add(listener);
      return;
    }
    this.#listeners.set(topic, new Set([listener]));
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send({ op: "subscribe", topics: [topic] });
    if (!this.#socket) this.#connect();
  }

  /** Follows the log records of many devices that the filter chooses, instead of those before. */
  tail(filter: object, listener: Listener): void {
    this.#tail = { filter, listener };
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send({ op: "tail", filter });
    if (!this.#socket) this.#connect();
  }

  /** Registers what fetches the present state: after a gap, and in turn while polling. */
  onRefresh(refresh: () => void): void {
    this.#refreshers.add(refresh);
  }

  #connect(): void {
    if (this.#over) return;
    const state = this.#socket?.readyState;
    if (state === WebSocket.OPEN || state === WebSocket.CONNECTING || !this.listens) return;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#heardAt = Date.now();
      this.#send({ op: "subscribe", topics: [...this.#listeners.keys()] });
      if (this.#tail) this.#send({ op: "tail", filter: this.#tail.filter });
    });
    socket.addEventListener("message", (event) => this.#receive(String(event.data)));
    socket.addEventListener("close", (event) => {
      if (socket === this.#socket) this.#lost(event.code);
    });
  }

  #lost(code: number): void {
    this.#socket = undefined;
    this.#failures += 1;
    if (code === SIGNED_OUT) void this.#renew();
    this.#become(this.#failures > FAILURES_BEFORE_POLLING ? "polling" : "reconnecting");
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 8));
    window.setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
  }

  /** Asks the site, which exchanges a token that has run out; refused, nothing is left to do. */
  async #renew(): Promise<void> {
    if ((await getStatus(RENEW_URL)) !== 401) return;
    this.#over = true;
    this.dispatchEvent(new CustomEvent("signedout"));
  }

  #receive(text: string): void {
    this.#heardAt = Date.now();
    const message = JSON.parse(text) as Envelope;
    if (message.type === "event" && message.topic === TAIL) {
      this.#tail?.listener(message.data, TAIL);
    } else if (message.type === "event" && message.topic) {
      for (const listener of this.#listeners.get(message.topic) ?? []) {
        listener(message.data, message.topic);
      }
    } else if (message.type === "subscribed") {
      this.#failures = 0;
      if (this.#state === "live") return;
      this.#become("live");
      // What happened between the drawing of the page (or the loss) and now was told to nobody.
      this.#refresh();
    } else if (message.type === "lagged") {
      this.dispatchEvent(new CustomEvent("lagged", { detail: message.records ?? 0 }));
      this.#refresh();
    } else if (message.type === "denied" && message.topic) {
      this.#listeners.delete(message.topic);
      this.dispatchEvent(new CustomEvent("denied", { detail: message }));
    } else if (message.type === "ping") {
      this.#send({ op: "pong" });
    }
  }

  #watch(): void {
    // A half-open connection never closes by itself: silence longer than two heartbeats ends it.
    if (this.#state === "live" && Date.now() - this.#heardAt > SILENCE_MS) this.#socket?.close();
  }

  #poll(): void {
    if (this.#state === "polling" && !this.#over && !document.hidden) this.#refresh();
  }

  #refresh(): void {
    for (const refresh of this.#refreshers) refresh();
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

let client: LiveClient | undefined;

/** Gives the page's one client, or undefined where the page names no address for it. */
export function liveClient(): LiveClient | undefined {
  const url = document.querySelector<HTMLMetaElement>('meta[name="muster-live"]')?.content;
  if (!url) return undefined;
  client ??= new LiveClient(new URL(url, location.href).href.replace(/^http/, "ws"));
  return client;
}

const WORDS: Record<LiveState, string> = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  polling: "Updating every 5 s",
};

/** Shows in words how the page is kept up to date. */
export function showLiveState(): void {
  const sign = document.querySelector<HTMLElement>("[data-live-state]");
  const text = sign?.querySelector<HTMLElement>("[data-live-text]");
  if (!client?.listens || !sign || !text) return;
  const write = (state: LiveState): void => {
    sign.hidden = false;
    sign.dataset.liveState = state;
    text.textContent = WORDS[state];
  };
  write(client.state);
  client.addEventListener("state", (event) => write((event as CustomEvent<LiveState>).detail));
  client.addEventListener("signedout", () => {
    text.textContent = "Signed out - sign in again";
  });
}
