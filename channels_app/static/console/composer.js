// @ts-check
/**
 * What a nurse types. It is hers until the house has it: kept in this tab at each key, with the
 * house a moment later, and repeated after every break until it is acknowledged.
 */
import { $, habit, icon, make, tab, toast } from "./page.js";
import { fill, lasting, words } from "./words.js";

const SAVE_AFTER_MS = 600;
const TYPING_EVERY_MS = 3_000;
const MAX_CHARS = 4_000;
const AGAIN_AFTER_MS = 3_000; // when we were too fast for the house

export class Composer {
  /** @type {number | null} */ conversation = null;
  /** @type {any} */ #owner = null; // the latest `owner` frame of this conversation
  /** @type {Record<string, {text: string, kind: string, dirty: boolean}>} */ #drafts = tab.read("drafts", {});
  /** @type {any[]} */ #outbox = tab.read("outbox", []);
  /** @type {any[]} */ #canned = [];
  /** @type {any[]} */ #offered = [];
  /** @type {any} */ #asked = null; // the letter whose reason is being asked for
  #chosen = 0;
  #typedAt = 0;
  #timer = 0;

  /** @param {{send: (frame: any) => boolean, isOpen: () => boolean, seen: () => number, scrollEnd: () => void, canned: string}} line */
  constructor(line) {
    this.line = line;
    this.box = $("text");
    this.form = $("composer");
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("blur", () => setTimeout(() => this.#closeMenu(), 150));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const each of ["text", "note"]) {
      $(`tab-${each}`).addEventListener("click", () => this.choose(each));
      $(`tab-${each}`).addEventListener("keydown", (event) => {
        if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.choose(each === "text" ? "note" : "text", true);
      });
    }
    const enter = $("enter-sends");
    enter.checked = habit.read("enter") === "1";
    enter.addEventListener("change", () => habit.write("enter", enter.checked ? "1" : "0"));
    addEventListener("pagehide", () => this.#saveNow());
    $("objection").addEventListener("close", () => this.#answered());
    $("objection-reason").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      $("objection-send").click();
    });
    void this.#fetchCanned();
  }

  get kind() {
    return this.form.dataset.kind;
  }

  /** @param {number} conversation */
  open(conversation) {
    if (this.conversation !== null && this.conversation !== conversation) this.#saveNow();
    this.conversation = conversation;
    this.#owner = null;
    this.form.hidden = false;
    const draft = this.#drafts[conversation];
    this.box.value = draft?.text ?? "";
    this.#setKind(draft?.kind ?? "text");
    this.#closeMenu();
    this.#note("");
    this.#show();
    this.drawOutbox();
  }

  leave() {
    this.#saveNow();
    this.conversation = null;
    this.#owner = null;
    this.form.hidden = true;
    this.box.value = "";
    this.#closeMenu();
    this.drawOutbox();
  }

  /** Who owns the conversation now: may she reply? @param {any} frame */
  own(frame) {
    const could = this.#may("reply");
    this.#owner = frame;
    if (could && !this.#may("reply") && this.box.value) toast(words.lost, "bad");
    this.#show();
  }

  /** What the house has of her draft. @param {any} frame */
  restore(frame) {
    const local = this.#drafts[frame.conversation];
    if (frame.saved) {
      if (local && !this.#timer) local.dirty = false;
      if (frame.conversation === this.conversation && this.box.value && !this.#timer) this.#note(words.saved);
      this.#keep();
      return;
    }
    if (local?.dirty) {
      this.#give(frame.conversation); // typed while the line was down: hers is newer
      return;
    }
    if (frame.text) this.#drafts[frame.conversation] = { text: frame.text, kind: frame.kind, dirty: false };
    else delete this.#drafts[frame.conversation];
    this.#keep();
    if (frame.conversation === this.conversation && this.box.value !== frame.text) {
      this.box.value = frame.text;
      if (frame.text) this.#setKind(frame.kind);
      this.#note(frame.text ? words.saved : "");
      this.#show();
    }
  }

  /** The line is back: whatever the house may not have, it gets again. */
  repeat() {
    for (const letter of this.#outbox) if (letter.state === "waiting") this.#post(letter);
    for (const [conversation, draft] of Object.entries(this.#drafts)) if (draft.dirty) this.#give(Number(conversation));
  }

  /** @param {number} conversation */
  hasDraft(conversation) {
    return Boolean(this.#drafts[conversation]?.text.trim());
  }

  lineLost() {
    this.drawOutbox();
  }

  /** @param {any} frame  `ack` */
  acknowledged(frame) {
    const letter = this.#outbox.find((each) => each.client_id === frame.client_id);
    if (letter) letter.state = "stored";
    this.#keep();
    this.drawOutbox();
    // The message itself comes with the next frame; one that never comes must not stay here.
    setTimeout(() => this.arrived({ client_id: frame.client_id }), 4_000);
  }

  /** @param {any} item  a message that the thread now shows */
  arrived(item) {
    if (!item.client_id || !this.#outbox.some((each) => each.client_id === item.client_id)) return;
    this.#outbox = this.#outbox.filter((each) => each.client_id !== item.client_id);
    this.#keep();
    this.drawOutbox();
  }

  /** @param {any} frame  `error` with a client id */
  refused(frame) {
    const letter = this.#outbox.find((each) => each.client_id === frame.client_id);
    if (!letter) return;
    if (["too_fast", "not_ready"].includes(frame.code)) {
      setTimeout(() => this.#post(letter), AGAIN_AFTER_MS);
      return;
    }
    letter.state = "failed";
    letter.why = frame.message;
    letter.concerns = frame.concerns; // with `needs_reason`: what speaks against it
    this.#keep();
    this.drawOutbox();
    if (letter.concerns && letter.conversation === this.conversation) this.#ask(letter);
  }

  /** @param {string} kind @param {boolean} [focusTab] */
  choose(kind, focusTab = false) {
    this.#setKind(kind);
    this.#typed();
    this.#show();
    if (focusTab) $(`tab-${kind}`).focus();
    else this.box.focus();
  }

  drawOutbox() {
    const mine = this.#outbox.filter((each) => each.conversation === this.conversation);
    $("pending").replaceChildren(...mine.map((letter) => this.#pending(letter)));
    if (mine.length) this.line.scrollEnd();
  }

  // --- typing --------------------------------------------------------------------------------------

  #typed() {
    if (this.conversation === null) return;
    this.#drafts[this.conversation] = { text: this.box.value, kind: this.kind, dirty: true };
    this.#keep();
    this.#note(this.line.isOpen() ? (this.box.value ? words.saving : "") : words.unsaved);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#saveNow(), SAVE_AFTER_MS);
    if (this.kind === "text" && this.box.value && this.#may("reply") && Date.now() - this.#typedAt > TYPING_EVERY_MS) {
      this.#typedAt = Date.now();
      this.line.send({ type: "typing", conversation: this.conversation });
    }
    this.#offer();
    this.#show();
  }

  #saveNow() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.conversation !== null && this.#drafts[this.conversation]?.dirty) this.#give(this.conversation);
  }

  /** @param {number} conversation */
  #give(conversation) {
    const { text, kind } = this.#drafts[conversation];
    const went = this.line.send({ type: "draft", conversation, text, kind });
    if (!went && conversation === this.conversation && text) this.#note(words.unsaved);
  }

  #keep() {
    tab.write("drafts", this.#drafts);
    tab.write("outbox", this.#outbox);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // the input method's own Enter
    if (this.#offered.length && this.#menuKey(event)) {
      event.preventDefault();
      return;
    }
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey || ($("enter-sends").checked && !event.shiftKey));
    if (sends) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") this.box.blur();
  }

  #submit() {
    const text = this.box.value.trim();
    if (!text || Array.from(text).length > MAX_CHARS || this.conversation === null) return;
    if (!this.#may(this.kind === "note" ? "note" : "reply")) {
      this.#show();
      toast($("composer-hint").textContent || words.claimFirst, "bad");
      return;
    }
    const letter = {
      client_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`,
      conversation: this.conversation,
      ticket: this.#owner.ticket.id,
      text,
      kind: this.kind,
      seen: this.line.seen(),
      state: "waiting",
    };
    this.#outbox.push(letter);
    this.box.value = "";
    clearTimeout(this.#timer);
    this.#timer = 0;
    // The house forgets the draft when it stores the message; until then the outbox has the text.
    this.#drafts[this.conversation] = { text: "", kind: "text", dirty: true };
    this.#setKind("text");
    this.#keep();
    this.#note("");
    this.#post(letter);
    this.#give(this.conversation);
    this.#closeMenu();
    this.#show();
    this.drawOutbox();
    this.box.focus();
  }

  /** @param {any} letter */
  #post(letter) {
    const { ticket, client_id, text, kind, seen, reason } = letter;
    this.line.send({ type: "send", ticket, client_id, text, kind, seen, ...(reason ? { reason } : {}) });
  }

  // --- what speaks against it ----------------------------------------------------------------------

  /** She reads what speaks against her message, then says why it is right, or takes it back. @param {any} letter */
  #ask(letter) {
    const dialog = $("objection");
    if (dialog.open) return; // the next one waits in the outbox
    this.#asked = letter;
    $("objection-text").textContent = letter.text;
    $("objection-list").replaceChildren(...letter.concerns.map((/** @type {any} */ each) => {
      const line = make("li", each.risk === "avoid" ? "is-grave" : "");
      line.append(make("b", "", each.what), `: ${each.why}`);
      return line;
    }));
    $("objection-reason").value = letter.reason ?? "";
    dialog.returnValue = "";
    dialog.showModal();
    $("objection-reason").focus();
  }

  #answered() {
    const letter = this.#asked;
    this.#asked = null;
    if (!letter || !this.#outbox.includes(letter)) return;
    letter.reason = $("objection-reason").value.trim();
    if ($("objection").returnValue === "send" && letter.reason) this.#again(letter);
    else this.#takeBack(letter);
  }

  /** @param {any} letter */
  #again(letter) {
    letter.state = "waiting";
    letter.concerns = undefined;
    if (this.#owner?.ticket) letter.ticket = this.#owner.ticket.id;
    this.#keep();
    this.#post(letter);
    this.drawOutbox();
    this.box.focus();
  }

  /** @param {any} letter */
  #pending(letter) {
    const node = make("li", `said by-${letter.kind === "note" ? "note" : "nurse"} is-${letter.state}`);
    const head = make("p", "said-head");
    head.append(icon(letter.kind === "note" ? "note" : "nurse"), make("b", "", letter.kind === "note" ? words.note : `${words.authors.nurse} · ${words.you}`));
    const bubble = make("div", "bubble");
    bubble.append(make("p", "said-text", letter.text));
    const state = make("p", "extra state");
    if (letter.state === "failed") {
      state.append(make("b", "", `${words.failed}: ${letter.why ?? ""} `));
      if (letter.concerns) state.append(this.#small(words.giveReason, () => this.#ask(letter)));
      else state.append(this.#small(words.retry, () => this.#again(letter)));
      state.append(this.#small(words.discard, () => this.#takeBack(letter)));
    } else state.textContent = letter.state === "stored" ? `✓ ${words.delivered}` : this.line.isOpen() ? words.pending : words.waitingLine;
    node.append(head, bubble, state);
    return node;
  }

  /** @param {any} letter */
  #takeBack(letter) {
    this.#outbox = this.#outbox.filter((each) => each !== letter);
    this.box.value = [letter.text, this.box.value].filter(Boolean).join("\n");
    this.#setKind(letter.kind);
    this.#typed();
    this.drawOutbox();
    this.box.focus();
  }

  /** @param {string} text @param {() => void} act */
  #small(text, act) {
    const button = make("button", "small-button", text);
    button.setAttribute("type", "button");
    button.addEventListener("click", act);
    return button;
  }

  // --- what is shown -------------------------------------------------------------------------------

  /** @param {string} act */
  #may(act) {
    return Boolean(this.#owner?.ticket?.may.includes(act));
  }

  /** @param {string} kind */
  #setKind(kind) {
    this.form.dataset.kind = kind;
    for (const each of ["text", "note"]) {
      $(`tab-${each}`).setAttribute("aria-selected", String(each === kind));
      $(`tab-${each}`).tabIndex = each === kind ? 0 : -1;
    }
    this.box.placeholder = kind === "note" ? words.noteHint : words.replyHint;
    $("send-text").textContent = kind === "note" ? words.sendNote : words.sendReply;
  }

  #show() {
    const over = Array.from(this.box.value.trim()).length - MAX_CHARS;
    $("count").textContent = over > 0 ? fill(words.tooLong, { n: over }) : "";
    const allowed = this.#may(this.kind === "note" ? "note" : "reply");
    const ticket = this.#owner?.ticket;
    let hint = "";
    if (this.#owner && this.kind === "text" && !allowed) {
      if (ticket?.resolved_at) hint = words.ended;
      else if (ticket?.nurse) hint = fill(words.notYours, { nurse: ticket.nurse });
      else hint = words.claimFirst;
    }
    const reach = this.kind === "text" && this.#owner?.reach;
    $("reach").textContent = reach ? this.#reachInWords(reach) : "";
    $("reach").classList.toggle("is-bad", Boolean(reach && (reach.why || reach.left === 1)));
    $("composer-hint").textContent = hint;
    $("composer-hint").hidden = !hint;
    $("send").disabled = !allowed || over > 0 || !this.box.value.trim();
  }

  /** What may still be sent, and until when. @param {any} reach */
  #reachInWords(reach) {
    if (reach.why) return fill(words.reachNot, { why: words.whyNot[reach.why] ?? "" });
    if (reach.notice) return words.reachNotice;
    if (reach.left === null) return "";
    const left = Math.max(0, Date.parse(reach.closes_at) - Date.now());
    const hours = Math.floor(left / 3_600_000); // 41 h, not 1 d
    const time = hours ? fill(words.hours, { n: hours }) : lasting(left);
    return fill(words.reachLeft, { left: reach.left, allowed: reach.allowed, time });
  }

  /** @param {string} text */
  #note(text) {
    $("saved").textContent = text;
  }

  // --- canned replies ------------------------------------------------------------------------------

  async #fetchCanned() {
    try {
      const answer = await fetch(this.line.canned, { headers: { Accept: "application/json" } });
      if (answer.ok) this.#canned = (await answer.json()).replies;
    } catch {
      setTimeout(() => void this.#fetchCanned(), 30_000);
    }
  }

  openMenu() {
    this.box.focus();
    const before = this.box.value.slice(0, this.box.selectionStart);
    this.box.setRangeText(before && !/\s$/.test(before) ? " /" : "/", this.box.selectionStart, this.box.selectionEnd, "end");
    this.#typed();
  }

  #wanted() {
    const before = this.box.value.slice(0, this.box.selectionStart);
    return /(?:^|\s)\/([^\s/]*)$/.exec(before);
  }

  #offer() {
    const wanted = this.#wanted();
    if (!wanted) return this.#closeMenu();
    const asked = wanted[1].toLowerCase();
    this.#offered = this.#canned.filter((each) => each.shortcut.startsWith(asked) || each.title.includes(asked));
    this.#chosen = 0;
    this.#drawMenu();
  }

  #drawMenu() {
    const menu = $("canned");
    menu.replaceChildren(...this.#offered.map((reply, index) => {
      const option = make("li", "");
      option.id = `canned-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(index === this.#chosen));
      option.append(make("b", "", `/${reply.shortcut}`), make("span", "", reply.title), make("span", "soft", this.#inTheirLanguage(reply)));
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        this.#insert(reply);
      });
      return option;
    }));
    if (!this.#offered.length) menu.replaceChildren(make("li", "soft", words.noCanned));
    menu.hidden = false;
    this.box.setAttribute("aria-expanded", "true");
    if (this.#offered.length) this.box.setAttribute("aria-activedescendant", `canned-${this.#chosen}`);
    document.getElementById(`canned-${this.#chosen}`)?.scrollIntoView({ block: "nearest" });
  }

  #closeMenu() {
    this.#offered = [];
    $("canned").hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  #menuKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#chosen = (this.#chosen + step + this.#offered.length) % this.#offered.length;
      this.#drawMenu();
      return true;
    }
    if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
      this.#insert(this.#offered[this.#chosen]);
      return true;
    }
    if (event.key === "Escape") {
      this.#closeMenu();
      return true;
    }
    return false;
  }

  /** @param {any} reply */
  #insert(reply) {
    const wanted = this.#wanted();
    if (!wanted) return;
    const end = this.box.selectionStart;
    this.box.setRangeText(this.#inTheirLanguage(reply), end - wanted[1].length - 1, end, "end");
    this.#closeMenu();
    this.#typed();
    this.#closeMenu();
  }

  /** @param {any} reply */
  #inTheirLanguage(reply) {
    return (this.#owner?.language === "en" && reply.text_en) || reply.text;
  }
}
