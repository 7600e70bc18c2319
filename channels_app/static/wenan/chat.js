// @ts-check
import { Bubbles } from "./bubbles.js";
import { showChoices } from "./choices.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { storage } from "./keep.js";
import { Outbox } from "./outbox.js";
import { Thread } from "./thread.js";
import { Host } from "./host.js";

const TYPING_EVERY_MS = 3_000;
const TYPING_SHOWN_MS = 6_000;
const ASSISTANT_TYPING_MS = 20_000; // it answers in a second; after this long it will not
const NEAR_THE_END_PX = 120;

const settings = JSON.parse(/** @type {HTMLElement} */ (byId("chat-settings")).textContent ?? "{}");
// Who came by a link may be on somebody else's phone: nothing outlives the tab.
const kept = storage(settings.link ? "sessionStorage" : "localStorage");
const keptName = settings.link ? `${settings.channel}.${settings.link}` : settings.channel;
const tokenName = `wenan.token.${keptName}`;

const ui = {
  thread: byId("thread"),
  log: byId("log"),
  welcome: byId("welcome"),
  tiles: byId("tiles"),
  choices: byId("choices"),
  typing: byId("typing"),
  typingText: byId("typing-text"),
  line: byId("line-banner"),
  owner: byId("owner-banner"),
  toNewest: byId("to-newest"),
  menu: byId("menu"),
  sheet: byId("sheet"),
};

/** @param {string} name @param {Record<string, any>} [values] */
function say(name, values = {}) {
  const words = settings.words[name] ?? "";
  return words.replace(/\{(\w+)\}/g, (/** @type {string} */ _all, /** @type {string} */ key) => values[key] ?? "");
}

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

let token = kept.getItem(tokenName) ?? "";
let owner = "assistant";
let nurseName = "";
let caughtUp = false; // the first replay is over: from here on, what comes is news
let wasOpen = false;
let openedBefore = false;
let recovering = false; // the line broke, and what was missed is still coming
let missed = 0; // news among that
let staffSeen = 0;
let patientSeen = 0;
let pulling = false;
let follows = false; // wrote, and has not looked back since: the answer comes into view
/** @type {Record<string, ReturnType<typeof setTimeout>>} */
const timers = {};

const thread = new Thread();
const bubbles = new Bubbles(ui.log, say, settings);
const host = new Host(settings, () => noteSeen());
const composer = new Composer({ maxChars: settings.maxChars, say, onSend: write, onTyping: tellTyping, keep: storage("sessionStorage") });
const outbox = new Outbox({
  name: keptName,
  keep: kept,
  send: (letter) => {
    keepToken(); // from the first word on, this visitor may come back
    return connection.send({ type: "send", client_id: letter.client_id, text: letter.text, ...(letter.tap && { tap: letter.tap }) });
  },
  refused: (letter, reason) => {
    const row = bubbles.pending(letter.client_id);
    if (row) bubbles.refuse(row, reason, () => composer.put(letter.text));
  },
  stalled: () => connection.wake(),
});

const path = encodeURIComponent(settings.channel);
const connection = new Connection({
  url: `/ws/chat/${path}/`,
  pollUrl: `/chat/${path}/poll`,
  hello: () => ({ type: "hello", ...(token || !settings.link ? { token } : { link: settings.link }), after: thread.held, lang: settings.lang }),
  onFrame: hear,
  onState: showLine,
  onRefused: () => banner(ui.line, say("closed")),
});

for (const letter of outbox.letters) bubbles.showPending(letter);
arrange();

// --- What the house says -------------------------------------------------------------------------

/** @param {import("./connection.js").Frame} frame */
function hear(frame) {
  switch (frame.type) {
    case "welcome":
      return welcomed(frame);
    case "messages":
      return take(frame);
    case "ack":
      return acknowledged(frame);
    case "owner":
      return showOwner(frame);
    case "seen":
      staffSeen = Math.max(staffSeen, frame.seq);
      return bubbles.markRead(staffSeen);
    case "typing":
      return showTyping(frame.author === "nurse" ? say("nurseTyping", { nurse: nurseName || say("aNurse") }) : say("assistantTyping"), TYPING_SHOWN_MS);
    case "error":
      return failed(/** @type {any} */ (frame));
  }
}

/** @param {import("./connection.js").Frame} frame */
function welcomed(frame) {
  token = frame.token;
  if (frame.last_seq > 0 || outbox.letters.length) keepToken();
  if (frame.last_seq < thread.held) {
    // The house holds less than we do: a restored backup. Its word counts.
    startOver();
    connection.send({ type: "pull", after: 0 });
  }
  thread.hearOf(frame.last_seq);
  if (frame.last_seq === 0) beCaughtUp();
}

/** @param {import("./connection.js").Frame} frame */
function take(frame) {
  pulling = false;
  const stick = isAtEnd() || !caughtUp || follows;
  thread.hearOf(frame.last_seq);
  const added = thread.take(frame.items);
  const rows = added.map(showItem);
  if (frame.more || thread.hasGap) pull();
  else beCaughtUp();
  bubbles.markRead(staffSeen);
  const theirs = added.filter((item) => item.kind !== "hidden" && item.author !== "patient");
  if (theirs.length) hideTyping();
  if (caughtUp && theirs.length) {
    if (recovering) missed += theirs.filter((item) => item.kind === "text").length;
    host.unread(theirs.filter((item) => item.kind === "text").length);
    if (!stick) ui.toNewest.hidden = false;
  }
  arrange();
  const card = caughtUp && rows.find((row) => row?.classList.contains("with-card"));
  if (card) requestAnimationFrame(() => card.scrollIntoView({ block: "start" })); // from its top
  else if (stick) toNews(rows);
  noteSeen();
}

/** @param {import("./thread.js").Item} item */
function showItem(item) {
  if (item.kind === "hidden") return null;
  const own = item.client_id && bubbles.pending(item.client_id);
  if (item.client_id) outbox.acknowledged(item.client_id);
  if (own) own.remove(); // what was stored may differ by a control character: show that
  return bubbles.show(item);
}

/** @param {import("./connection.js").Frame} frame */
function acknowledged(frame) {
  const row = bubbles.pending(frame.client_id);
  const letter = outbox.acknowledged(frame.client_id);
  if (row && letter) {
    thread.take([{ seq: frame.seq, kind: "text", author: "patient", text: letter.text, at: frame.at, client_id: frame.client_id }]);
    bubbles.settle(row, frame.seq, frame.at);
    bubbles.markRead(staffSeen);
    if (owner === "assistant") showTyping(say("assistantTyping"), ASSISTANT_TYPING_MS);
    host.started();
  }
  thread.hearOf(frame.seq);
  if (thread.hasGap) pull();
  arrange();
}

/** @param {{code: string, message: string, client_id?: string}} error */
function failed(error) {
  if (error.code === "bad_token") {
    token = "";
    kept.removeItem(tokenName);
    startOver();
    banner(ui.line, error.message);
    return;
  }
  if (error.client_id) outbox.failed(error);
  else if (error.code !== "too_fast" && error.code !== "not_found") banner(ui.line, error.message);
  syncPending();
}

/** @param {import("./connection.js").Frame} frame */
function showOwner(frame) {
  owner = frame.owner;
  nurseName = frame.nurse ?? "";
  document.body.dataset.owner = owner;
  if (owner !== "assistant") hideTyping();
  if (owner === "nurse") return banner(ui.owner, say("withYou", { nurse: nurseName || say("aNurse") }));
  if (owner !== "queue") return banner(ui.owner, "");
  const worse = say("worse", { phone: settings.emergencyPhone });
  if (frame.urgent) return banner(ui.owner, say("queueUrgent", { phone: settings.emergencyPhone }));
  if (frame.nurses_here === false) {
    const when = frame.back_at && new Date(frame.back_at);
    const first = when ? say("offHours", { when: moment(when) }) : say("offHoursNoTime");
    return banner(ui.owner, join(first, say("queueLeave"), worse));
  }
  const place = frame.ahead ? say("queueAhead", { ahead: frame.ahead }) : say("queueNext");
  banner(ui.owner, join(place, say("queueLeave")));
}

/** @param {import("./connection.js").State} state */
function showLine(state) {
  if (state === "open") {
    wasOpen = true;
    outbox.resume();
    clearTimeout(timers.line);
    if (recovering) timers.line = setTimeout(tellRecovered, 400); // the replay follows the welcome
    else banner(ui.line, "");
    openedBefore = true;
    return;
  }
  wasOpen = false;
  recovering = openedBefore;
  clearTimeout(timers.line);
  if (state === "offline") banner(ui.line, say("offline"));
  else if (state === "waiting") banner(ui.line, say("reconnecting"));
  else if (!openedBefore) {
    // The first attempt is nobody's business unless it takes long.
    timers.line = setTimeout(() => connection.state !== "open" && banner(ui.line, say("connecting")), 2_000);
  }
}

function tellRecovered() {
  recovering = false;
  banner(ui.line, missed ? say("caughtUp", { count: missed }) : say("backAgain"), "good");
  missed = 0;
  timers.line = setTimeout(() => banner(ui.line, ""), 4_000);
}

function pull() {
  if (pulling) return;
  pulling = connection.send({ type: "pull", after: thread.held });
  setTimeout(() => (pulling = false), 3_000);
}

function startOver() {
  thread.forget();
  bubbles.clear();
  staffSeen = patientSeen = 0;
  for (const letter of outbox.letters) bubbles.showPending(letter);
  arrange();
}

// --- What the patient does -----------------------------------------------------------------------

/** @param {string} text @param {string} [tap] */
function write(text, tap = "") {
  adoptToken();
  follows = true;
  outbox.post(text, tap);
  syncPending();
  arrange();
  toEnd(true);
}

/** Bubbles for exactly what is on its way. */
function syncPending() {
  const letters = outbox.letters;
  for (const row of bubbles.allPending()) {
    if (!letters.some((letter) => letter.client_id === row.dataset.client)) row.remove();
  }
  for (const letter of letters) if (!bubbles.pending(letter.client_id)) bubbles.showPending(letter);
}

function tellTyping() {
  if (timers.typed || owner === "assistant") return; // only a person wants to know
  connection.send({ type: "typing" });
  timers.typed = setTimeout(() => delete timers.typed, TYPING_EVERY_MS);
}

function noteSeen() {
  const seq = thread.held;
  if (seq <= patientSeen || document.visibilityState !== "visible" || !host.isOpen || !isAtEnd()) return;
  if (connection.send({ type: "seen", seq })) patientSeen = seq;
  host.read();
}

function keepToken() {
  if (token) kept.setItem(tokenName, token);
}

/** Another tab may have begun the conversation meanwhile: then it is ours too. */
function adoptToken() {
  const other = kept.getItem(tokenName);
  if (!other || thread.newest > 0 || other === token) return;
  token = other;
  connection.again();
}

// --- The page ------------------------------------------------------------------------------------

/** Show what the moment asks for: tiles to begin with, quick replies on the newest message only. */
function arrange() {
  const begun = thread.newest > 0 || outbox.letters.length > 0;
  ui.welcome.classList.toggle("small", begun);
  ui.menu.hidden = !begun;
  if (begun && ui.tiles.parentElement !== ui.sheet) ui.sheet.append(ui.tiles);
  if (!begun && ui.tiles.parentElement === ui.sheet) {
    ui.welcome.querySelector(".hello")?.after(ui.tiles);
    showSheet(false);
  }
  const last = outbox.letters.length ? null : thread.last();
  const choices = last && last.author !== "patient" && Array.isArray(last.details?.choices) ? last.details.choices : [];
  if (ui.choices.dataset.seq !== String(last?.seq ?? "") || !choices.length) {
    showChoices(ui.choices, choices, choose);
    ui.choices.dataset.seq = String(last?.seq ?? "");
  }
  ui.choices.hidden = !choices.length;
}

/** @param {{label: string, text: string, tap: string}} choice */
function choose(choice) {
  write(String(choice.text || choice.label), String(choice.tap ?? ""));
  composer.focus();
}

function beCaughtUp() {
  if (caughtUp) return;
  caughtUp = true;
  toEnd(false);
  // A screen reader is told what is new, not the whole history.
  setTimeout(() => ui.log.setAttribute("aria-live", "polite"), 500);
}

/** @param {HTMLElement} where @param {string} words @param {string} [mood] */
function banner(where, words, mood = "") {
  const stick = isAtEnd();
  if (where.textContent !== words) where.textContent = words;
  where.hidden = !words;
  where.dataset.mood = mood;
  if (stick) toEnd(false);
}

/** @param {string} words @param {number} ms */
function showTyping(words, ms) {
  const stick = isAtEnd();
  ui.typingText.textContent = words;
  ui.typing.hidden = false;
  clearTimeout(timers.typing);
  timers.typing = setTimeout(hideTyping, ms);
  if (stick) toEnd(true);
}

function hideTyping() {
  clearTimeout(timers.typing);
  ui.typing.hidden = true;
}

function isAtEnd() {
  const { scrollHeight, scrollTop, clientHeight } = ui.thread;
  return scrollHeight - scrollTop - clientHeight < NEAR_THE_END_PX;
}

/** @param {boolean} smooth */
function toEnd(smooth) {
  if (!thread.newest && !outbox.letters.length) return; // the welcome is read from its top
  ui.toNewest.hidden = true;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  requestAnimationFrame(() => ui.thread.scrollTo({ top: ui.thread.scrollHeight, behavior: smooth && !calm ? "smooth" : "auto" }));
}

/** To the end; where what is new is taller than the screen, to its beginning. @param {(HTMLElement | null)[]} rows */
function toNews(rows) {
  const first = caughtUp && rows.find((row) => row && !row.classList.contains("patient"));
  if (!first) return toEnd(caughtUp);
  const { scrollHeight, scrollTop, clientHeight } = ui.thread;
  const top = first.getBoundingClientRect().top - ui.thread.getBoundingClientRect().top + scrollTop;
  if (scrollHeight - top <= clientHeight) return toEnd(true);
  requestAnimationFrame(() => first.scrollIntoView({ block: "start" }));
}

/** @param {boolean} open */
function showSheet(open) {
  ui.sheet.hidden = !open;
  ui.menu.setAttribute("aria-expanded", String(open));
}

/** By the hospital's clock, wherever the patient is. @param {Date} when */
function moment(when) {
  const day = when.toDateString() === new Date().toDateString() ? {} : /** @type {const} */ ({ month: "numeric", day: "numeric" });
  return new Intl.DateTimeFormat(settings.lang === "en" ? "en-GB" : "zh-CN", { ...day, hour: "2-digit", minute: "2-digit", timeZone: settings.timeZone }).format(when);
}

/** @param {...string} sentences */
function join(...sentences) {
  return sentences.filter(Boolean).join(settings.lang === "en" ? " " : "");
}

ui.tiles.addEventListener("click", (event) => {
  const tile = /** @type {HTMLElement} */ (event.target).closest("button");
  if (!tile) return;
  showSheet(false);
  write(tile.dataset.text ?? "", tile.dataset.tap);
  composer.focus();
});
ui.menu.addEventListener("click", () => showSheet(ui.sheet.hidden === true));
ui.toNewest.addEventListener("click", () => {
  toEnd(true);
  composer.focus();
});
ui.thread.addEventListener("scroll", () => {
  if (!isAtEnd()) return;
  ui.toNewest.hidden = true;
  noteSeen();
}, { passive: true });
for (const hand of ["wheel", "touchmove"]) ui.thread.addEventListener(hand, () => (follows = false), { passive: true });
document.addEventListener("visibilitychange", noteSeen);
addEventListener("resize", () => isAtEnd() && toEnd(false));
addEventListener("storage", (event) => {
  if (event.key === tokenName && event.newValue) adoptToken();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || byId("emergency").hasAttribute("open")) return;
  if (!ui.sheet.hidden) {
    showSheet(false);
    ui.menu.focus();
  } else host.close();
});

// Who tapped a service on our own front page has said the first word there; a link from elsewhere says nothing.
function begin() {
  const here = new URL(location.href);
  const wish = here.searchParams.get("start");
  if (!wish) return;
  here.searchParams.delete("start");
  history.replaceState(null, "", here);
  const tile = /** @type {HTMLElement | null} */ (ui.tiles.querySelector(`[data-tap="${CSS.escape(wish)}"]`));
  if (tile && document.referrer.startsWith(`${location.origin}/`)) write(tile.dataset.text ?? "", wish);
}
begin();

// --- Display and emergency -----------------------------------------------------------------------

const large = byId("large");
function showLarge() {
  large.setAttribute("aria-pressed", String(document.documentElement.dataset.large === "1"));
}
large.addEventListener("click", () => {
  const on = document.documentElement.dataset.large !== "1";
  document.documentElement.dataset.large = on ? "1" : "0";
  kept.setItem("wenan.large", on ? "1" : "0");
  showLarge();
  toEnd(false);
});
showLarge();

byId("language").addEventListener("click", () => {
  const lang = byId("language").dataset.lang ?? "zh-hans";
  kept.setItem("wenan.lang", lang);
  const here = new URL(location.href);
  here.searchParams.set("lang", lang);
  location.replace(here);
});

const emergency = /** @type {HTMLDialogElement} */ (byId("emergency"));
byId("emergency-open").addEventListener("click", () => emergency.showModal());
byId("emergency-close").addEventListener("click", () => emergency.close());
emergency.addEventListener("click", (event) => {
  if (event.target === emergency) emergency.close(); // beside it
});
byId("emergency-nurse").addEventListener("click", () => {
  emergency.close();
  write(say("emergencyText"), "emergency"); // rings the alarm, not just a bell
});
