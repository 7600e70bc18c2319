// @ts-check
/** What was said, in order of `seq`, each voice unmistakable. Everything enters as text. */
import { $, announce, icon, make } from "./page.js";
import { clock, dayName, fill, inARow, moment, words } from "./words.js";

const NEAR_PX = 120;
const SENT_AGAIN_MS = 8_000; // each look is on the access log, so they are few
const SENT_TRIES = 4;

export class Thread {
  /** @type {number | null} */ conversation = null;
  /** @type {Map<number, any>} */ #items = new Map();
  #lastSeq = 0;
  #seen = { patient: 0, staff: 0 };
  #unreadFrom = 0; // of this visit: the divider doesn't jump while she reads
  #isNew = true;
  #typingUntil = 0;
  #wasAtEnd = true;

  /** @param {{pull: (after: number) => void, seen: (seq: number) => void, arrived: (item: any) => void}} acts */
  constructor(acts) {
    this.acts = acts;
    this.scroll = $("thread-scroll");
    this.list = $("thread");
    this.scroll.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    document.addEventListener("visibilitychange", () => this.#tellSeen());
    $("earlier").addEventListener("click", () => this.acts.pull(Math.max(0, this.first - 1 - 100)));
    $("new-below").addEventListener("click", () => this.toEnd());
    setInterval(() => this.#forgetTyping(), 1_000);
    setInterval(() => this.#askWhetherSent(), SENT_AGAIN_MS);
    // A banner that opens or a composer that grows must not cover the last message.
    new ResizeObserver(() => this.#wasAtEnd && this.toEnd()).observe(this.scroll);
  }

  /** @param {number} conversation */
  open(conversation) {
    this.conversation = conversation;
    this.#items.clear();
    this.#lastSeq = 0;
    this.#seen = { patient: 0, staff: 0 };
    this.#unreadFrom = 0;
    this.#isNew = true;
    this.list.replaceChildren();
    $("new-below").hidden = true;
    $("typing").textContent = "";
  }

  leave() {
    this.conversation = null;
    this.#items.clear();
    this.list.replaceChildren();
    $("new-below").hidden = true;
    $("typing").textContent = "";
  }

  get first() {
    return this.#items.size ? Math.min(...this.#items.keys()) : 0;
  }

  /** The newest up to which nothing is missing. */
  get have() {
    let seq = this.first;
    while (this.#items.has(seq + 1)) seq += 1;
    return seq;
  }

  /** @param {any} frame */
  take(frame) {
    const stays = this.isAtEnd || this.#isNew;
    const before = { first: this.first, height: this.scroll.scrollHeight };
    for (const item of frame.items) {
      const known = this.#items.get(item.seq);
      if (!known) continue;
      Object.assign(known, { sent: item.sent, undelivered: item.undelivered });
      if (item.media && item.media.state !== known.media?.state) {
        known.media = item.media;
        this.list.querySelector(`#m${item.seq} .media`)?.replaceWith(this.#media(item));
      }
    }
    const fresh = frame.items.filter((item) => !this.#items.has(item.seq));
    for (const item of fresh) this.#add(item);
    // No bell rings for the message itself: the event says which.
    for (const seq of fresh.flatMap((item) => (item.details?.event === "undelivered" ? item.details.seqs : []))) {
      Object.assign(this.#items.get(seq) ?? {}, { undelivered: true });
    }
    this.#lastSeq = Math.max(this.#lastSeq, frame.last_seq);
    if (this.#isNew && !fresh.some((item) => this.#isUnread(item))) this.#unreadFrom = 0;
    if (fresh.length) this.#divide();
    $("earlier").hidden = this.first <= 1;
    this.mark();
    if (this.have < this.#lastSeq && (frame.more || this.#hasGap)) this.acts.pull(this.have);
    if (this.#isNew) {
      this.#isNew = false;
      this.#toStart();
    } else if (before.first && this.first < before.first) {
      this.scroll.scrollTop += this.scroll.scrollHeight - before.height; // what she reads stays put
    } else if (stays) this.toEnd();
    else if (fresh.some((item) => item.kind !== "event")) $("new-below").hidden = false;
    this.#tellSeen();
  }

  get #hasGap() {
    return this.have < Math.max(0, ...this.#items.keys());
  }

  get isAtEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_PX;
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    $("new-below").hidden = true;
  }

  /** @param {any} frame  `seen` */
  read(frame) {
    if (this.#isNew && this.#seen.staff === 0) this.#unreadFrom = (frame.staff ?? 0) + 1;
    this.#seen = {
      patient: Math.max(this.#seen.patient, frame.patient ?? 0),
      staff: Math.max(this.#seen.staff, frame.staff ?? 0),
    };
    this.mark();
  }

  mark() {
    for (const mark of this.list.querySelectorAll(".read-mark")) {
      const item = this.#items.get(Number(mark.dataset.seq));
      const isRead = item.seq <= this.#seen.patient;
      if (isRead) mark.textContent = `✓✓ ${words.read}`;
      else if (item.undelivered) mark.textContent = `✗ ${words.undelivered}`;
      else mark.textContent = item.sent ? `✓ ${words.delivered}` : `· ${words.accepted}`;
      mark.classList.toggle("is-read", isRead);
      mark.classList.toggle("is-undelivered", Boolean(item.undelivered));
    }
  }

  typing() {
    this.#typingUntil = Date.now() + 6_000;
    const stays = this.isAtEnd;
    $("typing").textContent = words.patientTyping;
    if (stays) this.toEnd();
  }

  /** Delivery rings no bell here, so what was on its way is looked at again, a few times. */
  #askWhetherSent() {
    const waiting = [...this.#items.values()].filter(
      (item) => item.sent === false && !item.undelivered && item.seq > this.#seen.patient && (item.asked = (item.asked ?? 0) + 1) <= SENT_TRIES,
    );
    if (waiting.length && !document.hidden) this.acts.pull(Math.min(...waiting.map((item) => item.seq)) - 1);
  }

  #forgetTyping() {
    if (this.#typingUntil && Date.now() > this.#typingUntil) {
      this.#typingUntil = 0;
      $("typing").textContent = "";
    }
  }

  /** @param {number} seq */
  jump(seq) {
    const node = document.getElementById(`m${seq}`);
    if (!node) {
      if (seq < this.first) this.acts.pull(Math.max(0, seq - 10));
      return false;
    }
    node.scrollIntoView({ block: "center" });
    node.classList.remove("jumped");
    void node.offsetWidth; // so that the same line can shine twice
    node.classList.add("jumped");
    node.focus({ preventScroll: true });
    return true;
  }

  // --- one message ---------------------------------------------------------------------------------

  /** @param {any} item */
  #add(item) {
    const node = this.#node(item);
    this.#items.set(item.seq, item);
    let later = this.list.lastElementChild;
    while (later && (!later.dataset.seq || Number(later.dataset.seq) > item.seq)) later = later.previousElementSibling;
    if (later) later.after(node);
    else this.list.prepend(node);
    if (!this.#isNew && item.author === "patient" && item.kind === "text") {
      this.#typingUntil = 1;
      announce(`${words.authors.patient}: ${item.text}`);
    }
    this.acts.arrived(item);
  }

  /** @param {any} item */
  #node(item) {
    if (item.kind === "event") return this.#event(item);
    const voice = item.kind === "note" ? "note" : item.author;
    const node = make("li", `said by-${voice}`);
    node.id = `m${item.seq}`;
    node.dataset.seq = item.seq;
    node.dataset.at = item.at;
    node.tabIndex = -1;
    const head = make("p", "said-head");
    const who = item.kind === "note" ? `${words.note} · ${item.nurse ?? ""}` : [words.authors[item.author], item.nurse].filter(Boolean).join(" · ");
    const time = make("time", "", clock(item.at));
    time.setAttribute("datetime", item.at);
    time.title = moment(item.at);
    head.append(icon(voice), make("b", "", who), time);
    const bubble = make("div", "bubble");
    bubble.append(this.#text(item));
    node.append(head, bubble);
    for (const extra of this.#extras(item)) node.append(extra);
    return node;
  }

  /** The patient's words, with what raised a red flag set off. @param {any} item */
  #text(item) {
    const text = make("p", "said-text");
    const letters = Array.from(item.text); // spans count characters, as the house does
    let at = 0;
    const flags = (item.details?.red_flags ?? []).filter((flag) => flag.evidence);
    for (const { evidence: [start, end] } of flags.sort((a, b) => a.evidence[0] - b.evidence[0])) {
      if (end <= at) continue;
      text.append(letters.slice(at, Math.max(at, start)).join(""));
      text.append(make("mark", "", letters.slice(Math.max(at, start), end).join("")));
      at = end;
    }
    text.append(letters.slice(at).join(""));
    return text;
  }

  /** @param {any} item */
  *#extras(item) {
    const details = item.details ?? {};
    if (item.media) yield this.#media(item);
    if (details.red_flags?.length) {
      const flag = make("p", "extra danger");
      flag.append(icon("flag"), ` ${words.redFlag}: ${inARow(details.red_flags.map((each) => each.name))}`);
      yield flag;
    }
    if (item.author === "assistant") {
      const parts = [];
      const { source, rephrased, original } = details;
      if (source) parts.push(fill(rephrased ? words.reworded : words.source, { ...source, ...rephrased }));
      const { intent, confidence, abstained } = item.meaning ?? {};
      if (confidence > 0) {
        const sure = `${Math.round(confidence * 100)}%${abstained ? ` · ${words.unsure}` : ""}`;
        parts.push(`${words.understood}: ${words.intents[intent] ?? intent} ${sure}`);
      } else parts.push(words.noConfidence);
      yield make("p", "extra", parts.join(" · "));
      if (original) {
        const shown = make("details", "extra");
        shown.append(make("summary", "", words.original), make("p", "said-text", original));
        yield shown;
      }
    }
    if (details.card?.kind === "emergency") {
      const card = make("p", "extra danger");
      card.append(icon("flag"), ` ${words.emergencyCard}`);
      yield card;
    }
    if (details.choices?.length) {
      yield make("p", "extra", `${words.choices}: ${details.choices.map((each) => each.label).join(" / ")}`);
    }
    if (item.kind !== "note" && item.author !== "patient") {
      const mark = make("p", "extra read-mark");
      mark.dataset.seq = item.seq;
      yield mark;
    }
  }

  /** A picture, a voice: shown only when she asks, as some are hard to look at. @param {any} item */
  #media(item) {
    const { kind, type, state, url, transcript, caution } = item.media;
    const box = make("div", "extra media");
    if (state !== "here") {
      box.append(make("span", "", words.media[state]));
      return box;
    }
    const name = words.media[kind];
    if (type.startsWith("image/")) {
      const shown = make("details", "");
      shown.append(make("summary", "", name));
      shown.addEventListener("toggle", () => {
        if (!shown.open || shown.querySelector("img")) return;
        const picture = make("img", "");
        picture.src = url;
        picture.alt = name;
        shown.append(picture);
      });
      box.append(shown);
    } else if (["audio/mpeg", "audio/ogg", "audio/wav"].includes(type)) {
      const player = make("audio", "");
      player.controls = true;
      player.preload = "none";
      player.src = url;
      player.setAttribute("aria-label", name);
      box.append(player);
    } else {
      const link = make("a", "", `${name} · ${words.media.save}`);
      link.href = url;
      box.append(link);
    }
    if (transcript) box.append(make("p", "said-text", transcript), make("p", "extra", caution));
    return box;
  }

  /** @param {any} item */
  #event(item) {
    const { event, nurse = "", department = "", department_en = "", until, why, channel = "" } = item.details ?? {};
    const node = make("li", "happened");
    node.id = `m${item.seq}`;
    node.dataset.seq = item.seq;
    node.dataset.at = item.at;
    node.tabIndex = -1;
    const place = document.documentElement.lang === "en" ? department_en || department : department;
    const told = fill(words.events[event] ?? event ?? "", { nurse, department: place, until: until ? moment(until) : "", why: words.whyNot[why] ?? "", channel });
    node.append(icon(["alarm_climbed", "more_urgent", "undelivered"].includes(event) ? "flag" : "system"), make("span", "", told), make("time", "", clock(item.at)));
    return node;
  }

  /** Day names and the line above what is new, set anew: they belong to neighbours, not to messages. */
  #divide() {
    for (const old of this.list.querySelectorAll(".day, .unread")) old.remove();
    let day = "";
    let unread = false;
    for (const node of [...this.list.children]) {
      const name = dayName(new Date(node.dataset.at));
      if (name !== day) {
        day = name;
        node.before(make("li", "day", name));
      }
      const item = this.#items.get(Number(node.dataset.seq));
      if (!unread && this.#isUnread(item)) {
        unread = true;
        node.before(make("li", "unread", words.new));
      }
    }
  }

  /** @param {any} item */
  #isUnread(item) {
    return this.#unreadFrom > 1 && item.seq >= this.#unreadFrom && item.author === "patient";
  }

  #toStart() {
    const unread = this.list.querySelector(".unread");
    if (unread) unread.scrollIntoView({ block: "start" });
    else this.toEnd();
  }

  #onScroll() {
    this.#wasAtEnd = this.isAtEnd;
    if (this.isAtEnd) $("new-below").hidden = true;
    this.#tellSeen();
  }

  #tellSeen() {
    if (document.hidden || !this.conversation || !this.isAtEnd) return;
    const seq = this.have;
    if (seq > this.#seen.staff) {
      this.#seen.staff = seq;
      this.acts.seen(seq);
    }
  }
}
