"""A page that is slow on purpose: a late image, a layout shift, a click handler of 300 ms."""

import random
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

IMAGE_DELAY = 0.4  # seconds
HANDLER_MS = 300
HTML = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Slow on purpose</title>
<link rel="icon" href="data:,">
<script>
  // The browser's own record, kept before anything else runs.
  window.lcp = 0; window.shifts = []; window.durations = {};
  addEventListener("pageshow", (event) => { window.restored = event.persisted; });
  const watch = (type, each, more) => new PerformanceObserver((list) => {
    list.getEntries().forEach(each);
  }).observe({ type, buffered: true, ...more });
  watch("largest-contentful-paint", (entry) => { window.lcp = entry.startTime; });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) window.shifts.push(entry); });
  watch("event", (entry) => {
    const known = window.durations[entry.interactionId] || 0;
    if (entry.interactionId) {
      window.durations[entry.interactionId] = Math.max(known, entry.duration);
    }
  }, { durationThreshold: 16 });
</script>
%HEAD%
</head>
<body>
<div id="banner">News</div>
<h1>Orders</h1>
<button id="pay">Pay</button>
<p id="text">Some text that is moved down when the banner above it appears.</p>
<img id="hero" width="640" height="360" alt="" src="/late.png?token=secret">
<script>
  const busy = (length) => {
    for (const end = performance.now() + length; performance.now() < end;);
  };
  document.getElementById("pay").addEventListener("click", () => busy(window.busy || 300));
  window.push = (height) => { document.getElementById("banner").style.height = `${height}px`; };
  document.getElementById("hero").addEventListener("load", () => {
    setTimeout(() => { window.push(120); window.shifted = true; }, 100);
  });
</script>
</body>
</html>
"""
# CLS is the largest session window: shifts less than 1 s apart, 5 s in all (web.dev/articles/cls).
READ = """() => {
  let worst = 0, sum = 0, first = 0, last = 0;
  for (const { startTime, value } of window.shifts) {
    if (sum && startTime - last < 1000 && startTime - first < 5000) sum += value;
    else { sum = value; first = startTime; }
    last = startTime;
    worst = Math.max(worst, sum);
  }
  const navigation = performance.getEntriesByType("navigation")[0];
  return {
    LCP: window.lcp,
    CLS: worst,
    INP: Math.max(0, ...Object.values(window.durations)),
    FCP: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    TTFB: navigation.responseStart,
  };
}"""

# Without a limit it waits for ever on a page that draws nothing more.
IDLE = """() => new Promise((done) => {
  requestIdleCallback(() => setTimeout(done, 50), { timeout: 1000 });
})"""


class Site(ThreadingHTTPServer):
    """Serves the page at any path, its late image, and the scripts that it is given."""

    daemon_threads = True

    def __init__(self, head: str, scripts: Mapping[str, bytes]) -> None:
        """`head` is put into the page's head, whose script elements may name `scripts`."""
        self.html = HTML.replace("%HEAD%", head).encode()
        self.scripts = scripts
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(head: str, **scripts: bytes) -> Iterator[Site]:
    """Serve the page on a free port, from another origin than the console's."""
    with Site(head, {f"/{name}.js": body for name, body in scripts.items()}) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


def visit(page: Page, url: str) -> None:
    """Open the page, wait for the image and the shift, and click as a person does."""
    page.goto(url)
    page.wait_for_function("window.shifted && window.shifts.length && window.lcp")
    click(page, 1)


def click(page: Page, interactions: int) -> None:
    """Click where the button is; return when so many interactions are measured, and the page idle.

    What measures a page works when it is idle; on a busy machine a visitor can be gone before.
    """
    box = page.locator("#pay").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    # The entries of the press come first; that of the click, with its handler, may come later.
    page.wait_for_function(
        f"Object.values(window.durations).filter(ms => ms >= {HANDLER_MS}).length >= {interactions}"
    )
    for _ in range(3):
        page.evaluate(IDLE)


def hide(page: Page) -> None:
    """Tell the page that it is hidden, which a headless browser's pages are only when left."""
    page.evaluate(
        """() => {
          const hidden = { value: "hidden", configurable: true };
          Object.defineProperty(document, "visibilityState", hidden);
          document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        }"""
    )


def show(page: Page) -> None:
    """Tell the page that it is shown again."""
    page.evaluate(
        """() => {
          delete document.visibilityState;
          document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        }"""
    )


def measured(page: Page) -> dict[str, float]:
    """What the browser's own PerformanceObserver has seen: milliseconds, and the score of CLS."""
    found: dict[str, float] = page.evaluate(READ)
    return found


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/late.png":
            time.sleep(IMAGE_DELAY)
            self._answer("image/png", noise())
        elif path in self.server.scripts:
            self._answer("text/javascript", self.server.scripts[path])
        else:
            self._answer("text/html", self.server.html)

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@cache
def noise() -> bytes:
    """A PNG of 640 × 360 random pixels: a flat image is no candidate for LCP."""
    width, height = 640, 360
    random_bytes = random.Random(1).randbytes
    rows = b"".join(b"\0" + random_bytes(width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
