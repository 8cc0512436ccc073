// Lays Chart.js over the server's drawing when somebody points at a chart: values under the
// pointer, one crosshair for all charts of the page, and a range by dragging. The SVG stays as it
// is for readers without a pointer, and for good if Chart.js cannot be loaded.
(() => {
  const { hue, lines, tip } = window.pharosChart;
  const live = new Map();
  let loading = null;

  const load = (figure) => {
    loading ??= new Promise((resolve, reject) => {
      if (window.Chart) { resolve(); return; }
      const script = document.createElement("script");
      script.src = figure.dataset.chartSrc;
      if (figure.dataset.chartIntegrity) {
        script.integrity = figure.dataset.chartIntegrity;
        script.crossOrigin = "anonymous";
      }
      script.onload = resolve;
      script.onerror = () => reject(new Error("Chart.js did not load; charts stay drawings"));
      document.head.append(script);
    });
    return loading;
  };

  const paint = (figure, config) => {
    const open = config.pharos.openFrom;
    for (const one of config.data.datasets) {
      const colour = hue(figure, one.role);
      one.borderColor = colour;
      const isStack = typeof one.fill === "string";
      const isOpen = (at) => at.p1DataIndex >= open;
      one.backgroundColor = one.type === "bar" ? (at) => (at.dataIndex >= open ? `${colour}66` : colour) : `${colour}${isStack ? "80" : "24"}`;
      if (one.type === "bar") one.borderWidth = 0;
      else one.segment = { borderDash: (at) => (isOpen(at) ? [3, 3] : undefined), backgroundColor: (at) => (isStack && isOpen(at) ? `${colour}33` : undefined) };
    }
  };

  const point = (index, source) => {
    const label = source.data.labels[index];
    for (const chart of live.values()) {
      chart.$at = chart === source ? index : chart.data.labels.indexOf(label);
      chart.draw();
    }
  };

  const listen = (figure, canvas, chart, { grain, links }) => {
    const bucket = (event) => {
      const box = canvas.getBoundingClientRect();
      const count = chart.data.labels.length;
      return Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * count)));
    };
    // The flags of markers lie under the canvas: a pointer on one leads where it leads.
    const flag = (event) => document.elementsFromPoint(event.clientX, event.clientY).map((part) => part.closest(".c-flag")).find(Boolean);
    canvas.addEventListener("pointermove", (event) => {
      const index = bucket(event);
      if (chart.$drag) chart.$drag[1] = index;
      point(index, chart);
      tip(figure, chart, index);
      canvas.classList.toggle("chart-leads", Boolean(links[index] || flag(event)));
    });
    canvas.addEventListener("pointerleave", () => { chart.$drag = null; point(-1, chart); tip(figure, chart, -1); });
    canvas.addEventListener("pointerdown", (event) => { if (event.button === 0) chart.$drag = [bucket(event), bucket(event)]; });
    canvas.addEventListener("pointerup", (event) => {
      if (!chart.$drag) return;
      const [from, to] = chart.$drag.sort((a, b) => a - b);
      chart.$drag = null;
      const address = flag(event)?.getAttribute("href") ?? links[from];
      if (to === from && address) location.assign(address);
      if (to > from) offer(figure, event, chart.data.labels[from], new Date(Date.parse(chart.data.labels[to]) + grain * 1000));
    });
  };
  const within = (address, since, until) => {
    const url = new URL(address, location.href);
    url.searchParams.delete("range");
    url.searchParams.set("since", since);
    url.searchParams.set("until", until.toISOString());
    return url;
  };
  // A dragged range zooms the page; where a tile can say what moved in it, that is offered beside.
  const offer = (figure, event, since, until) => {
    const moved = figure.closest("[data-moved]")?.dataset.moved;
    if (!moved) { location.assign(within(location.href, since, until)); return; }
    document.querySelector(".chart-offer")?.remove();
    const box = document.createElement("div");
    box.className = "chart-offer";
    for (const [text, address] of [["Zoom in", location.href], ["What moved most?", moved]]) {
      const link = document.createElement("a");
      link.className = "button button-s";
      link.href = within(address, since, until);
      link.textContent = text;
      box.append(link);
    }
    document.body.append(box);
    box.style.left = `${Math.max(8, Math.min(event.pageX - box.offsetWidth / 2, document.documentElement.clientWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${event.pageY + 12}px`;
    box.firstChild.focus();
  };
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest?.(".chart-offer")) document.querySelector(".chart-offer")?.remove(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") document.querySelector(".chart-offer")?.remove(); });

  const upgrade = (figure) => {
    if (figure.querySelector("canvas")) return;
    const config = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const canvas = document.createElement("canvas");
    const frame = document.createElement("div");
    const box = document.createElement("ul");
    frame.className = "chart-live";
    box.className = "chart-tip";
    box.hidden = true;
    canvas.setAttribute("aria-hidden", "true");
    frame.append(canvas);
    figure.append(frame, box);
    paint(figure, config);
    Object.assign(config.options, { unit: config.pharos.unit, size: config.pharos.size });
    config.options.events = [];
    config.options.plugins.tooltip = { enabled: false };
    config.plugins = [lines];
    const chart = new window.Chart(canvas, config);
    listen(figure, canvas, chart, config.pharos);
    live.set(figure, chart);
    figure.dataset.upgraded = "";
  };
  const upgradeAll = () => document.querySelectorAll("figure[data-chart]").forEach(upgrade);
  const drop = (still) => {
    for (const [figure, chart] of live) {
      if (still(figure)) continue;
      chart.destroy();
      live.delete(figure);
      figure.querySelectorAll(".chart-live, .chart-tip").forEach((part) => part.remove());
      delete figure.dataset.upgraded;
    }
  };

  document.addEventListener("pointerover", (event) => {
    const figure = event.target.closest?.("figure[data-chart]");
    if (figure && !live.has(figure)) load(figure).then(upgradeAll, (error) => console.info(error.message));
  });
  document.addEventListener("htmx:after:swap", () => {
    drop((figure) => figure.isConnected && figure.querySelector("canvas"));
    if (window.Chart && live.size > 0) upgradeAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drop(() => false); });
})();
