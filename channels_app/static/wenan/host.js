// @ts-check
/**
 * The page around us, when we are in the widget's frame; else nobody.
 *
 * Only the site that embedded us, and only if the hospital listed it, is heard or spoken to, and it
 * is told numbers, never words.
 */
export class Host {
  #origin = ""; // of the page around us, once it has introduced itself
  #unread = 0;
  #open;

  /**
   * @param {{embedded: boolean, parents: string[]}} settings
   * @param {() => void} opened
   */
  constructor(settings, opened) {
    this.#open = !settings.embedded;
    if (!settings.embedded || parent === window) {
      this.#open = true;
      return;
    }
    const known = [location.origin, ...settings.parents];
    addEventListener("message", (event) => {
      if (event.source !== parent || !known.includes(event.origin)) return;
      if (typeof event.data?.wenan !== "string") return;
      this.#origin = event.origin;
      this.#open = event.data.wenan === "open";
      if (this.#open) opened();
      this.#tell("unread", this.#unread);
    });
  }

  /** Whether anybody can see us. */
  get isOpen() {
    return this.#open;
  }

  /** @param {number} more */
  unread(more) {
    if (this.#open && document.visibilityState === "visible") return;
    this.#unread += more;
    this.#tell("unread", this.#unread);
  }

  read() {
    if (!this.#unread) return;
    this.#unread = 0;
    this.#tell("unread", 0);
  }

  /** A conversation began here: the site may load us early next time. */
  started() {
    this.#tell("started", 1);
  }

  close() {
    this.#tell("close", 1);
  }

  /** @param {string} what @param {number} value */
  #tell(what, value) {
    if (this.#origin) parent.postMessage({ wenan: what, value }, this.#origin);
  }
}
