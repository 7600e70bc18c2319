// @ts-check
/**
 * Quick replies: a few stand side by side; many are a list, times of one day under that day. The
 * whole label is what is written and read out; under its day a button shows the rest of it.
 */
import { element } from "./element.js";

const FEW = 4;
const DAY_AND_TIME = /^(.+?)\s+(\d{1,2}:\d\d\b.*)$/s;

/** @typedef {{label: string, text: string, tap: string}} Choice */

/**
 * @param {HTMLElement} where
 * @param {Choice[]} choices
 * @param {(choice: Choice) => void} take
 */
export function showChoices(where, choices, take) {
  const days = choices.map((each) => DAY_AND_TIME.exec(String(each.label))?.[1] ?? "");
  const dated = days.filter(Boolean).length;
  where.classList.toggle("many", choices.length > FEW + 1 || dated > 2); // the last is the nurse
  /** @type {Node[]} */ const shown = [];
  /** @type {HTMLElement | null} */ let group = null;
  choices.forEach((choice, place) => {
    if (dated < 3 || !days[place]) {
      group = null;
      shown.push(button(choice, String(choice.label), take));
      return;
    }
    if (!group || days[place] !== days[place - 1]) {
      group = element("div", "choice-times");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", days[place]);
      const head = element("p", "choice-day", days[place]);
      head.setAttribute("aria-hidden", "true");
      group.append(head);
      shown.push(group);
    }
    group.append(button(choice, String(choice.label).slice(days[place].length).trim(), take));
  });
  where.replaceChildren(...shown);
}

/** @param {Choice} choice @param {string} words @param {(choice: Choice) => void} take */
function button(choice, words, take) {
  const made = /** @type {HTMLButtonElement} */ (element("button", "choice", words));
  made.type = "button";
  if (choice.tap === "nurse") made.classList.add("to-nurse");
  if (words !== choice.label) made.setAttribute("aria-label", String(choice.label));
  made.addEventListener("click", () => take(choice));
  return made;
}
