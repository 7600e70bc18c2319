// @ts-check
/**
 * Messages on their way: kept until the house acknowledges them, sent one after another, and again
 * after every break under the same `client_id`. The house stores each once.
 *
 * @typedef {{client_id: string, text: string, tap: string, at: string}} Letter
 * @typedef {"waiting" | "refused"} Fate
 */

const AGAIN_AFTER_MS = 2_500; // after "failed" or "too_fast"
const ACK_WITHIN_MS = 12_000;
const LOST_CAUSES = ["empty", "too_long", "bad_frame"]; // sending it again would not help

export class Outbox {
  /** @type {Letter[]} */ #letters = [];
  #inFlight = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #prefix;
  #keep;
  #send;
  #refused;
  #stalled;

  /**
   * @param {object} options
   * @param {string} options.name  of the channel: each has letters of its own
   * @param {Storage} options.keep
   * @param {(letter: Letter) => boolean} options.send  false: there is no line now
   * @param {(letter: Letter, reason: string) => void} options.refused
   * @param {() => void} options.stalled  no answer for long: look whether the line lives
   */
  constructor({ name, keep, send, refused, stalled }) {
    this.#prefix = `wenan.out.${name}.`;
    this.#keep = keep;
    this.#send = send;
    this.#refused = refused;
    this.#stalled = stalled;
    // One entry for each letter, so that two tabs never write over each other.
    for (let i = 0; i < keep.length; i += 1) {
      const key = keep.key(i) ?? "";
      if (!key.startsWith(this.#prefix)) continue;
      try {
        this.#letters.push(JSON.parse(keep.getItem(key) ?? ""));
      } catch {
        keep.removeItem(key);
      }
    }
    this.#letters.sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  get letters() {
    return [...this.#letters];
  }

  /**
   * @param {string} text
   * @param {string} [tap]
   * @returns {Letter}
   */
  post(text, tap = "") {
    const letter = { client_id: newId(), text, tap, at: new Date().toISOString() };
    if (tap === "emergency") this.#letters.unshift(letter); // waits behind no other
    else this.#letters.push(letter);
    this.#keep.setItem(this.#prefix + letter.client_id, JSON.stringify(letter));
    this.#next();
    return letter;
  }

  /** The line is open again: whatever was in flight may be lost. */
  resume() {
    this.#inFlight = "";
    this.#next();
  }

  /**
   * @param {string} clientId
   * @returns {Letter | undefined} what was acknowledged; nobody keeps its words any longer
   */
  acknowledged(clientId) {
    return this.#drop(clientId);
  }

  /** @param {{code: string, message: string, client_id?: string}} error */
  failed(error) {
    const letter = this.#letters.find((each) => each.client_id === error.client_id);
    if (!letter) return;
    clearTimeout(this.#timer);
    if (LOST_CAUSES.includes(error.code)) {
      this.#drop(letter.client_id);
      this.#refused(letter, error.message);
    } else if (error.code === "client_id_reused") {
      this.#drop(letter.client_id);
      this.post(letter.text, letter.tap);
    } else {
      this.#timer = setTimeout(() => this.resume(), AGAIN_AFTER_MS);
    }
  }

  /** @param {string} clientId */
  #drop(clientId) {
    const letter = this.#letters.find((each) => each.client_id === clientId);
    this.#letters = this.#letters.filter((each) => each !== letter);
    this.#keep.removeItem(this.#prefix + clientId);
    if (this.#inFlight === clientId) {
      clearTimeout(this.#timer);
      this.#inFlight = "";
    }
    this.#next();
    return letter;
  }

  #next() {
    const letter = this.#letters[0];
    if (!letter || this.#inFlight || !this.#send(letter)) return;
    this.#inFlight = letter.client_id;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#stalled();
      this.resume();
    }, ACK_WITHIN_MS);
  }
}

function newId() {
  // randomUUID is missing on pages without TLS, as a hospital's inner network has them.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
