"""Dashboards in a browser: built by mouse and by keyboard, by two people at once, and on a wall."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.dashboards.conftest import make_dashboard, stored_document
from tests.dashboards.documents import document
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served

pytestmark = pytest.mark.browser
__all__ = ["make_dashboard", "stored_document"]
MEANT = re.compile(r"status of (409|503)")
HOME = "/acme/shop/dashboards"


@pytest.fixture
def url(app, acme) -> Iterator[str]:
    del acme
    with served(app) as url:
        yield url


@pytest.fixture
def page(chromium: Page, url: str) -> Iterator[Page]:
    expect.set_options(timeout=20_000)
    chromium.set_default_timeout(20_000)
    complaints = Complaints(chromium)
    sign_in(chromium, url, "alice@acme.test", PASSWORD)
    yield chromium
    assert [line for line in complaints.heard if not MEANT.search(line)] == []


@pytest.fixture
def board(acme, make_dashboard) -> tuple[int, list[str]]:
    """A dashboard with a number, a line beside it, and a text below; its id, those of the tiles."""
    made: tuple[int, list[str]] = make_dashboard(acme, document())
    return made


def places(own) -> dict[str, tuple[int, int, int, int]]:
    return {
        tile.title: (tile.place.x, tile.place.y, tile.place.w, tile.place.h) for tile in own.tiles
    }


def drag(page: Page, selector: str, across: float, down: float) -> None:
    """Drag the middle of an element by so many pixels, step by step."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across, y + down, steps=12)
    page.mouse.up()


def saved(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.wait_for_url(lambda address: "/edit" not in address)


def test_a_dashboard_is_built_by_mouse(page, url, board, stored_document):
    first, (number, _, text) = board
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.goto(f"{url}{HOME}/{first}/edit")
    column = page.locator("[data-board]").bounding_box()["width"] / 12
    drag(page, f"#edit-tile-{number} [data-tile-grip] .truncate", 9 * column, 0)
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    assert page.locator(f"[name='place.{number}.x']").input_value() == "9"
    drag(page, f"#edit-tile-{number} [data-tile-corner]", 0, 64)
    drag(page, f"#edit-tile-{text} [data-tile-corner]", -6 * column, 128)
    assert serious_violations(page) == []
    saved(page)
    assert places(stored_document(first)) == {
        "P95": (9, 0, 3, 3),
        "Slow": (3, 0, 6, 4),
        "Notes": (0, 4, 6, 4),
    }
    page.goto(f"{url}{HOME}/{first}/edit")
    assert page.locator(f"#edit-tile-{number}.tile-x-9.tile-h-3").count() == 1


def test_a_tile_that_is_dragged_onto_another_pushes_it_down(page, url, board, stored_document):
    first, (number, line, _) = board
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.goto(f"{url}{HOME}/{first}/edit")
    column = page.locator("[data-board]").bounding_box()["width"] / 12
    drag(page, f"#edit-tile-{number} [data-tile-grip] .truncate", 4 * column, 0)
    assert page.locator(f"[name='place.{line}.y']").input_value() == "2"
    saved(page)
    assert places(stored_document(first)) == {
        "P95": (4, 0, 3, 2),
        "Slow": (3, 2, 6, 4),
        "Notes": (0, 6, 12, 2),
    }


def test_a_dashboard_is_built_by_keyboard(page, url, board, stored_document):
    first, (number, line, _) = board
    page.goto(f"{url}{HOME}/{first}/edit")
    page.locator(f"#edit-tile-{line}").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("[data-live]")).to_have_text("Slow: column 6, row 1, 7 wide, 5 high")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tiles/*/edit")
    page.get_by_label("Title").fill("Slower")
    page.get_by_label("Title").press("Enter")
    expect(page.locator("#tile-preview")).to_contain_text("Slower")
    page.get_by_role("button", name="Save the tile").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: address.endswith("/edit?tab=1"))
    assert places(stored_document(first)) == {
        "P95": (0, 0, 3, 2),
        "Slower": (5, 0, 7, 5),
        "Notes": (0, 5, 12, 2),
    }
    page.locator(f"#edit-tile-{number}").focus()
    page.keyboard.press("ArrowLeft")  # the edge of the grid holds it
    assert page.locator(f"[name='place.{number}.x']").input_value() == "0"


def test_a_preview_follows_the_form(page, url, board):
    first, _ = board
    page.goto(f"{url}{HOME}/{first}/tiles/new?kind=text&section=0.0")
    page.get_by_label("Text").fill("Call **Carol**")
    page.get_by_label("Text").blur()
    expect(page.locator("#tile-preview strong")).to_have_text("Carol")


def test_two_people_at_once_see_what_differs(page, url, board, as_ada, stored_document):
    first, _ = board
    page.goto(f"{url}{HOME}/{first}/edit")
    page.locator("#title").fill("Alice's")
    tile = {"version": "1", "title": "Ada's"}
    assert as_ada.post(f"{HOME}/{first}/versions", data=tile).status_code == 303
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Two people changed")
    expect(page.locator("#theirs")).to_contain_text("Shop → Ada's")
    expect(page.locator("#mine")).to_contain_text("Ada's → Alice's")
    assert serious_violations(page) == []
    page.get_by_role("button", name="Save mine").click()
    page.wait_for_url(f"{url}{HOME}/{first}")
    assert stored_document(first).title == "Alice's"


def test_a_wall_keeps_its_picture_while_the_server_is_away(page, url, board):
    first, _ = board
    page.goto(f"{url}{HOME}/{first}/wall?every=5")
    expect(page.locator("#wall")).to_contain_text("Call Bob")
    page.route("**/wall*", lambda route: route.fulfill(status=503, body="away"))
    page.evaluate("document.body.dataset.marked = 'the same page'")
    expect(page.locator("[data-wall-state]")).to_contain_text("Stale since")
    assert page.evaluate("document.body.dataset.marked") == "the same page"
    expect(page.locator("#wall")).to_contain_text("Call Bob")
    page.unroute("**/wall*")
    expect(page.locator("body[data-marked]")).to_have_count(0)
    expect(page.locator("#wall")).to_contain_text("Call Bob")
