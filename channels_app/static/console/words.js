// @ts-check
/** The words of this page, in its language: read once from the JSON that the page carries. */

/** @type {any} */
export const words = JSON.parse(
  /** @type {HTMLElement} */ (document.getElementById("words")).textContent ?? "{}",
);
export const locale = document.documentElement.lang;

/** @param {string} sentence @param {Record<string, string | number>} values */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** @param {string[]} names */
export const inARow = (names) => names.join(locale === "en" ? ", " : "、");

/** How long something lasts, in one unit or two. @param {number} ms */
export function lasting(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return fill(words.s, { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return fill(words.min, { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return fill(words.h, { h: hours, m: minutes % 60 });
  return fill(words.d, { n: Math.floor(hours / 24) });
}

/** To the second, where seconds matter: 2:07. @param {number} ms */
export function counted(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return fill(words.s, { n: seconds });
  if (seconds >= 3600) return lasting(ms);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {string | Date} at */
export function clock(at) {
  return new Date(at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** @param {string | Date} at */
export function moment(at) {
  const then = new Date(at);
  const day = dayName(then);
  return day === words.today ? clock(then) : `${day} ${clock(then)}`;
}

/** @param {Date} day */
export function dayName(day) {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const ago = Math.ceil((midnight.getTime() - day.getTime()) / 86_400_000);
  if (ago === 0 || (ago < 0 && ago > -1)) return words.today;
  if (ago === 1) return words.yesterday;
  return day.toLocaleDateString(locale, { month: "long", day: "numeric", weekday: "short" });
}
