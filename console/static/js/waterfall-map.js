// A drag over the map of a trace is a zoom: it fills in the form's from and to, so that the address has them.
(() => {
  let drag = null;
  const share = (map, x) => {
    const box = map.getBoundingClientRect();
    return Math.min(1, Math.max(0, (x - box.left) / box.width));
  };
  const draw = (first, last) => {
    const area = drag.map.querySelector("[data-wf-drag]");
    area.setAttribute("x", `${Math.min(first, last) * 100}%`);
    area.setAttribute("width", `${Math.abs(last - first) * 100}%`);
  };
  document.addEventListener("pointerdown", (event) => {
    const map = event.target.closest?.("[data-wf-map]");
    if (!map || event.button !== 0) return;
    drag = { map, from: share(map, event.clientX) };
    map.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    if (drag) draw(drag.from, share(drag.map, event.clientX));
  });
  document.addEventListener("pointercancel", () => { if (drag) draw(0, 0); drag = null; });
  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const ends = [drag.from, share(drag.map, event.clientX)].sort((a, b) => a - b);
    const length = Number(drag.map.dataset.duration);
    if (ends[1] - ends[0] > 0.005) {
      const form = document.querySelector("[data-wf-form]");
      const step = length < 10 ? 1000 : length < 1000 ? 100 : 1;
      form.elements.from.value = Math.floor(ends[0] * length * step) / step;
      form.elements.to.value = Math.ceil(ends[1] * length * step) / step;
      form.requestSubmit();
    } else draw(0, 0);
    drag = null;
  });
})();
