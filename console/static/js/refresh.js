// Fires "refresh" on the body: now and then while the page is visible, and when somebody asks for it.
(() => {
  const live = () => document.querySelector("[data-live]");
  let timer = 0;

  const time = () => new Date().toLocaleTimeString("en-GB", { timeZone: document.documentElement.dataset.zone });
  const say = (text) => { const element = live(); if (element) element.textContent = text; };

  const refresh = (asked) => {
    const listeners = document.querySelector('[hx-trigger*="refresh from:body"]');
    if (!listeners) {
      if (asked) location.reload();
      return;
    }
    if (window.htmx) htmx.trigger(document.body, "refresh");
    else document.body.dispatchEvent(new Event("refresh"));
    if (asked) say(`Refreshed at ${time()}`);
  };

  const schedule = () => {
    clearInterval(timer);
    const seconds = Number(document.body.dataset.refresh || 0);
    if (seconds > 0) timer = setInterval(() => { if (!document.hidden) refresh(false); }, seconds * 1000);
  };

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-refresh-every]")) return;
    document.body.dataset.refresh = event.target.value;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `refresh=${event.target.value}; path=${document.documentElement.dataset.root}; max-age=31536000; SameSite=Lax${secure}`;
    schedule();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-refresh-now]");
    if (!button || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    refresh(true);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Number(document.body.dataset.refresh || 0) > 0) refresh(false);
  });
  // How old the page is: said quietly after a refresh, loudly when one failed.
  let good = "";
  const asOf = (stale) => {
    const place = document.querySelector("[data-as-of]");
    if (!place) return;
    if (!stale) good = time();
    place.textContent = stale ? `Stale since ${good || "this page was loaded"}, retrying` : `As of ${good}`;
    place.toggleAttribute("data-stale", stale);
  };
  const polled = (event) => event.detail.ctx.sourceElement?.matches('[hx-trigger*="refresh from:body"]');
  document.addEventListener("htmx:after:request", (event) => {
    const { request, response, sourceElement } = event.detail.ctx;
    const failed = response.status >= 400;
    if (polled(event)) asOf(failed);
    // What is shown stays, and goes on asking: an error in its place would be the end of it.
    if (failed && request.method === "GET" && sourceElement.matches("[data-poll]")) event.preventDefault();
    if (!failed && request.method !== "GET") document.getElementById("refusal")?.replaceChildren();
  });
  document.addEventListener("htmx:error", (event) => { if (event.detail.ctx && polled(event)) asOf(true); });
  document.addEventListener("pharos:refresh", () => refresh(true));
  document.addEventListener("DOMContentLoaded", schedule);
})();
