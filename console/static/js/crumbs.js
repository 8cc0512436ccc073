// Breadcrumbs are filtered by category and level; hidden ones among the earlier are searched too.
(() => {
  const prepare = () => {
    for (const tools of document.querySelectorAll("[data-crumb-tools][hidden]")) tools.hidden = !tools.querySelector("select");
  };

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-crumbs]")) return;
    const card = event.target.closest("section");
    const wanted = [...card.querySelectorAll("[data-crumbs]")].filter((select) => select.value);
    for (const crumb of card.querySelectorAll("[data-crumb]")) {
      crumb.hidden = wanted.some((select) => crumb.dataset[select.dataset.crumbs] !== select.value);
    }
    for (const fold of card.querySelectorAll("details.fold")) fold.open = wanted.length > 0;
  });
  document.addEventListener("htmx:after:swap", prepare);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", prepare);
  else prepare();
})();
