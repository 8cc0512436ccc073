"""The editor of a dashboard: places, titles, tabs and sections, and two people at once."""

import json
from dataclasses import replace

import pytest

from console.core.db import db
from console.dashboards.document import Document, Section, Tab
from console.dashboards.models import Dashboard
from tests.dashboards.documents import document, fields, filled
from tests.support.at_once import at_once
from tests.support.clients import HTMX

HOME = "/acme/shop/dashboards"


@pytest.fixture
def editor(as_alice, acme, make_dashboard):
    """A dashboard's id, the ids of its tiles, and the page of its editor."""
    first, tiles = make_dashboard(acme)
    return first, tiles, as_alice.get(f"{HOME}/{first}/edit").text


def places(own: Document):
    return {
        tile.title: (tile.place.x, tile.place.y, tile.place.w, tile.place.h) for tile in own.tiles
    }


def test_the_editor_has_all_places_as_numbers(editor):
    _, tiles, page = editor
    sent = fields(page)
    assert [sent[f"place.{tiles[1]}.{side}"] for side in "xywh"] == ["3", "0", "6", "4"]
    assert sent["title"] == "Shop"
    assert sent["version"] == "1"


def test_one_post_saves_places_and_titles(as_alice, editor, stored_document):
    first, tiles, page = editor
    changes = {f"place__{tiles[0]}__x": "9", f"place__{tiles[0]}__h": "3"}
    sent = filled(
        page, title="Store", tags="a, b, a", range="7d", section__0__0__title="Top", **changes
    )
    answer = as_alice.post(f"{HOME}/{first}/versions", data=sent)
    assert answer.status_code == 303
    saved = stored_document(first)
    assert (saved.title, saved.tags, saved.range) == ("Store", ("a", "b"), "7d")
    assert saved.tabs[0].sections[0].title == "Top"
    assert places(saved)["P95"] == (9, 0, 3, 3)
    assert sorted(tile.id for tile in saved.tiles) == sorted(tiles)


def test_tiles_that_would_cover_each_other_are_pushed_down(as_alice, editor, stored_document):
    first, tiles, page = editor
    sent = filled(page, **{f"place__{tiles[0]}__w": "4"})
    as_alice.post(f"{HOME}/{first}/versions", data=sent)
    assert places(stored_document(first)) == {
        "P95": (0, 0, 4, 2),
        "Slow": (3, 2, 6, 4),
        "Notes": (0, 6, 12, 2),
    }


@pytest.mark.parametrize(
    ("side", "value", "words"),
    [
        ("x", "12", "A whole number from 0 to 11."),
        ("w", "abc", "A whole number from 2 to 12."),
        ("w", "11", "The grid has 12 columns"),
        ("y", "-1", "A whole number from 0 to 200."),
        ("h", "", "A whole number from 2 to 24."),
    ],
)
def test_a_place_beyond_the_grid_is_marked(as_alice, editor, stored_document, side, value, words):
    first, tiles, page = editor
    sent = filled(page, **{f"place__{tiles[1]}__{side}": value})
    answer = as_alice.post(f"{HOME}/{first}/versions", data=sent)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert places(stored_document(first)) == places(document())


def test_a_dashboard_without_a_title_is_marked(as_alice, editor):
    first, _, page = editor
    # The top bar stays with what the dashboard opens with, as its tiles do.
    for opens, shown in (("1h", "1 hour"), ("6y", "14 days")):
        change = filled(page, title=" ", range=opens)
        answer = as_alice.post(f"{HOME}/{first}/versions", data=change)
        assert answer.status_code == 422
        assert "A text of 1 to 100 characters." in answer.text
        bar = answer.text.partition('name="range"')[2].partition("</select>")[0]
        assert f"selected>{shown} (default)<" in bar


def press(client, first: int, page: str, act: str, **changes: str):
    return client.post(f"{HOME}/{first}/versions", data=filled(page, act=act, **changes))


def test_a_tile_is_duplicated_and_removed(as_alice, editor, stored_document):
    first, tiles, page = editor
    press(as_alice, first, page, f"duplicate:{tiles[0]}")
    saved = stored_document(first)
    assert [tile.title for tile in saved.tiles].count("P95") == 2
    assert len({tile.id for tile in saved.tiles}) == 4
    page = as_alice.get(f"{HOME}/{first}/edit").text
    press(as_alice, first, page, f"remove:{tiles[0]}")
    assert len(list(stored_document(first).tiles)) == 3


def test_a_button_saves_what_was_changed_before(as_alice, editor, stored_document):
    first, tiles, page = editor
    answer = press(as_alice, first, page, f"edit:{tiles[0]}", title="Store")
    assert answer.location.endswith(f"/tiles/{tiles[0]}/edit")
    assert stored_document(first).title == "Store"


def test_a_tile_dropped_in_another_section_stays_where_it_was_dropped(
    as_alice, editor, stored_document
):
    first, tiles, page = editor
    press(as_alice, first, page, "add-section:0")
    page = as_alice.get(f"{HOME}/{first}/edit").text
    place = {f"place__{tiles[0]}__{name}": own
             for name, own in (("section", "0.1"), ("x", "5"), ("y", "2"))}  # fmt: skip
    sent = filled(page, **place)
    sent[f"place.{tiles[0]}.dropped"] = "1"
    as_alice.post(f"{HOME}/{first}/versions", data=sent)
    (tile,) = stored_document(first).tabs[0].sections[1].tiles
    assert (tile.id, tile.place.x, tile.place.y) == (tiles[0], 5, 2)


def test_sections_and_tabs_are_added_moved_and_removed(as_alice, editor, stored_document):
    first, tiles, page = editor
    press(as_alice, first, page, "add-section:0")
    page = as_alice.get(f"{HOME}/{first}/edit").text
    press(as_alice, first, page, "", **{f"place__{tiles[2]}__section": "0.1"})
    first_, second = stored_document(first).tabs[0].sections
    assert [tile.title for tile in first_.tiles] == ["P95", "Slow"]
    assert [(tile.title, tile.id) for tile in second.tiles] == [("Notes", tiles[2])]
    page = as_alice.get(f"{HOME}/{first}/edit").text
    press(as_alice, first, page, "section-up:0.1")
    assert [len(own.tiles) for own in stored_document(first).tabs[0].sections] == [1, 2]
    page = as_alice.get(f"{HOME}/{first}/edit").text
    answer = press(as_alice, first, page, "add-tab")
    assert answer.location.endswith("edit?tab=2")
    page = as_alice.get(answer.location).text
    press(as_alice, first, page, "tab-earlier:1", tab__1__title="New")
    assert [tab.title for tab in stored_document(first).tabs] == ["New", ""]
    page = as_alice.get(f"{HOME}/{first}/edit?tab=2").text
    press(as_alice, first, page, "remove-tab:0")
    assert len(list(stored_document(first).tiles)) == 3


def test_gaps_are_closed(as_alice, editor, stored_document):
    first, tiles, page = editor
    press(as_alice, first, page, "close-gaps", **{f"place__{tiles[2]}__y": "40"})
    assert places(stored_document(first))["Notes"] == (0, 4, 12, 2)


def test_more_tabs_than_a_dashboard_has_are_refused(as_alice, acme, make_dashboard):
    tabs = tuple(Tab(title=str(number), sections=(Section(),)) for number in range(12))
    first, _ = make_dashboard(acme, Document(title="Full", tabs=tabs))
    page = as_alice.get(f"{HOME}/{first}/edit").text
    answer = press(as_alice, first, page, "add-tab")
    assert answer.status_code == 422
    assert "A list of at most 12 objects." in answer.text


def test_a_tile_of_a_kind_that_is_gone_does_not_keep_people_from_saving(
    as_alice, acme, make_dashboard, stored_document
):
    own = document()
    section = own.tabs[0].sections[0]
    gone = replace(section.tiles[2], kind="gone")
    tabs = (Tab(sections=(replace(section, tiles=(*section.tiles[:2], gone)),)),)
    first, _ = make_dashboard(acme, replace(own, tabs=tabs))
    page = as_alice.get(f"{HOME}/{first}/edit").text
    assert press(as_alice, first, page, "", title="Store").status_code == 303
    assert stored_document(first).title == "Store"


def test_the_second_of_two_people_sees_what_differs(as_alice, as_ada, editor, stored_document):
    first, tiles, page = editor
    as_ada.post(f"{HOME}/{first}/versions", data=filled(page, title="Ada's"))
    sent = filled(page, **{f"place__{tiles[0]}__h": "3"})
    answer = as_alice.post(f"{HOME}/{first}/versions", data=sent)
    assert answer.status_code == 409
    assert "ada@acme.test saved version 2" in answer.text
    assert "Shop → " in answer.text
    assert " → Shop" in answer.text
    assert "size 3 × 2 → 3 × 3" in answer.text
    assert stored_document(first).title == "Ada's"
    mine = fields(answer.text, "#conflict form")
    assert as_alice.post(f"{HOME}/{first}/document", data=mine).status_code == 303
    saved = stored_document(first)
    assert saved.title == "Shop"
    assert places(saved)["P95"] == (0, 0, 3, 3)
    assert sorted(tile.id for tile in saved.tiles) == sorted(tiles)


def test_a_third_person_is_asked_again(as_alice, as_ada, editor):
    first, _, page = editor
    as_ada.post(f"{HOME}/{first}/versions", data=filled(page, title="Second"))
    answer = as_alice.post(f"{HOME}/{first}/versions", data=filled(page, title="Third"))
    mine = fields(answer.text, "#conflict form")
    again = as_ada.get(f"{HOME}/{first}/edit").text
    as_ada.post(f"{HOME}/{first}/versions", data=filled(again, title="Fourth"))
    assert as_alice.post(f"{HOME}/{first}/document", data=mine).status_code == 409


def tile_of(**fields):
    tile = {"kind": "text", "place": {"x": 0, "y": 0, "w": 4, "h": 2}, **fields}
    return json.dumps({"title": "Mine", "tabs": [{"sections": [{"tiles": [tile]}]}]})


@at_once(
    "sent",
    [
        *("", "{", "[]", "null", '{"format": 2}', "[" * 5_000),
        *('{"title": "\\ud800"}', '{"title": "a\\u0000b"}', '{"title": "Mine", "range": []}'),
        *(tile_of(settings=[]), tile_of(settings=7), tile_of(settings={"text": {}})),
        *(tile_of(kind={}), tile_of(kind=None), tile_of(kind="gone", settings=[1])),
    ],
)
def test_a_document_that_is_none_is_not_saved(as_alice, editor, stored_document, sent):
    first, _, _ = editor
    data = {"version": "1", "document": sent}
    assert as_alice.post(f"{HOME}/{first}/document", data=data).status_code == 303
    assert stored_document(first).title == "Shop"


def test_a_viewer_and_a_stranger_cannot_edit(as_vic, as_eve, editor):
    first, tiles, page = editor
    for path in ("/edit", f"/tiles/{tiles[0]}/edit", "/tiles/new", "/variables"):
        assert as_vic.get(f"{HOME}/{first}{path}").status_code == 403
        assert as_eve.get(f"{HOME}/{first}{path}").status_code == 404
    assert as_eve.post(f"{HOME}/{first}/versions", data=fields(page)).status_code == 404


def test_what_is_saved_is_a_version_by_its_person(as_alice, acme, inside, editor):
    first, _, page = editor
    as_alice.post(f"{HOME}/{first}/versions", data=filled(page, title="Store"))
    as_alice.post(f"{HOME}/{first}/versions", data=filled(page, title="Store", version="2"))
    with inside(acme):
        assert db.session.get_one(Dashboard, first).version == 2
    listed = as_alice.get(f"{HOME}/{first}/versions").text
    assert "Version 2" in listed
    assert "alice@acme.test" in listed


def test_every_page_of_the_editor_is_a_part_for_htmx(as_alice, editor):
    first, tiles, _ = editor
    roots = {
        "/edit": '<form id="edit"',
        "/deletion": '<section id="removal"',
        "/variables": '<form id="variables-form"',
        "/tiles/new": '<ul id="tile-kinds"',
        "/tiles/new?kind=text": '<form id="tile-form"',
        f"/tiles/{tiles[0]}/edit": '<form id="tile-form"',
        "/wall": '<main id="wall"',
        "": '<div id="tab"',
    }
    for path, root in roots.items():
        assert as_alice.get(f"{HOME}/{first}{path}", headers=HTMX).text.startswith(root), path


def test_a_dashboard_across_projects_is_edited_by_the_same_pages(
    as_alice, as_vic, acme, make_dashboard, stored_document
):
    first, tiles = make_dashboard(acme, across=True)
    here = f"/acme/dashboards/{first}"
    page = as_alice.get(f"{here}/edit").text
    sent = filled(page, title="All", act=f"remove:{tiles[0]}")
    assert as_alice.post(f"{here}/versions", data=sent).status_code == 303
    assert stored_document(first).title == "All"
    form = as_alice.get(f"{here}/tiles/{tiles[1]}/edit").text
    assert '<option value="shop">' in form, "its projects are offered"
    sent = filled(form, "#tile-form", project="shop")
    assert as_alice.post(f"{here}/tiles/{tiles[1]}", data=sent).status_code == 303
    assert stored_document(first).tile(tiles[1]).settings["project"] == "shop"
    assert as_alice.get(f"{here}/wall").status_code == 200
    assert as_vic.get(f"{here}/edit").status_code == 403
    assert as_alice.get(f"{HOME}/{first}/edit").status_code == 404
