// @ts-check
// The language that somebody chooses here is the chat's too.
for (const link of document.querySelectorAll("[data-lang]")) {
  link.addEventListener("click", () => {
    try {
      localStorage.setItem("wenan.lang", /** @type {HTMLElement} */ (link).dataset.lang ?? "");
    } catch {
      /* nothing is remembered, and the address says it */
    }
  });
}
