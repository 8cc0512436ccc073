"""The dashboards that each project begins with: their documents are right, and each tile draws."""

import json

import pytest

from console.dashboards import making
from console.dashboards.document import faults
from console.dashboards.drawn import Board, drawn
from console.telemetry.tile import tile_kinds
from console.web.timerange import Range
from tests.support.counted import HOURS, Stored
from tests.telemetry.samples import NOON, hour

NAMES = ("operational", "product", "executive")


@pytest.fixture
def stored(app, acme, inside):
    with inside(acme):
        return Stored(app, acme)


def board(project, name):
    shown = Range("", NOON, hour(HOURS))
    return Board(
        organization_id=project.organization_id,
        document=making.templates()[name],
        projects=[project],
        shown=shown,
        values={},
        way=lambda project, endpoint, /, **_: f"/{project.slug}/{endpoint}",
    )


def content_of(own):
    assert own.content, own.error
    return own.content


def test_there_is_one_for_operations_one_for_the_product_and_one_for_executives():
    assert tuple(making.templates()) == NAMES


@pytest.mark.parametrize(
    "path", sorted(making.TEMPLATES.glob("*.json")), ids=lambda path: path.stem
)
def test_a_template_has_no_fault(app, path):
    with app.app_context():
        assert list(faults(json.loads(path.read_text()), tile_kinds())) == []


@pytest.mark.parametrize(
    "path", sorted(making.TEMPLATES.glob("*.json")), ids=lambda path: path.stem
)
def test_no_two_tiles_of_a_template_overlap(path):
    for section in json.loads(path.read_text())["tabs"][0]["sections"]:
        taken: set[tuple[int, int]] = set()
        for tile in section["tiles"]:
            place = tile["place"]
            fields = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not fields & taken, tile["title"]
            taken |= fields


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("name", NAMES)
def test_each_tile_of_a_template_draws_what_has_come(app, acme, inside, name):
    with inside(acme), app.test_request_context():
        own = board(acme, name)
        tiles = [drawn(own, tile) for tile in own.document.tiles]
    assert [tile.error for tile in tiles if tile.error] == []
    shown = {tile.title for tile in tiles if not content_of(tile).empty}
    assert len(shown) > len(tiles) / 2, {tile.title: content_of(tile).empty for tile in tiles}
    for tile in tiles:
        assert content_of(tile).words
        assert content_of(tile).empty or content_of(tile).table.rows, tile.title


@pytest.mark.parametrize("name", NAMES)
def test_a_tile_without_data_says_why_in_a_sentence(app, acme, inside, name):
    with inside(acme), app.test_request_context():
        own = board(acme, name)
        tiles = [drawn(own, tile) for tile in own.document.tiles]
    assert [tile.error for tile in tiles if tile.error] == []
    for tile in tiles:
        assert content_of(tile).words.endswith("."), tile.title
        assert not content_of(tile).empty or content_of(tile).empty.endswith("."), tile.title
