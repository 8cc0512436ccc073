// Sliders and number fields of a draft follow each other; arrow keys move by a step, with Shift by ten.
(() => {
  const TEN = 10;
  const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

  document.addEventListener("input", (event) => {
    const { FIELDS, curve, set, show } = window.pharosEditor;
    if (!event.target.closest?.("[data-editor]") || !curve()) return;
    if (event.target.matches("[data-step]")) { set(event.target.dataset.step, Number(event.target.value)); return; }
    const name = Object.keys(FIELDS).find((each) => FIELDS[each] === event.target.name);
    if (name) show(name);
  });
  document.addEventListener("keydown", (event) => {
    const range = event.target;
    if (!event.shiftKey || !KEYS[event.key] || !range.matches?.("[data-step]")) return;
    event.preventDefault();
    const { set, done } = window.pharosEditor;
    const step = Number(range.value) + KEYS[event.key] * TEN;
    set(range.dataset.step, Math.max(Number(range.min), Math.min(Number(range.max), step)));
    done(range.dataset.step);
  });
})();
