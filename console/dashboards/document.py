"""A dashboard as one JSON document: tabs, sections, tiles and variables, read and checked.

What is stored was checked when it was saved; but kinds, metrics and projects come and go, so that
reading is forgiving and a tile that cannot be drawn says so in its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any, Literal, Self

from console.dashboards.models import LONGEST_TITLE
from console.dashboards.settings import SETTINGS, is_text
from console.telemetry.tile import TileKind
from console.web.timerange import RANGES

FORMAT = 1
COLUMNS, TALLEST = 12, 24
DEEPEST_ROW = 200
"""Rows of the grid that a section has at most."""
MOST_TABS, MOST_SECTIONS, MOST_TILES, MOST_VARIABLES, MOST_TAGS = 12, 12, 60, 12, 12
LONGEST_TEXT, LONGEST_CHOICE = 1_000, 200
EVERYTHING = "*"
"""In an address: nothing is chosen for a variable, whatever its default is."""
LONGEST_DOCUMENT = 400_000
"""Characters of a document as JSON."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)
MEMBERS = ("format", "title", "description", "tags", "range", "variables", "tabs")
VARIABLE_KINDS = ("list", "dimension", "text")
Faults = Iterator[tuple[str, str]]
"""Places of a document, such as `tabs.0.sections.1.title`, and what is wrong there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a tile stands: columns 0 to 11 and rows from 0 on, and how many it covers."""

    x: int = 0
    y: int = 0
    w: int = 6
    h: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile of a dashboard; its id is unique in the document and given by the console."""

    id: str
    kind: str
    title: str = ""
    description: str = ""
    place: Place = Place()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Tiles under a heading; one without a title has none."""

    title: str = ""
    tiles: Sequence[Tile] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """Sections that are shown together."""

    title: str = ""
    sections: Sequence[Section] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice above the tiles, kept in the address: `$name` stands for it in settings.

    A "list" offers its values, a "dimension" those that a metric's dimension has, "text" none.
    """

    name: str
    kind: Literal["list", "dimension", "text"] = "text"
    label: str = ""
    default: str = ""
    values: Sequence[str] = ()
    metric: str = ""
    dimension: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A dashboard's document."""

    title: str
    description: str = ""
    tags: Sequence[str] = ()
    range: str = ""
    """The time range that it opens with, of RANGES; "" for that of the console."""
    variables: Sequence[Variable] = ()
    tabs: Sequence[Tab] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """The value of a document without faults."""
        return cls(
            title=stored["title"],
            description=stored.get("description", ""),
            tags=tuple(stored.get("tags", ())),
            range=stored.get("range", ""),
            variables=tuple(Variable(**own) for own in stored.get("variables", ())),
            tabs=tuple(_tab(own) for own in stored.get("tabs", ())),
        )

    @property
    def tiles(self) -> Iterator[Tile]:
        """All tiles, in the order in which they are read."""
        for tab in self.tabs:
            for section in tab.sections:
                yield from section.tiles

    def chosen(self, asked: Mapping[str, str]) -> dict[str, str]:
        """What an address chooses for each variable by `var.<name>`; the default where it does not.

        `*` chooses nothing, so that a default can be taken back.
        """
        values = {
            variable.name: asked.get(f"var.{variable.name}", variable.default)[:LONGEST_CHOICE]
            for variable in self.variables
        }
        return {name: "" if value == EVERYTHING else value for name, value in values.items()}

    def tile(self, tile_id: str) -> Tile | None:
        """The tile with this id."""
        return next((tile for tile in self.tiles if tile.id == tile_id), None)

    @property
    def stored(self) -> dict[str, Any]:
        """All of it in JSON's types, in the one order in which documents are written."""
        return {
            "format": FORMAT,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "range": self.range,
            "variables": [_variable(own) for own in self.variables],
            "tabs": [
                {
                    "title": tab.title,
                    "sections": [
                        {"title": own.title, "tiles": [stored_tile(tile) for tile in own.tiles]}
                        for own in tab.sections
                    ],
                }
                for tab in self.tabs
            ],
        }


def fresh_id() -> str:
    """The id of a new tile."""
    return token_hex(6)


def settled(document: Document, known: Collection[str] = ()) -> Document:
    """The document with tiles in reading order, and new ids for all but those in `known`.

    An id that stands twice is new the second time: ids of a document from outside name nothing.
    """
    left = set(known)

    def own(tile: Tile) -> Tile:
        if tile.id in left:
            left.discard(tile.id)
            return tile
        return replace(tile, id=fresh_id())

    def in_order(section: Section) -> Section:
        tiles = sorted(section.tiles, key=lambda tile: (tile.place.y, tile.place.x))
        return replace(section, tiles=tuple(own(tile) for tile in tiles))

    tabs = tuple(
        replace(tab, sections=tuple(in_order(section) for section in tab.sections))
        for tab in document.tabs
    )
    return replace(document, tabs=tabs)


def stored_tile(tile: Tile) -> dict[str, Any]:
    """A tile in JSON's types."""
    place = tile.place
    return {
        "id": tile.id,
        "kind": tile.kind,
        "title": tile.title,
        "description": tile.description,
        "place": {"x": place.x, "y": place.y, "w": place.w, "h": place.h},
        "settings": {name: tile.settings[name] for name in sorted(tile.settings)},
    }


def faults(given: object, kinds: Mapping[str, TileKind]) -> Faults:
    """Everything that is wrong with a document from outside, by place."""
    if not isinstance(given, Mapping):
        yield "", "A dashboard is a JSON object."
        return
    if given.get("format", FORMAT) != FORMAT:
        yield "format", f"This console reads documents of format {FORMAT}."
        return
    yield from _strange(given, "", MEMBERS)
    if not is_text(given.get("title"), LONGEST_TITLE) or not given["title"].strip():
        yield "title", f"A text of 1 to {LONGEST_TITLE} characters."
    if not is_text(given.get("description", ""), LONGEST_TEXT):
        yield "description", f"A text of at most {LONGEST_TEXT:,} characters."
    yield from _texts(given.get("tags", []), "tags", MOST_TAGS, 40)
    if given.get("range", "") not in ("", *RANGES):
        yield "range", f"One of {', '.join(RANGES)}, or empty."
    yield from _shape(given.get("variables", []), "variables", MOST_VARIABLES)
    yield from _variable_faults(given.get("variables", []))
    yield from _tab_faults(given, kinds)


def _tab_faults(given: Mapping[str, Any], kinds: Mapping[str, TileKind]) -> Faults:
    names = _names(given.get("variables", []))
    count = 0
    yield from _shape(given.get("tabs", []), "tabs", MOST_TABS)
    for path, tab in _listed(given.get("tabs", []), "tabs", MOST_TABS):
        yield from _strange(tab, path, {"title", "sections"})
        yield from _title(tab, path)
        yield from _shape(tab.get("sections", []), f"{path}.sections", MOST_SECTIONS)
        for path_, section in _listed(tab.get("sections", []), f"{path}.sections", MOST_SECTIONS):
            yield from _strange(section, path_, {"title", "tiles"})
            yield from _title(section, path_)
            yield from _shape(section.get("tiles", []), f"{path_}.tiles", MOST_TILES)
            for place, tile in _listed(section.get("tiles", []), f"{path_}.tiles", MOST_TILES):
                count += 1
                yield from tile_faults(tile, place, kinds, names)
    if count > MOST_TILES:
        yield "tabs", f"A dashboard has at most {MOST_TILES} tiles."


def tile_faults(
    given: Mapping[str, Any], path: str, kinds: Mapping[str, TileKind], variables: Collection[str]
) -> Faults:
    """Everything that is wrong with a tile; `variables` are the names that `$…` may use."""
    yield from _strange(given, path, {"id", "kind", "title", "description", "place", "settings"})
    yield from _title(given, path)
    if not is_text(given.get("description", ""), LONGEST_TEXT):
        yield f"{path}.description", f"A text of at most {LONGEST_TEXT:,} characters."
    if not is_text(given.get("id", ""), 100):
        yield f"{path}.id", "The id that the console gave it, or none."
    kind = kinds.get(given.get("kind", "")) if isinstance(given.get("kind"), str) else None
    yield from _place_faults(given.get("place", {}), f"{path}.place", kind)
    if kind is None:
        yield f"{path}.kind", f"One of {', '.join(kinds)}."
        return
    settings = given.get("settings", {})
    if not isinstance(settings, Mapping):
        yield f"{path}.settings", "An object."
        return
    yield from _strange(settings, f"{path}.settings", kind.takes)
    wrong = list(_setting_faults(settings, kind, variables)) or list(kind.faults(settings))
    yield from ((f"{path}.settings.{name}", sentence) for name, sentence in wrong)


def _setting_faults(
    settings: Mapping[str, Any], kind: TileKind, variables: Collection[str]
) -> Faults:
    for name in kind.takes:
        setting = SETTINGS[name]
        if name in settings:
            yield from setting.faults(settings[name], variables)
            offered = kind.choices.get(name)
            if offered and settings[name] and str(settings[name]) not in offered:
                yield name, f"One of {', '.join(filter(None, offered))}."
        elif setting.is_needed:
            yield name, "It is missing."


def _place_faults(given: object, path: str, kind: TileKind | None) -> Faults:
    if not isinstance(given, Mapping):
        yield path, "An object with x, y, w and h."
        return
    yield from _strange(given, path, ("x", "y", "w", "h"))
    bounds = {
        "x": (0, COLUMNS - 1),
        "y": (0, DEEPEST_ROW),
        "w": (kind.least_width if kind else 1, COLUMNS),
        "h": (kind.least_height if kind else 1, TALLEST),
    }
    is_good = True
    for name, (least, most) in bounds.items():
        value = given.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            is_good = False
            yield f"{path}.{name}", f"A whole number from {least} to {most}."
    if is_good and given.get("x", 0) + given.get("w", bounds["w"][0]) > COLUMNS:
        yield f"{path}.w", f"The grid has {COLUMNS} columns: it reaches beyond the last."


def _variable_faults(given: object) -> Faults:
    names: set[str] = set()
    fields = {"name", "kind", "label", "default", "values", "metric", "dimension"}
    for path, own in _listed(given, "variables", MOST_VARIABLES):
        yield from _strange(own, path, fields)
        name = own.get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            yield f"{path}.name", "Small letters, digits and _, beginning with a letter."
        elif name in names:
            yield f"{path}.name", "Another variable has this name."
        else:
            names.add(name)
        if own.get("kind", "text") not in VARIABLE_KINDS:
            yield f"{path}.kind", f"One of {', '.join(VARIABLE_KINDS)}."
        for text in ("label", "default", "metric", "dimension"):
            if not is_text(own.get(text, ""), 200):
                yield f"{path}.{text}", "A text of at most 200 characters."
        yield from _texts(own.get("values", []), f"{path}.values", 100, 200)


def _names(given: object) -> set[str]:
    """The names of variables that are right."""
    return {str(own.get("name")) for _, own in _objects(given)}


def _shape(given: object, path: str, most: int) -> Faults:
    """Whether it is a list of objects, and not too long."""
    if not isinstance(given, list) or len(given) > most:
        yield path, f"A list of at most {most} objects."
        return
    for place, own in enumerate(given):
        if not isinstance(own, Mapping):
            yield f"{path}.{place}", "An object."


def _listed(given: object, path: str, most: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a list with their places."""
    for place, own in _objects(given):
        if place < most:
            yield f"{path}.{place}", own


def _objects(given: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if isinstance(given, list):
        for place, own in enumerate(given):
            if isinstance(own, Mapping):
                yield place, own


def _title(given: Mapping[str, Any], path: str) -> Faults:
    if not is_text(given.get("title", ""), LONGEST_TITLE):
        yield f"{path}.title", f"A text of at most {LONGEST_TITLE} characters."


def _texts(given: object, path: str, most: int, longest: int) -> Faults:
    is_list = isinstance(given, list) and len(given) <= most
    if not is_list or not all(is_text(text, longest) for text in given):  # type: ignore[attr-defined]
        yield path, f"A list of at most {most} texts, each of at most {longest} characters."


def _strange(given: Mapping[str, Any], path: str, known: Collection[str]) -> Faults:
    for name in sorted(str(name)[:50] for name in given if name not in known):
        yield f"{path}.{name}".strip("."), "Unknown field."


def _tab(stored: Mapping[str, Any]) -> Tab:
    sections = tuple(
        Section(
            title=own.get("title", ""), tiles=tuple(_tile(tile) for tile in own.get("tiles", ()))
        )
        for own in stored.get("sections", ())
    )
    return Tab(title=stored.get("title", ""), sections=sections)


def _tile(stored: Mapping[str, Any]) -> Tile:
    return Tile(
        id=stored.get("id", ""),
        kind=stored["kind"],
        title=stored.get("title", ""),
        description=stored.get("description", ""),
        place=Place(**stored.get("place", {})),
        settings=stored.get("settings", {}),
    )


def _variable(variable: Variable) -> dict[str, Any]:
    names = ("name", "kind", "label", "default", "metric", "dimension")
    return {name: getattr(variable, name) for name in names} | {"values": list(variable.values)}
