// What a draft of a rule would have done at other levels: from the curve that came with the page, without a request.
(() => {
  const FIELDS = { critical: "levels.critical", warning: "levels.warning", recovery: "recovery", pending_seconds: "pending_seconds" };
  const PENDING_REACH = 40; // percent of the width, as picture.py has it
  let known = null;

  const find = (selector) => document.querySelector(selector);
  const field = (name) => find("[data-editor]").elements[FIELDS[name]];
  const slider = (name) => find(`[data-step="${name}"]`);
  const curve = () => {
    const place = known ? null : find("[data-editor-curve]");
    if (place) known = JSON.parse(place.textContent);
    return known;
  };
  const number = (name) => (field(name).value === "" ? null : Number(field(name).value));
  const least = () => (number("warning") === null ? "critical" : "warning");
  const steps = (name) => (name === "pending_seconds" ? curve().pendings : curve().levels);

  // The step nearest to a number.
  const place = (numbers, value) => {
    let low = 0;
    let high = numbers.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && value - numbers[low - 1] < numbers[low] - value ? low - 1 : low;
  };

  const lasting = (seconds) => {
    for (const [length, unit, smaller, name] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
      if (seconds < length) continue;
      const rest = Math.floor((seconds % length) / smaller);
      return `${Math.floor(seconds / length)} ${unit}${rest ? ` ${rest} ${name}` : ""}`;
    }
    return `${seconds} s`;
  };

  const tally = () => {
    const { levels, pendings, rows, recoveries, base } = curve();
    const at = [place(levels, number(least())), place(pendings, number("pending_seconds") ?? 0)];
    if (at[0] === base[0] && at[1] === base[1]) return recoveries[place(levels, number("recovery") ?? number(least()))];
    return rows[at[1]][at[0]];
  };
  // The words of Figures.sentence, which replaces them when the server has replayed the draft.
  const sentence = () => {
    const { levels, pendings, rows, over, exact } = curve();
    const [incidents, seconds, longest, night] = tally();
    if (!incidents) return `Would ${exact ? "" : "probably "}have opened no incident in ${over}.`;
    const row = rows[place(pendings, number("pending_seconds") ?? 0)];
    const critical = number("critical") === null ? 0 : Math.min(incidents, row[place(levels, number("critical"))][0]);
    const own = [[night, "at night"], [least() === "critical" ? incidents : critical, "critical"]].filter(([count]) => count);
    const marks = own.map(([count, name]) => `${count} ${name}`).join(", ");
    return `Would have opened ${exact ? "" : "about "}${incidents} incident${incidents === 1 ? "" : "s"} in ${over}${marks ? ` (${marks})` : ""}, `
      + `longest ${lasting(longest)}, ${lasting(seconds)} in all.`;
  };

  const move = (name, value) => {
    const handle = find(`[data-handle="${name}"]`);
    if (!handle) return;
    const { scale: [low, high, top, bottom, factor], levels, texts, rises } = curve();
    const y = Math.max(top, Math.min(bottom, bottom - ((value * factor - low) / (high - low)) * (bottom - top)));
    handle.setAttribute("y", y.toFixed(1));
    handle.querySelector("[data-text]").textContent = texts[place(levels, value)];
    const band = find(`[data-band="${name}"]`);
    band?.setAttribute("y", rises ? top : y.toFixed(1));
    band?.setAttribute("height", (rises ? y - top : bottom - y).toFixed(1));
  };
  const point = () => {
    const { levels, pendings } = curve();
    const mark = find("[data-editor-point]");
    mark?.setAttribute("x", `${((place(levels, number(least())) + 0.5) * 100) / levels.length}%`);
    mark?.setAttribute("y", (pendings.length - place(pendings, number("pending_seconds") ?? 0) - 0.5) * 14);
  };

  // The handle of the pending time lies on the level that opens incidents.
  const pend = () => {
    const mark = find("[data-pending]");
    const level = find(`[data-handle="${least()}"]`);
    if (!mark || !level) return;
    const { pendings, scale: [, , , bottom] } = curve();
    const step = place(pendings, number("pending_seconds") ?? 0);
    const x = `${(step * PENDING_REACH) / (pendings.length - 1)}%`;
    const y = level.getAttribute("y");
    const line = find("[data-pending-line]");
    for (const [of, values] of [[mark, { x, y }], [line, { x2: x, y1: y, y2: y }]]) {
      Object.entries(values).forEach(([name, value]) => of.setAttribute(name, value));
    }
    const words = pendings[step] ? `for ${lasting(pendings[step])}` : "at once";
    const text = mark.querySelector("text");
    text.textContent = words;
    text.setAttribute("y", y < bottom - 26 ? 20 : -12);
    mark.firstElementChild.setAttribute("aria-valuenow", step);
    mark.firstElementChild.setAttribute("aria-valuetext", words);
  };

  // Levels stay in their order: one that is moved stops at its neighbour.
  const allowed = (name, step) => {
    const { levels, rises } = curve();
    if (name === "pending_seconds") return step;
    const order = ["recovery", "warning", "critical"];
    const others = order.map((other) => (other === name || number(other) === null ? null : place(levels, number(other))));
    const at = order.indexOf(name);
    const strict = (other) => (other === 0 || at === 0 ? 0 : 1);
    for (let other = 0; other < 3; other += 1) {
      if (others[other] === null) continue;
      const limit = others[other] + (other < at ? 1 : -1) * (rises ? 1 : -1) * strict(other);
      step = (other < at) === rises ? Math.max(step, limit) : Math.min(step, limit);
    }
    return Math.max(0, Math.min(levels.length - 1, step));
  };

  // Show what follows from the fields as they are; `name` is the one that changed.
  const show = (name) => {
    if (!curve() || number(least()) === null) return;
    const value = number(name);
    const range = slider(name);
    if (value !== null && range) {
      const step = place(steps(name), value);
      range.value = step;
      range.parentElement.querySelector('[name^="was."]').value = step;
      const text = name === "pending_seconds" ? lasting(value) : curve().texts[step];
      range.setAttribute("aria-valuetext", text);
      range.parentElement.querySelector("output").value = text;
      move(name, value);
    }
    point();
    pend();
    find("[data-editor-sentence]").textContent = sentence();
  };
  const set = (name, step) => {
    field(name).value = steps(name)[allowed(name, step)];
    show(name);
  };
  const done = (name) => field(name).dispatchEvent(new Event("change", { bubbles: true }));

  // An answer about a draft that has changed since is dropped: it would undo the change, and the next answer is under way.
  const draft = () => new URLSearchParams(new FormData(find("[data-editor]"))).toString();
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.target?.id === "editor") ctx.draft = draft();
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx.draft !== undefined && ctx.draft !== draft()) event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", () => { known = null; });
  window.pharosEditor = { PENDING_REACH, FIELDS, curve, least, place, set, show, done };
})();
