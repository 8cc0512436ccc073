// Menus are details elements: one is open at a time, Escape and a click elsewhere close it, arrows move in it.
(() => {
  const open = () => document.querySelectorAll("details[data-menu][open]");

  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("details[data-menu]") || !event.target.open) return;
    for (const menu of open()) if (menu !== event.target && !menu.contains(event.target)) menu.open = false;
  }, true);
  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  // A morph leaves menus as they are, so that a refresh shuts none; what was done from one does.
  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement } = event.detail.ctx;
    const menu = sourceElement?.closest?.("details[data-menu]");
    if (menu && response.status < 400) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest("details[data-menu][open]");
    if (!menu) return;
    if (event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
      event.preventDefault();
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const items = [...menu.querySelectorAll(".menu-item, .menu-panel input, .menu-panel select, .menu-panel .button")];
    const index = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    items[(index + items.length) % items.length]?.focus();
    event.preventDefault();
  });
})();
