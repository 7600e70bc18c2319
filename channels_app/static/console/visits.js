// @ts-check
/** The desk's visits: a row opens its visit in a dialog; what is done there shows in the list. */
import { $, fetchInto, toast } from "./page.js";

const AGAIN_EVERY_MS = 30_000;
const day = $("day");
const dialog = $("visit");

if (day) {
  const refresh = () => fetchInto(`${day.dataset.url}?${new URLSearchParams(new FormData($("filter")))}`, "#day");
  day.addEventListener("click", async (event) => {
    const row = /** @type {HTMLElement} */ (event.target).closest("[data-visit]");
    if (!(row instanceof HTMLElement)) return;
    $("visit-body").replaceChildren();
    await fetchInto(row.dataset.visit ?? "", "#visit-body");
    if (!dialog.open) dialog.showModal();
    ($("visit-arrived") ?? $("visit-name"))?.focus();
  });
  $("visit-body").addEventListener("htmx:afterSwap", () => {
    if (!$("visit-body").querySelector(".task-said")) return; // only looked at
    $("visit-name").focus();
    void refresh();
  });
  dialog.addEventListener("close", () => {
    const url = $("visit-body").querySelector("[data-visit-url]")?.dataset.visitUrl;
    $("visit-body").replaceChildren(); // no name stays on the screen
    day.querySelector(`[data-visit="${url}"]`)?.focus();
  });
  setInterval(() => !dialog.open && !day.contains(document.activeElement) && void refresh(), AGAIN_EVERY_MS);
}

// Times of another department must not be booked while those of the chosen one are on their way.
$("wish")?.addEventListener("htmx:beforeRequest", () => $("slots").replaceChildren());

document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-language]");
  if (!(button instanceof HTMLElement)) return;
  document.cookie = `django_language=${button.dataset.language};path=/;max-age=31536000;samesite=lax`;
  location.reload();
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.assign(document.body.dataset.login ?? "/");
  else toast($("toasts").dataset.lost, "bad");
});
document.addEventListener("htmx:sendError", () => toast($("toasts").dataset.lost, "bad"));
