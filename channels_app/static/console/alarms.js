// @ts-check
/** Red flags that nobody has answered: seen, heard, and on the tab, until somebody acts. */
import { $, icon, isTyping, make } from "./page.js";
import { sound } from "./sound.js";
import { counted, fill, inARow, words } from "./words.js";

const RING_EVERY_MS = 2_500;
const NOTIFY_EVERY_MS = 60_000;
const SHOWN = 4;

const title = document.title;
const favicon = $("favicon");
const calmIcon = favicon.href;

export class Alarms {
  /** @type {any[]} */ items = [];
  #rang = 0;
  #notified = 0;
  #flash = false;

  /** @param {{claim: (alarm: any) => void, acknowledge: (alarm: any) => void, open: (alarm: any) => void}} acts */
  constructor(acts) {
    this.acts = acts;
    setInterval(() => this.#tick(), 1_000);
  }

  /** @param {any[]} items */
  show(items) {
    const known = new Set(this.items.map((item) => `${item.ticket}/${item.since}/${item.step}`));
    const isNew = items.some((item) => !known.has(`${item.ticket}/${item.since}/${item.step}`));
    const hadFocus = $("alarm").contains(document.activeElement);
    this.items = items;
    this.#draw();
    if (!items.length) {
      if (hadFocus) $("thread-pane").focus();
      return this.#calm();
    }
    if (isNew) {
      $("shouter").textContent = `${words.alarmTitle}: ${inARow(items[0].signs)}`;
      this.#ring();
      // A dialog would lie over the alarm; none of ours holds anything that was typed.
      for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close("");
      // Whoever writes is not torn away, and no key press meant for a text answers an alarm.
      if (!isTyping()) this.focus();
    }
  }

  focus() {
    $("alarm").querySelector("button")?.focus();
  }

  #draw() {
    const rows = $("alarm-rows");
    // The button under her finger stays the same node while the seconds count.
    const kept = new Map([...rows.children].map((row) => [row.dataset.key, row]));
    const wanted = this.items.slice(0, SHOWN).map((item) => {
      const key = `${item.ticket}/${item.signs.join()}/${item.step}/${item.claimed}`;
      return kept.get(key) ?? this.#row(item, key);
    });
    if (this.items.length > SHOWN) {
      wanted.push(make("li", "alarm-more", fill(words.alarmMore, { n: this.items.length - SHOWN })));
    }
    if (wanted.length !== rows.children.length || wanted.some((row, i) => rows.children[i] !== row)) {
      rows.replaceChildren(...wanted);
    }
    $("alarm").querySelector("h2 span").textContent = `${words.alarmTitle} · ${this.items.length}`;
    $("alarm").hidden = !this.items.length;
  }

  /** @param {any} item @param {string} key */
  #row(item, key) {
    const row = make("li", "alarm-row");
    row.dataset.key = key;
    const signs = make("b", "alarm-signs", inARow(item.signs) || words.alarmTitle);
    const since = make("span", "alarm-since");
    since.dataset.since = item.since;
    const more = make("span", "alarm-step", [item.department, words.alarmSteps[item.step]].filter(Boolean).join(" · "));
    const buttons = make("span", "alarm-buttons");
    if (!item.claimed) buttons.append(this.#button("claim", item));
    buttons.append(this.#button(item.claimed ? "open" : "acknowledge", item));
    if (item.claimed) buttons.append(this.#button("acknowledge", item));
    row.append(icon("flag"), signs, since, more, buttons);
    return row;
  }

  /** @param {"claim" | "acknowledge" | "open"} act @param {any} item */
  #button(act, item) {
    const button = make("button", act === "claim" || act === "open" ? "alarm-act" : "alarm-ok", words.alarmActs[act]);
    button.setAttribute("type", "button");
    button.addEventListener("click", () => this.acts[act](item));
    return button;
  }

  #tick() {
    for (const since of $("alarm-rows").querySelectorAll("[data-since]")) {
      since.textContent = fill(words.alarmSince, { t: counted(Date.now() - Date.parse(since.dataset.since)) });
    }
    if (!this.items.length) return;
    this.#flash = !this.#flash;
    document.title = this.#flash ? `⚠ ${words.titleFlash} (${this.items.length})` : title;
    favicon.href = this.#flash ? redIcon() : calmIcon;
    if (Date.now() - this.#rang >= RING_EVERY_MS) this.#ring();
  }

  #ring() {
    this.#rang = Date.now();
    sound.alarm();
    if (document.hidden && Date.now() - this.#notified > NOTIFY_EVERY_MS) {
      this.#notified = Date.now();
      notify(words.alarmNotice, "wenan-alarm");
    }
  }

  #calm() {
    document.title = title;
    favicon.href = calmIcon;
    this.#notified = 0;
  }
}

/** A word on the desktop, without a word of any patient. @param {string} text @param {string} tag */
export function notify(text, tag) {
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  try {
    const note = new Notification(title, { body: text, tag, requireInteraction: tag === "wenan-alarm" });
    note.onclick = () => {
      window.focus();
      note.close();
    };
  } catch {
    // Some phones allow notifications only from a service worker.
  }
}

/** @type {string} */
let red = "";
function redIcon() {
  if (red) return red;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const pen = canvas.getContext("2d");
  if (!pen) return calmIcon;
  pen.fillStyle = "#b3261e";
  pen.beginPath();
  pen.arc(16, 16, 16, 0, 7);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = "bold 24px sans-serif";
  pen.textAlign = "center";
  pen.fillText("!", 16, 25);
  red = canvas.toDataURL();
  return red;
}
