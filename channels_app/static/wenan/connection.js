// @ts-check
/**
 * One screen's line to the house: a WebSocket, or long-polling where WebSockets are blocked.
 *
 * It promises only that frames travel while it is open. What got lost on the way the screen asks
 * for again: it pulls by `seq`, and repeats what was not acknowledged, whenever the state becomes
 * "open". See docs/protocol.md.
 *
 * @typedef {{type: string, [field: string]: any}} Frame
 * @typedef {"connecting" | "open" | "waiting" | "offline"} State
 * @typedef {object} Options
 * @property {string} url  path or address of the WebSocket
 * @property {string} [pollUrl]  where long-polling is offered
 * @property {() => Frame} hello  the first frame, made anew for every connection
 * @property {(frame: Frame) => void} onFrame
 * @property {(state: State) => void} onState  called at each change, not before the first
 * @property {(code: number) => void} [onRefused]  the house does not want this screen (44xx): no retry
 */

const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
const OPEN_WITHIN_MS = 8_000; // some proxies swallow a handshake without a word
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 20_000;
const STABLE_AFTER_MS = 5_000; // a line that breaks sooner has not proved itself
const POLL_AFTER_FAILURES = 2; // WebSockets that never opened
const SOCKET_AGAIN_MS = 120_000; // while polling
const POLL_WITHIN_MS = 40_000; // the house holds a poll for 25 s

export class Connection {
  /** @type {Options} */ #options;
  /** @type {State | ""} */ #state = "";
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {AbortController | null} */ #polling = null;
  /** @type {Frame[]} */ #outgoing = []; // frames that wait for the next POST
  #posting = false;
  #tries = 0; // since the last stable line
  #neverOpened = 0; // WebSockets in a row that failed to open
  #openedAt = 0;
  #closed = false;
  /** @type {Record<string, number>} */ #timers = {};
  #onWake = () => this.wake();
  #onVisible = () => {
    if (document.visibilityState === "visible") this.wake();
  };
  #onOffline = () => {
    if (this.#state !== "open") this.#become("offline");
    else this.#ping(3_000); // some machines say "offline" and are not
  };

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    addEventListener("online", this.#onWake);
    addEventListener("pageshow", this.#onWake);
    addEventListener("offline", this.#onOffline);
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#connect();
  }

  /** @returns {State | ""} */
  get state() {
    return this.#state;
  }

  /**
   * Hand a frame to the line. False: there is none, and the frame is not kept.
   * @param {Frame} frame
   */
  send(frame) {
    if (this.#state !== "open") return false;
    if (this.#polling) {
      if (frame.type === "ping") return true; // each poll shows that we are here
      this.#outgoing.push(frame);
      void this.#post();
      return true;
    }
    return this.#write(frame);
  }

  /** Look now whether the line lives, rather than at the next timer. */
  wake() {
    if (this.#closed) return;
    if (this.#state === "open") {
      if (!this.#polling) this.#ping(3_000);
    } else if (!this.#socket && !this.#polling) {
      this.#tries = 0;
      this.#connect();
    }
  }

  /** Say hello anew on the same line: the screen speaks for somebody else now. */
  again() {
    if (this.#state !== "open") return; // the next line begins with a hello anyway
    this.#become("connecting");
    if (!this.#polling) this.#write(this.#options.hello());
  }

  /** End it for good. */
  close() {
    this.#closed = true;
    removeEventListener("online", this.#onWake);
    removeEventListener("pageshow", this.#onWake);
    removeEventListener("offline", this.#onOffline);
    document.removeEventListener("visibilitychange", this.#onVisible);
    this.#hangUp();
    this.#become("offline");
  }

  /** @param {State} state */
  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    if (state === "open") this.#openedAt = Date.now();
    this.#options.onState(state);
  }

  #connect() {
    clearTimeout(this.#timers.retry);
    this.#become("connecting");
    if (this.#options.pollUrl && this.#neverOpened >= POLL_AFTER_FAILURES) this.#poll();
    else this.#openSocket();
  }

  #hangUp() {
    for (const name of Object.keys(this.#timers)) clearTimeout(this.#timers[name]);
    this.#timers = {};
    const socket = this.#socket;
    this.#socket = null; // first, so that its events are strangers'
    socket?.close();
    this.#polling?.abort();
    this.#polling = null;
    this.#outgoing = [];
  }

  #fail() {
    if (this.#closed) return;
    const wasStable = this.#state === "open" && Date.now() - this.#openedAt > STABLE_AFTER_MS;
    this.#tries = wasStable ? 0 : this.#tries + 1;
    this.#hangUp();
    this.#become(navigator.onLine ? "waiting" : "offline");
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#tries);
    const delay = RETRY_MIN_MS + Math.random() * (ceiling - RETRY_MIN_MS);
    this.#timers.retry = setTimeout(() => this.#connect(), delay);
  }

  // --- WebSocket ---------------------------------------------------------------------------------

  #openSocket() {
    const address = new URL(this.#options.url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    const trial = this.#polling !== null; // polling goes on until this one speaks
    let spoke = false;
    if (!trial) this.#socket = socket;
    const giveUp = setTimeout(() => socket.close(), OPEN_WITHIN_MS);

    socket.onopen = () => socket.send(JSON.stringify(this.#options.hello()));
    socket.onmessage = (event) => {
      if (this.#closed || (this.#socket !== socket && !(trial && this.#polling))) return;
      clearTimeout(giveUp);
      if (!spoke) {
        spoke = true;
        this.#neverOpened = 0;
        if (this.#socket !== socket) {
          this.#hangUp();
          this.#socket = socket;
          this.#become("connecting");
        }
      }
      this.#heard(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      clearTimeout(giveUp);
      if (event.code >= 4400 && event.code < 4500) {
        this.close();
        this.#options.onRefused?.(event.code);
        return;
      }
      if (!spoke && !trial && navigator.onLine) this.#neverOpened += 1;
      if (this.#socket === socket) this.#fail();
    };
  }

  /** @param {Frame} frame */
  #heard(frame) {
    clearTimeout(this.#timers.pong);
    // Not put off by what we hear: the house wants a sign of ours, however much it says itself.
    if (!this.#timers.ping) this.#pingLater();
    this.#options.onFrame(frame);
    if (frame.type === "welcome") this.#become("open");
    else if (frame.type === "error" && frame.code === "bad_token") {
      this.#write(this.#options.hello()); // the screen has forgotten its token by now
    } else if (this.#state === "connecting" && frame.code === "too_fast") {
      this.#fail(); // the house lets newcomers in slowly: knock again later
    }
  }

  /** @param {Frame} frame */
  #write(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #pingLater() {
    clearTimeout(this.#timers.ping);
    this.#timers.ping = setTimeout(() => this.#ping(PONG_WITHIN_MS), PING_EVERY_MS);
  }

  /** @param {number} within  milliseconds until the line counts as dead */
  #ping(within) {
    clearTimeout(this.#timers.ping);
    this.#timers.ping = undefined;
    clearTimeout(this.#timers.pong);
    if (!this.#write({ type: "ping" })) return this.#fail();
    this.#timers.pong = setTimeout(() => this.#fail(), within);
  }

  // --- Long-polling ------------------------------------------------------------------------------

  async #poll() {
    const polling = new AbortController();
    this.#polling = polling;
    this.#tryTheSocketLater();
    let wait = false; // the first answer comes at once
    while (this.#polling === polling) {
      const frames = await this.#exchange([], wait, polling.signal);
      if (this.#polling !== polling) return;
      if (!frames) {
        this.#neverOpened = POLL_AFTER_FAILURES - 1; // the house was away: give WebSockets a try
        return this.#fail();
      }
      wait = this.#deliver(frames);
      if (!wait) await new Promise((resolve) => setTimeout(resolve, RETRY_MIN_MS));
    }
  }

  #tryTheSocketLater() {
    this.#timers.socket = setTimeout(() => {
      if (!this.#polling) return;
      this.#openSocket();
      this.#tryTheSocketLater();
    }, SOCKET_AGAIN_MS);
  }

  /** One POST after another, so that messages arrive in the order in which they were written. */
  async #post() {
    const polling = this.#polling;
    if (this.#posting || !polling) return;
    this.#posting = true;
    try {
      while (this.#polling === polling && this.#outgoing.length) {
        const frames = await this.#exchange(this.#outgoing.splice(0, 20), false, polling.signal);
        if (this.#polling !== polling) return;
        if (!frames) return this.#fail();
        this.#deliver(frames);
      }
    } finally {
      this.#posting = false;
    }
  }

  /**
   * @param {Frame[]} frames
   * @returns {boolean} whether the house has welcomed us
   */
  #deliver(frames) {
    const refused = frames.some((frame) => frame.type === "error" && frame.code === "bad_token");
    for (const frame of frames) this.#options.onFrame(frame);
    this.#become(refused ? "connecting" : "open");
    return !refused;
  }

  /**
   * @param {Frame[]} frames
   * @param {boolean} wait
   * @param {AbortSignal} signal
   * @returns {Promise<Frame[] | null>} null: no answer that makes sense
   */
  async #exchange(frames, wait, signal) {
    const { type: _hello, ...who } = this.#options.hello();
    const late = setTimeout(() => patience.abort(), POLL_WITHIN_MS);
    const patience = new AbortController();
    const stop = () => patience.abort();
    signal.addEventListener("abort", stop);
    try {
      const answer = await fetch(/** @type {string} */ (this.#options.pollUrl), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...who, frames, wait }),
        credentials: "omit",
        cache: "no-store",
        signal: patience.signal,
      });
      const said = /** @type {Frame[]} */ (answer.ok ? (await answer.json()).frames : []);
      // Without a welcome, or the news that our token is no good, it is no answer.
      return said.some((f) => f.type === "welcome" || f.code === "bad_token") ? said : null;
    } catch {
      return null;
    } finally {
      clearTimeout(late);
      signal.removeEventListener("abort", stop);
    }
  }
}
