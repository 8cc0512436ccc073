// Bulk selection: data-select boxes inside data-selection; the bar's count and buttons follow them.
(() => {
  let last = null;
  const boxes = (area) => [...area.querySelectorAll("[data-select]")];

  const show = (area) => {
    const all = boxes(area);
    const chosen = all.filter((box) => box.checked);
    for (const box of all) box.closest("[data-row]")?.setAttribute("aria-selected", String(box.checked));
    for (const whole of area.querySelectorAll("[data-select-all]")) {
      whole.checked = all.length > 0 && chosen.length === all.length;
      whole.indeterminate = chosen.length > 0 && chosen.length < all.length;
    }
    for (const count of area.querySelectorAll("[data-selected-count]")) count.textContent = chosen.length ? `${chosen.length} selected` : count.dataset.selectedCount;
    for (const act of area.querySelectorAll("[data-needs-selection]")) act.toggleAttribute("disabled", chosen.length === 0);
  };

  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-select]");
    const area = box?.closest("[data-selection]");
    if (!area) return;
    const all = boxes(area);
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const between of all.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
  });
  document.addEventListener("change", (event) => {
    const area = event.target.closest("[data-selection]");
    if (!area) return;
    if (event.target.matches("[data-select-all]")) for (const box of boxes(area)) box.checked = event.target.checked;
    if (event.target.matches("[data-select], [data-select-all]")) show(area);
  });
  const showAll = () => document.querySelectorAll("[data-selection]").forEach(show);
  document.addEventListener("DOMContentLoaded", showAll);
  document.addEventListener("htmx:after:swap", showAll);
})();
