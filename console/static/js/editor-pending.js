// The pending time of a draft is dragged on its chart along the level, or moved there by keys.
(() => {
  const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity };
  const NAME = "pending_seconds";
  let drag = null;
  let frame = 0;

  const to = (step) => {
    const { curve, set } = window.pharosEditor;
    set(NAME, Math.max(0, Math.min(curve().pendings.length - 1, step)));
  };
  const draw = () => {
    frame = 0;
    if (!drag) return;
    const { curve, PENDING_REACH } = window.pharosEditor;
    const share = ((drag.x - drag.box.left) / drag.box.width) * (100 / PENDING_REACH);
    to(Math.round(share * (curve().pendings.length - 1)));
  };
  const end = () => {
    if (!drag) return;
    if (frame) { cancelAnimationFrame(frame); draw(); }
    drag.chart.removeAttribute("data-moving");
    drag = null;
    window.pharosEditor.done(NAME);
  };

  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest?.("[data-pending]");
    if (!handle || event.button !== 0 || !window.pharosEditor.curve()) return;
    const layer = handle.parentElement;
    drag = { box: layer.getBoundingClientRect(), chart: handle.closest("[data-editor-chart]"), x: event.clientX };
    layer.setPointerCapture(event.pointerId);
    drag.chart.setAttribute("data-moving", "");
    handle.firstElementChild.focus();
    event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.x = event.clientX;
    frame ||= requestAnimationFrame(draw);
  });
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
  document.addEventListener("keydown", (event) => {
    const slider = event.target.closest?.("[data-pending] [role=slider]");
    const by = KEYS[event.key];
    if (!slider || by === undefined || !window.pharosEditor.curve()) return;
    event.preventDefault();
    to(Number(slider.getAttribute("aria-valuenow")) + by);
    window.pharosEditor.done(NAME);
  });
})();
