/** How hard a new password is to guess, told while it is typed; nothing leaves the page. */

const STEPS = [28, 45, 60, 80];
const WORDS = ["Very easy to guess", "Easy to guess", "Fair", "Good", "Very good"];

/** Estimates bits by length and variety; repeated and neighbouring characters count little. */
export function bits(text: string): number {
  const chars = [...text];
  const each = Math.log2(Math.max(2, new Set(chars).size));
  let weight = 0;
  chars.forEach((char, at) => {
    const step = at === 0 ? 9 : Math.abs(char.codePointAt(0)! - chars[at - 1].codePointAt(0)!);
    weight += step <= 1 ? 0.3 : 1;
  });
  return weight * each;
}

/** Gives 0 (very easy to guess) to 4 (very good). */
export function grade(text: string): number {
  const found = bits(text);
  return STEPS.filter((step) => found >= step).length;
}

/** Shows a meter below each field for a new password. */
export function bindStrength(): void {
  for (const field of document.querySelectorAll<HTMLInputElement>("[data-strength]")) {
    const meter = field.parentElement?.querySelector<HTMLMeterElement>("meter.strength");
    if (!meter) continue;
    field.addEventListener("input", () => {
      const found = grade(field.value);
      meter.hidden = field.value === "";
      meter.value = found;
      meter.title = WORDS[found];
      meter.setAttribute("aria-valuetext", WORDS[found]);
    });
  }
}
