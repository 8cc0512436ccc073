"""What is stored of a visit equals what the browser itself measured, whoever sent it."""

import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from console.web.assets import STATIC
from console.web.beacon_script import LIBRARY
from tests.performance import vitals_page
from tests.performance.vitals_page import Site, serving
from tests.support import chromium as chromium_program
from tests.support import databases, javascript
from tests.support.chromium import Complaints
from tests.support.live import Connected, Server
from tests.support.run import shared

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATH = "/orders/7?token=secret#part"
PAGE = "/orders/{id}"
PATIENCE = 30.0  # seconds
# What clients may round off: milliseconds, and of CLS the seventh digit.
CLOSE = {"LCP": 1.0, "INP": 1.0, "CLS": 1e-6, "FCP": 1.0, "TTFB": 1.0}
SENTRY = """
import * as Sentry from "PACKAGE";
Sentry.init({
  dsn: DSN, release: "page@1.0.0", environment: "production", tracesSampleRate: 1, MORE
  integrations: [Sentry.browserTracingIntegration()],
});
"""
CLIENTS = {
    "sentry 11, streamed": ("@sentry/browser", ""),
    "sentry 11, static": ("@sentry/browser", 'traceLifecycle: "static",'),
    "sentry 10": ("sentry-browser-10", ""),
}
Loads = list[dict[str, Any]]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A live `pharos serve`; each test has a project of its own."""
    instance = tmp_path_factory.mktemp("vitals")
    database = databases.sqlite(shared(), instance)
    server = Server(instance, database).start()
    yield server
    server.stop()


@pytest.fixture
def remembering(browser: Browser) -> Iterator[Page]:
    """A page of a browser that keeps pages in its back/forward cache, as people's browsers do."""
    another = browser.browser_type.launch(
        executable_path=chromium_program.executable(),
        args=list(chromium_program.ARGUMENTS),
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield another.new_page()
    another.close()


def test_the_beacon_stores_what_the_browser_measured(console, chromium, capsys):
    project = console.project("beacon")
    complaints = Complaints(chromium)
    with serving(script_element(console, project)) as site:
        measured = visited(chromium, site)
    compare("beacon", project, measured, capsys)
    (load,) = loads(project, "LCP")
    assert (load["target"], load["path"]) == ("#hero", "/orders/7")
    assert (load["release"], load["environment"], load["device"]) == (
        "page@1.0.0",
        "production",
        "desktop",
    )
    assert "secret" not in json.dumps([answer(project, name) for name in CLOSE])
    assert complaints.heard == []


@pytest.mark.parametrize("client", CLIENTS)
def test_unmodified_sdks_store_what_the_browser_measured(
    console, chromium, tmp_path, capsys, client
):
    project = console.project(client)
    package, more = CLIENTS[client]
    source = SENTRY.replace("PACKAGE", package).replace("DSN", json.dumps(project.dsn))
    script = javascript.bundle(source.replace("MORE", more), tmp_path).read_bytes()
    with serving("<script src='/sdk.js'></script>", sdk=script) as site:
        measured = visited(chromium, site)
    compare(client, project, measured, capsys)


def test_of_reports_while_a_page_is_hidden_and_shown_again_the_last_counts(console, chromium):
    project = console.project("hidden")
    with serving(script_element(console, project)) as site:
        vitals_page.visit(chromium, f"{site.url}{PATH}")
        first = vitals_page.measured(chromium)
        vitals_page.hide(chromium)
        wait_until(project, first)
        vitals_page.show(chromium)
        chromium.evaluate("window.busy = 500; setTimeout(() => window.push(300), 1200)")
        vitals_page.click(chromium, 2)
        chromium.wait_for_function("window.shifts.length >= 2")
        last = vitals_page.measured(chromium)
        chromium.goto("about:blank")
        wait_until(project, last)
    assert last["INP"] > first["INP"] + 100
    assert last["CLS"] > first["CLS"]
    assert len(loads(project, "INP")) == 1


def test_a_page_that_comes_back_from_the_cache_is_a_load_of_its_own(console, remembering):
    project = console.project("back")
    with serving(script_element(console, project)) as site:
        vitals_page.visit(remembering, f"{site.url}{PATH}")
        first = vitals_page.measured(remembering)
        remembering.goto(f"{site.url.replace('127.0.0.1', 'localhost')}/elsewhere")
        # Playwright's own go_back waits for a load, which a page from the cache has not.
        remembering.evaluate("setTimeout(() => history.back())")
        remembering.wait_for_function("window.restored === true")
        remembering.wait_for_timeout(300)
        remembering.goto("about:blank")
        wait_until(project, first, loads_of_lcp=2)
    slow, quick = loads(project, "LCP")
    assert slow["value"] == pytest.approx(first["LCP"], abs=CLOSE["LCP"])
    assert quick["value"] < first["LCP"] / 2
    assert slow["page_id"] != quick["page_id"]


def test_without_npm_the_beacon_takes_its_library_from_the_cdn(
    instance, database, chromium, capsys
):
    server = Server(instance, database, PHAROS_ASSETS="cdn").start()
    project = server.project("cdn")
    library = (STATIC / "node_modules" / LIBRARY.path).read_text()
    chromium.route(
        LIBRARY.cdn_url,
        lambda route: route.fulfill(
            body=library,
            content_type="text/javascript",
            headers={"Access-Control-Allow-Origin": "*"},
        ),
    )
    with serving(script_element(server, project)) as site:
        measured = visited(chromium, site)
    compare("beacon from the CDN", project, measured, capsys)
    server.stop()


def script_element(console: Server, project: Connected) -> str:
    """The beacon as the connect page shows it."""
    key = project.dsn.partition("://")[2].partition("@")[0]
    number = project.dsn.rpartition("/")[2]
    return (
        f'<script defer src="{console.url}/beacon.js" data-key="{key}" data-project="{number}"'
        ' data-release="page@1.0.0" data-environment="production"></script>'
    )


def visited(page: Page, site: Site) -> dict[str, float]:
    """What the browser measured of a visit, which has ended."""
    vitals_page.visit(page, f"{site.url}{PATH}")
    found = vitals_page.measured(page)
    assert found["LCP"] > 1000 * vitals_page.IMAGE_DELAY
    assert found["INP"] >= 300
    assert found["CLS"] > 0
    page.goto("about:blank")
    return found


def compare(
    client: str, project: Connected, measured: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    """Wait for the visit, print each metric's difference, and allow none that is not rounding."""
    stored = wait_until(project, measured)
    with capsys.disabled():
        for name, value in measured.items():
            off = abs(stored[name] - value)
            print(
                f"\n{client}: {name} {value:g}, stored {stored[name]:g}, off by {off:.2g}", end=""
            )


def wait_until(
    project: Connected, measured: dict[str, float], *, loads_of_lcp: int = 1
) -> dict[str, float]:
    """The stored values, once they are those that the browser measured."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = {name: loads(project, name) for name in measured}
        stored = {name: some[0]["value"] for name, some in found.items() if some}
        near = [
            abs(stored.get(name, float("inf")) - value) <= CLOSE[name]
            for name, value in measured.items()
        ]
        if all(near) and len(found["LCP"]) >= loads_of_lcp:
            return stored
        assert time.monotonic() < deadline, f"measured {measured}, stored {stored}"
        time.sleep(0.2)


def loads(project: Connected, metric: str) -> Loads:
    """The stored page loads of the page, the worst first."""
    found: Loads = answer(project, metric).get("worst", [])
    return found


def answer(project: Connected, metric: str) -> dict[str, Any]:
    """What the API says of the page; nothing while no visit of it is stored."""
    try:
        return project.get(f"performance/vitals/page?page={quote(PAGE)}&metric={metric}")
    except HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return {}
