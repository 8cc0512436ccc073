// A key presses what carries data-key; in a list, acts on the chosen rows fall back to the current row.
(() => {
  const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const shown = (element) => element.offsetParent !== null;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const wanted = [...document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`)].find(shown);
    if (!wanted) return;
    event.preventDefault();
    const area = wanted.closest("[data-selection]");
    if (area && !area.querySelector("[data-select]:checked")) area.querySelector("[data-row][data-current] [data-select]")?.click();
    wanted.click();
    if (wanted.matches("summary")) wanted.parentElement.querySelector(".menu-item:not([disabled])")?.focus();
  });
})();
