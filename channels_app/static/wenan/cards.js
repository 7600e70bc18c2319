// @ts-check
/**
 * What a message carries besides its words, drawn: a visit, a report, the outcome of a triage. Each
 * says everything in text; colour and bars only repeat it.
 *
 * The shape of `details`, beside what docs/protocol.md says:
 *   appointment: id, number, status, status_name, who, clinic, when, where, fee; while held `left_s`;
 *     while booked `calendar`; after a move `instead_of`
 *   report: as `assistant.skills.report` says, and `left_s` until it is closed
 *   triage: {level, level_name, departments: [{code, name, reason, location}],
 *     examinations: [{name, prepare}], watch: ["…"]}; level 1 (at once) to 5 (can wait)
 *   progress: [done, total], questions
 *
 * @typedef {import("./bubbles.js").Say} Say
 */
import { element, icon } from "./element.js";

const SVG = "http://www.w3.org/2000/svg";
const TOLD_AT_S = [180, 60, 0]; // when who listens hears how long a seat is kept
const MOST_DOTS = 12;

/**
 * The words around a card, without the lines that it shows itself.
 * @param {string} text
 * @param {(line: string, label: string) => boolean} isShown  the line without its label or bullet, and that
 * @returns {[string, string]} what is said before the card, and after
 */
function around(text, isShown) {
  /** @type {[string[], string[]]} */ const parts = [[], []];
  let met = 0;
  for (const line of text.split("\n")) {
    const label = /^(• *|[^:：]{1,16}[:：] *)/.exec(line)?.[0] ?? "";
    if (isShown(line.slice(label.length), label)) met = 1;
    else parts[met].push(line);
  }
  return [parts[0].join("\n").trim(), parts[1].join("\n").trim()];
}

/** Of "Label: value" only where the card has all of the value. @param {string} text @param {Record<string, any>} visit */
export function aroundVisit(text, visit) {
  const whole = [visit.who, visit.clinic, visit.where].filter(Boolean);
  const begins = [visit.when, visit.fee].filter(Boolean); // "until when" and "paid there" follow
  return around(text, (said, label) => label !== "" && (whole.includes(said) || begins.some((value) => said.startsWith(value))));
}

/** What is said about a row ("Outside the range: …") stays. @param {string} text @param {Record<string, any>} report */
export function aroundReport(text, report) {
  const names = [report.name, ...report.rows.map((/** @type {any} */ row) => row.name)].filter(Boolean);
  return around(text, (said, label) => {
    const line = label.startsWith("•") ? said : label + said;
    return names.some((name) => line.startsWith(name)) || (Boolean(report.conclusion) && said === report.conclusion);
  });
}

/** @param {Record<string, any>} visit @param {Say} say */
export function visitCard(visit, say) {
  const card = element("section", "card visit-card");
  card.dataset.appointment = String(visit.id);
  card.dataset.status = String(visit.status);
  card.setAttribute("aria-label", say("appointment"));
  const status = element("b", "visit-status", String(visit.status_name ?? ""));
  card.append(element("p", "card-title", icon("book"), status, element("span", "visit-number", String(visit.number ?? ""))));
  card.append(element("p", "visit-clinic", String(visit.clinic ?? "")), element("p", "visit-when", String(visit.when ?? "")));
  const fee = visit.fee && say("payThere", { fee: visit.fee });
  card.append(facts([[say("for"), visit.who], [say("where"), visit.where], [say("fee"), fee]]));
  if (visit.status === "pending" && Number.isFinite(visit.left_s)) card.append(countdown(visit.left_s, say));
  if (visit.calendar) {
    const link = /** @type {HTMLAnchorElement} */ (element("a", "card-act", icon("book"), say("addToCalendar")));
    link.href = String(visit.calendar);
    link.download = "visit.ics";
    card.append(link);
  }
  return card;
}

/**
 * What earlier cards of this visit say, and of the one it was moved from, is over.
 * @param {HTMLElement} log @param {HTMLElement} newest @param {Record<string, any>} visit @param {Say} say
 */
export function outdate(log, newest, visit, say) {
  const earlier = (/** @type {any} */ id) =>
    [...log.querySelectorAll(`.visit-card[data-appointment="${CSS.escape(String(id))}"]`)].filter((card) => !newest.contains(card));
  const tell = (/** @type {Element} */ card, /** @type {string} */ status, /** @type {string} */ name) => {
    /** @type {HTMLElement} */ (card).dataset.status = status;
    /** @type {HTMLElement} */ (card.querySelector(".visit-status")).textContent = name;
    for (const gone of card.querySelectorAll(".kept, .card-act")) gone.remove();
  };
  for (const card of earlier(visit.id)) tell(card, visit.status, visit.status_name ?? "");
  if (visit.instead_of) for (const card of earlier(visit.instead_of)) tell(card, "cancelled", say("movedAway"));
}

/** @param {number} seconds @param {Say} say */
function countdown(seconds, say) {
  const shown = element("p", "kept");
  const clock = element("span", "");
  clock.setAttribute("aria-hidden", "true"); // ticks; the line below it speaks
  const told = element("span", "visually-hidden", keptInWords(seconds, say));
  shown.append(icon("clock"), clock, told);
  const ends = performance.now() + seconds * 1000;
  let before = seconds;
  const tick = () => {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    clock.textContent = left ? say("keptFor", { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` }) : say("keptNoMore");
    if (TOLD_AT_S.some((mark) => before > mark && left <= mark)) told.textContent = keptInWords(left, say);
    before = left;
    if (!left) shown.classList.add("over");
    if (!left || (!shown.isConnected && left < seconds - 2)) clearInterval(timer);
  };
  const timer = setInterval(tick, 1_000);
  tick();
  return shown;
}

/** @param {number} seconds @param {Say} say */
function keptInWords(seconds, say) {
  if (seconds <= 0) return say("keptNoMore");
  return seconds <= 60 ? say("keptSeconds") : say("keptMinutes", { n: Math.ceil(seconds / 60) });
}

/** @param {Record<string, any>} report @param {Say} say */
export function reportCard(report, say) {
  const card = element("section", "card report-card");
  card.setAttribute("aria-label", say("report"));
  const whose = [report.for, report.date].filter(Boolean).join(" · ");
  card.append(element("p", "card-title", icon("report"), element("b", "", String(report.name || say("report"))), element("span", "soft", whose)));
  const rows = element("ul", "report-rows");
  for (const each of report.rows) rows.append(reportRow(each, say));
  if (report.rows.length) card.append(rows);
  if (report.conclusion) card.append(element("p", "card-head", say("conclusion")), element("p", "words", String(report.conclusion)));
  if (report.left_s) setTimeout(() => closeReport(card, say), report.left_s * 1000);
  return card;
}

/** The proof of who reads has ended: nothing of it stays on the screen. @param {HTMLElement} card @param {Say} say */
function closeReport(card, say) {
  const bubble = card.parentElement;
  for (const words of bubble?.querySelectorAll(":scope > .words, .read-aloud") ?? []) words.remove();
  card.replaceWith(element("p", "words", say("reportOver")));
}

/** @param {Record<string, any>} row @param {Say} say */
function reportRow(row, say) {
  const shown = element("li", "");
  shown.dataset.mark = String(row.mark ?? "");
  const value = element("span", "report-value", element("b", "", String(row.value ?? "")), row.unit ? ` ${row.unit}` : "");
  const sign = { H: "↑ ", L: "↓ " }[String(row.mark)] ?? "";
  const word = element("span", "report-word", sign && hidden(sign), String(row.word ?? ""));
  shown.append(element("p", "report-line", element("span", "report-name", String(row.name ?? "")), value));
  if (Number.isFinite(row.at)) shown.append(bar(row.at, row.in_range ?? [0.25, 0.75]));
  shown.append(element("p", "report-range", element("span", "", row.range ? say("rangeShort", { range: row.range }) : ""), word));
  if (row.about) shown.append(element("p", "report-about", String(row.about)));
  if (row.trend?.length > 1) {
    const values = row.trend.map((/** @type {any} */ each) => each.value).join(" → ");
    shown.append(element("p", "report-trend", curve(row.trend.map((/** @type {any} */ each) => Number(each.value))), say("trend", { date: row.trend[0].date, trend: values })));
  }
  return shown;
}

/** For the eye alone. @param {string} text */
function hidden(text) {
  const sign = element("span", "", text);
  sign.setAttribute("aria-hidden", "true");
  return sign;
}

/**
 * @param {string} className @param {number} width @param {number} height
 * @param {[string, Record<string, string | number>][]} parts
 */
function drawing(className, width, height, parts) {
  const svg = document.createElementNS(SVG, "svg");
  const all = { class: className, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(all)) svg.setAttribute(key, value);
  for (const [name, values] of parts) {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) part.setAttribute(key, String(value));
    svg.append(part);
  }
  return svg;
}

/** Where a value lies; the words beside it say the same. @param {number} at @param {number[]} range */
function bar(at, [low, high]) {
  const here = 196 * Math.min(1, Math.max(0, at));
  return drawing("range-bar", 200, 14, [
    ["rect", { class: "bar-whole", x: 0, y: 5, width: 200, height: 4 }],
    ["rect", { class: "bar-normal", x: 200 * low, y: 5, width: 200 * (high - low), height: 4 }],
    ["rect", { class: "bar-here", x: here, y: 0, width: 4, height: 14, rx: 1 }],
  ]);
}

/** @param {number[]} values */
function curve(values) {
  const low = Math.min(...values);
  const tall = Math.max(...values) - low || 1;
  const points = values.map((value, place) => `${4 + (72 * place) / (values.length - 1)},${20 - (16 * (value - low)) / tall}`);
  return drawing("curve", 80, 24, [["polyline", { points: points.join(" ") }]]);
}

/** @param {Record<string, any>} triage @param {Say} say @param {string} phone */
export function triageCard(triage, say, phone) {
  const card = element("section", "card triage-card");
  card.setAttribute("aria-label", say("urgency"));
  const level = element("p", "triage-level", element("b", "", String(triage.level_name ?? "")), element("span", "", say("urgencyLevel", triage)));
  level.dataset.level = String(triage.level);
  card.append(level);
  if (triage.departments?.length) card.append(departments(triage.departments, say));
  if (triage.examinations?.length) {
    const list = element("ul", "");
    for (const each of triage.examinations) {
      list.append(element("li", "", element("b", "", String(each.name ?? "")), each.prepare ? element("span", "soft", String(each.prepare)) : ""));
    }
    card.append(element("p", "card-head", say("examinations")), list);
  }
  if (triage.watch?.length) {
    const list = element("ul", "");
    for (const each of triage.watch) list.append(element("li", "", String(each)));
    card.append(element("div", "triage-watch", element("p", "card-head", icon("warning"), say("watch", { phone })), list));
  }
  return card;
}

/** @param {Record<string, any>[]} places @param {Say} say */
export function departments(places, say) {
  const list = element("ul", "departments");
  list.setAttribute("aria-label", say("departments"));
  for (const each of places) {
    const card = element("li", "", element("b", "", String(each.name ?? "")));
    if (each.location) card.append(element("span", "where", icon("place"), String(each.location)));
    if (each.reason) card.append(element("p", "", String(each.reason)));
    list.append(card);
  }
  return list;
}

/** How far the questions are. @param {number[]} progress @param {Say} say */
export function dots([done, total], say) {
  const row = element("p", "progress");
  const sign = element("span", "progress-dots");
  sign.setAttribute("aria-hidden", "true");
  for (let each = 1; each <= Math.min(total, MOST_DOTS); each += 1) {
    const dot = element("i", each < done ? "done" : each === done ? "now" : "");
    sign.append(dot);
  }
  row.append(sign, element("span", "progress-words", say("progress", { done, total })));
  return row;
}

/** @param {[string, any][]} lines */
function facts(lines) {
  const list = element("dl", "facts");
  for (const [name, value] of lines) {
    if (value) list.append(element("div", "", element("dt", "", name), element("dd", "", String(value))));
  }
  return list;
}
