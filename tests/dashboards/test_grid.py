"""Tiles on the grid: pushed apart where they cover each other, moved together, put into gaps."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from console.dashboards import grid
from console.dashboards.document import COLUMNS, TALLEST, Place, Tile


@st.composite
def places(draw):
    width = draw(st.integers(1, COLUMNS))
    return Place(
        x=draw(st.integers(0, COLUMNS - width)),
        y=draw(st.integers(0, 40)),
        w=width,
        h=draw(st.integers(1, TALLEST)),
    )


sections = st.lists(places(), max_size=15).map(
    lambda own: [Tile(id=str(number), kind="text", place=place) for number, place in enumerate(own)]
)


def any_overlap(tiles):
    own = [tile.place for tile in tiles]
    return any(grid.overlaps(a, b) for i, a in enumerate(own) for b in own[:i])


@given(sections)
def test_no_tile_covers_another(tiles):
    assert not any_overlap(grid.apart(tiles))
    assert not any_overlap(grid.together(tiles))


@given(sections)
def test_tiles_keep_their_columns_and_sizes_and_move_only_down(tiles):
    by_id = {tile.id: tile.place for tile in grid.apart(tiles)}
    assert by_id.keys() == {tile.id for tile in tiles}
    for tile in tiles:
        place = by_id[tile.id]
        assert replace(place, y=0) == replace(tile.place, y=0)
        assert place.y >= tile.place.y


@given(sections)
def test_what_is_apart_stays_as_it_is(tiles):
    first = grid.apart(tiles)
    assert grid.apart(first) == first


@given(sections)
def test_tiles_that_are_together_have_nothing_free_right_above_them(tiles):
    together = grid.together(grid.apart(tiles))
    assert grid.together(together) == together
    for tile in together:
        above = replace(tile.place, y=tile.place.y - 1)
        beside = [own.place for own in together if own is not tile]
        assert tile.place.y == 0 or any(grid.overlaps(above, place) for place in beside)


@given(sections, st.integers(1, COLUMNS), st.integers(1, 8))
def test_a_new_tile_finds_room_and_covers_none(tiles, width, height):
    tiles = grid.apart(tiles)
    place = grid.room(tiles, width, height)
    assert (place.w, place.h) == (width, height)
    assert place.x + place.w <= COLUMNS
    assert not any(grid.overlaps(place, tile.place) for tile in tiles)
    assert place.y <= grid.below(tiles)
