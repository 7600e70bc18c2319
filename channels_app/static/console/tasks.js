// @ts-check
/** One task of the board, in the middle of the desk; its forms go by htmx, and come back as it stands. */
import { $, announce, fetchInto, toast } from "./page.js";
import { words } from "./words.js";

export class Tasks {
  /** @type {number | null} */ task = null;

  /** @param {{url: string, conversation: (id: number, name: string) => void, changed: () => void, signedOut: () => void}} acts */
  constructor(acts) {
    this.acts = acts;
    const pane = $("task");
    pane.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest("[data-open-conversation]");
      if (button instanceof HTMLElement) this.acts.conversation(Number(button.dataset.openConversation), button.dataset.name ?? "");
    });
    pane.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form("finish")?.requestSubmit();
      if (event.key === "Escape" && event.target === $("task-note")) $("task-name").focus();
    });
    pane.addEventListener("htmx:beforeSwap", (event) => {
      const shown = /\/task\/(\d+)\//.exec(event.detail.xhr.responseURL);
      if (Number(shown?.[1]) !== this.task) event.detail.shouldSwap = false; // she has gone on since
    });
    pane.addEventListener("htmx:afterSwap", () => {
      $("task-name")?.focus();
      const said = pane.querySelector(".task-said")?.textContent;
      if (!said) return;
      announce(said);
      this.acts.changed();
    });
    pane.addEventListener("htmx:responseError", (event) => {
      if (event.detail.xhr.status === 401) this.acts.signedOut();
      else toast(words.taskGone, "bad");
    });
    pane.addEventListener("htmx:sendError", () => toast(words.waiting, "bad"));
  }

  /** @param {number} task */
  async open(task) {
    this.task = task;
    $("task").replaceChildren(); // another patient's must not stand there meanwhile
    await fetchInto(this.acts.url.replace("/0/", `/${task}/`), "#task");
  }

  close() {
    this.task = null;
    $("task").replaceChildren();
  }

  /** By a key: take, finish, postpone; whether there was something to press. @param {string} act */
  press(act) {
    const form = this.#form(act);
    if (!form) return;
    if (act === "take") form.requestSubmit();
    else /** @type {HTMLElement} */ (form.querySelector("textarea, button[name]")).focus();
  }

  openConversation() {
    $("task").querySelector("[data-open-conversation]")?.click();
  }

  /** @param {string} act @returns {HTMLFormElement | null} */
  #form(act) {
    return $("task").querySelector(`[data-act-of="${act}"]`);
  }
}
