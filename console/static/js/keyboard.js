// One key, one act: / t r ? g+letter, and j k Enter x in a table whose rows have data-row.
(() => {
  let going = 0;
  const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  const current = () => document.querySelector("[data-row][data-current]");

  const choose = (row) => {
    if (!row) return;
    const before = current();
    if (before) delete before.dataset.current;
    row.dataset.current = "";
    row.scrollIntoView({ block: "nearest" });
    (row.querySelector("a[data-open]") ?? row.querySelector("a"))?.focus({ preventScroll: true });
  };
  const step = (by) => {
    const all = rows();
    const index = all.indexOf(current());
    choose(all[index < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, index + by))]);
    return all.length > 0;
  };
  const focus = (selector) => {
    const element = document.querySelector(selector);
    element?.focus();
    element?.select?.();
    return Boolean(element);
  };
  const follow = (letter) => {
    const link = document.querySelector(`[data-go="${CSS.escape(letter)}"]`);
    link?.click();
    return Boolean(link);
  };

  const acts = {
    "/": () => focus("[data-search]"),
    t: () => focus("[data-range]"),
    r: () => document.dispatchEvent(new Event("pharos:refresh")),
    j: () => step(1),
    k: () => step(-1),
    x: () => { const box = current()?.querySelector("[data-select]"); box?.click(); return Boolean(box); },
    Enter: () => { const row = current(); const link = row?.querySelector("a[data-open]") ?? row?.querySelector("a"); link?.click(); return Boolean(link); },
    "?": () => { document.getElementById("help")?.showModal(); return true; },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.closest("[data-row]")) {
      if (step(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
      return;
    }
    const act = Date.now() - going < 1500 ? () => follow(event.key.toLowerCase()) : acts[event.key];
    going = 0;
    if (event.key === "g" && !event.repeat && act === undefined) { going = Date.now(); return; }
    if (act && act() !== false) event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (row && !("current" in row.dataset)) {
      const before = current();
      if (before) delete before.dataset.current;
      row.dataset.current = "";
    }
  });
})();
