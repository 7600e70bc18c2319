// @ts-check
/** Small things that every part of the page does. People's words enter it as text alone. */

/** @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 */
export function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** @param {string} text */
export function announce(text) {
  $("announcer").textContent = text;
}

/** @param {string} text @param {"" | "bad"} [kind] */
export function toast(text, kind = "") {
  for (const same of [...$("toasts").children]) if (same.textContent === text) same.remove();
  const note = make("p", `toast ${kind}`, text);
  $("toasts").append(note);
  setTimeout(() => note.remove(), kind ? 8_000 : 4_000);
}

/**
 * Have htmx put a piece of page in its place; false when the house could not be reached.
 * @param {string} url
 * @param {string} target
 */
export async function fetchInto(url, target) {
  try {
    await window.htmx?.ajax("GET", url, { target, source: target, swap: "innerHTML" });
    return true;
  } catch {
    return false; // the banner of the connection speaks of it
  }
}

/** What must outlive a reload of this tab, and nothing longer than the tab. */
export const tab = {
  /** @param {string} name @param {any} otherwise */
  read(name, otherwise) {
    try {
      return JSON.parse(sessionStorage.getItem(`wenan.${name}`) ?? "null") ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  /** @param {string} name @param {any} value */
  write(name, value) {
    try {
      sessionStorage.setItem(`wenan.${name}`, JSON.stringify(value));
    } catch {
      // Full or forbidden: the house keeps the draft too.
    }
  },
  clear() {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("wenan.")) sessionStorage.removeItem(key);
    }
  },
};

/** A habit of this person at this machine. */
export const habit = {
  /** @param {string} name */
  read: (name) => localStorage.getItem(`wenan.${name}`),
  /** @param {string} name @param {string} value */
  write: (name, value) => localStorage.setItem(`wenan.${name}`, value),
};

export const isTyping = () => {
  const active = document.activeElement;
  return active instanceof HTMLElement && (active.matches("input, textarea, select") || active.isContentEditable);
};
