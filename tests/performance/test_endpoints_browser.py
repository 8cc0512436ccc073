"""The list of endpoints on a laptop and on a phone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served
from tests.telemetry.samples import span

pytestmark = pytest.mark.browser
WHOLE_ROWS = """() => [...document.querySelectorAll("tr[data-row]")].filter(
    (row) => row.getBoundingClientRect().bottom <= innerHeight).length"""


@pytest.fixture
def page(app, acme, clock, chromium: Page) -> Iterator[Page]:
    """The list of twenty endpoints, by a console on a free port."""
    spans = [
        span(number, organization_id=acme.organization_id, project_id=acme.id,
             endpoint=f"GET /shelves/{number}", category="request", is_segment=True,
             at=clock.now() - timedelta(minutes=5), duration_us=number * 10_000)
        for number in range(1, 21)
    ]  # fmt: skip
    app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 1)
    with served(app) as url:
        sign_in(chromium, url, "alice@acme.test", PASSWORD)
        chromium.set_viewport_size({"width": 1440, "height": 900})
        chromium.goto(f"{url}/acme/shop/performance/endpoints/")
        expect(chromium.locator("#latency .chart")).to_have_count(2, timeout=15_000)
        yield chromium


def test_twelve_endpoints_fit_a_laptop_below_figures_and_charts(page: Page):
    assert page.evaluate(WHOLE_ROWS) >= 12
    page.wait_for_function("document.fonts.status === 'loaded'")
    assert page.evaluate("document.fonts.check('13px Inter')")


def test_on_a_phone_filters_stand_behind_a_button_and_p95_is_seen(page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    status = page.get_by_role("combobox", name="Status")
    expect(status).to_be_hidden()
    page.get_by_role("checkbox", name="Filters").press("Space")
    expect(status).to_be_visible()
    comparison = page.get_by_role("combobox", name="Compare with")
    expect(comparison).to_be_hidden()
    page.get_by_role("checkbox", name="Custom range, comparison and refresh").press("Space")
    expect(comparison).to_be_visible()
    box = page.get_by_role("columnheader", name="P95", exact=True).bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") == 390
