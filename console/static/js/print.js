// Prints the page by a button that is shown where scripts run.
(() => {
  const show = () => document.querySelectorAll("[data-print]").forEach((button) => { button.hidden = false; });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:after:swap", show);
})();
