// The stack trace of an issue: in-app or full, and its order, which are remembered; all frames opened at once.
(() => {
  const remembered = (name) => { try { return localStorage.getItem(`pharos.stack.${name}`) === "on"; } catch { return false; } };
  const remember = (name, on) => {
    try { localStorage.setItem(`pharos.stack.${name}`, on ? "on" : "off"); } catch { /* a browser without storage forgets */ }
  };
  const pressed = (card, name) => card.querySelector(`[data-stack="${name}"]`)?.getAttribute("aria-pressed") === "true";
  const press = (card, name, on) => card.querySelector(`[data-stack="${name}"]`)?.setAttribute("aria-pressed", String(on));
  const full = (card, on) => {
    for (const fold of card.querySelectorAll("details[data-library]")) fold.open = on;
    press(card, "full", on);
  };
  const order = (card, on) => {
    if (on === pressed(card, "order")) return;
    for (const list of card.querySelectorAll(".frames, details[data-library]")) {
      const frames = [...list.children].filter((child) => child.localName !== "summary");
      list.append(...frames.reverse());
    }
    const label = card.querySelector("[data-stack-order]");
    if (label) label.textContent = on ? "outermost call first" : "innermost call first";
    press(card, "order", on);
  };
  const prepare = () => {
    for (const tools of document.querySelectorAll("[data-stack-tools][hidden]")) {
      const card = tools.closest("section");
      tools.hidden = !card.querySelector("details.frame");
      if (remembered("full")) full(card, true);
      if (remembered("order")) order(card, true);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-stack]");
    if (!button) return;
    const card = button.closest("section");
    const name = button.dataset.stack;
    const on = button.getAttribute("aria-pressed") !== "true";
    if (name === "full") full(card, on);
    if (name === "order") order(card, on);
    if (name !== "expand") { remember(name, on); return; }
    if (on) full(card, true);
    for (const frame of card.querySelectorAll("details.frame:not([data-library])")) frame.open = on;
    press(card, "expand", on);
  });
  document.addEventListener("htmx:after:swap", prepare);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", prepare);
  else prepare();
})();
