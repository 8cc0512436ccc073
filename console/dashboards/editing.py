"""What a person does to a dashboard in its editor, each act a new document; nothing is stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from console.dashboards import grid
from console.dashboards.document import COLUMNS, Document, Section, Tab, Tile
from console.telemetry.tile import TileKind
from console.web.forms import plain

Given = Mapping[str, str]
_WHOLE = re.compile(r"\d{1,6}", re.ASCII)
_SPOT = re.compile(r"(\d{1,2})\.(\d{1,2})", re.ASCII)
HEAD = ("title", "description", "range")
SIDES = ("x", "y", "w", "h")


def rewritten(document: Document, given: Given) -> dict[str, Any]:
    """The document as JSON with what a form says of it; what the form leaves out stays.

    A field that is no number stays a text, for `document.faults` to name its place.
    """
    stored = deepcopy(document.stored)
    stored |= {name: given[name].strip() for name in HEAD if name in given}
    if "tags" in given:
        tags = (plain(tag) for tag in given["tags"].split(","))
        stored["tags"] = list(dict.fromkeys(tag for tag in tags if tag))
    for i, tab in enumerate(stored["tabs"]):
        tab["title"] = plain(given.get(f"tab.{i}.title", tab["title"]))
        for j, section in enumerate(tab["sections"]):
            section["title"] = plain(given.get(f"section.{i}.{j}.title", section["title"]))
            for tile in section["tiles"]:
                for side in SIDES:
                    text = given.get(f"place.{tile['id']}.{side}")
                    if text is not None:
                        tile["place"][side] = _number(text)
    return stored


def moved(document: Document, given: Given) -> Document:
    """The document with tiles in the sections that a form puts them in.

    A tile that was dropped there stays where it was dropped; others go to the first free place.
    """
    for tile in list(document.tiles):
        spot = spot_of(given.get(f"place.{tile.id}.section", ""), document)
        if spot is not None:
            is_dropped = f"place.{tile.id}.dropped" in given
            document = moved_to(document, tile.id, spot, is_dropped=is_dropped)
    return document


def moved_to(
    document: Document, tile_id: str, spot: tuple[int, int], *, is_dropped: bool = False
) -> Document:
    """The document with a tile in another section; the same one if it stands there already."""
    tile, now = document.tile(tile_id), section_of(document, tile_id)
    if tile is None or now == spot:
        return document
    rest = without(document, tile_id)
    if not is_dropped:
        return added(rest, replace(tile), spot)
    return _at(rest, spot, lambda section: replace(section, tiles=(*section.tiles, tile)))


def added(document: Document, tile: Tile, spot: tuple[int, int]) -> Document:
    """The document with a tile more, in the first place of a section that it fits in."""

    def with_tile(section: Section) -> Section:
        place = grid.room(section.tiles, tile.place.w, tile.place.h)
        return replace(section, tiles=(*section.tiles, replace(tile, place=place)))

    return _at(document, spot, with_tile)


def changed(document: Document, tile: Tile) -> Document:
    """The document with a tile in place of the one of its id."""
    return _every(document, lambda own: tile if own.id == tile.id else own)


def without(document: Document, tile_id: str) -> Document:
    """The document without a tile."""
    return _every(document, lambda own: None if own.id == tile_id else own)


def fitted(tile: Tile, kind: TileKind) -> Tile:
    """The tile at least as large as its kind must be, and within the grid."""
    width = max(tile.place.w, kind.least_width)
    x = min(tile.place.x, COLUMNS - width)
    return replace(
        tile, place=replace(tile.place, x=x, w=width, h=max(tile.place.h, kind.least_height))
    )


def section_of(document: Document, tile_id: str) -> tuple[int, int] | None:
    """In which section of which tab a tile stands, from 0."""
    for i, tab in enumerate(document.tabs):
        for j, section in enumerate(tab.sections):
            if any(tile.id == tile_id for tile in section.tiles):
                return i, j
    return None


def spot_of(text: str, document: Document) -> tuple[int, int] | None:
    """The section that a text such as 0.2 names, if the document has it."""
    match = _SPOT.fullmatch(text)
    if match is None:
        return None
    i, j = int(match[1]), int(match[2])
    is_there = i < len(document.tabs) and j < len(document.tabs[i].sections)
    return (i, j) if is_there else None


def acted(document: Document, act: str) -> Document:
    """The document after an act of its editor, such as "remove:4f0c…" or "section-up:0.1".

    What the document does not have, or an act that there is not, changes nothing.
    """
    verb, _, name = act.partition(":")
    if verb in _OF_TILES and (tile := document.tile(name)):
        return _OF_TILES[verb](document, tile)
    if verb in _OF_TABS and _WHOLE.fullmatch(name) and int(name) < len(document.tabs):
        return replace(document, tabs=_OF_TABS[verb](document.tabs, int(name)))
    if verb in _OF_SECTIONS and (spot := spot_of(name, document)):
        i, j = spot
        sections = _OF_SECTIONS[verb](document.tabs[i].sections, j)
        return _tab(document, i, replace(document.tabs[i], sections=sections))
    if verb == "add-tab":
        return replace(document, tabs=(*document.tabs, Tab(sections=(Section(),))))
    return grid.all_together(document) if verb == "close-gaps" else document


def _duplicated(document: Document, tile: Tile) -> Document:
    spot = section_of(document, tile.id)
    return added(document, replace(tile, id=""), spot) if spot else document


def _lower(own: Sequence[Any], number: int) -> tuple[Any, ...]:
    """The same with one entry a place further down."""
    entries = [*own]
    entries.insert(number + 1, entries.pop(number))
    return tuple(entries)


def _higher(own: Sequence[Any], number: int) -> tuple[Any, ...]:
    entries = [*own]
    entries.insert(max(0, number - 1), entries.pop(number))
    return tuple(entries)


def _less(own: Sequence[Any], number: int) -> tuple[Any, ...]:
    return (*own[:number], *own[number + 1 :])


def _section_added(tabs: Sequence[Tab], number: int) -> tuple[Tab, ...]:
    tab = tabs[number]
    more = replace(tab, sections=(*tab.sections, Section(title="New section")))
    return (*tabs[:number], more, *tabs[number + 1 :])


_OF_TILES: Mapping[str, Callable[[Document, Tile], Document]] = {
    "duplicate": _duplicated,
    "remove": lambda document, tile: without(document, tile.id),
}
_OF_TABS: Mapping[str, Callable[[Sequence[Tab], int], tuple[Tab, ...]]] = {
    "tab-earlier": _higher,
    "tab-later": _lower,
    "remove-tab": _less,
    "add-section": _section_added,
}
_OF_SECTIONS: Mapping[str, Callable[[Sequence[Section], int], tuple[Section, ...]]] = {
    "section-up": _higher,
    "section-down": _lower,
    "remove-section": _less,
}


def _number(text: str) -> int | str:
    return int(text) if _WHOLE.fullmatch(text.strip()) else text[:20]


def _every(document: Document, own: Callable[[Tile], Tile | None]) -> Document:
    tabs = []
    for tab in document.tabs:
        sections = []
        for section in tab.sections:
            kept = [tile for tile in map(own, section.tiles) if tile is not None]
            sections.append(replace(section, tiles=tuple(kept)))
        tabs.append(replace(tab, sections=tuple(sections)))
    return replace(document, tabs=tuple(tabs))


def _at(document: Document, spot: tuple[int, int], own: Callable[[Section], Section]) -> Document:
    i, j = spot
    sections = [*document.tabs[i].sections]
    sections[j] = own(sections[j])
    return _tab(document, i, replace(document.tabs[i], sections=tuple(sections)))


def _tab(document: Document, number: int, tab: Tab) -> Document:
    tabs = [*document.tabs]
    tabs[number] = tab
    return replace(document, tabs=tuple(tabs))
