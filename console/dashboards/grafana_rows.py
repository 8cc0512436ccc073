"""The panels of a Grafana dashboard by row, in the classic format and in those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.dashboards.grafana_values import Json, integer, mapping, mappings, text_of

WIDTH = 24
"""Columns of Grafana's grid."""
REPEATED = "its repetition for each value of a variable"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title; `tab` is the title of the tab that they stand in."""

    title: str
    panels: Sequence[Json]
    tab: str = ""
    lost: Sequence[str] = ()


def rows(model: Json) -> list[Row]:
    """What stands before the first row, then row by row, without copies of repeated ones."""
    library = _library(model.get("__elements"))
    if "panels" not in model:
        return [
            Row(
                text_of(row.get("title")),
                _spanned(_own(row.get("panels"), library)),
                lost=lost(row),
            )
            for row in mappings(model.get("rows"))
            if not _is_copy(row)
        ]
    read: list[tuple[Json, list[Json]]] = [({}, [])]
    for panel in sorted(_own(model["panels"], library), key=_order):
        if panel.get("type") == "row":
            read.append((panel, sorted(_own(panel.get("panels"), library), key=_order)))
        else:
            read[-1][1].append(panel)
    return [Row(text_of(row.get("title")), panels, lost=lost(row)) for row, panels in read]


def lost(row: Json) -> tuple[str, ...]:
    """What of a row has no like here."""
    return (REPEATED,) if row.get("repeat") else ()


def _own(given: object, library: Mapping[str, Json]) -> list[Json]:
    """The panels of a list without copies, each with what its library says of it."""
    panels = [panel for panel in mappings(given) if not _is_copy(panel)]
    return [
        panel
        if panel.get("targets")
        else {**library.get(_uid(panel), {}), **{name: own for name, own in panel.items() if own}}
        for panel in panels
    ]


def _is_copy(panel: Json) -> bool:
    """Whether Grafana made it from a repeated panel or row: its versions before 9 store these."""
    made_from = ("repeatPanelId", "repeatRowId", "repeatedByRow")
    return any(panel.get(name) for name in made_from)


def _library(given: object) -> dict[str, Json]:
    """Panels of Grafana's library by uid, as files for sharing have them."""
    elements = list(given.values()) if isinstance(given, dict) else given
    return {
        text_of(element.get("uid")): mapping(element.get("model")) for element in mappings(elements)
    }


def _uid(panel: Json) -> str:
    return text_of(mapping(panel.get("libraryPanel")).get("uid"))


def _spanned(panels: list[Json]) -> list[Json]:
    """Panels of the oldest format, which have twelfths instead of places, with places."""
    placed: list[Json] = []
    x = y = 0
    for panel in panels:
        w = 2 * integer(panel.get("span"), 1, 12, 12)
        if x + w > WIDTH:
            x, y = 0, y + 8
        placed.append({**panel, "gridPos": {"x": x, "y": y, "w": w, "h": 8}})
        x += w
    return placed


def _order(panel: Json) -> tuple[int, int]:
    place = mapping(panel.get("gridPos"))
    return integer(place.get("y"), 0, 10**6, 0), integer(place.get("x"), 0, WIDTH, 0)
