"""The editor of rules in a browser: by mouse, by keyboard, and without scripts."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from console.alerting.evaluation import evaluate
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.browser
NEW = "/acme/shop/alerts/rules/new?metric=requests.p95&window_seconds=60&history=24h"
SENTENCE, CRITICAL = "[data-editor-sentence]", "[name='levels.critical']"
FRAME = 16  # milliseconds; half of the frames, as the machine has more to do than this test
FRAMES = """() => {
  const { curve, set } = window.pharosEditor;
  const times = [];
  for (let step = 0; step < 300; step += 1) {
    const before = performance.now();
    set("critical", step % curve().levels.length);
    document.querySelector("[data-editor]").getBoundingClientRect();  // lay it out as well
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}"""


@pytest.fixture
def url(app, acme, clock, counted_requests) -> Iterator[str]:
    """A console on a free port: three hours of requests with five slow minutes in each."""
    counted_requests(
        acme, lambda at: 1_000 + 7 * at.minute if at.minute < 5 else 100 + at.minute, minutes=180
    )
    clock.set(NOON + timedelta(hours=3, minutes=1))
    with served(app) as url:
        yield url


@pytest.fixture
def page(chromium: Page, url: str) -> Iterator[Page]:
    expect.set_options(timeout=15_000)
    complaints = Complaints(chromium)
    sign_in(chromium, url, "alice@acme.test", PASSWORD)
    chromium.goto(url + NEW)
    yield chromium
    assert complaints.heard == []


def test_drag_read_save_break_the_shop_and_heal(
    page: Page, url, acme, inside, clock, counted_requests
):
    """The whole story of a rule by mouse, and the figures while a level moves."""
    sentence = page.locator(SENTENCE)
    before = sentence.inner_text()
    handle = page.locator(".editor-handle[data-handle='critical'] > .editor-grab").bounding_box()
    assert handle is not None
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for up in range(1, 6):
        page.mouse.move(x, y - 30 * up, steps=3)
    expect(sentence).not_to_have_text(before)
    while_it_moves = sentence.inner_text()
    level = float(page.locator(CRITICAL).input_value())
    with page.expect_response(re.compile("/rules/draft")) as answered:
        page.mouse.up()
    assert answered.value.status == 200
    expect(sentence).to_have_text(while_it_moves)
    assert float(page.locator(CRITICAL).input_value()) == level
    assert page.evaluate(FRAMES) < FRAME
    page.locator(CRITICAL).fill("800")
    with page.expect_response(re.compile("/rules/draft")):
        page.locator(CRITICAL).blur()
    expect(sentence).to_contain_text("Would have opened 3 incidents")
    assert serious_violations(page) == []
    page.get_by_role("button", name="Create rule").click()
    page.wait_for_url(re.compile(r"/rules/\d+$"))

    now = clock.now().replace(second=0)
    slow = now + timedelta(minutes=3)
    counted_requests(acme, lambda at: 2_000 if at < slow else 100, minutes=6, since=now)
    incidents = url + "/acme/shop/alerts/incidents/"
    for minutes, shown in ((3, True), (3, False)):
        clock.move(minutes=minutes)
        with inside(acme):
            evaluate(acme.organization_id)
        page.goto(incidents)
        expect(page.get_by_role("link", name="Requests: P95")).to_be_visible(visible=shown)
    page.goto(incidents + "?state=resolved")
    expect(page.get_by_role("link", name="Requests: P95")).to_be_visible()


def test_sliders_move_by_keyboard(page: Page):
    slider = page.get_by_role("slider", name="Critical, by steps")
    field = page.locator(CRITICAL)
    slider.focus()
    before, place = float(field.input_value()), int(slider.input_value())
    with page.expect_response(re.compile("/rules/draft")):
        slider.press("ArrowLeft")
    expect(slider).to_have_value(str(place - 1))
    assert float(field.input_value()) < before
    slider.press("Shift+ArrowLeft")
    expect(slider).to_have_value(str(place - 11))
    expect(page.locator(SENTENCE)).to_contain_text("Would have opened")
    expect(slider).to_be_focused()


def test_the_pending_time_is_dragged_on_the_chart_and_moved_by_keys(page: Page):
    handle = page.get_by_role("slider", name="For at least, on the chart")
    field = page.locator("[name='pending_seconds']")
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 14  # the middle of its grip
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y, steps=4)
    expect(field).not_to_have_value("0")
    with page.expect_response(re.compile("/rules/draft")):
        page.mouse.up()
    moved = float(field.input_value())
    with page.expect_response(re.compile("/rules/draft")):
        handle.press("End")
    expect(field).to_have_value("3600")
    assert 0 < moved < 3600
    expect(handle).to_be_focused()
    expect(handle).to_have_attribute("aria-valuetext", "for 1 h")
    expect(page.get_by_role("slider", name="For at least, in seconds, by steps")).to_have_value("8")
    expect(page.locator(SENTENCE)).to_contain_text("no incident")


def test_a_level_is_dragged_by_a_finger_on_its_grip(page: Page):
    """The page does not scroll instead."""
    page.set_viewport_size({"width": 390, "height": 844})
    grip = page.locator("[data-handle=critical] .editor-grip")
    grip.scroll_into_view_if_needed()
    before = float(page.locator(CRITICAL).input_value())
    box = grip.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, down in (("touchStart", 0), ("touchMove", 10), ("touchMove", 30), ("touchEnd", None)):
        points = [] if down is None else [{"x": x, "y": y + down}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_function(
        "([name, before]) => Number(document.querySelector(name).value) < before",
        arg=[CRITICAL, before],
    )


def test_without_scripts_the_buttons_say_the_same(browser: Browser, url):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, url, "alice@acme.test", PASSWORD)
    page.goto(url + NEW)
    page.locator(CRITICAL).fill("800")
    page.get_by_role("button", name="Preview").last.click()
    expect(page.locator(SENTENCE)).to_contain_text("Would have opened 3 incidents")
    page.get_by_role("slider", name="Critical, by steps").press("End")
    page.get_by_role("button", name="Preview").last.click()
    expect(page.locator(SENTENCE)).to_contain_text("no incident")
    page.get_by_label("Name").fill("By hand")
    page.get_by_role("button", name="Create rule").click()
    expect(page.get_by_role("heading", name="By hand")).to_be_visible()
    context.close()
