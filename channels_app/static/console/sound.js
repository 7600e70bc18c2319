// @ts-check
/**
 * Tones made here, from no file. A browser keeps a page silent until somebody has touched it, so
 * the page says loudly that it is mute until then.
 */
import { $ } from "./page.js";

/** @type {AudioContext | null} */
let audio = null;

export const sound = {
  get isLocked() {
    return audio?.state !== "running";
  },

  /** Only within a touch or a key press does the browser agree. */
  async unlock() {
    try {
      audio ??= new AudioContext();
      audio.onstatechange = show;
      if (audio.state !== "running") await audio.resume();
    } catch {
      // No sound device: the warning stays.
    }
    show();
    return !this.isLocked;
  },

  /** Two tones, up and down, that cut through a ward. */
  alarm() {
    for (const [at, pitch] of [[0, 880], [0.22, 660], [0.44, 880], [0.66, 660]]) beep(at, pitch, 0.2, 0.5, "square");
  },

  /** A soft chime: somebody new, no danger. */
  chime() {
    beep(0, 523, 0.35, 0.16, "sine");
    beep(0.18, 784, 0.5, 0.12, "sine");
  },
};

/**
 * @param {number} at  seconds from now
 * @param {number} pitch  Hz
 * @param {number} lasts  seconds
 * @param {number} loud  0 to 1
 * @param {OscillatorType} type
 */
function beep(at, pitch, lasts, loud, type) {
  if (!audio || audio.state !== "running") return;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  const start = audio.currentTime + at;
  tone.type = type;
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(loud * 0.5, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, start + lasts);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + lasts + 0.05);
}

function show() {
  $("sound-warning").hidden = !sound.isLocked;
  $("sound-mark").dataset.state = sound.isLocked ? "locked" : "on";
}

// Browsers that already trust this page let it sound at once; for the others any touch will do.
void sound.unlock();
// Not at the press: the warning goes, everything moves up, and the release would hit another row.
for (const gesture of ["click", "keydown"]) {
  addEventListener(gesture, () => sound.isLocked && void sound.unlock(), { capture: true });
}
setTimeout(show, 500);
