"""The main path: a console is set up, a real application breaks, and people see and triage it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import Shop, set_up
from tests.support.live import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 20_000  # milliseconds; an event is visible within two seconds of a quiet machine


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
