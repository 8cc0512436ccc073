"""Dashboards in a browser: built by mouse and by keyboard, by two people at once, and on a wall."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from console.core import clock
from console.dashboards.document import Place, Section, Tab, Tile
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.dashboards.conftest import make_dashboard, stored_document
from tests.dashboards.documents import document
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served
from tests.telemetry.samples import span

pytestmark = pytest.mark.browser
__all__ = ["make_dashboard", "stored_document"]
MEANT = re.compile(r"status of (409|503)|willReadFrequently")
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


def test_a_tile_is_dragged_into_another_section(page, url, acme, make_dashboard, stored_document):
    tab = document().tabs[0]
    below = replace(tab.sections[0], title="Below", tiles=tab.sections[0].tiles[2:])
    two = replace(tab.sections[0], tiles=tab.sections[0].tiles[:2])
    empty = Section(title="Empty")
    tabs = (replace(tab, sections=(two, below, empty)),)
    first, (number, line, _) = make_dashboard(acme, document(tabs=tabs))
    page.set_viewport_size({"width": 1440, "height": 1400})
    page.goto(f"{url}{HOME}/{first}/edit")
    for tile, board in ((line, "0.1"), (number, "0.2")):
        grip = page.locator(f"#edit-tile-{tile} [data-tile-grip] .truncate").bounding_box()
        target = page.locator(f"[data-board='{board}']").bounding_box()
        page.mouse.move(grip["x"] + 4, grip["y"] + 4)
        page.mouse.down()
        page.mouse.move(target["x"] + 60, target["y"] + 20, steps=15)
        expect(page.locator(f"[data-board='{board}'].board-aim")).to_have_count(1)
        page.mouse.up()
        expect(page.locator(f"[data-board='{board}'] #edit-tile-{tile}")).to_have_count(1)
        assert page.locator(".board-aim").count() == 0
    saved(page)
    sections = stored_document(first).tabs[0].sections
    placed = [[(tile.title, tile.place.x, tile.place.y) for tile in own.tiles] for own in sections]
    assert placed == [[], [("Slow", 0, 0), ("Notes", 0, 4)], [("P95", 0, 0)]]


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


@pytest.fixture
def charts(app, acme, inside, make_dashboard) -> tuple[int, list[str]]:
    """Two charts of requests that have come, one at the top and one far below; id and tiles."""
    own = {"organization_id": acme.organization_id, "project_id": acme.id}
    now = clock.now()
    requests = [
        span(1, **own, at=now - timedelta(minutes=5 * n), endpoint=f"GET /{n % 3}",
             category="request", is_segment=True)
        for n in range(1, 200)
    ]  # fmt: skip
    with app.app_context():
        store = app.extensions[EXTENSION]
        store.write(acme.organization_id, Batch(spans=requests), 1)
    settings = {"queries": [{"metric": "requests.count"}]}
    tiles = tuple(
        Tile(id="", kind="line", title=name, place=Place(x=0, y=y, w=12, h=4), settings=settings)
        for name, y in (("Above", 0), ("Below", 30))
    )
    made: tuple[int, list[str]] = make_dashboard(
        acme, document(range="24h", tabs=(Tab(sections=(Section(tiles=tiles),)),))
    )
    return made


def dark_columns(page: Page, tile: str) -> int:
    """In how many columns of a tile's canvas something is drawn from top to bottom."""
    return int(
        page.evaluate(
            """(id) => {
              const canvas = document.querySelector(`#tile-${id} canvas`);
              const { width, height } = canvas;
              const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
              let columns = 0;
              for (let x = 0; x < width; x += 1) {
                let drawn = 0;
                for (let y = 0; y < height; y += 1) drawn += data[(y * width + x) * 4 + 3] > 0;
                columns += drawn > height * 0.8;
              }
              return columns;
            }""",
            tile,
        )
    )


def test_a_tile_that_loads_late_shares_the_crosshair_of_the_others(page, url, charts):
    first, (above, below) = charts
    page.set_viewport_size({"width": 1200, "height": 700})
    page.goto(f"{url}{HOME}/{first}")
    chart = page.locator(f"#tile-{above} figure[data-chart]")
    chart.hover(position={"x": 600, "y": 80})
    expect(page.locator(f"#tile-{above} canvas")).to_have_count(1)
    expect(page.locator(f"#tile-{below} figure")).to_have_count(0)  # it has not been scrolled to
    page.locator(f"#tile-{below}").scroll_into_view_if_needed()
    expect(page.locator(f"#tile-{below} canvas")).to_have_count(1)
    assert (dark_columns(page, above), dark_columns(page, below)) == (0, 0)
    page.locator(f"#tile-{below} canvas").hover(position={"x": 500, "y": 60})
    page.wait_for_timeout(200)
    assert dark_columns(page, above) >= 1
    assert dark_columns(page, below) >= 1


def test_a_dragged_range_leads_to_what_moved_most_in_it(page, url, charts):
    first, (above, _) = charts
    page.set_viewport_size({"width": 1200, "height": 700})
    page.goto(f"{url}{HOME}/{first}")
    page.locator(f"#tile-{above} figure[data-chart]").hover(position={"x": 600, "y": 80})
    box = page.locator(f"#tile-{above} canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=8)
    page.mouse.up()
    offer = page.locator(".chart-offer")
    expect(offer.get_by_role("link")).to_have_text(["Zoom in", "What moved most?"])
    offer.get_by_role("link", name="What moved most?").click()
    page.wait_for_url(f"**/tiles/{above}/moved?*")
    asked = parse_qs(urlsplit(page.url).query)
    since, until = (datetime.fromisoformat(asked[name][0]) for name in ("since", "until"))
    assert timedelta(hours=5) < until - since < timedelta(hours=8)
    assert "range" not in asked
    expect(page.locator("main")).to_contain_text("shares against the same time before")


def test_on_a_touch_screen_what_a_tile_offers_is_there_without_hovering(chromium, url, board):
    first, (_, line, _) = board
    browser = chromium.context.browser
    screen = {"width": 390, "height": 844}
    with browser.new_context(viewport=screen, has_touch=True, is_mobile=True) as context:
        phone = context.new_page()
        sign_in(phone, url, "alice@acme.test", PASSWORD)
        phone.goto(f"{url}{HOME}/{first}")
        more = phone.locator(f"#tile-{line} .tile-more")
        expect(more.get_by_text("as of")).to_be_visible()
        assert more.evaluate("part => getComputedStyle(part).opacity") == "1"
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_tile_that_did_not_change_says_as_of_when_that_is(page, url, board):
    first, (number, _, _) = board
    page.goto(f"{url}{HOME}/{first}?range=24h")
    time = page.locator(f"#tile-{number} [data-tile-at]")
    before = time.get_attribute("datetime")
    answers: list[tuple[int, str]] = []
    for _ in range(20):  # an answer stays 15 seconds
        if answers and answers[-1][1] != before:
            break
        page.wait_for_timeout(1000)
        with page.expect_response(f"**/tiles/{number}*") as response:
            page.evaluate("htmx.trigger(document.body, 'refresh')")
        answers.append((response.value.status, response.value.headers["pharos-as-of"]))
    assert {status for status, _ in answers} == {204}
    expect(time).to_have_attribute("datetime", answers[-1][1])
    assert answers[-1][1] != before


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
