// @ts-check
/**
 * The chat on any page: <script src="https://…/static/wenan/widget.js" data-channel="web" async>.
 *
 * Makes one button and, at the first opening, one frame; loads and stores nothing before that.
 * data-lang ("zh-hans", "en"; else the page's own language), data-label, data-side ("left").
 */
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const house = new URL(script.src).origin;
  const { channel = "web", side = "right" } = script.dataset;
  const lang = script.dataset.lang || (/^en\b/i.test(document.documentElement.lang || navigator.language) ? "en" : "zh-hans");
  const words =
    lang === "en"
      ? { label: "Ask us", open: "Open the chat with the hospital", close: "Close the chat", unread: "unread", frame: "Chat with the hospital" }
      : { label: "在线咨询", open: "打开在线咨询", close: "关闭在线咨询", unread: "条未读", frame: "在线咨询" };

  // Nobody's stylesheet reaches in here, and ours nobody else.
  const place = document.createElement("wenan-chat");
  const root = place.attachShadow({ mode: "closed" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; }
    * { box-sizing: border-box; }
    .launcher {
      position: fixed; z-index: 2147483000; bottom: calc(20px + env(safe-area-inset-bottom)); ${side === "left" ? "left" : "right"}: 20px;
      display: inline-flex; align-items: center; gap: 10px; min-height: 56px; padding: 0 22px 0 18px;
      border: 0; border-radius: 28px; background: #0b6e75; color: #fff; cursor: pointer;
      font: 600 17px/1.2 system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
      box-shadow: 0 6px 24px #07383d59;
    }
    .launcher:hover { background: #07545a; }
    .launcher svg { width: 28px; height: 28px; }
    .badge { min-width: 24px; padding: 3px 7px; border-radius: 12px; background: #b3261e; color: #fff; font-size: 14px; text-align: center; }
    .panel {
      position: fixed; z-index: 2147483001; bottom: calc(20px + env(safe-area-inset-bottom)); ${side === "left" ? "left" : "right"}: 20px;
      width: min(420px, calc(100vw - 40px)); height: min(720px, calc(100vh - 40px)); height: min(720px, calc(100dvh - 40px));
      border-radius: 20px; overflow: hidden; background: #f2f6f7; box-shadow: 0 16px 60px #07383d66;
    }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    .close {
      position: absolute; top: calc(8px + env(safe-area-inset-top)); right: 8px; width: 44px; height: 44px; display: grid; place-items: center;
      border: 0; border-radius: 50%; background: #ffffff29; color: #fff; cursor: pointer;
    }
    .close:hover { background: #ffffff45; }
    .close svg { width: 22px; height: 22px; }
    :focus-visible { outline: 3px solid #fff; outline-offset: -6px; }
    .launcher:focus-visible { outline: 3px solid #1769aa; outline-offset: 3px; }
    [hidden] { display: none !important; }
    @media (max-width: 600px) {
      .panel { inset: 0; width: 100%; height: 100vh; height: 100dvh; border-radius: 0; }
    }`);
  root.adoptedStyleSheets = [sheet];

  const launcher = make("button", "launcher");
  launcher.setAttribute("aria-haspopup", "dialog");
  launcher.append(drawing("M7 8.500A2.500 2.500 0 0 1 9.500 6h13A2.500 2.500 0 0 1 25 8.500v9a2.500 2.500 0 0 1-2.500 2.500H15l-5 4.500V20h-.5A2.500 2.500 0 0 1 7 17.500z M16 9.500v7 M12.500 13h7", "0 0 32 32"));
  const label = make("span", "");
  label.textContent = script.dataset.label || words.label;
  const badge = make("span", "badge");
  badge.hidden = true;
  launcher.append(label, badge);

  const panel = make("div", "panel");
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", words.frame);
  panel.hidden = true;
  const close = make("button", "close");
  close.setAttribute("aria-label", words.close);
  close.append(drawing("M5 5l14 14M19 5L5 19", "0 0 24 24"));
  panel.append(close);
  root.append(launcher, panel);

  /** @type {HTMLIFrameElement | null} */
  let frame = null;
  let isOpen = false;
  nameLauncher(0);

  function load() {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = words.frame;
    frame.allow = "clipboard-write";
    frame.src = `${house}/chat/${encodeURIComponent(channel)}/?embed=1&lang=${lang}`;
    frame.addEventListener("load", tell);
    panel.prepend(frame);
  }

  function tell() {
    frame?.contentWindow?.postMessage({ wenan: isOpen ? "open" : "closed" }, house);
  }

  /** @param {boolean} open */
  function show(open) {
    if (open === isOpen) return;
    isOpen = open;
    if (open) load();
    panel.hidden = !open;
    launcher.hidden = open;
    // On a phone it fills the screen: the page behind stays where it was.
    const phone = matchMedia("(max-width: 600px)").matches;
    document.documentElement.style.overflow = open && phone ? "hidden" : "";
    tell();
    if (open) frame?.focus();
    else launcher.focus();
  }

  launcher.addEventListener("click", () => show(true));
  close.addEventListener("click", () => show(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isOpen) show(false);
  });
  addEventListener("message", (event) => {
    if (event.origin !== house || !frame || event.source !== frame.contentWindow) return;
    const { wenan, value } = event.data ?? {};
    if (wenan === "unread") nameLauncher(Number(value) || 0);
    else if (wenan === "close") show(false);
    else if (wenan === "started") remember();
  });

  // Somebody with a conversation is told of answers on later pages too.
  try {
    if (localStorage.getItem("wenan.started") === channel) addEventListener("load", load);
  } catch {
    /* no storage on this site: the badge waits for the first opening */
  }

  function remember() {
    try {
      localStorage.setItem("wenan.started", channel);
    } catch {
      /* as above */
    }
  }

  /** @param {number} unread */
  function nameLauncher(unread) {
    badge.hidden = !unread;
    badge.textContent = unread > 99 ? "99+" : String(unread);
    launcher.setAttribute("aria-label", unread ? `${words.open}, ${unread} ${words.unread}` : words.open);
  }

  /** @param {string} tag @param {string} className */
  function make(tag, className) {
    const made = document.createElement(tag);
    made.className = className;
    if (tag === "button") made.setAttribute("type", "button");
    return made;
  }

  /** @param {string} path @param {string} box */
  function drawing(path, box) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "path");
    for (const [name, value] of Object.entries({ viewBox: box, fill: "none", stroke: "currentColor", "stroke-width": "2.2", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(name, value);
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  const attach = () => document.body.append(place);
  if (document.body) attach();
  else addEventListener("DOMContentLoaded", attach);
})();
