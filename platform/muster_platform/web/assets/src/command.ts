/** The form that sends a command: arguments are checked as JSON while they are typed. */

/** Gives what is wrong with the text, or "" where it is one JSON object or nothing. */
export function faultOf(text: string): string {
  if (!text.trim()) return "";
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return "";
    return 'Arguments must be one JSON object, such as {"seconds": 5}.';
  } catch (error) {
    return `Not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Binds the form with data-command-form. */
export function bindCommandForm(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-command-form]");
  const args = form?.querySelector<HTMLTextAreaElement>("[name=args]");
  const hint = form?.querySelector<HTMLElement>("[data-args-fault]");
  if (!form || !args || !hint) return;
  const check = (): boolean => {
    const fault = faultOf(args.value);
    args.classList.toggle("is-invalid", fault !== "");
    args.setAttribute("aria-invalid", String(fault !== ""));
    hint.textContent = fault;
    return fault === "";
  };
  args.addEventListener("input", check);
  form.addEventListener("submit", (event) => {
    if (check()) return;
    event.preventDefault();
    args.focus();
  });
}
