"""A dashboard by a link in a clean browser, and in the frames of other sites."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from console.core.db import db
from console.dashboards import links
from console.dashboards.models import Dashboard
from tests.support.chromium import Complaints, serious_violations
from tests.support.counted import Stored
from tests.support.scheduled import perform
from tests.support.served import served

pytestmark = pytest.mark.browser
BUDGET = 90_000  # 48 KB of it are the font, which a browser keeps
"""Bytes that an embed weighs at most, with all that it loads."""
FRAME = """<!doctype html><title>Intranet</title>
<iframe id="pharos" width="900" height="100" src="{src}"></iframe>
<script>addEventListener("message", (event) => {{
  if (event.origin !== "{console}" || event.data.type !== "pharos:height") return;
  document.getElementById("pharos").height = event.data.height;
}});</script>"""
LCP = """() => new Promise((resolve) => new PerformanceObserver(
  (list) => resolve(list.getEntries().at(-1).startTime)
).observe({type: "largest-contentful-paint", buffered: true}))"""


@contextmanager
def framing(pages: dict[str, str]) -> Iterator[str]:
    """Another site, on a port of its own; `pages` has what is at its paths."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def link(app, acme, inside):
    """A function that shares the operational dashboard, which has data; gives the path."""
    with inside(acme):
        Stored(app, acme)
    with app.app_context():
        perform("keep-standard-dashboards")

    def made(password: str = "", **terms: object) -> str:
        with inside(acme):
            own = db.session.query(Dashboard).filter_by(template="operational").one()
            given: dict[str, Any] = {"name": "Carol", "locked": {}, "range": "30d", **terms}
            token = links.create(own, links.Terms(**given), password)[1]
            db.session.commit()
            return f"/shared/{token}"

    return made


def test_a_clean_browser_opens_a_link_in_both_themes(app, browser: Browser, link):
    light, dark = link(theme="light", has_markers=True), link(theme="dark")
    with served(app) as console:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        complaints, asked = Complaints(page), []
        page.on("request", lambda request: asked.append(request.url))
        for path in (light, dark):
            page.goto(f"{console}{path}")
            assert page.locator(".tile").count() > 5
            assert serious_violations(page) == []
            page.set_viewport_size({"width": 390, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{console}{light}?again=1")
        print(f"LCP {page.evaluate(LCP):.0f} ms")
        assert context.cookies() == []
        assert all(url.startswith(console) for url in asked)
        assert complaints.heard == []
        context.close()


def test_small_tiles_stand_side_by_side_in_a_page_of_a_wiki(app, browser: Browser, link):
    path = link()
    with served(app) as console:
        context = browser.new_context(viewport={"width": 760, "height": 900})
        page = context.new_page()
        page.goto(f"{console}{path}")
        places = page.locator(".tile-place").evaluate_all(
            "tiles => tiles.map((tile) => Math.round(tile.getBoundingClientRect().x))"
        )
        assert len(set(places)) == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= 760
        context.close()


def test_a_link_works_without_javascript(app, browser: Browser, link):
    path = link(password="a lighthouse keeper's lamp")
    with served(app) as console:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{console}{path}")
        page.get_by_label("Password").fill("wrong, all of it")
        page.get_by_role("button", name="Open").click()
        assert "This is not the password" in page.content()
        page.get_by_label("Password").fill("a lighthouse keeper's lamp")
        page.get_by_role("button", name="Open").click()
        page.wait_for_url(f"{console}{path}")
        assert page.locator(".tile svg").count() > 3
        context.close()


def test_a_listed_site_shows_the_frame_at_its_height_and_no_other_does(app, browser: Browser, link):
    pages: dict[str, str] = {}
    with served(app) as console, framing(pages) as listed, framing(pages) as stranger:
        path = link(origins=[listed])
        pages["/"] = FRAME.format(src=f"{console}{path}?chrome=none", console=console)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        complaints = Complaints(page)
        page.goto(f"{listed}/")
        frame = page.frame_locator("#pharos")
        frame.locator(".tile").first.wait_for()
        page.wait_for_function("Number(document.getElementById('pharos').height) > 300")
        height = page.evaluate("Number(document.getElementById('pharos').height)")
        inner = next(own for own in page.frames if "/shared/" in own.url)
        assert abs(inner.evaluate("document.getElementById('main').offsetHeight") - height) <= 1
        assert context.cookies() == []
        assert [text for text in complaints.heard if "favicon" not in text] == []
        assert shows_nothing(page, f"{stranger}/")
        context.close()


def test_a_frame_that_a_site_sandboxes_has_its_styles_and_its_height(app, browser: Browser, link):
    pages: dict[str, str] = {}
    with served(app) as console, framing(pages) as site:
        path = link(origins=[site])
        frame = FRAME.format(src=f"{console}{path}?chrome=none", console=console)
        sandboxed = frame.replace("<iframe", '<iframe sandbox="allow-scripts"')
        pages["/"] = sandboxed.replace(f'event.origin !== "{console}"', 'event.origin !== "null"')
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{site}/")
        page.wait_for_function("Number(document.getElementById('pharos').height) > 300")
        inner = next(own for own in page.frames if "/shared/" in own.url)
        assert (
            inner.evaluate("getComputedStyle(document.querySelector('.tile')).borderRadius")
            != "0px"
        )
        assert (
            inner.evaluate("async () => (await fetch(document.body.dataset.again)).status") == 200
        )
        context.close()


def test_a_site_below_a_listed_one_shows_the_frame(app, browser: Browser, link):
    pages: dict[str, str] = {}
    with served(app) as console, framing(pages) as site:
        below = site.replace("127.0.0.1", "wiki.acme.localhost")
        path = link(origins=[site.replace("127.0.0.1", "*.acme.localhost")])
        pages["/"] = FRAME.format(src=f"{console}{path}?chrome=none", console=console)
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{below}/")
        page.wait_for_function("Number(document.getElementById('pharos').height) > 300")
        assert shows_nothing(page, f"{site}/")
        assert shows_nothing(page, f"{site.replace('127.0.0.1', 'acme.localhost')}/")
        context.close()


def test_an_embed_weighs_little(app, browser: Browser, link):
    path = link(origins=["https://intranet.acme.test"])
    with served(app) as console:
        context = browser.new_context()
        page = context.new_page()
        weights: dict[str, int] = {}
        page.on("response", lambda got: weights.update({got.url: len(gzip.compress(got.body()))}))
        page.goto(f"{console}{path}?chrome=none")
        page.wait_for_load_state("networkidle")
        whole = sum(weights.values())
        print(f"an embed: {whole:,} bytes in {len(weights)} answers, gzip")
        assert whole < BUDGET, weights
        context.close()


def shows_nothing(page: Page, address: str) -> bool:
    """Whether the frame of a page was refused: the browser shows its own error there."""
    page.goto(address)
    page.wait_for_timeout(1000)
    inner = page.frames[1]
    return "/shared/" not in inner.url and inner.locator(".tile").count() == 0
