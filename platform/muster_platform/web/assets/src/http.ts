/** Requests to our own site. Scripts only read; what changes something is a form. */
/** Fetches text of our site; undefined where it failed (the page keeps what it shows). */
export async function getText(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      credentials: "same-origin",
      headers: { "X-Requested-With": "fetch" },
    });
    return answer.ok && !answer.redirected ? await answer.text() : undefined;
  } catch {
    return undefined;
  }
}

/** Asks for an address and gives the status, 0 where the network failed. */
export async function getStatus(url: string): Promise<number> {
  try {
    const headers = { "X-Requested-With": "fetch" };
    return (await fetch(url, { credentials: "same-origin", headers })).status;
  } catch {
    return 0;
  }
}

/** Fetches JSON of our site; undefined where it failed. */
export async function getJson<T>(url: string): Promise<T | undefined> {
  const text = await getText(url);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
