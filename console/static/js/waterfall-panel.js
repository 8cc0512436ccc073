// The panel of a span: its row is marked, the focus goes into it, Escape or its cross gives it back.
(() => {
  const panel = () => document.querySelector("[data-span-panel]");
  const rowOf = (id) => document.querySelector(`#r-${CSS.escape(id)}, #r-g${CSS.escape(id)}, #r-c${CSS.escape(id)}`);

  const select = () => {
    const id = panel()?.dataset.spanPanel;
    const row = id && rowOf(id);
    for (const one of document.querySelectorAll('.wf-row[aria-selected="true"]')) one.removeAttribute("aria-selected");
    row?.setAttribute("aria-selected", "true");
  };
  const close = (link) => {
    const row = rowOf(panel().dataset.spanPanel);
    const empty = document.createElement("aside");
    empty.id = "span-panel";
    empty.setAttribute("aria-label", "Span");
    panel().replaceWith(empty);
    history.pushState(history.state, "", link.href);
    select();
    row?.focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-panel-close], [data-span]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || !window.htmx) return;
    event.preventDefault();
    if (!link.matches("[data-span]")) close(link);
    else htmx.ajax("GET", link.getAttribute("href"), { source: link, target: "#span-panel", swap: "outerHTML", push: "true" });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel() || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.("input, textarea, select, details[data-menu][open]")) return;
    event.preventDefault();
    close(panel().querySelector("[data-panel-close]"));
  });
  document.addEventListener("htmx:after:swap", (event) => {
    select();
    if (event.detail.ctx?.sourceElement?.matches?.("[data-span]")) document.getElementById("span-title")?.focus();
  });
  document.addEventListener("DOMContentLoaded", select);
})();
