"""A chart of the console becomes a tile: what it watches says which metric, filters and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from console.dashboards.document import Document, Place, Section, Tab, Tile, tile_faults
from console.dashboards.editing import added
from console.telemetry.tile import tile_kinds
from console.web.forms import number_of

KINDS = ("line", "area", "bar")
WHERE, PARAMETERS = "where.", "parameters."
MOST_PAIRS = 20
Pairs = Sequence[tuple[str, str]]


def pairs_of(given: Any) -> Pairs:
    """The names and values of an address or a form that say what a chart shows."""
    named = [
        (name, value)
        for name, value in given.items(multi=True)
        if name in {"metric", "by", "kind"} or name.startswith((WHERE, PARAMETERS))
    ]
    return named[:MOST_PAIRS]


def tile_of(pairs: Pairs, title: str) -> tuple[Tile, list[tuple[str, str]]]:
    """The tile that draws the same, and what is wrong with it by place; its id comes later."""
    chosen = dict(pairs)
    kinds = tile_kinds()
    kind = kinds.get(chosen.get("kind", "")) if chosen.get("kind") in KINDS else None
    kind = kind or kinds[KINDS[0]]
    query: dict[str, Any] = {"metric": chosen.get("metric", "")}
    where, parameters = _under(chosen, WHERE), _under(chosen, PARAMETERS)
    if where:
        query["where"] = where
    if parameters:
        query["parameters"] = {name: number_of(value) for name, value in parameters.items()}
    settings: dict[str, Any] = {"queries": [query]}
    if chosen.get("by"):
        settings["by"] = chosen["by"]
    place = Place(w=kind.width, h=kind.height)
    tile = Tile(id="", kind=kind.name, title=title, place=place, settings=settings)
    given = {"kind": tile.kind, "title": title, "settings": settings}
    wrong = list(tile_faults(given, "", kinds, ()))
    repeated = len(chosen) != len(pairs)
    if repeated:
        wrong.append(("", "A tile filters a dimension by one value; this chart has several."))
    return tile, wrong


def with_tile(document: Document, tile: Tile) -> Document:
    """The document with the tile below the others of its first tab's last section."""
    if not document.tabs or not document.tabs[0].sections:
        first = document.tabs[0] if document.tabs else Tab()
        first = replace(first, sections=(Section(),))
        document = replace(document, tabs=(first, *document.tabs[1:]))
    return added(document, tile, (0, len(document.tabs[0].sections) - 1))


def newest_id(before: Document, after: Document) -> str:
    """The id of the tile that came last."""
    known = {tile.id for tile in before.tiles}
    return next((tile.id for tile in after.tiles if tile.id not in known), "")


def _under(chosen: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The pairs under a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in chosen.items()
        if name.startswith(prefix) and value
    }
