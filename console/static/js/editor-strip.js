// A point of the strip of thresholds and pending times is picked by pressing there, or by dragging.
(() => {
  let drag = null;
  let frame = 0;

  const pick = () => {
    frame = 0;
    const { curve, least, set } = window.pharosEditor;
    const { levels, pendings } = curve();
    const share = (size, from, length) => Math.max(0, Math.min(length - 1, Math.floor((from / size) * length)));
    const { box, x, y } = drag;
    set("pending_seconds", share(box.height, box.bottom - y, pendings.length));
    set(least(), share(box.width, x - box.left, levels.length));
  };
  const end = () => {
    if (!drag) return;
    if (frame) { cancelAnimationFrame(frame); pick(); }
    drag = null;
    window.pharosEditor.done(window.pharosEditor.least());
  };

  document.addEventListener("pointerdown", (event) => {
    const strip = event.target.closest?.("[data-editor-strip]");
    if (!strip || event.button !== 0 || !window.pharosEditor.curve()) return;
    drag = { box: strip.getBoundingClientRect(), x: event.clientX, y: event.clientY };
    strip.setPointerCapture(event.pointerId);
    event.preventDefault();
    pick();
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY });
    frame ||= requestAnimationFrame(pick);
  });
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
})();
