/** Requests to our own site, carrying the CSRF token that the cookie mirrors. */
function cookie(name: string): string {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

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

/** Posts a form's fields and gives the answer, or undefined where the network failed. */
export async function post(url: string, body: FormData): Promise<Response | undefined> {
  try {
    return await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "X-CSRF-TOKEN": cookie("csrf_access_token"), "X-Requested-With": "fetch" },
      body,
    });
  } catch {
    return undefined;
  }
}
