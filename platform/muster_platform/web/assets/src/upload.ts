/** Uploads a file in pieces, shows how far it is, and goes on where it stopped. */

const PIECE_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 2_000;
const TRIES = 30;

interface Answer {
  status: number;
  body: { id?: string; received?: number; detail?: string; artifact?: unknown };
}

class Upload {
  #form: HTMLFormElement;
  #stopped = false;

  constructor(form: HTMLFormElement) {
    this.#form = form;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(file: File): Promise<void> {
    const url = await this.#begin(file);
    if (!url) return;
    let at = (await this.#ask("GET", url)).body.received ?? 0;
    for (let failed = 0; !this.#stopped; ) {
      this.#show(at, file.size);
      const piece = file.slice(at, at + PIECE_BYTES);
      const answer = await this.#ask("PATCH", `${url}?offset=${at}`, piece);
      if (answer.body.artifact) {
        localStorage.removeItem(key(this.#base, file, this.#chosen()));
        window.location.reload();
        return;
      }
      if (answer.body.received !== undefined) at = answer.body.received;
      failed = answer.status === 200 ? 0 : failed + 1;
      const lost = answer.status === 0 || answer.status === 409 || answer.status >= 500;
      if (failed > TRIES || (failed > 0 && !lost)) return this.#say(answer.body.detail ?? "The upload was refused.");
      if (failed > 0) {
        this.#say(`${answer.body.detail ?? "The connection was lost."} Trying again…`);
        await new Promise((done) => window.setTimeout(done, WAIT_MS));
      }
    }
    this.#say("Paused. Upload goes on where it stopped.");
  }

  /** Finds the upload that this browser began of the same file, or begins one. */
  async #begin(file: File): Promise<string | undefined> {
    const chosen = this.#chosen();
    const name = key(this.#base, file, chosen);
    const kept = localStorage.getItem(name);
    if (kept && (await this.#ask("GET", `${this.#base}/${kept}`)).status === 200) return `${this.#base}/${kept}`;
    const body = JSON.stringify({ name: file.name, size: file.size, ...chosen });
    const made = await this.#ask("POST", this.#base, body, "application/json");
    if (!made.body.id || made.status !== 201) {
      this.#say(made.body.detail ?? "The upload could not begin.");
      return undefined;
    }
    localStorage.setItem(name, made.body.id);
    return `${this.#base}/${made.body.id}`;
  }

  /** Gives for which component and profile the file is; "" for all. */
  #chosen(): Record<string, string> {
    const lists = this.#form.querySelectorAll<HTMLSelectElement>("select[name]");
    return Object.fromEntries([...lists].map((list) => [list.name, list.value]));
  }

  get #base(): string {
    return this.#form.dataset.upload ?? "";
  }

  async #ask(method: string, url: string, body?: Blob | string, type = "application/octet-stream"): Promise<Answer> {
    const headers = { "Content-Type": type, "X-CSRF-TOKEN": this.#form.dataset.csrf ?? "" };
    try {
      const answer = await fetch(url, { method, body, headers, credentials: "same-origin" });
      return { status: answer.status, body: (await answer.json()) as Answer["body"] };
    } catch {
      return { status: 0, body: {} };
    }
  }

  #show(done: number, size: number): void {
    const bar = this.#form.querySelector("progress");
    if (bar) {
      bar.hidden = false;
      bar.value = done / size;
    }
    this.#say(`${Math.floor((100 * done) / size)} % of ${size.toLocaleString()} bytes`);
  }

  #say(text: string): void {
    const state = this.#form.querySelector("[data-upload-state]");
    if (state) state.textContent = text;
  }
}

/** Names a file as this browser knows it: another one of the same name begins anew. */
function key(base: string, file: File, chosen: Record<string, string>): string {
  return ["muster.upload", base, file.name, file.size, file.lastModified, ...Object.values(chosen)].join(":");
}

/** Binds the form that uploads files. */
export function bindUploads(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-upload]")) {
    const stop = form.querySelector<HTMLButtonElement>("[data-upload-stop]");
    const start = form.querySelector<HTMLButtonElement>("button:not([type=button])");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const file = form.querySelector<HTMLInputElement>("input[type=file]")?.files?.[0];
      if (!file || !stop || !start) return;
      const upload = new Upload(form);
      stop.onclick = () => upload.stop();
      stop.hidden = false;
      start.disabled = true;
      void upload.run(file).finally(() => {
        stop.hidden = true;
        start.disabled = false;
      });
    });
  }
}
