// What a chart shows under the pointer: the values of a bucket, the crosshair, the dragged range.
window.pharosChart = (() => {
  const hue = (figure, role) => {
    const probe = document.createElement("span");
    probe.className = `c-${role}`;
    figure.append(probe);
    const colour = getComputedStyle(probe).getPropertyValue("--hue").trim();
    probe.remove();
    return colour;
  };
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Below one, two decimals would be one digit: 0.07 s.
  const digits = (value) => (Math.abs(value) < 1 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 2 });
  const exact = (value, unit) => `${value.toLocaleString("en", digits(value))} ${unit}`.trim();
  const when = (iso) => new Date(iso).toLocaleString("en-GB", { timeZone: document.documentElement.dataset.zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });

  // The lines that SVG has no part in: the shared crosshair and the range being dragged.
  const lines = {
    id: "lines",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea, $at, $drag } = chart;
      const x = (index) => chartArea.left + ((index + 0.5) / chart.data.labels.length) * chartArea.width;
      ctx.save();
      if ($drag) {
        ctx.fillStyle = `${token("--accent")}2e`;
        ctx.fillRect(x($drag[0]), chartArea.top, x($drag[1]) - x($drag[0]), chartArea.height);
      }
      if ($at >= 0) {
        ctx.strokeStyle = token("--mute-strong");
        ctx.beginPath();
        ctx.moveTo(Math.round(x($at)) + 0.5, chartArea.top);
        ctx.lineTo(Math.round(x($at)) + 0.5, chartArea.bottom);
        ctx.stroke();
      }
      ctx.restore();
    },
  };

  const tip = (figure, chart, index) => {
    const box = figure.querySelector(".chart-tip");
    box.hidden = index < 0;
    if (index < 0) return;
    const rows = chart.data.datasets
      .map((one) => ({ one, value: one.data[index] }))
      .filter(({ value }) => value !== null && value !== undefined)
      .sort((a, b) => b.value - a.value)
      .map(({ one, value }) => {
        const row = document.createElement("li");
        const mark = document.createElement("i");
        row.className = `c-${one.role}`;
        row.append(mark, `${one.label}: ${exact(value / chart.config.options.size, chart.config.options.unit)}`);
        return row;
      });
    const head = document.createElement("li");
    head.className = "chart-tip-head";
    head.textContent = when(chart.data.labels[index]);
    box.replaceChildren(head, ...rows);
    const x = 44 + ((index + 0.5) / chart.data.labels.length) * chart.width;
    const left = x + 14 + box.offsetWidth <= figure.clientWidth ? x + 14 : x - 14 - box.offsetWidth;
    box.style.left = `${Math.max(0, left)}px`;
  };

  return { hue, lines, tip };
})();
