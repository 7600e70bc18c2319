// @ts-check
/** Where the patient writes: what was typed outlives a reload. */

const COUNT_FROM = 300; // characters before the end

export class Composer {
  #form = /** @type {HTMLFormElement} */ (document.getElementById("composer"));
  #words = /** @type {HTMLTextAreaElement} */ (document.getElementById("words"));
  #send = /** @type {HTMLButtonElement} */ (document.getElementById("send"));
  #count = /** @type {HTMLElement} */ (document.getElementById("count"));
  #options;
  #composing = false;

  /**
   * @param {object} options
   * @param {number} options.maxChars
   * @param {(name: string, values?: Record<string, any>) => string} options.say
   * @param {(text: string) => void} options.onSend
   * @param {() => void} options.onTyping
   * @param {Storage} options.keep
   */
  constructor(options) {
    this.#options = options;
    // Who was quicker than this script keeps what was typed.
    this.#words.value ||= options.keep.getItem("wenan.draft") ?? "";
    this.#words.addEventListener("input", () => {
      this.#changed();
      if (this.#words.value) options.onTyping();
    });
    this.#words.addEventListener("compositionstart", () => (this.#composing = true));
    this.#words.addEventListener("compositionend", () => (this.#composing = false));
    this.#words.addEventListener("keydown", (event) => {
      // While pinyin is being composed, Enter chooses a word; Safari says so only by code 229.
      const choosing = this.#composing || event.isComposing || event.keyCode === 229;
      if (event.key !== "Enter" || event.shiftKey || choosing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#changed();
  }

  focus() {
    // On a phone the keyboard would cover what was just answered.
    if (matchMedia("(pointer: fine)").matches) this.#words.focus();
  }

  /** @param {string} text  to be edited again; what was being typed stays */
  put(text) {
    this.#words.value = [text, this.#words.value].filter(Boolean).join("\n");
    this.#changed();
    this.#words.focus();
  }

  #submit() {
    const text = this.#words.value.trim();
    if (!text || this.#left() < 0) return;
    this.#words.value = "";
    this.#changed();
    this.#options.onSend(text);
    this.#words.focus();
  }

  /** As the house counts: by code points. */
  #left() {
    return this.#options.maxChars - [...this.#words.value.trim()].length;
  }

  #changed() {
    const left = this.#left();
    this.#options.keep.setItem("wenan.draft", this.#words.value);
    this.#words.style.height = "auto";
    this.#words.style.height = `${this.#words.scrollHeight + 2}px`; // and its border
    this.#count.textContent =
      left < 0
        ? this.#options.say("tooLong", { count: -left })
        : left < COUNT_FROM
          ? this.#options.say("left", { count: left })
          : "";
    this.#count.classList.toggle("over", left < 0);
    this.#send.disabled = !this.#words.value.trim() || left < 0;
  }
}
