// Opens and closes the rows of a trace: what is loaded is hidden and shown, what is not comes from the server.
(() => {
  const level = (row) => Number(row.getAttribute("aria-level"));
  const below = (row) => {
    const found = [];
    for (let next = row.nextElementSibling; next && level(next) > level(row); next = next.nextElementSibling) found.push(next);
    return found;
  };
  const mark = (row, open) => {
    row.setAttribute("aria-expanded", String(open));
    const toggle = row.querySelector(".wf-toggle");
    toggle.setAttribute("aria-label", toggle.getAttribute("aria-label").replace(/^(Open|Close)/, open ? "Close" : "Open"));
  };
  const show = (row) => {
    let shut = Infinity;
    for (const one of below(row)) {
      if (level(one) <= shut) shut = Infinity;
      one.hidden = shut !== Infinity;
      if (shut === Infinity && one.getAttribute("aria-expanded") === "false") shut = level(one);
    }
  };
  const address = (row) => {
    const [, group, id] = row.id.match(/^r-([gc]?)(\w{16})$/);
    const url = new URL(row.closest("[data-wf]").dataset.wf, location.href);
    url.pathname = url.pathname.replace(/\w{16}$/, id);
    url.searchParams.set("level", level(row) + 1);
    if (group) url.searchParams.set("group", group);
    return url.pathname + url.search;
  };
  const toggle = (row) => {
    if (row.getAttribute("aria-expanded") === "true") {
      mark(row, false);
      for (const one of below(row)) one.hidden = true;
      return;
    }
    mark(row, true);
    if (below(row).length) show(row);
    else htmx.ajax("GET", address(row), { source: row, target: row, swap: "afterend" });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-wf-toggle]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || !window.htmx) return;
    event.preventDefault();
    toggle(link.closest(".wf-row"));
  });
})();
