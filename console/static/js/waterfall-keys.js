// The rows of a trace by keyboard, as the ARIA treegrid pattern has it: one tab stop, arrows move, open and close.
(() => {
  const grid = () => document.querySelector("[data-wf]");
  const rows = () => [...grid().querySelectorAll(".wf-row[aria-level]:not([hidden])")];
  const level = (row) => Number(row.getAttribute("aria-level"));

  const settle = () => {
    if (!grid()) return;
    for (const link of grid().querySelectorAll(".wf-row a:not([tabindex])")) link.tabIndex = -1;
    const all = rows();
    if (!all.some((row) => row.tabIndex === 0) && all[0]) all[0].tabIndex = 0;
    for (const row of all) if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
  };
  const go = (row) => {
    if (!row) return;
    for (const before of grid().querySelectorAll('.wf-row[tabindex="0"]')) before.tabIndex = -1;
    row.tabIndex = 0;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const parent = (row) => {
    const all = rows();
    return all.slice(0, all.indexOf(row)).findLast((one) => level(one) < level(row));
  };
  const match = (from, by) => {
    const all = rows();
    const found = all.filter((row) => row.classList.contains("wf-match") || row === from);
    const hits = found.filter((row) => row.classList.contains("wf-match"));
    if (!hits.length) return;
    const at = found.indexOf(from);
    const next = at < 0 ? hits.at(by > 0 ? 0 : -1) : found[(at + by + found.length) % found.length];
    go(next.classList.contains("wf-match") ? next : hits.at(by > 0 ? 0 : -1));
  };
  const openable = (row) => row.querySelector("[data-wf-toggle], .wf-toggle");

  const act = (key, row) => {
    const all = rows();
    const at = all.indexOf(row);
    const expanded = row.getAttribute("aria-expanded");
    if (key === "ArrowDown") go(all[at + 1]);
    else if (key === "ArrowUp") go(all[at - 1]);
    else if (key === "Home") go(all[0]);
    else if (key === "End") go(all.at(-1));
    else if (key === "ArrowRight") expanded === "false" ? openable(row)?.click() : expanded === "true" && go(all[at + 1]);
    else if (key === "ArrowLeft") expanded === "true" ? openable(row)?.click() : go(parent(row));
    else if (key === "Enter") (row.querySelector("a.wf-name, a.wf-more") ?? openable(row))?.click();
    else return false;
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (!grid() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    const row = event.target.closest?.(".wf-row[aria-level]");
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
    if (!typing && (event.key === "n" || event.key === "N")) {
      match(row ?? null, event.key === "n" ? 1 : -1);
      event.preventDefault();
      return;
    }
    if (row && event.target === row && act(event.key, row)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".wf-row[aria-level]");
    if (row && !event.target.closest(".wf-toggle")) for (const one of rows()) one.tabIndex = one === row ? 0 : -1;
  });
  document.addEventListener("DOMContentLoaded", settle);
  document.addEventListener("htmx:after:swap", settle);
})();
