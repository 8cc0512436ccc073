// The web vitals of a page's visitors, sent to Pharos once a page is hidden or left.
// <script defer src="https://pharos.example/beacon.js" data-key="…" data-project="1"></script>
import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals/attribution";

const LONGEST = 200; // characters of a selector, an address or a name
const MOST = 20; // metrics of a body: the server refuses more
const script = document.querySelector("script[data-key][data-project]");
const routes = {};
const pages = new Map();

// What goes wrong here is nobody's business but ours: the page must never notice.
const quietly = (act) => (argument) => {
  try {
    return act(argument);
  } catch {
    return undefined;
  }
};

const cut = (text) => (text ? String(text).slice(0, LONGEST) : undefined);
const round = (number) => (Number.isFinite(number) ? Math.round(number * 1e6) / 1e6 : undefined);

// An address without its query and fragment, where secrets and people's names are.
const plain = (address) => {
  if (!address) return undefined;
  const url = new URL(address, location.href);
  return cut(url.origin === "null" ? url.protocol : url.origin + url.pathname);
};

const ATTRIBUTION = {
  LCP: (a) => ({
    target: cut(a.target),
    url: plain(a.url),
    timeToFirstByte: round(a.timeToFirstByte),
    resourceLoadDelay: round(a.resourceLoadDelay),
    resourceLoadDuration: round(a.resourceLoadDuration),
    elementRenderDelay: round(a.elementRenderDelay),
  }),
  INP: (a) => ({
    interactionTarget: cut(a.interactionTarget),
    interactionType: a.interactionType,
    inputDelay: round(a.inputDelay),
    processingDuration: round(a.processingDuration),
    presentationDelay: round(a.presentationDelay),
    loadState: a.loadState,
    ...longest(a.longestScript),
  }),
  CLS: (a) => ({
    largestShiftTarget: cut(a.largestShiftTarget),
    largestShiftValue: round(a.largestShiftValue),
    largestShiftTime: round(a.largestShiftTime),
    loadState: a.loadState,
  }),
  TTFB: (a) => ({
    waitingDuration: round(a.waitingDuration),
    cacheDuration: round(a.cacheDuration),
    dnsDuration: round(a.dnsDuration),
    connectionDuration: round(a.connectionDuration),
    requestDuration: round(a.requestDuration),
  }),
};

function longest(found) {
  if (!found) return {};
  return {
    scriptUrl: plain(found.entry.sourceURL),
    scriptFunction: cut(found.entry.sourceFunctionName),
    scriptInvoker: cut((found.entry.invoker || "").split(/[?#]/)[0]),
    scriptDuration: round(found.intersectingDuration),
    scriptPart: found.subpart,
  };
}

// A page of its own begins when it loads, comes back from the back/forward cache, or navigates
// without loading: web-vitals says which of them a metric belongs to.
function pageOf(metric) {
  const key = `${metric.navigationId}|${metric.navigationStartTime}`;
  if (!pages.has(key)) {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const path = new URL(metric.navigationURL || location.href, location.href).pathname;
    pages.set(key, { id, path, nav: metric.navigationType, metrics: new Map() });
  }
  return pages.get(key);
}

const keep = quietly((metric) => {
  const attributed = ATTRIBUTION[metric.name];
  pageOf(metric).metrics.set(metric.id, {
    n: metric.name,
    v: round(metric.value),
    id: metric.id,
    a: attributed && metric.attribution ? attributed(metric.attribution) : undefined,
  });
});

function device() {
  const agent = navigator.userAgent;
  if (/iPad|Tablet|Android(?!.*Mobile)/i.test(agent)) return "tablet";
  return navigator.userAgentData?.mobile || /Mobi|iPhone/i.test(agent) ? "mobile" : "desktop";
}

function send(page) {
  const { key, project, release, environment } = script.dataset;
  const url = new URL(`api/${project}/beacon/`, script.src).href;
  const body = JSON.stringify({
    v: 1,
    key,
    page: { id: page.id, route: cut(routes[page.path]), path: cut(page.path) },
    nav: page.nav,
    conn: navigator.connection?.effectiveType,
    dev: device(),
    rel: cut(release),
    env: cut(environment),
    m: [...page.metrics.values()].slice(-MOST),
  });
  page.metrics.clear();
  // A text body needs no preflight, which a page that is being left would not live to see answered.
  if (navigator.sendBeacon?.(url, body)) return;
  fetch(url, { method: "POST", body, keepalive: true, mode: "no-cors" }).catch(() => {});
}

const flush = quietly(() => {
  for (const page of pages.values()) if (page.metrics.size) send(page);
});

quietly(() => {
  if (script.dataset.route) routes[location.pathname] = script.dataset.route;
  // Routers of single-page applications name the route of the address that is shown now.
  window.pharos = {
    route(name) {
      routes[location.pathname] = name;
    },
  };
  for (const measure of [onCLS, onFCP, onINP, onLCP, onTTFB]) measure(keep, { reportSoftNavs: true });
  // After web-vitals' own listeners, so that what they report on the way out is on board.
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
  addEventListener("pagehide", flush);
})();
