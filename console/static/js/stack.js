// The stack trace of an issue: in-app or full, which is remembered, and all frames opened at once.
(() => {
  const KEY = "pharos.stack";
  const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem(KEY, value); } catch { /* a browser without storage forgets */ } };
  const press = (card, name, on) => card.querySelector(`[data-stack="${name}"]`)?.setAttribute("aria-pressed", String(on));
  const full = (card, on) => {
    for (const fold of card.querySelectorAll("details[data-library]")) fold.open = on;
    press(card, "full", on);
  };
  const prepare = () => {
    for (const tools of document.querySelectorAll("[data-stack-tools][hidden]")) {
      const card = tools.closest("section");
      tools.hidden = !card.querySelector("details.frame");
      if (remembered() === "full") full(card, true);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-stack]");
    if (!button) return;
    const card = button.closest("section");
    const on = button.getAttribute("aria-pressed") !== "true";
    if (button.dataset.stack === "full") { full(card, on); remember(on ? "full" : "in-app"); return; }
    if (on) full(card, true);
    for (const frame of card.querySelectorAll("details.frame:not([data-library])")) frame.open = on;
    press(card, "expand", on);
  });
  document.addEventListener("htmx:after:swap", prepare);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", prepare);
  else prepare();
})();
