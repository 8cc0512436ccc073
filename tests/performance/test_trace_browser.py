"""The waterfall in a browser: by keyboard, with a drag, its panel, in both themes."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.performance.trace_samples import (
    NOON,
    TRACE,
    checkout,
    keep,
    of_trace,
    page_load,
    request,
    row,
    span_id,
)
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served

pytestmark = pytest.mark.browser
CURRENT = ".wf-row:focus .wf-name"


@pytest.fixture
def address(app, acme, clock) -> Iterator[str]:
    """Where the slow check-out is shown by a console on a free port."""
    clock.set(NOON + timedelta(hours=1))
    keep(app, acme, checkout())
    with served(app) as url:
        yield f"{url}/acme/shop/performance/traces/{TRACE}"


def signed_in(page: Page, address: str) -> Page:
    sign_in(page, address.partition("/acme")[0], "alice@acme.test", PASSWORD)
    page.goto(address)
    return page


@pytest.fixture
def page(chromium: Page, address: str) -> Iterator[Page]:
    expect.set_options(timeout=15_000)
    complaints = Complaints(chromium)
    yield signed_in(chromium, address)
    assert complaints.heard == []


def test_the_rows_are_walked_opened_and_shut_by_keyboard(page: Page):
    page.locator(".wf-row[tabindex='0']").focus()
    expect(page.locator(CURRENT)).to_have_text("POST /checkout")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(CURRENT)).to_have_text("shop.views.checkout")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("cart:91c2").first).to_be_hidden()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(CURRENT)).to_have_text("cart:91c2")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(CURRENT)).to_have_text(re.compile("^14× SELECT"))
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wf-name", has_text="order_id = 113")).to_be_visible()
    expect(page.get_by_text("14 different values")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".wf-name", has_text="order_id = 113")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wf-name", has_text="order_id = 113")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(CURRENT)).to_have_text("shop.views.checkout")
    page.keyboard.press("End")
    expect(page.locator(CURRENT)).to_have_text("audit.write")
    page.keyboard.press("Home")
    expect(page.locator(CURRENT)).to_have_text("POST /checkout")


def test_enter_opens_a_spans_panel_whose_address_is_its_own(page: Page, address: str):
    page.locator(".wf-row[tabindex='0']").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    panel = page.locator("#span-panel")
    expect(panel).to_contain_text("cart:91c2")
    expect(page.locator("#span-title")).to_be_focused()
    page.wait_for_url(f"{address}/spans/{span_id(7)}?**")
    expect(page.locator('.wf-row[aria-selected="true"] .wf-name')).to_have_text("cart:91c2")
    panel.get_by_role("link", name="SELECT o.id").click()
    page.wait_for_url(f"{address}/spans/{span_id(8)}?**")
    page.go_back()
    page.wait_for_url(f"{address}/spans/{span_id(7)}?**")
    expect(panel).to_contain_text("Self time")
    page.reload()
    expect(panel).to_contain_text("cart:91c2")
    page.keyboard.press("Escape")
    expect(panel).to_be_empty()
    page.wait_for_url(f"{address}?**")
    expect(page.locator(CURRENT)).to_have_text("cart:91c2")


def test_a_drag_over_the_map_is_a_zoom_in_the_address(page: Page):
    box = page.locator("[data-wf-map]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_url("**from=3**to=62*")
    expect(page.get_by_role("link", name="Whole trace")).to_be_visible()
    expect(page.locator(".wf-name", has_text="receipt.html")).to_have_count(0)


def test_n_goes_from_match_to_match_and_around(page: Page):
    page.keyboard.press("/")
    page.keyboard.type("render")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=render**")
    expect(page.locator(".wf-found")).to_contain_text("3 spans of 29 match")
    seen = []
    for _ in range(4):
        page.keyboard.press("n")
        seen.append(page.locator(CURRENT).inner_text())
    assert seen == ["shop.views.checkout", "checkout/receipt.html", "_line.html", seen[0]]
    page.keyboard.press("N")
    expect(page.locator(CURRENT)).to_have_text("_line.html")


def test_what_did_not_fit_loads_where_it_belongs(app, acme, page: Page, address: str):
    trace = "56" * 16
    spans = [request(0, ms=650), *(row(n, 0, at=n, name=f"step {n}") for n in range(1, 601))]
    keep(app, acme, of_trace(spans, trace), 7)
    page.goto(f"{address.rpartition('/')[0]}/{trace}")
    rows = page.locator(".wf-row[aria-level]")
    expect(rows).to_have_count(500)
    page.get_by_role("link", name="102 more spans").click()
    expect(rows).to_have_count(601)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(
    app, acme, browser: Browser, address: str, theme: Literal["light", "dark"]
):
    keep(app, acme, of_trace(page_load(), "78" * 16), 8)
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    page = signed_in(context.new_page(), address)
    addresses = [
        f"{address}?open=g{span_id(100)}&q=order",
        f"{address}/spans/{span_id(9)}",
        f"{address.rpartition('/')[0]}/{'78' * 16}?against=median",
    ]
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for one in addresses:
            page.goto(one)
            assert serious_violations(page) == [], (one, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, one
    context.close()


def test_without_scripts_groups_open_and_filters_apply(browser: Browser, address: str):
    context = browser.new_context(java_script_enabled=False)
    page = signed_in(context.new_page(), address)
    page.get_by_role("link", name="Open: 14 spans").click()
    expect(page.locator(".wf-name", has_text="order_id = 113")).to_be_visible()
    page.get_by_role("searchbox").fill("redis")
    page.locator(".wf-filter").get_by_role("button", name="Apply").click()
    expect(page.locator(".wf-match")).to_have_count(1)
    page.locator(".wf-match .wf-name").click()
    expect(page.locator("#span-panel")).to_contain_text("GET idempotency:8812")
    context.close()
