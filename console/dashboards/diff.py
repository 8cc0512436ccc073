"""What differs between two documents of a dashboard, in words by the title of each tile."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from console.dashboards.document import Document, Tile, Variable

LONGEST_VALUE = 60
"""Characters of a value in a sentence."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs in one place."""

    place: str
    """What people call it: a tile's title, "Tab Main", "Variable page"."""
    words: str
    """How it differs: "moved, metric requests.p95 → requests.p99"."""


@dataclass(frozen=True, slots=True)
class _Stand:
    """A tile and where it stands: the numbers of its tab and section, and the section's name."""

    tile: Tile
    tab: int
    section: int
    name: str


def differences(before: Document, after: Document) -> list[Difference]:
    """Everything that differs: of the dashboard, its variables, its tabs, then tile by tile.

    Tiles are the same by their id; if a tile has none, by kind and title.
    """
    before, after = Document.of(before.stored), Document.of(after.stored)
    return [
        Difference(place, words)
        for changes in (_head, _variables, _tabs, _tiles)
        for place, words in changes(before, after)
    ]


def with_ids_of(before: Document, after: Document) -> Document:
    """The later document with the ids that its tiles have in the earlier one, "" for new tiles.

    So a file that is applied again and again, also to several projects, changes nothing.
    """
    old, new = list(_stands(before)), list(_stands(after))
    pairs = _pairs(old, new)
    ids = iter([old[pairs[place]].tile.id if place in pairs else "" for place in range(len(new))])
    tabs = [
        replace(
            tab,
            sections=[
                replace(own, tiles=[replace(tile, id=next(ids)) for tile in own.tiles])
                for own in tab.sections
            ],
        )
        for tab in after.tabs
    ]
    return replace(after, tabs=tabs)


def _head(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    for name in ("title", "description", "range"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield "The dashboard", f"{name} {_turned(old, new)}"
    for tag in (tag for tag in before.tags if tag not in after.tags):
        yield f"Tag {tag}", "removed"
    for tag in (tag for tag in after.tags if tag not in before.tags):
        yield f"Tag {tag}", "added"
    if before.tags != after.tags and sorted(before.tags) == sorted(after.tags):
        yield "Tags", "in another order"


def _variables(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    old = {variable.name: variable for variable in before.variables}
    new = {variable.name: variable for variable in after.variables}
    for name in (name for name in old if name not in new):
        yield f"Variable {name}", "removed"
    for name, variable in new.items():
        if name not in old:
            yield f"Variable {name}", "added"
        elif old[name] != variable:
            yield f"Variable {name}", _members(old[name], variable)
    if list(old) != list(new) and sorted(old) == sorted(new):
        yield "Variables", "in another order"


def _members(old: Variable, new: Variable) -> str:
    pairs = ((own.name, getattr(old, own.name), getattr(new, own.name)) for own in fields(old))
    return ", ".join(
        f"{name} {_turned(former, latter)}" for name, former, latter in pairs if former != latter
    )


def _tabs(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    old, new = [tab.title for tab in before.tabs], [tab.title for tab in after.tabs]
    yield from _titles(old, new, "Tab")
    for was, tab in zip(before.tabs, after.tabs, strict=False):
        old = [section.title for section in was.sections]
        new = [section.title for section in tab.sections]
        yield from _titles(old, new, "Section")


def _titles(old: Sequence[str], new: Sequence[str], thing: str) -> Iterator[tuple[str, str]]:
    """Headings that came, went, moved or have another title."""
    if old != new and sorted(old) == sorted(new):
        yield f"{thing}s", f"now in the order {', '.join(title or 'untitled' for title in new)}"
        return
    if len(old) == len(new):
        for former, latter in zip(old, new, strict=True):
            if former != latter:
                yield _heading(thing, former), f"renamed to {_quoted(latter)}"
        return
    for title in _beyond(old, new):
        yield _heading(thing, title), "removed"
    for title in _beyond(new, old):
        yield _heading(thing, title), "added"


def _heading(thing: str, title: str) -> str:
    return f"{thing} {title or 'without a title'}"


def _beyond(titles: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """The titles that are not among the known ones, each as often as it is missing."""
    left = list(known)
    for title in titles:
        if title in left:
            left.remove(title)
        else:
            yield title


def _tiles(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    old, new = list(_stands(before)), list(_stands(after))
    pairs = _pairs(old, new)
    for place, stand in enumerate(old):
        if place not in pairs.values():
            yield _name(stand.tile), f"removed from {stand.name}"
    for place, stand in enumerate(new):
        if place not in pairs:
            yield _name(stand.tile), f"added to {stand.name}"
        elif words := ", ".join(_tile(old[pairs[place]], stand)):
            yield _name(stand.tile), words


def _stands(document: Document) -> Iterator[_Stand]:
    for tab, own in enumerate(document.tabs):
        for number, section in enumerate(own.sections):
            titles = " / ".join(filter(None, (own.title, section.title)))
            name = titles or f"section {number + 1}"
            for tile in section.tiles:
                yield _Stand(tile, tab, number, name)


def _pairs(old: Sequence[_Stand], new: Sequence[_Stand]) -> dict[int, int]:
    """Which tile of the earlier document each later one is, by their positions."""
    pairs: dict[int, int] = {}
    for sign in (_id, _likeness):
        waiting: dict[Hashable, list[int]] = {}
        for place, stand in enumerate(old):
            if place not in pairs.values() and (key := sign(stand.tile)) != "":
                waiting.setdefault(key, []).append(place)
        for place, stand in enumerate(new):
            if place not in pairs and (matches := waiting.get(sign(stand.tile))):
                pairs[place] = matches.pop(0)
    return pairs


def _id(tile: Tile) -> Hashable:
    return tile.id


def _likeness(tile: Tile) -> Hashable:
    return tile.kind, tile.title


def _tile(old: _Stand, new: _Stand) -> Iterator[str]:
    was, tile = old.tile, new.tile
    if was.kind != tile.kind:
        yield f"kind {was.kind} → {tile.kind}"
    if was.title != tile.title:
        yield f"renamed from {_quoted(was.title)}"
    if (old.tab, old.section) != (new.tab, new.section):
        yield f"moved to {new.name}" if old.name != new.name else "moved to another section"
    elif (was.place.x, was.place.y) != (tile.place.x, tile.place.y):
        yield "moved"
    if (was.place.w, was.place.h) != (tile.place.w, tile.place.h):
        yield f"size {was.place.w} × {was.place.h} → {tile.place.w} × {tile.place.h}"
    if was.description != tile.description:
        yield "another description"
    for name in sorted({*was.settings, *tile.settings}):
        old_value, new_value = was.settings.get(name), tile.settings.get(name)
        if old_value != new_value:
            own = _queries(old_value, new_value)
            yield from own if name == "queries" else _setting(name, old_value, new_value)


def _setting(name: str, old: object, new: object) -> Iterator[str]:
    yield "another text" if name == "text" else f"{name} {_turned(old, new)}"


def _queries(old: Any, new: Any) -> Iterator[str]:
    """What differs between two lists of metrics, metric by metric."""
    before, after = _objects(old), _objects(new)
    for was, query in zip(before, after, strict=False):
        if was.get("metric") != query.get("metric"):
            yield f"metric {was.get('metric')} → {query.get('metric')}"
        for name, words in (("where", "filter"), ("parameters", "")):
            yield from _entries(was.get(name), query.get(name), words)
        if was.get("name", "") != query.get("name", ""):
            yield f"name {_turned(was.get('name', ''), query.get('name', ''))}"
    for query in before[len(after) :]:
        yield f"metric {query.get('metric')} removed"
    for query in after[len(before) :]:
        yield f"metric {query.get('metric')} added"


def _entries(old: Any, new: Any, thing: str) -> Iterator[str]:
    was = old if isinstance(old, Mapping) else {}
    has = new if isinstance(new, Mapping) else {}
    for name in sorted({*was, *has}):
        if was.get(name) != has.get(name):
            yield f"{thing} {name} {_turned(was.get(name), has.get(name))}".strip()


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [own for own in value if isinstance(own, Mapping)] if isinstance(value, list) else []


def _name(tile: Tile) -> str:
    return tile.title or f"A tile of the kind {tile.kind}"


def _turned(old: object, new: object) -> str:
    return f"{_written(old)} → {_written(new)}"


def _written(value: object) -> str:
    if value is None or value in ("", [], ()):
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _quoted(title: str) -> str:
    return f"“{title}”" if title else "without a title"
