"""A console below a path of a site, behind nginx that takes the path off and one that leaves it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.routing import MapAdapter

from tests.browser.visiting import PASSWORD, Shop, set_up
from tests.fakes.smtp import free_port
from tests.support import nginx
from tests.support.crawl import addresses, crawl
from tests.support.databases import Database
from tests.support.live import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATH = "/tools/pharos"
PATIENCE = 20_000  # milliseconds
LINKS = """() => [...document.querySelectorAll("*")].flatMap((element) => [...element.attributes])
  .filter((attribute) => attribute.value.startsWith("/") && attribute.name !== "title")
  .map((attribute) => `${attribute.name}=${attribute.value}`)"""


@dataclass(frozen=True)
class Visit:
    """A page of a browser, with all that it asked for."""

    page: Page
    server: Server
    url: str
    answers: list[tuple[int, str]]
    strips: bool  # the path, which nginx takes off

    def went_wrong(self) -> list[tuple[int, str]]:
        """What was not below the path, or was not answered well.

        The shop traces nothing, so the trace that its error names is not there.
        """
        return [
            (status, url)
            for status, url in self.answers
            if (status >= 400 and "/traces/" not in url)
            or not f"{urlsplit(url).path}/".startswith(f"{PATH}/")
        ]


@pytest.fixture(params=[True, False], ids=["strips", "keeps"])
def visit(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    instance: Path,
    database: Database,
    browser: Browser,
) -> Iterator[Visit]:
    console, port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}{PATH}"
    server = Server(instance, database, PHAROS_URL=url, PHAROS_TRUSTED_PROXIES="1")
    with nginx.running(tmp_path / "nginx", port, console=console, path=PATH, strips=request.param):
        server.start(port=console)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        answers: list[tuple[int, str]] = []
        page.on("response", lambda answer: answers.append((answer.status, answer.url)))
        yield Visit(page, server, url, answers, request.param)
        context.close()
        server.stop()


def test_people_and_clients_reach_everything_below_the_path(
    visit: Visit, shop: Callable[[str, str], Shop], tmp_path: Path
) -> None:
    page = visit.page
    dsn = set_up(page, visit.server)
    assert urlsplit(dsn).path.startswith(f"{PATH}/")
    shop(dsn, "shop@1.0.0").check_out(1)
    page.get_by_role("link", name="Issues").first.click()
    row = page.get_by_role("row").filter(has_text="ZeroDivisionError")
    row.get_by_role("link", name=re.compile("ZeroDivisionError")).click()
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    if visit.strips:  # the console takes off what was left before it looks for a page
        crawl_all(visit, tmp_path)
    sign_in_on_the_way(visit)
    assert visit.went_wrong() == []


def crawl_all(visit: Visit, folder: Path) -> None:
    """No page that links lead to has an address above the path."""
    page, outside = visit.page, dict[str, list[str]]()

    def look(kind: str) -> None:
        values = [link.split("=", 1) for link in page.evaluate(LINKS)]
        bad = {name for name, value in values if not value.startswith(f"{PATH}/") and value != "/"}
        if bad:
            outside[kind] = sorted(bad)

    kinds = crawl(page, visit.url, _below(addresses(folder / "spare")), look)
    assert len(kinds) > 30
    assert outside == {}


def sign_in_on_the_way(visit: Visit) -> None:
    """The cookies and the way back from the login page are below the path as well."""
    page = visit.page
    cookies = {cookie["name"]: cookie["path"] for cookie in page.context.cookies()}
    assert set(cookies.values()) == {f"{PATH}/"}
    page.context.clear_cookies()
    page.goto(f"{visit.url}/acme/shop/issues/?range=7d")
    expect(page).to_have_url(re.compile(re.escape(f"{visit.url}/login?next={PATH}/acme/shop")))
    page.fill("[name=email]", "ada@acme.test")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{visit.url}/acme/shop/issues/?range=7d")
    page.goto(visit.url)
    page.wait_for_url(f"{visit.url}/acme/shop/**")


def _below(adapter: MapAdapter) -> MapAdapter:
    """Knows the views of addresses that begin with the path."""
    at_root: Callable[..., Any] = adapter.match

    def match(path: str, **asked: Any) -> Any:
        return at_root(path.removeprefix(PATH), **asked)

    adapter.match = match  # type: ignore[method-assign,assignment]
    return adapter
