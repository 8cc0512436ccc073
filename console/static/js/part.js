// Remembers which version of a polled part is shown, so that the server can answer 204 to the next poll: a tile that
// is the same as before gets the time as of which it is.
(() => {
  const HEADER = "Pharos-Part";
  const shown = new Map();
  const key = (ctx) => `${new URL(ctx.request.action, location.href).pathname} ${ctx.target?.id ?? ""}`;

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const version = ctx.request.method === "GET" && shown.get(key(ctx));
    if (version && ctx.sourceElement.hasAttribute("data-poll")) ctx.request.headers[HEADER] = version;
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const version = ctx.response?.headers.get(HEADER);
    if (version) shown.set(key(ctx), version);
    const at = ctx.response?.headers.get("Pharos-As-Of");
    const place = at && ctx.sourceElement.querySelector("[data-tile-at]");
    if (!place) return;
    place.dateTime = at;
    place.textContent = `as of ${new Date(at).toLocaleTimeString("en-GB", { timeZone: document.documentElement.dataset.zone })}`;
  });
})();
