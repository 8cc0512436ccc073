"""Finds every kind of page by following the console's links, as a person would."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from console.app import create_app
from console.core.config import Config
from tests.support.consoles import close
from tests.support.databases import SECRET

# A download, and the sandboxed preview of a mail, in which no script runs, axe neither.
NO_PAGES = {"asset", "alerting.response_sheet", "reports.preview"}


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Go through the login page."""
    page.goto(url + "/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda address: "/login" not in address)


def crawl(
    page: Page,
    start: str,
    adapter: MapAdapter,
    look: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """Return one address of each kind of page, by the name of its view; `look` sees each open."""
    kinds: dict[str, str] = {}
    waiting, seen = deque([start + "/"]), {start + "/"}
    while waiting:
        url = waiting.popleft()
        kind = kind_of(url, adapter)
        if kind is None or kind in kinds:
            continue
        answer = page.goto(url)
        if answer is None or "html" not in answer.headers.get("content-type", ""):
            continue
        shown = kind_of(page.url, adapter) or kind
        new = shown not in kinds
        kinds[shown] = page.url
        links = page.eval_on_selector_all("a[href]", "found => found.map(a => a.href)")
        for link in (urljoin(page.url, each).partition("#")[0] for each in links):
            if link.startswith(start) and link not in seen:
                seen.add(link)
                waiting.append(link)
        if new:
            look(shown)
    return kinds


def kind_of(url: str, adapter: MapAdapter) -> str | None:
    """Name of the view behind an address; None if there is none."""
    try:
        endpoint, _ = adapter.match(urlsplit(url).path, method="GET")
    except HTTPException:
        return None
    return None if endpoint in NO_PAGES else endpoint.replace(".", "-")


def addresses(folder: Path) -> MapAdapter:
    """Return what tells which view an address belongs to; `folder` is an instance to throw away."""
    app = create_app(Config(instance=folder, secret_key=SECRET))
    close(app)
    return app.url_map.bind("localhost")
