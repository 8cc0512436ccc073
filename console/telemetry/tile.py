"""A kind of tile: what a dashboard's tile of it is asked, and what it answers to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from flask import Flask, current_app

from console.telemetry.metric import Format
from console.telemetry.scope import Owned, Scope
from console.web.charts import Chart
from console.web.timeline import Timeline

Settings = Mapping[str, Any]
Value = float | str | datetime | None
Tone = Literal["", "good", "warn", "bad", "mute"]
EXTENSION = "pharos.tile-kinds"


class TileProject(Owned, Protocol):
    """A project, as far as a tile needs it."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def slug(self) -> str:
        """Its part of addresses."""
        ...


class Way(Protocol):
    """Makes the links of a tile."""

    def __call__(self, project: TileProject, endpoint: str, /, **values: Any) -> str:
        """The address of a page of a project, "" for somebody who could not open it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """What a tile is asked to show: whose figures, over which time, with which settings.

    `settings` are the tile's own with the dashboard's variables filled in. A dashboard of an
    organization has several projects: figures are per project, lists name it in each row.
    """

    projects: Sequence[TileProject]
    line: Timeline
    settings: Settings
    way: Way

    @property
    def is_of_several(self) -> bool:
        """Whether it shows several projects, so that rows and lines name theirs."""
        return len(self.projects) > 1

    def scope(self, project: TileProject) -> Scope:
        """The page's time, from the first bucket on, and environment in one of the projects."""
        return Scope.of(project, self.line.shown).between(self.line.since, self.line.until)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table: its head, and how its numbers are written ("text" for what is none)."""

    title: str
    format: Format | Literal["text", "time"] = "text"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class TableCell:
    """A value, with the link that leads to its evidence, and a status hue."""

    value: Value
    url: str = ""
    tone: Tone = ""
    word: str = ""
    """What stands for the value where people read it, if not the value itself."""


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a tile: what it shows as a table, and what its JSON and CSV say."""

    columns: Sequence[TableColumn]
    rows: Sequence[Sequence[TableCell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TileContent:
    """What a tile shows, without how it looks."""

    table: Table
    """Its numbers; pages draw `chart` or `own` where there is one, mails do as well."""
    words: str
    """The same in one sentence: for screen readers, mails without images, and the day's summary."""
    subtitle: str = ""
    """Unit and grain, or what the list leaves out."""
    chart: Chart | None = None
    own: Any = None
    """What the part of a kind draws that is neither chart nor table."""
    empty: str = ""
    """Why there is nothing to see; "" if there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """What mails and paper show of what a page draws: SVG of fixed size in literal colours."""

    whole: str = ""
    """One drawing in place of the table."""
    rows: Sequence[str] = ()
    """A small one for each row of the table."""


def _no_still(content: TileContent) -> Still:
    del content
    return Still()


def _no_faults(settings: Settings) -> Iterator[tuple[str, str]]:
    del settings
    yield from ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileKind:
    """A kind of tile, declared once: pages, forms, links, mails and the API loop over them."""

    name: str
    """As documents write it: "line", "issues"."""
    title: str
    icon: str
    help: str
    """What it shows, in a sentence for whoever chooses a kind."""
    takes: Sequence[str]
    """The settings that it has, of those in dashboards/settings.py, in the order of its form."""
    answer: Callable[[Viewing], TileContent]
    part: str = "dashboards/tiles/_table.html"
    """Draws the content; its inputs are `drawn`, `content` and `height` in pixels."""
    still: Callable[[TileContent], Still] = _no_still
    """What its part draws, for where no page is: mails and paper."""
    says_subtitle: bool = False
    """Whether its part shows the subtitle: a narrow head has no room for it."""
    is_drawing: bool = False
    """Whether its numbers cannot be read from it: readers without a script get them as a table."""
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For settings of which it offers some values: these, with their words, the first if none."""
    faults: Callable[[Settings], Iterator[tuple[str, str]]] = _no_faults
    """What is wrong with settings that are right one by one: names and sentences."""
    width: int = 6
    height: int = 4
    least_width: int = 2
    least_height: int = 2
    given: Settings = field(default_factory=dict)
    """The settings that a new tile has."""

    def chosen(self, settings: Settings, name: str) -> str:
        """The value of a setting that offers some, the first one unless a tile says another."""
        value = settings.get(name) or ""
        return value if value in self.choices[name] else next(iter(self.choices[name]))


def provide_tiles(app: Flask, kinds: Sequence[TileKind]) -> None:
    """Let dashboards of the app have these kinds; ValueError if two share a name."""
    known: dict[str, TileKind] = app.extensions.setdefault(EXTENSION, {})
    for kind in kinds:
        if kind.name in known:
            raise ValueError(f"two kinds of tiles are called {kind.name}")
        known[kind.name] = kind


def tile_kinds() -> Mapping[str, TileKind]:
    """The kinds of tiles by name, in the order in which a person chooses."""
    kinds: Mapping[str, TileKind] = current_app.extensions.get(EXTENSION, {})
    return kinds
