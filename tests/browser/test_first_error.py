"""The main path: a console is set up, a real application breaks, and people see and triage it."""

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.live import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 20_000  # milliseconds; an event is visible within two seconds of a quiet machine
PASSWORD = "a lighthouse keeper's lamp"


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=request.param
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    context.close()


@pytest.fixture
def shop() -> Iterator[Callable[[str, str], "Shop"]]:
    started: list[Shop] = []

    def start(dsn: str, release: str) -> Shop:
        started.append(Shop(dsn, release))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
        each.process.communicate()


class Shop:
    """The broken shop, in a process of its own, with the unmodified SDK."""

    def __init__(self, dsn: str, release: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("broken_shop.py")), dsn, release],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def check_out(self, order: int) -> None:
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(f"{self.url}/checkout/{order}", timeout=10)


def test_an_error_is_seen_resolved_and_comes_back(
    server: Server, page: Page, shop: Callable[[str, str], Shop]
) -> None:
    dsn = set_up(page, server)
    inbox = page.url.replace("/connect", "/issues/")

    page.goto(inbox)
    expect(page.get_by_text("No errors yet")).to_be_visible()
    mark = "window.never_reloaded = true"
    page.evaluate(mark)
    release_1 = shop(dsn, "shop@1.0.0")
    release_1.check_out(1)
    row = page.get_by_role("row").filter(has_text="ZeroDivisionError")
    expect(row).to_be_visible()
    assert page.evaluate("window.never_reloaded") is True

    row.get_by_role("link", name=re.compile("ZeroDivisionError")).click()
    expect(page.get_by_text("return 100 / discount").first).to_be_visible()
    expect(page.get_by_text("price_of").first).to_be_visible()
    expect(page.get_by_text("shop@1.0.0").locator("visible=true").first).to_be_visible()
    issue = page.url
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()

    page.goto(inbox)
    expect(page.get_by_text("Nothing is open")).to_be_visible()
    page.evaluate(mark)
    shop(dsn, "shop@1.0.1").check_out(2)
    expect(row).to_contain_text("Regressed")
    assert page.evaluate("window.never_reloaded") is True

    page.goto(issue)
    expect(page.get_by_role("button", name="Resolve", exact=True)).to_be_visible()
    expect(page.get_by_text("shop@1.0.1").locator("visible=true").first).to_be_visible()


def set_up(page: Page, server: Server) -> str:
    """Fill in the first-run page as a newcomer does; return the DSN that the next page shows."""
    page.goto(set_up_link(server))
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@acme.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Acme")
    page.get_by_label("Project").fill("Shop")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/acme/shop/connect")
    shown = page.get_by_role("region", name="DSN").first.inner_text()
    dsn = re.search(r"http://[0-9a-f]{32}@\S+/\d+", shown)
    assert dsn is not None
    return dsn[0]


def set_up_link(server: Server) -> str:
    """The one-time link, printed right after the address that the server was found by."""
    for _ in range(100):
        link = re.search(r"http\S+/setup\?token=\w+", server.log.read_text())
        if link is not None:
            return link[0]
        time.sleep(0.05)
    raise AssertionError("the console printed no set-up link")
