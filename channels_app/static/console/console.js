// @ts-check
/** The nurse's desk: brings the line, the lists, the thread, the composer and the alarms together. */
import { Connection } from "../wenan/connection.js";
import { Alarms, notify } from "./alarms.js";
import { Composer } from "./composer.js";
import { Lists } from "./lists.js";
import { $, announce, fetchInto, habit, isTyping, tab, toast } from "./page.js";
import { sound } from "./sound.js";
import { Tasks } from "./tasks.js";
import { Thread } from "./thread.js";
import { fill, lasting, moment, words } from "./words.js";

const PING_EVERY_MS = 20_000;
const desk = document.body;
const { socket: socketUrl = "", canned = "", lists: listsUrl = "", transfer: transferUrl = "", card: cardUrl = "", taskUrl = "" } = desk.dataset;

/** @type {Connection} */ let connection;
/** @type {any} */ let owner = null; // of the open conversation
let heardAt = Date.now();
let isSignedOut = false;
let wasLost = false;
/** @type {number | null} */ let jumpTo = null;
let asked = 0; // newest seq on the screen when she was asked how it ended
/** @type {number | null} */ let openAfter = null; // a conversation to open once an alarm is claimed

const isOpen = () => connection.state === "open";
/** @param {any} frame */
const send = (frame) => connection.send(frame);

const thread = new Thread({
  pull: (after) => send({ type: "pull", conversation: thread.conversation, after }),
  seen: (seq) => send({ type: "seen", conversation: thread.conversation, seq }),
  arrived: (item) => composer.arrived(item),
});
const composer = new Composer({ send, isOpen: () => connection !== undefined && isOpen(), seen: () => thread.have, scrollEnd: () => thread.toEnd(), canned });
const lists = new Lists({ url: listsUrl, open, openTask, newPatient, signedOut });
const tasks = new Tasks({ url: taskUrl, conversation: open, changed: () => void lists.refresh(), signedOut });
const alarms = new Alarms({
  claim(alarm) {
    openAfter = alarm.conversation;
    if (!send({ type: "do", act: "claim", ticket: alarm.ticket })) toast(words.waiting, "bad");
  },
  acknowledge(alarm) {
    if (!send({ type: "do", act: "acknowledge", ticket: alarm.ticket })) toast(words.waiting, "bad");
  },
  open: (alarm) => open(alarm.conversation, ""),
});

// --- the line ----------------------------------------------------------------------------------------

function connect() {
  isSignedOut = false;
  connection = new Connection({ url: socketUrl, hello: () => ({ type: "hello" }), onFrame, onState, onRefused });
}

/** @param {any} frame */
function onFrame(frame) {
  heardAt = Date.now();
  const isHere = frame.conversation === thread.conversation && thread.conversation !== null;
  switch (frame.type) {
    case "welcome":
      if (String(frame.nurse.id) !== desk.dataset.nurse) {
        // Somebody else has signed in since: nothing typed here may go out in her name.
        tab.clear();
        connection.close();
        location.reload();
        break;
      }
      $("availability").value = $("availability").dataset.value = frame.nurse.availability;
      break;
    case "queue":
      void lists.refresh();
      break;
    case "news":
      void lists.refresh();
      sound.chime();
      break;
    case "alarms":
      alarms.show(frame.items);
      break;
    case "messages":
      if (!isHere) break;
      thread.take(frame);
      if (jumpTo !== null && thread.jump(jumpTo)) jumpTo = null;
      if (frame.items.some((item) => item.author === "patient" || item.kind === "event")) refreshCardSoon();
      if (document.hidden && frame.items.some((item) => item.author === "patient")) {
        sound.chime();
        notify(words.wroteNotice, "wenan-message");
      }
      break;
    case "owner":
      if (!isHere) break;
      owner = frame;
      composer.own(frame);
      showOwner();
      break;
    case "seen":
      if (isHere) thread.read(frame);
      break;
    case "typing":
      if (isHere) thread.typing();
      break;
    case "draft":
      composer.restore(frame);
      lists.drafted(frame.conversation, composer.hasDraft(frame.conversation));
      break;
    case "ack":
      composer.acknowledged(frame);
      break;
    case "done":
      done(frame);
      break;
    case "error":
      refused(frame);
      break;
  }
}

/** @param {string} state */
function onState(state) {
  $("live-mark").dataset.state = state;
  $("live-text").textContent = state === "open" ? words.live : state === "connecting" ? words.connecting : words.lostShort;
  if (state === "open") {
    if (wasLost) announce(words.back);
    wasLost = false;
    if (thread.conversation !== null) send({ type: "watch", conversation: thread.conversation, after: thread.have });
    composer.repeat();
    composer.drawOutbox();
    void lists.refresh();
  } else if (state !== "connecting" || wasLost) {
    wasLost = true;
    composer.lineLost();
  }
  showLine();
}

/** @param {number} code */
function onRefused(code) {
  if (code === 4403) {
    $("line-text").textContent = words.notAllowed;
    $("line").hidden = false;
  } else signedOut();
}

function signedOut() {
  isSignedOut = true;
  showLine();
}

function showLine() {
  const state = connection?.state;
  const troubled = isSignedOut || wasLost;
  $("line").hidden = !troubled;
  $("line-sign-in").hidden = !isSignedOut;
  if (!troubled) return;
  $("line-text").textContent = isSignedOut ? words.signedOut : state === "offline" ? words.offline : words.waiting;
  showAge();
}

function showAge() {
  if (!$("line").hidden) $("line-age").textContent = fill(words.age, { t: lasting(Date.now() - heardAt) });
}

function reconnect() {
  if (isSignedOut || connection.state === "offline") {
    connection.close();
    connect();
    wasLost = true;
    showLine();
  } else connection.wake();
}

setInterval(() => isOpen() && send({ type: "ping" }), PING_EVERY_MS);
setInterval(showAge, 1_000);
// She has signed in again in the other tab, and comes back.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && isSignedOut) reconnect();
});

// --- one conversation --------------------------------------------------------------------------------

/** @param {number} conversation @param {string} name */
function open(conversation, name) {
  view("thread");
  tasks.close();
  desk.dataset.centre = "thread";
  if (conversation === thread.conversation) {
    $("thread-name").focus();
    return;
  }
  owner = null;
  jumpTo = null;
  thread.open(conversation);
  composer.open(conversation);
  $("nothing-open").hidden = true;
  $("thread-head").hidden = $("thread-scroll").hidden = false;
  $("thread-name").textContent = name || $("lists").querySelector(`[data-conversation="${conversation}"]`)?.dataset.name || "…";
  $("owner").textContent = $("thread-more").textContent = "";
  for (const button of document.querySelectorAll("[data-act]")) button.hidden = true;
  $("card").replaceChildren(); // another patient's card beside this thread would mislead
  lists.mark({ conversation });
  tab.write("open", { conversation, name });
  send({ type: "watch", conversation, after: 0 });
  fetchCard();
  $("thread-name").focus();
}

/** A task in the middle; the conversation that was there is left, so that nothing counts as seen. @param {number} task */
function openTask(task) {
  view("thread");
  desk.dataset.centre = "task";
  if (thread.conversation !== null) leave();
  lists.mark({ task });
  void tasks.open(task);
}

function leave() {
  send({ type: "unwatch" });
  composer.leave();
  thread.leave();
  owner = jumpTo = null;
  $("nothing-open").hidden = false;
  $("thread-head").hidden = $("thread-scroll").hidden = true;
  $("card").replaceChildren();
  tab.write("open", null);
}

function showOwner() {
  const ticket = owner.ticket;
  const chip = $("owner");
  const state = ticket?.resolved_at ? "ended" : ticket?.mine ? "mine" : owner.owner === "nurse" ? "other" : owner.owner;
  chip.dataset.state = state;
  chip.textContent = fill(words[`owner_${state}`] ?? "", { nurse: owner.nurse });
  const more = [ticket?.reason];
  if (ticket?.snoozed_until) more.push(fill(words.snoozedUntil, { until: moment(ticket.snoozed_until) }));
  if (ticket?.outcome) more.push(ticket.outcome);
  $("thread-more").textContent = more.filter(Boolean).join(" · ");
  for (const button of document.querySelectorAll("[data-act]")) {
    const had = button === document.activeElement;
    button.hidden = !ticket?.may.includes(button.dataset.act);
    if (had && button.hidden) $("thread-name").focus();
  }
}

/** @type {number} */ let cardTimer = 0;
function refreshCardSoon() {
  // Each look is on the access log, so a burst of messages is one look.
  clearTimeout(cardTimer);
  cardTimer = setTimeout(fetchCard, 2_000);
}

function fetchCard() {
  clearTimeout(cardTimer);
  const conversation = thread.conversation;
  if (conversation === null) return;
  void fetchInto(cardUrl.replace("/0/", `/${conversation}/`), "#card");
}

/** @param {HTMLFormElement} form */
function wroteAllergy(form) {
  $("allergies-title").focus();
  if ($("allergies").querySelector(".is-bad")) return;
  form.reset();
  form.closest("details")?.removeAttribute("open");
}

$("card").addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.xhr.responseURL.includes(`/${thread.conversation}/`)) event.detail.shouldSwap = false;
});
$("card").addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "allergies") wroteAllergy(event.detail.requestConfig.elt);
  else if (event.detail.requestConfig.verb === "post") $("care-title").focus();
  const name = $("card").querySelector("[data-title]")?.dataset.title;
  if (name) $("thread-name").textContent = name;
});
$("card").addEventListener("click", (event) => {
  const line = event.target.closest("[data-jump]");
  if (!line) return;
  event.preventDefault();
  view("thread");
  const seq = Number(line.dataset.jump);
  if (!thread.jump(seq)) jumpTo = seq;
});

// --- acts --------------------------------------------------------------------------------------------

/** @param {string} act @param {Record<string, any>} [more] */
function act(act, more = {}) {
  if (!owner?.ticket) return;
  if (!send({ type: "do", act, ticket: owner.ticket.id, ...more })) toast(words.waiting, "bad");
}

/** @param {any} frame */
function done(frame) {
  toast(fill(words.done, { act: words.acts[frame.act] ?? frame.act }));
  if (frame.act === "claim" && openAfter !== null) open(openAfter, "");
  else if (frame.act === "claim") $("text").focus();
  if (frame.act === "claim") lists.choose("mine");
  openAfter = null;
  void lists.refresh();
}

/** @param {any} frame */
function refused(frame) {
  if (frame.client_id) composer.refused(frame);
  else toast(frame.message, "bad");
  if (frame.code === "already_claimed" && openAfter !== null) open(openAfter, "");
  if (frame.act) openAfter = null;
}

/** @param {string} name */
function ask(name) {
  if (!owner?.ticket?.may.includes(name)) return;
  if (name === "claim" || name === "reopen") return act(name);
  if (name === "transfer") {
    $("transfer-body").replaceChildren();
    void fetchInto(transferUrl, "#transfer-body");
  }
  asked = thread.have;
  const dialog = $(name);
  dialog.returnValue = "";
  dialog.showModal();
}

$("snooze").addEventListener("close", () => {
  const chosen = $("snooze").returnValue;
  if (chosen) act("snooze", { minutes: chosen === "tomorrow" ? minutesUntilMorning() : Number(chosen) });
});
$("resolve").addEventListener("close", () => {
  if ($("resolve").returnValue) act("resolve", { outcome: $("resolve").returnValue, seen: asked });
});
$("return").addEventListener("close", () => {
  if ($("return").returnValue) act("return", { seen: asked });
});
$("transfer").addEventListener("close", () => {
  if ($("transfer").returnValue !== "yes") return;
  const colleague = $("transfer").querySelector("input[name=receiver]:checked");
  const department = $("department-choice")?.value;
  if (colleague) act("transfer", { to: Number(colleague.value.split(":")[1]) });
  else if (department) act("transfer", { department: Number(department) });
});
// A colleague or a department, not both.
$("transfer-body").addEventListener("change", (event) => {
  if (event.target.name === "receiver") $("department-choice").value = "";
  else for (const each of $("transfer").querySelectorAll("input[name=receiver]")) each.checked = false;
});

function minutesUntilMorning() {
  const morning = new Date();
  morning.setDate(morning.getDate() + 1);
  morning.setHours(8, 0, 0, 0);
  return Math.round((morning.getTime() - Date.now()) / 60_000);
}

function newPatient() {
  if (!alarms.items.length) sound.chime();
  announce(words.newPatient);
  if (document.hidden) notify(words.queueNotice, "wenan-queue");
}

// --- hands -------------------------------------------------------------------------------------------

/** @param {string} name  lists, thread or card: on a phone one is seen at a time */
function view(name) {
  desk.dataset.pane = name;
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

async function startDuty() {
  if (await sound.unlock()) {
    sound.alarm();
    toast(words.soundOn);
  } else toast(words.soundOff, "bad");
  if (typeof Notification !== "undefined" && Notification.permission === "default") void Notification.requestPermission();
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const button = target?.closest("[data-do], [data-act], [data-view]");
  if (!(button instanceof HTMLElement)) return;
  if (button.dataset.act) ask(button.dataset.act);
  else if (button.dataset.view) view(button.dataset.view);
  else if (button.dataset.do === "start-duty") void startDuty();
  else if (button.dataset.do === "reconnect") reconnect();
  else if (button.dataset.do === "help") $("help").showModal();
  else if (button.dataset.do === "canned") composer.openMenu();
  else if (button.dataset.do === "language") {
    document.cookie = `django_language=${button.dataset.language};path=/;max-age=31536000;samesite=lax`;
    location.reload();
  }
});

/** @type {Record<string, () => void>} */
const keys = {
  j: () => lists.move(1),
  k: () => lists.move(-1),
  a: () => (tasks.task === null ? ask("claim") : tasks.press("take")),
  r: () => !$("composer").hidden && composer.choose("text"),
  n: () => !$("composer").hidden && composer.choose("note"),
  s: () => (tasks.task === null ? ask("snooze") : tasks.press("postpone")),
  e: () => (tasks.task === null ? ask("resolve") : tasks.press("finish")),
  o: () => tasks.openConversation(),
  t: () => lists.choose("tasks"),
  "?": () => $("help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.key === "F8") {
    event.preventDefault();
    alarms.focus();
    return;
  }
  if (isTyping() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!$("shortcuts").checked || document.querySelector("dialog[open]")) return;
  const hit = keys[event.key.toLowerCase()];
  if (!hit) return;
  event.preventDefault();
  hit();
});
$("shortcuts").checked = habit.read("shortcuts") !== "0";
$("shortcuts").addEventListener("change", () => habit.write("shortcuts", $("shortcuts").checked ? "1" : "0"));
$("availability").addEventListener("change", () => {
  const select = $("availability");
  if (send({ type: "availability", value: select.value })) return;
  select.value = select.dataset.value;
  toast(words.waiting, "bad");
});
$("logout").addEventListener("submit", () => {
  connection.close();
  tab.clear();
});

// A tab that another nurse used before: what was hers is not shown to the next.
if (tab.read("nurse", desk.dataset.nurse) !== desk.dataset.nurse) {
  tab.clear();
  location.reload();
}
tab.write("nurse", desk.dataset.nurse);
connect();
const last = tab.read("open", null);
if (last) open(last.conversation, last.name);
