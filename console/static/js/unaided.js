// Loads the parts of a page, polls and refreshes, where htmx did not arrive: a CDN that does not answer leaves nothing grey.
(() => {
  const PATIENCE = 2000; // milliseconds after the page is read
  const LATER = ':is([hx-trigger^="load"], [hx-trigger^="revealed"])[hx-get]';
  const REFRESHED = '[hx-trigger*="refresh from:body"][hx-get]';
  const BUSY = "details[open], input:checked";
  const POLLED = '[hx-trigger^="every "][hx-get]';
  const versions = new Map();

  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };

  const failed = (place) => {
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "This part did not load. Load the page again.";
    place.replaceChildren(link);
  };

  // Puts the part in its place and returns it; null when there is nothing newer. Words of the
  // console on what went wrong are a part as well, but to a poll.
  const fetched = async (place, polls = false) => {
    const url = place.getAttribute("hx-get");
    const headers = { "HX-Request": "true", "HX-Current-URL": location.href };
    if (versions.has(url)) headers["Pharos-Part"] = versions.get(url);
    const answer = await fetch(url, { headers, credentials: "same-origin" });
    if (answer.headers.has("HX-Redirect")) location.assign(answer.headers.get("HX-Redirect"));
    if (answer.status === 204) return null;
    if (!answer.ok && (polls || !answer.headers.has("X-Request-Id"))) throw new Error(`${url}: ${answer.status}`);
    versions.set(url, answer.headers.get("Pharos-Part"));
    const part = parsed(await answer.text());
    const root = part.firstElementChild;
    place.replaceWith(part);
    return root;
  };

  const load = async (place) => {
    try {
      const root = await fetched(place);
      if (root) look(root.parentElement);
    } catch {
      failed(place);
    }
  };

  const poll = (id, seconds) => setInterval(() => {
    const place = document.getElementById(id);
    // What is shown stays when a poll fails; the next one may not.
    if (place && !document.hidden && !window.htmx) fetched(place, true).catch(() => {});
  }, seconds * 1000);

  const seen = new WeakSet();
  const look = (within) => {
    for (const place of within.querySelectorAll(LATER)) {
      if (!seen.has(place)) { seen.add(place); load(place); }
    }
  };

  // Nothing is morphed here, so what somebody works in is left as it is.
  const refresh = async () => {
    for (const place of window.htmx ? [] : document.querySelectorAll(REFRESHED)) {
      if (place.matches(":focus-within") || place.querySelector(BUSY)) continue;
      const root = await fetched(place, true).catch(() => null);
      if (root?.parentElement) look(root.parentElement);
    }
  };

  const start = () => {
    if (window.htmx) return;
    look(document);
    document.body.addEventListener("refresh", refresh);
    for (const place of document.querySelectorAll(POLLED)) {
      poll(place.id, parseFloat(place.getAttribute("hx-trigger").slice("every ".length)) || 2);
    }
  };
  document.addEventListener("DOMContentLoaded", () => setTimeout(start, PATIENCE));
})();
