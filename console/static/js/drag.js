// Entries of a list are moved by their handle with the mouse; their form hears a change. Buttons do the same.
(() => {
  let entry = null;
  let next = null; // what the entry stood before, for a drag that is called off

  document.addEventListener("dragstart", (event) => {
    entry = event.target.closest?.("[data-drag]")?.closest("li") ?? null;
    if (!entry) return;
    next = entry.nextElementSibling;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setDragImage(entry, 12, 12);
    entry.classList.add("dragged");
  });
  document.addEventListener("dragover", (event) => {
    const list = entry?.parentElement;
    if (!list?.contains(event.target)) return;
    event.preventDefault();
    const over = [...list.children].find((each) => each.contains(event.target));
    if (!over || over === entry) return;
    const box = over.getBoundingClientRect();
    const place = event.clientY < box.top + box.height / 2 ? over : over.nextElementSibling;
    if (place !== entry && place !== entry.nextElementSibling) list.insertBefore(entry, place);
  });
  document.addEventListener("drop", (event) => { if (entry) event.preventDefault(); });
  document.addEventListener("dragend", (event) => {
    if (!entry) return;
    entry.classList.remove("dragged");
    if (event.dataTransfer.dropEffect === "none") entry.parentElement.insertBefore(entry, next);
    else if (entry.nextElementSibling !== next) entry.dispatchEvent(new Event("change", { bubbles: true }));
    entry = null;
  });
})();
