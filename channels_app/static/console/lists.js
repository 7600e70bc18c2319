// @ts-check
/** The folders and rows on the left: fetched whole, shown at once, never scrolled away under a hand. */
import { $, fetchInto, tab, toast } from "./page.js";
import { lasting, words } from "./words.js";

const AGAIN_EVERY_MS = 30_000; // also without a doorbell

export class Lists {
  folder = tab.read("folder", "queue");
  #fetching = false;
  #again = false;
  #pressed = false;
  #queue = NaN;
  /** @type {string} */ #open = ""; // as a row names itself: the conversation, or the task

  /** @param {{url: string, open: (conversation: number, name: string) => void, openTask: (task: number) => void, newPatient: () => void, signedOut: () => void}} acts */
  constructor(acts) {
    this.acts = acts;
    const pane = $("lists");
    pane.addEventListener("click", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      const folder = target.closest(".folder");
      if (folder instanceof HTMLElement) return this.choose(folder.dataset.folder ?? "queue");
      const row = target.closest(".row");
      if (!(row instanceof HTMLElement)) return;
      if (row.dataset.task) this.acts.openTask(Number(row.dataset.task));
      else this.acts.open(Number(row.dataset.conversation), row.dataset.name ?? "");
    });
    pane.addEventListener("htmx:afterSwap", () => this.#arrived());
    pane.addEventListener("htmx:responseError", (event) => {
      if (event.detail.xhr.status === 401) this.acts.signedOut();
      else toast(words.listsStale, "bad");
    });
    // A row exchanged between press and release would swallow the click.
    pane.addEventListener("pointerdown", () => (this.#pressed = true));
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => this.#letGo()));
    // An answer that comes late to a folder she has left is not shown.
    pane.addEventListener("htmx:beforeSwap", (event) => {
      const asked = new URL(event.detail.xhr.responseURL, location.href).searchParams.get("folder");
      if (asked && asked !== this.folder) event.detail.shouldSwap = false;
      if (this.#pressed) {
        event.detail.shouldSwap = false;
        this.#again = true;
      }
    });
    setInterval(() => this.#tick(), 1_000);
    setInterval(() => this.refresh(), AGAIN_EVERY_MS);
    this.#arrived();
    if (this.folder !== "queue") this.choose(this.folder); // the page brings the queue
  }

  /** A draft came or went: its mark in the list follows. @param {number} conversation @param {boolean} has */
  drafted(conversation, has) {
    const row = this.rows.find((each) => Number(each.dataset.conversation) === conversation);
    if (row && Boolean(row.querySelector(".mark.draft")) !== has) void this.refresh();
  }

  /** @param {string} folder */
  choose(folder) {
    this.folder = folder;
    tab.write("folder", folder);
    for (const each of $("lists").querySelectorAll(".folder")) each.setAttribute("aria-pressed", String(each.dataset.folder === folder));
    this.refresh();
  }

  async refresh() {
    if (this.#fetching) {
      this.#again = true;
      return;
    }
    this.#fetching = true;
    await fetchInto(`${this.acts.url}?folder=${this.folder}`, "#lists");
    this.#fetching = false;
    this.#repeat();
  }

  #letGo() {
    this.#pressed = false;
    this.#repeat();
  }

  #repeat() {
    if (!this.#again || this.#pressed) return;
    this.#again = false;
    void this.refresh();
  }

  /** @param {{conversation?: number, task?: number}} open */
  mark({ conversation, task }) {
    this.#mark(task ? `task ${task}` : `conversation ${conversation}`);
  }

  /** @param {string} open */
  #mark(open) {
    this.#open = open;
    for (const row of this.rows) {
      const name = row.dataset.task ? `task ${row.dataset.task}` : `conversation ${row.dataset.conversation}`;
      if (name === open) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  /** @returns {HTMLElement[]} */
  get rows() {
    return [...$("lists").querySelectorAll(".row")];
  }

  /** J and K. @param {1 | -1} step */
  move(step) {
    const rows = this.rows;
    const focused = rows.findIndex((row) => row === document.activeElement);
    const from = focused >= 0 ? focused : rows.findIndex((row) => row.hasAttribute("aria-current"));
    const next = from < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, from + step));
    rows[next]?.focus();
  }

  #arrived() {
    this.#mark(this.#open);
    this.#tick();
    const rows = $("rows");
    const waiting = Number(rows.dataset.queue);
    $("view-count").textContent = waiting ? String(waiting) : "";
    if (waiting > this.#queue) this.acts.newPatient();
    this.#queue = waiting;
  }

  #tick() {
    for (const time of $("lists").querySelectorAll("time[data-since]")) {
      const text = lasting(Date.now() - Date.parse(time.dataset.since));
      if (time.textContent !== text) time.textContent = text;
    }
  }
}
