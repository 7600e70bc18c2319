// @ts-check
/** Storage that works for as long as the page where the browser gives us none. */

/** @param {"localStorage" | "sessionStorage"} which */
export function storage(which) {
  try {
    const kept = window[which];
    kept.setItem("wenan.try", "1");
    kept.removeItem("wenan.try");
    return kept;
  } catch {
    return /** @type {Storage} */ (/** @type {unknown} */ (new Forgetful()));
  }
}

class Forgetful {
  /** @type {Map<string, string>} */ #entries = new Map();

  get length() {
    return this.#entries.size;
  }

  /** @param {number} index */
  key(index) {
    return [...this.#entries.keys()][index] ?? null;
  }

  /** @param {string} key */
  getItem(key) {
    return this.#entries.get(key) ?? null;
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    this.#entries.set(key, value);
  }

  /** @param {string} key */
  removeItem(key) {
    this.#entries.delete(key);
  }
}
