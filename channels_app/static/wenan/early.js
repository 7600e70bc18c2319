// Before the first paint: the large type and the language that this person chose here before.
(() => {
  let kept = null;
  try {
    kept = localStorage;
  } catch {
    return; // storage is closed to us: everything works, nothing is remembered
  }
  if (kept.getItem("wenan.large") === "1") document.documentElement.dataset.large = "1";
  const lang = kept.getItem("wenan.lang");
  const here = new URL(location.href);
  const shown = document.documentElement.lang === "en" ? "en" : "zh-hans";
  if (lang && lang !== shown && !here.searchParams.has("lang")) {
    here.searchParams.set("lang", lang);
    location.replace(here);
  }
})();
