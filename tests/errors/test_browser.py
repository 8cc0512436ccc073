"""Triage in a browser: by keyboard, without a reload, and without scripts."""

import json
from collections.abc import Iterator
from secrets import token_hex
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.errors.samples import raised
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.live import Connected, Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "correct horse battery staple"
PATIENCE = 15_000  # milliseconds


@pytest.fixture
def shop(server: Server) -> Connected:
    project = server.project()
    owner = ("--organization", "acme", "--role", "owner", "--password-stdin")
    server.run("user", "create", "ada@acme.test", *owner, stdin=PASSWORD)
    return project


@pytest.fixture
def page(server: Server, shop: Connected, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    expect.set_options(timeout=PATIENCE)
    complaints = Complaints(page)
    sign_in(page, server.url, "ada@acme.test", PASSWORD)
    yield page
    context.close()
    assert complaints.heard == []


def send(shop: Connected, *kinds: str, **fields: Any) -> None:
    """Send an error of each kind, with these fields, and wait until they are counted."""
    key, _, rest = shop.dsn.removeprefix("http://").partition("@")
    host, _, number = rest.partition("/")
    before = shop.outcomes()["event", "stored"]
    for kind in kinds:
        headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"}
        body = json.dumps(raised(kind, event_id=token_hex(16), **fields)).encode()
        urlopen(Request(f"http://{host}/api/{number}/store/", body, headers), timeout=15).close()
    shop.wait_for(event=before + len(kinds))


def test_the_stack_opens_as_a_whole_and_breadcrumbs_are_filtered(
    server: Server, shop: Connected, page: Page
):
    crumbs = [
        {"category": "http", "level": "warning", "message": "GET /prices"},
        *({"category": "query", "level": "info", "message": f"SELECT {n}"} for n in range(20)),
    ]
    send(shop, "KeyError", breadcrumbs={"values": crumbs})
    page.goto(f"{server.url}/acme/shop/issues/1/")
    library, own = (
        page.get_by_text("flask/app.py:1500").first,
        page.locator(".source", has_text="raise_in_look_up"),
    )
    expect(library).to_be_hidden()
    page.get_by_role("button", name="Full stack").click()
    expect(library).to_be_visible()
    page.get_by_role("button", name="Expand all").click()
    expect(own).to_be_visible()
    page.reload()
    expect(library).to_be_visible()
    page.get_by_role("button", name="Full stack").click()
    expect(library).to_be_hidden()
    first = page.locator(".frames").first.locator(":scope > *").first
    expect(first).to_contain_text("shop/checkout.py")
    page.get_by_role("button", name="Outermost first").click()
    expect(first).to_contain_text("2 library frames")
    page.reload()
    expect(first).to_contain_text("2 library frames")

    expect(page.get_by_text("GET /prices")).to_be_hidden()
    page.get_by_label("All categories").select_option("http")
    expect(page.get_by_text("GET /prices")).to_be_visible()
    expect(page.get_by_text("SELECT 19")).to_be_hidden()
    page.get_by_label("All categories").select_option("")
    page.get_by_label("All levels").select_option("info")
    expect(page.get_by_text("SELECT 19")).to_be_visible()
    expect(page.get_by_text("GET /prices")).to_be_hidden()


def test_triage_by_keyboard_while_new_issues_arrive(server: Server, shop: Connected, page: Page):
    send(shop, "KeyError", "ValueError", "TypeError")
    page.goto(f"{server.url}/acme/shop/issues/")
    rows, said = page.locator("[data-row]"), page.locator("#said")
    expect(rows).to_have_count(3)
    page.set_viewport_size({"width": 390, "height": 844})
    first = rows.first.bounding_box()
    assert first
    assert first["y"] < 844 / 2, "a phone's first issue is seen without scrolling"
    page.set_viewport_size({"width": 1440, "height": 900})
    page.evaluate("window.never_reloaded = true")

    page.keyboard.press("j")
    page.keyboard.press("j")
    chosen = page.locator("[data-row][data-current] [data-open]").inner_text()
    page.keyboard.press("e")
    expect(rows).to_have_count(2)
    expect(said).to_contain_text("1 issue resolved.")
    expect(rows.filter(has_text=chosen)).to_have_count(0)
    said.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(3)

    page.keyboard.press("j")
    page.keyboard.press("x")
    send(shop, "OSError")
    expect(rows).to_have_count(4)
    expect(page.locator("[data-select]:checked")).to_have_count(1)
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("1 issue muted.")
    expect(rows).to_have_count(3)

    page.keyboard.press("k")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("1 issue assigned to")
    assert page.evaluate("window.never_reloaded")


def test_an_issues_events_by_keyboard_and_a_draft_that_survives(
    server: Server, shop: Connected, page: Page
):
    send(shop, "KeyError", "KeyError", "KeyError")
    page.goto(f"{server.url}/acme/shop/issues/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    heading = page.locator("#event h2").first
    expect(heading).to_have_text("Event 3 of 3")
    page.keyboard.press("[")
    expect(heading).to_have_text("Event 2 of 3")
    page.keyboard.press("[")
    expect(heading).to_have_text("Event 1 of 3")
    page.go_back()
    expect(heading).to_have_text("Event 2 of 3")

    draft = page.locator("#activity textarea")
    draft.fill("Half a thought")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#summary")).to_contain_text("Resolved by")
    expect(page.locator("#activity")).to_contain_text("resolved it")
    expect(draft).to_have_value("Half a thought")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator("#activity .feed")).to_contain_text("Half a thought")
    expect(draft).to_have_value("")

    page.locator("#trace").scroll_into_view_if_needed()
    expect(page.locator("#trace")).to_contain_text("3 errors")


def test_a_search_is_completed_by_keyboard_and_mouse(server: Server, shop: Connected, page: Page):
    send(shop, "KeyError", release="shop@1.4.2", tags={"plan": "big spender"})
    send(shop, "ValueError")
    page.goto(f"{server.url}/acme/shop/issues/")
    search = page.locator('input[type="search"][name="q"]')
    options, rows = page.locator("#completions [role=option]"), page.locator("[data-row]")
    expect(rows).to_have_count(2)
    page.keyboard.press("/")
    expect(options.first).to_contain_text("is:")
    search.press_sequentially("pl")
    expect(options).to_have_count(1)
    search.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    search.press("Enter")
    expect(search).to_have_value("plan:")
    options.filter(has_text="spender").click()
    expect(search).to_have_value('plan:"big spender" ')
    expect(options).to_have_count(0)
    search.press_sequentially("!lev")
    expect(options).to_have_count(1)
    search.press("Escape")
    expect(options).to_have_count(0)
    search.fill('plan:"big spender" release:shop@1.4.2')
    search.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("KeyError")

    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Name").fill("Big spenders")
    page.get_by_role("button", name="Save this view").click()
    page.get_by_role("link", name="All", exact=True).click()
    page.get_by_text("Views", exact=True).click()
    page.get_by_role("link", name="Big spenders").click()
    expect(search).to_have_value('plan:"big spender" release:shop@1.4.2')
    assert serious_violations(page) == []


def test_without_scripts_everything_still_works(server: Server, shop: Connected, browser: Browser):
    send(shop, "KeyError", "ValueError")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, server.url, "ada@acme.test", PASSWORD)
    page.goto(f"{server.url}/acme/shop/issues/")
    page.get_by_role("searchbox", name="Search, or filter: is:open release:…").fill("KeyError")
    page.locator(".toolbar").get_by_role("button", name="Apply").click()
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(1)
    page.locator("[data-select]").check()
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("1 issue resolved.")).to_be_visible()
    expect(rows).to_have_count(0)
    page.get_by_role("link", name="Resolved", exact=True).click()
    page.locator("[data-open]").first.click()
    page.get_by_role("button", name="Reopen").click()
    expect(page.locator("#summary")).to_contain_text("Open")
    page.get_by_role("link", name="Show: Tags").click()
    expect(page.locator("#tags")).to_contain_text("plan")
    context.close()
