// @ts-check
/**
 * What this page holds of a conversation, in order of `seq`, and what it still lacks. No DOM here.
 *
 * @typedef {object} Item
 * @property {number} seq
 * @property {string} kind
 * @property {string} [author]
 * @property {string} [text]
 * @property {string} [at]
 * @property {string} [client_id]
 * @property {string} [nurse]
 * @property {Record<string, any>} [details]
 */

export class Thread {
  /** @type {Map<number, Item>} */ #items = new Map();
  #held = 0;
  #newest = 0;

  /** The newest `seq` before the first gap: what to say in `hello` and `pull`. */
  get held() {
    return this.#held;
  }

  /** The newest `seq` that we have or heard of. */
  get newest() {
    return this.#newest;
  }

  get hasGap() {
    return this.#held < this.#newest;
  }

  /**
   * Take items in any order, any number of times; returns those that are new here.
   * @param {Item[]} items
   */
  take(items) {
    const added = items.filter((item) => !this.#items.has(item.seq));
    for (const item of added) this.#items.set(item.seq, item);
    for (const { seq } of added) this.hearOf(seq);
    while (this.#items.has(this.#held + 1)) this.#held += 1;
    return added;
  }

  /** @param {number} seq */
  hearOf(seq) {
    this.#newest = Math.max(this.#newest, seq);
  }

  /** The newest item that anybody can see. */
  last() {
    let last = null;
    for (const item of this.#items.values()) {
      if (item.kind !== "hidden" && (!last || item.seq > last.seq)) last = item;
    }
    return last;
  }

  forget() {
    this.#items.clear();
    this.#held = this.#newest = 0;
  }
}
