// Tiles of a dashboard's editor are moved and resized with the mouse and with arrow keys; one form saves them.
(() => {
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let changed = false;

  const words = ({ tile, x, y, w, h }) => `${tile.dataset.name}: column ${x + 1}, row ${y + 1}, ${w} wide, ${h} high`;
  const mark = (form, text) => {
    changed = true;
    const state = form.querySelector("[data-board-state]");
    if (state) state.textContent = text;
  };

  document.addEventListener("keydown", (event) => {
    const tile = event.target.matches?.("[data-tile]") ? event.target : null;
    const step = STEPS[event.key];
    if (!tile || !step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const place = window.pharosGrid.read(tile);
    const [across, down] = step;
    const now = event.shiftKey
      ? window.pharosGrid.set(tile, { w: place.w + across, h: place.h + down })
      : window.pharosGrid.set(tile, { x: place.x + across, y: place.y + down });
    const live = document.querySelector("[data-live]");
    if (live) live.textContent = words(now);
    tile.scrollIntoView({ block: "nearest" });
  });

  document.addEventListener("pharos:placed", (event) => mark(event.target, "Not saved yet"), true);
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-board-editor]");
    if (!form) return;
    mark(form, "Not saved yet");
    const [kind, id, side] = (event.target.name ?? "").split(".");
    if (kind !== "place" || side === "section") return;
    const tile = form.querySelector(`[data-tile="${CSS.escape(id)}"]`);
    if (tile) window.pharosGrid.set(tile, { [side]: Number.parseInt(event.target.value, 10) || 0 });
  });
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-board-editor]")) changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

  const cell = (board) => {
    const style = getComputedStyle(board);
    const gap = Number.parseFloat(style.columnGap) || 0;
    const height = Number.parseFloat(style.gridAutoRows) || 56;
    return [(board.clientWidth + gap) / 12, height + (Number.parseFloat(style.rowGap) || 0)];
  };

  // The other sections where they were when a drag began: a board that grows under a tile pushes them away.
  const others = (tile) => [...document.querySelectorAll("[data-board]")].filter((board) => !board.contains(tile)).map((board) => {
    const { left, right, top, bottom } = board.closest("section").getBoundingClientRect();
    return { board, left: left + scrollX, right: right + scrollX, top: top + scrollY, bottom: bottom + scrollY };
  });
  const aim = (target) => document.querySelectorAll("[data-board]").forEach((board) => board.classList.toggle("board-aim", board === target));
  const drop = (event, board) => {
    const tile = event.target;
    const name = `place.${tile.dataset.tile}`;
    const { left, top } = board.getBoundingClientRect();
    const [width, height] = cell(board);
    const note = document.createElement("input");
    Object.assign(note, { type: "hidden", name: `${name}.dropped`, value: "1" });
    tile.append(note);
    document.querySelector(`[name="${name}.section"]`).value = board.dataset.board;
    board.append(tile);
    window.pharosGrid.set(tile, { x: Math.floor((event.clientX - left) / width), y: Math.max(0, Math.floor((event.clientY - top) / height)) });
    tile.focus();
  };

  // A tile follows the pointer cell by cell: what is shown is what will be saved. Over another section it waits to be dropped.
  const follow = (sides) => {
    let start = null;
    let box = null;
    let began = [];
    let elsewhere = [];
    let target = null;
    return {
      start(event) {
        start = { ...window.pharosGrid.read(event.target), left: event.clientX, top: event.clientY };
        began = window.pharosGrid.all(event.target);
        box = cell(event.target.closest("[data-board]"));
        elsewhere = sides[0] === "x" ? others(event.target) : [];
        event.target.classList.add("dragged");
      },
      move(event) {
        const isIn = (area) => event.pageX >= area.left && event.pageX <= area.right && event.pageY >= area.top && event.pageY <= area.bottom;
        target = elsewhere.find(isIn)?.board ?? null;
        aim(target);
        if (target) {
          began.forEach(window.pharosGrid.write);
          return;
        }
        const across = Math.round((event.clientX - start.left) / box[0]);
        const down = Math.round((event.clientY - start.top) / box[1]);
        const changes = { [sides[0]]: start[sides[0]] + across, [sides[1]]: start[sides[1]] + down };
        window.pharosGrid.set(event.target, changes, began);
      },
      end(event) {
        event.target.classList.remove("dragged");
        aim(null);
        if (target) drop(event, target);
        target = null;
      },
    };
  };

  window.addEventListener("load", () => {
    if (!window.interact || !document.querySelector("[data-board-editor]")) return;
    window.interact("[data-tile]")
      .draggable({ allowFrom: "[data-tile-grip]", ignoreFrom: "button", autoScroll: true, listeners: follow(["x", "y"]) })
      .resizable({ edges: { right: "[data-tile-corner]", bottom: "[data-tile-corner]" }, listeners: follow(["w", "h"]) });
  });
})();
