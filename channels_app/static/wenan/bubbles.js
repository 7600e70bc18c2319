// @ts-check
import { aroundReport, aroundVisit, departments, dots, outdate, reportCard, triageCard, visitCard } from "./cards.js";
import { element, icon } from "./element.js";

/**
 * How messages look.
 *
 * @typedef {import("./thread.js").Item} Item
 * @typedef {import("./outbox.js").Letter} Letter
 * @typedef {(name: string, values?: Record<string, any>) => string} Say
 */

export class Bubbles {
  #log;
  #say;
  #lang;
  #time;
  #phone;

  /**
   * @param {HTMLElement} log
   * @param {Say} say
   * @param {{lang: string, emergencyPhone: string}} settings
   */
  constructor(log, say, { lang, emergencyPhone }) {
    this.#log = log;
    this.#say = say;
    this.#phone = emergencyPhone;
    this.#lang = lang === "en" ? "en-GB" : "zh-CN";
    this.#time = new Intl.DateTimeFormat(this.#lang, { hour: "2-digit", minute: "2-digit" });
  }

  /** @param {Item} item */
  show(item) {
    const row = item.kind === "event" ? this.#event(item) : this.#message(item);
    if (!row) return null;
    row.dataset.seq = String(item.seq);
    row.dataset.at = item.at ?? "";
    this.#place(row, item.seq);
    const visit = item.details?.appointment;
    if (visit) outdate(this.#log, row, visit, this.#say);
    return row;
  }

  /**
   * A message that is still on its way.
   * @param {Letter} letter
   */
  showPending(letter) {
    const row = this.#message({ seq: 0, kind: "text", author: "patient", ...letter });
    row.dataset.client = letter.client_id;
    row.dataset.at = letter.at;
    this.#mark(row, "waiting");
    this.#log.append(row);
    this.#refreshDay(row);
    return row;
  }

  /** @param {string} clientId */
  pending(clientId) {
    return /** @type {HTMLElement | null} */ (
      this.#log.querySelector(`[data-client="${CSS.escape(clientId)}"]`)
    );
  }

  /** @returns {HTMLElement[]} */
  allPending() {
    return [...this.#log.querySelectorAll(".tick-waiting")].map(
      (tick) => /** @type {HTMLElement} */ (tick.closest("li")),
    );
  }

  /**
   * The house has it: same bubble, now with its number.
   * @param {HTMLElement} row
   * @param {number} seq
   * @param {string} at
   */
  settle(row, seq, at) {
    row.dataset.seq = String(seq);
    row.dataset.at = at;
    delete row.dataset.client;
    const time = row.querySelector("time");
    if (time) {
      time.textContent = this.#time.format(new Date(at)); // when the house had it, as on every screen
      time.setAttribute("datetime", at);
    }
    this.#mark(row, "stored");
    this.#place(row, seq);
  }

  /**
   * @param {HTMLElement} row
   * @param {string} reason
   * @param {() => void} edit
   */
  refuse(row, reason, edit) {
    this.#mark(row, "notSent");
    row.classList.add("refused");
    const again = element("button", "link", this.#say("editAgain"));
    again.addEventListener("click", () => {
      row.remove();
      edit();
    });
    row.append(element("p", "reason", `${reason} `, again));
  }

  /** Two ticks up to here. @param {number} seq */
  markRead(seq) {
    for (const tick of this.#log.querySelectorAll(".tick-stored")) {
      const row = /** @type {HTMLElement} */ (tick.closest("li"));
      if (Number(row.dataset.seq) <= seq) this.#mark(row, "read");
    }
  }

  clear() {
    this.#log.replaceChildren();
  }

  /**
   * In the order of `seq`; what is on its way stays last.
   * @param {HTMLElement} row
   * @param {number} seq
   */
  #place(row, seq) {
    let after = this.#log.lastElementChild;
    while (after && (after === row || (Number(/** @type {HTMLElement} */ (after).dataset.seq) || Infinity) > seq)) {
      after = after.previousElementSibling;
    }
    if (after) {
      if (after.nextElementSibling !== row) after.after(row);
    } else if (this.#log.firstElementChild !== row) this.#log.prepend(row);
    this.#refreshDay(row);
    this.#refreshDay(row.nextElementSibling);
  }

  /** A line with the date above the first message of a day. @param {Element | null} row */
  #refreshDay(row) {
    if (!(row instanceof HTMLElement)) return;
    const before = /** @type {HTMLElement | null} */ (row.previousElementSibling);
    const day = new Date(row.dataset.at ?? "");
    const same = before && new Date(before.dataset.at ?? "").toDateString() === day.toDateString();
    row.querySelector(".day")?.remove();
    if (!same && !Number.isNaN(day.getTime())) {
      row.prepend(element("p", "day", this.#dayName(day)));
    }
  }

  /** @param {Date} day */
  #dayName(day) {
    const now = new Date();
    if (day.toDateString() === now.toDateString()) return this.#say("today");
    now.setDate(now.getDate() - 1);
    if (day.toDateString() === now.toDateString()) return this.#say("yesterday");
    return new Intl.DateTimeFormat(this.#lang, { month: "long", day: "numeric", weekday: "short" }).format(day);
  }

  /** @param {Item} item */
  #event(item) {
    const { event, nurse, department: place, department_en } = item.details ?? {};
    const department = (this.#lang === "en-GB" && department_en) || place;
    const name = event === "transferred" && !nurse ? "event.transferredDepartment" : `event.${event}`;
    const words = this.#say(name, { nurse: nurse || this.#say("aNurse"), department: department ?? "" });
    if (!words || (name === "event.transferredDepartment" && !department)) return null;
    return element("li", "event", element("p", "", words));
  }

  /** @param {Item} item */
  #message(item) {
    const author = item.author ?? "system";
    const row = element("li", `message ${author}`);
    const card = item.details?.card;
    if (card?.kind === "emergency") {
      row.classList.add("with-card");
      row.append(this.#emergency(item, card));
      return row;
    }
    const name = this.#authorName(item);
    const bubble = element("div", "bubble");
    if (author === "patient") bubble.append(element("span", "visually-hidden", `${name}: `));
    else {
      const face = author === "nurse" ? (item.nurse ?? this.#say("nurse")).slice(0, 1) : icon(author === "assistant" ? "assistant" : "hospital");
      const avatar = element("span", `avatar ${author}`, face);
      avatar.setAttribute("aria-hidden", "true");
      row.append(avatar);
      bubble.append(element("p", "author", ...name));
    }
    const { progress } = item.details ?? {};
    if (progress?.length === 2) bubble.append(dots(progress, this.#say));
    bubble.append(...this.#words(item));
    const source = item.details?.source;
    if (source?.title) {
      const original = item.details?.original; // only where a model chose the words above it
      bubble.append(element("p", "source", icon("report"), this.#say(original ? "reworded" : "source", source)));
      if (original) bubble.append(this.#original(original));
    }
    bubble.append(this.#foot(item, author));
    row.append(bubble);
    return row;
  }

  /** The signed-off words that a model reworded. @param {string} text */
  #original(text) {
    const shown = element("details", "original", element("summary", "", this.#say("original")));
    shown.append(this.#paragraph(text));
    return shown;
  }

  /**
   * @param {Item} item
   * @returns {(Node | string)[]}
   */
  #authorName(item) {
    if (item.author === "patient") return [this.#say("you")];
    if (item.author === "nurse") return [element("b", "", item.nurse ?? this.#say("aNurse")), element("span", "role", this.#say("nurse"))];
    if (item.author === "assistant") {
      return [element("b", "", this.#say("assistant")), element("span", "role", this.#say("notADoctor"))];
    }
    return [element("b", "", this.#say("hospital"))];
  }

  /** @param {Item} item */
  #words(item) {
    const text = item.text ?? "";
    const { appointment: visit, report, triage, departments: places } = item.details ?? {};
    if (visit) return this.#withCard(visitCard(visit, this.#say), ...aroundVisit(text, visit));
    if (report?.rows) return this.#withCard(reportCard(report, this.#say), ...aroundReport(text, report));
    if (!triage && !places?.length) return [this.#paragraph(text)];
    // The words name the departments too; where cards do, the first and last line are enough.
    const lines = text.split("\n");
    const card = triage ? triageCard(triage, this.#say, this.#phone) : departments(places, this.#say);
    return this.#withCard(card, lines[0], lines.length > 1 ? lines[lines.length - 1] : "");
  }

  /**
   * @param {HTMLElement} card
   * @param {string} before
   * @param {string} after
   */
  #withCard(card, before, after) {
    return [before && this.#paragraph(before), card, after && this.#paragraph(after)].filter(Boolean);
  }

  /** @param {string} text */
  #paragraph(text) {
    const paragraph = element("p", "words", text);
    paragraph.dir = "auto";
    return paragraph;
  }

  /**
   * @param {Item} item
   * @param {string} author
   */
  #foot(item, author) {
    const foot = element("p", "foot");
    const at = new Date(item.at ?? Date.now());
    const time = element("time", "", this.#time.format(at));
    time.setAttribute("datetime", at.toISOString());
    foot.append(time);
    if (author === "patient") foot.append(this.#tick("stored"));
    else if ("speechSynthesis" in window && item.text) foot.append(this.#readAloud(item.text));
    return foot;
  }

  /** @param {"waiting" | "stored" | "read" | "notSent"} state */
  #tick(state) {
    const sign = state === "waiting" ? icon("clock") : { stored: "✓", read: "✓✓", notSent: "!" }[state];
    const shown = element("span", "", sign);
    shown.setAttribute("aria-hidden", "true");
    return element("span", `tick tick-${state}`, shown, element("span", "visually-hidden", this.#say(state)));
  }

  /**
   * @param {HTMLElement} row
   * @param {"waiting" | "stored" | "read" | "notSent"} state
   */
  #mark(row, state) {
    row.querySelector(".tick")?.replaceWith(this.#tick(state));
  }

  /** @param {string} text */
  #readAloud(text) {
    const button = element("button", "read-aloud", icon("speaker"));
    button.setAttribute("type", "button");
    const label = () => button.setAttribute("aria-label", this.#say(button.classList.contains("on") ? "stopReading" : "readAloud"));
    label();
    button.title = this.#say("readAloud");
    const stop = () => {
      button.classList.remove("on");
      label();
    };
    button.addEventListener("click", () => {
      const reading = button.classList.contains("on");
      speechSynthesis.cancel();
      if (reading) return stop();
      const speech = new SpeechSynthesisUtterance(text);
      speech.lang = /[\u3400-\u9fff]/.test(text) ? "zh-CN" : "en-GB";
      speech.rate = 0.9; // a little slower than talk: many who need this are old
      speech.onend = speech.onerror = stop;
      button.classList.add("on");
      label();
      speechSynthesis.speak(speech);
    });
    return button;
  }

  /**
   * @param {Item} item
   * @param {Record<string, any>} card
   */
  #emergency(item, card) {
    const lines = (item.text ?? "").split("\n");
    const shown = element("section", "emergency-card");
    shown.append(element("p", "emergency-title", icon("warning"), lines[0]));
    // In the order in which the words name them; the first is the one to press.
    const numbers = [[card.police, "police"], [card.phone, "call"], [card.crisis_line, "crisisLine"]].filter(([number]) => number);
    const calls = numbers.map(([number, name], at) => this.#call(number, at ? "call second" : "call", name));
    shown.append(element("div", "calls", ...calls));
    if (card.place?.name) {
      const { name, location, directions, phone } = card.place;
      const place = element("div", "place", element("h3", "", icon("place"), this.#say("nearest")));
      place.append(element("p", "", element("b", "", name), location ? ` · ${location}` : ""));
      if (directions) place.append(element("p", "", directions));
      if (phone) place.append(element("p", "", this.#call(phone, "", "")));
      shown.append(place);
    }
    if (card.signs?.length) {
      shown.append(element("p", "signs", `${this.#say("signs")}: ${card.signs.join(" · ")}`));
    }
    if (lines.length > 1) shown.append(element("p", "nurses-know", icon("nurse"), lines[lines.length - 1]));
    shown.append(this.#foot(item, "system"));
    return shown;
  }

  /**
   * @param {string} phone
   * @param {string} className
   * @param {string} words
   */
  #call(phone, className, words) {
    const link = /** @type {HTMLAnchorElement} */ (element("a", className));
    if (words) link.append(icon("phone"), this.#say(words, { phone }));
    else link.append(phone);
    link.href = `tel:${String(phone).replace(/[^0-9+#*,]/g, "")}`;
    return link;
  }
}
