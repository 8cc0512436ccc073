"""Tiles on the grid of a section: pushed apart where they cover each other, or moved together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from console.dashboards.document import COLUMNS, Document, Place, Section, Tile


def overlaps(place: Place, beside: Place) -> bool:
    """Whether two places have a cell in common."""
    return (
        _share_columns(place, beside)
        and place.y < beside.y + beside.h
        and beside.y < place.y + place.h
    )


def apart(tiles: Iterable[Tile]) -> tuple[Tile, ...]:
    """The tiles without any that covers another: those further down move down, no other way.

    Tiles that cover none stay where they are; no tile changes its column or size.
    """
    put: list[Tile] = []
    for tile in _in_reading_order(tiles):
        place = tile.place
        while covered := [own.place for own in put if overlaps(place, own.place)]:
            place = replace(place, y=min(own.y + own.h for own in covered))
        put.append(replace(tile, place=place))
    return tuple(_in_reading_order(put))


def together(tiles: Iterable[Tile]) -> tuple[Tile, ...]:
    """The tiles of a section without overlaps, moved up until each meets another or the top."""
    put: list[Tile] = []
    for tile in _in_reading_order(tiles):
        above = [own for own in put if _share_columns(own.place, tile.place)]
        put.append(replace(tile, place=replace(tile.place, y=below(above))))
    return tuple(_in_reading_order(put))


def below(tiles: Sequence[Tile]) -> int:
    """The first row that no tile reaches."""
    return max((tile.place.y + tile.place.h for tile in tiles), default=0)


def room(tiles: Sequence[Tile], width: int, height: int) -> Place:
    """The first place in reading order that a tile of this size fits in."""
    for y in range(below(tiles)):
        for x in range(COLUMNS - width + 1):
            place = Place(x=x, y=y, w=width, h=height)
            if not any(overlaps(place, tile.place) for tile in tiles):
                return place
    return Place(x=0, y=below(tiles), w=width, h=height)


def all_apart(document: Document) -> Document:
    """A document in whose sections no tile covers another."""
    return _every(document, apart)


def all_together(document: Document) -> Document:
    """A document without rows between tiles that nothing stands in."""
    return _every(document, together)


def _share_columns(place: Place, beside: Place) -> bool:
    return place.x < beside.x + beside.w and beside.x < place.x + place.w


def _in_reading_order(tiles: Iterable[Tile]) -> list[Tile]:
    return sorted(tiles, key=lambda tile: (tile.place.y, tile.place.x))


def _every(document: Document, arrange: Callable[[Iterable[Tile]], tuple[Tile, ...]]) -> Document:
    def arranged(section: Section) -> Section:
        return replace(section, tiles=arrange(section.tiles))

    tabs = (replace(tab, sections=tuple(map(arranged, tab.sections))) for tab in document.tabs)
    return replace(document, tabs=tuple(tabs))
