"""A dashboard of Grafana's JSON model becomes a document, with a list of what was lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import groupby
from operator import itemgetter

from console.dashboards import grafana_resource, grafana_rows, grid
from console.dashboards.document import (
    DEEPEST_ROW,
    LONGEST_TEXT,
    MOST_SECTIONS,
    MOST_TABS,
    MOST_TAGS,
    MOST_TILES,
    Document,
    Place,
    Section,
    Tab,
    Tile,
    tile_faults,
)
from console.dashboards.grafana_panels import PanelTile, title_of, written_text
from console.dashboards.grafana_panels import tile_of as panel_tile
from console.dashboards.grafana_rows import WIDTH, Row
from console.dashboards.grafana_values import (
    Json,
    integer,
    mapping,
    mappings,
    short,
    text_of,
)
from console.dashboards.grafana_variables import Variables, variables_of
from console.dashboards.models import LONGEST_TITLE
from console.telemetry.tile import TileKind
from console.web.timerange import RANGES

NOT_ONE = (
    "This is no dashboard of Grafana: export one with “Export for sharing externally” or copy its"
    " JSON model."
)
_RELATIVE = re.compile(r"now-(\d{1,4})([smhdwMy])(?:/[smhdwMy])?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}


class NotGrafanaError(Exception):
    """What was given is no dashboard that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What could not be converted: of which panel, in words."""

    panel: str
    words: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """A document without faults, and what it lost."""

    document: Document
    losses: Sequence[Loss]


MOST_LOSSES = 200
"""Losses that are listed; a file may have tens of thousands."""


@dataclass(slots=True)
class _Making:
    """A conversion under way."""

    kinds: Mapping[str, TileKind]
    variables: Variables
    losses: list[Loss] = field(default_factory=list)
    count: int = 0
    left: int = 0
    """How many panels are beyond what a dashboard holds."""


def converted(given: object, kinds: Mapping[str, TileKind]) -> Conversion:
    """The document of a dashboard; NotGrafanaError for anything else."""
    model = _model(given)
    head = grafana_resource.classic(model) if grafana_resource.is_resource(model) else model
    variables = variables_of(mappings(mapping(head.get("templating")).get("list")))
    making = _Making(kinds, variables)
    making.losses += [Loss("The dashboard", words) for words in _head_losses(head)]
    making.losses += [Loss("The dashboard", words) for words in variables.lost]
    tabs = _tabs([(row.tab, section) for row in _rows(model) for section in _sections(row, making)])
    if making.left:
        words = f"{making.left} panels are left out: a dashboard has at most {MOST_TILES} tiles"
        making.losses.append(Loss("The dashboard", words))
    document = Document(
        title=short(text_of(head.get("title")), LONGEST_TITLE) or "From Grafana",
        description=text_of(head.get("description"))[:LONGEST_TEXT],
        tags=_tags(head),
        range=_range(head)[0],
        variables=variables.kept,
        tabs=tabs,
    )
    return Conversion(document, _listed(making.losses))


def _listed(losses: Sequence[Loss]) -> Sequence[Loss]:
    if len(losses) <= MOST_LOSSES:
        return losses
    words = f"{len(losses) - MOST_LOSSES:,} more things could not be converted"
    return [*losses[:MOST_LOSSES], Loss("The dashboard", words)]


def _model(given: object) -> Json:
    """The dashboard itself, which answers of Grafana's APIs and its resources have as a member."""
    model = mapping(given)
    for name in ("dashboard", "json", "spec"):
        if name in model and not _is_model(model):
            model = mapping(model[name])
    if not _is_model(model):
        raise NotGrafanaError(NOT_ONE)
    return model


def _is_model(model: Json) -> bool:
    has_panels = isinstance(model.get("panels", model.get("rows")), list)
    return has_panels or grafana_resource.is_resource(model)


def _rows(model: Json) -> list[Row]:
    resource = grafana_resource.is_resource(model)
    return grafana_resource.rows(model) if resource else grafana_rows.rows(model)


def _tiles(panels: Sequence[Json], making: _Making) -> list[Tile]:
    """The tiles of panels, as many as there is room for."""
    tiles: list[Tile] = []
    for panel in panels:
        if making.count == MOST_TILES:
            making.left += 1
            continue
        making.count += 1
        tiles.append(_tile(panel, making))
    return tiles


def _sections(row: Row, making: _Making) -> list[Section]:
    """The sections of a row."""
    name = short(row.title, LONGEST_TITLE) or "A row without a title"
    making.losses += [Loss(name, words) for words in row.lost]
    title = short(making.variables.written(row.title), LONGEST_TITLE)
    return _halved(title, _tiles(row.panels, making))


def _halved(title: str, tiles: list[Tile]) -> list[Section]:
    """A section without gaps; two halves of it where it would be deeper than a section can be."""
    if not tiles:
        return []
    placed = grid.together(tiles)
    if max(tile.place.y for tile in placed) <= DEEPEST_ROW:
        return [Section(title=title, tiles=placed)]
    half = len(tiles) // 2
    return [*_halved(title, tiles[:half]), *_halved(title, tiles[half:])]


def _tile(panel: Json, making: _Making) -> Tile:
    """The tile of a panel; a text with its title and queries where there is no such tile."""
    name = title_of(panel)
    made = panel_tile(panel, making.variables, making.kinds)
    making.losses += [Loss(name, words) for words in made.lost]
    tile = _placed(made, panel, making.kinds)
    stored = {"kind": tile.kind, "title": tile.title, "settings": dict(tile.settings)}
    names = {own.name for own in making.variables.kept}
    wrong = list(tile_faults(stored, "", making.kinds, names))
    if not wrong:
        return tile
    reason = f"its tile would be wrong: {wrong[0][1]}"
    making.losses.append(Loss(name, reason))
    text = written_text(panel, reason, making.variables)
    return _placed(replace(made, kind="text", settings={"text": text}), panel, making.kinds)


def _placed(made: PanelTile, panel: Json, kinds: Mapping[str, TileKind]) -> Tile:
    """With half of Grafana's columns and rows, and no smaller than its kind."""
    kind, given = kinds[made.kind], mapping(panel.get("gridPos"))
    w = max(kind.least_width, round(integer(given.get("w"), 1, WIDTH, 12) / 2))
    h = max(kind.least_height, min(24, round(integer(given.get("h"), 1, 100, 8) / 2)))
    x = min(integer(given.get("x"), 0, WIDTH - 1, 0) // 2, 12 - w)
    y = integer(given.get("y"), 0, 10**6, 0) // 2
    return Tile(
        id="",
        kind=made.kind,
        title=made.title,
        description=text_of(panel.get("description"))[:LONGEST_TEXT],
        place=Place(x=x, y=y, w=w, h=h),
        settings=made.settings,
    )


def _tabs(sections: list[tuple[str, Section]]) -> tuple[Tab, ...]:
    """The sections in the tabs that they had, and in more where one has too many.

    More tabs than there may be become titles of sections.
    """
    parts = _parts(sections)
    if len(parts) > MOST_TABS:
        parts = _parts([("", replace(own, title=own.title or tab)) for tab, own in sections])
    if len(parts) <= 1:
        return tuple(Tab(title=title, sections=own) for title, own in parts) or (Tab(),)
    return tuple(
        Tab(title=title or f"Part {number}", sections=own)
        for number, (title, own) in enumerate(parts, 1)
    )


def _parts(sections: list[tuple[str, Section]]) -> list[tuple[str, tuple[Section, ...]]]:
    """Titles of tabs, and as many sections for each as a tab holds."""
    parts: list[tuple[str, tuple[Section, ...]]] = []
    for title, group in groupby(sections, key=itemgetter(0)):
        own = [section for _, section in group]
        parts += [
            (short(title, LONGEST_TITLE), tuple(own[at : at + MOST_SECTIONS]))
            for at in range(0, len(own), MOST_SECTIONS)
        ]
    return parts


def _tags(model: Json) -> tuple[str, ...]:
    given = model.get("tags")
    tags = [short(text_of(tag), 40) for tag in given] if isinstance(given, list) else []
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:MOST_TAGS]


def _range(model: Json) -> tuple[str, str]:
    """The time range, and what it was if there is no such range."""
    start = text_of(mapping(model.get("time")).get("from"))
    match = _RELATIVE.fullmatch(start)
    if match is None:
        return "", start
    length = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    name = next((name for name, longest in RANGES.items() if length <= longest), "90d")
    return name, "" if RANGES[name] == length else start


def _head_losses(model: Json) -> list[str]:
    name, was = _range(model)
    lost = [f"the time range {was[:40]} is {name or 'the one of the console'} now"] if was else []
    notes = mappings(mapping(model.get("annotations")).get("list"))
    lost += [
        f"the annotations {short(text_of(note.get('name')), 60)}: releases, incidents and notes are"
        " marked by themselves"
        for note in notes
        if not note.get("builtIn")
    ]
    if (zone := text_of(model.get("timezone"))) not in {"", "browser"}:
        lost.append(f"its time zone {short(zone, 60)}: times are on the clock of whoever looks")
    lost += [
        f"the link {short(text_of(link.get('title')), 60)}" for link in mappings(model.get("links"))
    ]
    return lost
