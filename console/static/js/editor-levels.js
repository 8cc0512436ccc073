// Levels of a draft are dragged on its chart; the server replays the draft when they are let go.
(() => {
  let drag = null;
  let frame = 0;

  const step = (y) => {
    const { curve, place } = window.pharosEditor;
    const { scale: [low, high, top, bottom, factor], levels } = curve();
    const share = (bottom - (y - drag.box.top)) / (bottom - top);
    return place(levels, (low + share * (high - low)) / factor);
  };
  const draw = () => {
    frame = 0;
    if (drag) window.pharosEditor.set(drag.name, step(drag.y));
  };
  const end = () => {
    if (!drag) return;
    const { name, chart } = drag;
    if (frame) { cancelAnimationFrame(frame); draw(); }
    chart.removeAttribute("data-moving");
    drag = null;
    window.pharosEditor.done(name);
  };

  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest?.("[data-handle]");
    if (!handle || event.button !== 0 || !window.pharosEditor.curve()) return;
    const chart = handle.closest("[data-editor-chart]");
    const layer = handle.parentElement;
    drag = { name: handle.dataset.handle, chart, box: layer.getBoundingClientRect(), y: event.clientY };
    layer.setPointerCapture(event.pointerId);
    chart.setAttribute("data-moving", "");
    event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.y = event.clientY;
    frame ||= requestAnimationFrame(draw);
  });
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
})();
