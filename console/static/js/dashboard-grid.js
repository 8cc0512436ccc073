// The grid of a dashboard's editor: tiles by their number fields, pushed apart as the server does (grid.py).
(() => {
  const COLUMNS = 12;
  const TALLEST = 24;
  const DEEPEST = 200;
  const SIDES = ["x", "y", "w", "h"];

  const field = (tile, side) => document.querySelector(`[name="place.${tile.dataset.tile}.${side}"]`);
  const read = (tile) => {
    const place = { tile };
    for (const side of SIDES) place[side] = Number.parseInt(field(tile, side).value, 10) || 0;
    return place;
  };
  const write = (place) => {
    const { tile } = place;
    for (const side of SIDES) {
      field(tile, side).value = place[side];
      tile.className = tile.className.replace(new RegExp(`tile-${side}-\\d+`), `tile-${side}-${place[side]}`);
    }
  };
  const within = (number, least, most) => Math.min(Math.max(number, least), most);
  const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

  // The tile that a person moves stays where they put it; what it covers goes down.
  const arrange = (moved, others) => {
    const places = others.map((own) => (own.tile === moved.tile ? moved : { ...own }));
    places.sort((a, b) => (b === moved) - (a === moved) || a.y - b.y || a.x - b.x);
    const put = [];
    for (const place of places) {
      for (;;) {
        const covered = put.filter((own) => overlap(place, own));
        if (covered.length === 0) break;
        place.y = Math.min(...covered.map((own) => own.y + own.h));
      }
      put.push(place);
      write(place);
    }
  };

  const all = (tile) => [...tile.closest("[data-board]").querySelectorAll("[data-tile]")].map(read);

  // A drag goes on from where all tiles were when it began: what it only passed over is back in its place.
  const set = (tile, changes, began = all(tile)) => {
    const place = { ...read(tile), ...changes };
    place.w = within(place.w, Number(tile.dataset.leastW), COLUMNS);
    place.h = within(place.h, Number(tile.dataset.leastH), TALLEST);
    place.x = within(place.x, 0, COLUMNS - place.w);
    if ("w" in changes) place.w = within(place.w, 1, COLUMNS - place.x);
    place.y = within(place.y, 0, DEEPEST);
    arrange(place, began);
    tile.closest("form").dispatchEvent(new CustomEvent("pharos:placed", { detail: place }));
    return place;
  };

  window.pharosGrid = { all, read, set, write };
})();
