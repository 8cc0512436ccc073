"""The heat map: a metric by hour and weekday, or by value of a dimension and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from console.dashboards.tiles.evidence import evidence, own_page, subjects
from console.dashboards.tiles.queries import Queries, faults, nothing
from console.telemetry.tile import (
    Still,
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Viewing,
)
from console.web import clocks
from console.web.drawing import LIGHT
from console.web.filters import as_text
from console.web.still import WIDTH, drawing, edge, text
from console.web.timerange import aligned

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOUR, LISTED, LEVELS = timedelta(hours=1), 8, 5
FAR = 3
"""Beyond the upper quartile by so many times the distance of the quartiles, a number is far out."""
OPACITIES = (0, 0.15, 0.35, 0.55, 0.78, 1)
"""How strong a field of each level is."""
NAMES, HIGH, LONGEST_NAME = 132, 20, 22
"""Pixels of the names of rows and of a row, in a mail."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A field: `level` is 0 for nothing, 1 to 5 for its shade."""

    number: float | None
    level: int
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A row of fields with its name, which may lead to a page."""

    name: str
    page: str
    cells: Sequence[HeatCell]


@dataclass(frozen=True, slots=True)
class Shade:
    """A shade of the legend, and the largest number that it stands for."""

    level: int
    words: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Rows of fields with some names of columns (place from 0 to 1 and text), and its shades."""

    rows: Sequence[HeatRow]
    columns: Sequence[tuple[float, str]]
    shades: Sequence[Shade]


@dataclass(frozen=True, slots=True)
class Strip:
    """The numbers of a row before they have shades: its name, page, numbers, and their links."""

    name: str
    page: str
    numbers: Sequence[float | None]
    urls: Sequence[str]
    peaks: Sequence[str] = ()
    """Of means, the day of the highest hour, to which the link leads."""


@dataclass(frozen=True, slots=True)
class _Hour:
    """An hour of the time range: its number, and how many samples it counts for in a mean."""

    at: datetime
    number: float
    weight: int


@dataclass(frozen=True, slots=True)
class Across:
    """What stands below the fields: the moment of each column, which of them are named, a grain."""

    moments: Sequence[str]
    columns: Sequence[tuple[float, str]]
    grain: str


def heat(viewing: Viewing) -> TileContent:
    """A metric of each project."""
    return _by_value(viewing) if viewing.settings.get("by") else _by_hour(viewing)


def _by_hour(viewing: Viewing) -> TileContent:
    """Hours across, weekdays down; a field is the mean of its hours in the time range."""
    strips = [strip for project in viewing.projects for strip in _week(viewing, project)]
    moments = [f"{hour:02d}:00" for hour in range(24)]
    columns = [((hour + 0.5) / 24, moments[hour]) for hour in range(0, 24, 3)]
    is_count = Queries.of(viewing.settings, viewing.projects[0]).parts[0].metric.empty == "zero"
    grain = "mean of each hour" if is_count else "mean of each hour, by its samples"
    return _content(viewing, strips, Across(moments, columns, grain))


def _week(viewing: Viewing, project: TileProject) -> Iterator[Strip]:
    queries, line = Queries.of(viewing.settings, project), viewing.line
    since = aligned(line.since, HOUR, clocks.offset(line.until))
    hourly = replace(
        viewing, line=replace(line, grain=HOUR, shown=replace(line.shown, since=since))
    )
    course = queries.courses(hourly, project)[0].whole
    fields: dict[tuple[int, int], list[_Hour]] = defaultdict(list)
    starts = [since + HOUR * place for place in range(len(course.numbers))]
    query = queries.parts[0]
    is_count = query.metric.empty == "zero"
    for at, number, samples in zip(starts, course.numbers, course.samples, strict=True):
        if number is not None and at < line.until:
            local = clocks.local(at)
            weight = 1 if is_count else samples
            fields[local.weekday(), local.hour].append(_Hour(at, number, weight))
    of = f"{project.name}: " if viewing.is_of_several else ""
    for day, name in enumerate(DAYS):
        hours = [fields.get((day, hour), []) for hour in range(24)]
        highest = [max(own, key=lambda hour: hour.number, default=None) for own in hours]
        urls = [
            evidence(viewing, project, query.metric, query.where, (peak.at, peak.at + HOUR))
            if peak and peak.number
            else ""
            for peak in highest
        ]
        peaks = [f"{clocks.local(peak.at):%-d %b}" if peak else "" for peak in highest]
        yield Strip(of + name, "", [_mean(own) for own in hours], urls, peaks)


def _mean(hours: Sequence[_Hour]) -> float | None:
    whole = sum(hour.weight for hour in hours)
    return sum(hour.number * hour.weight for hour in hours) / whole if whole else None


def _by_value(viewing: Viewing) -> TileContent:
    """Time across, values of a dimension down."""
    strips = [strip for project in viewing.projects for strip in _values(viewing, project)]
    buckets = viewing.line.buckets
    moments = [f"{clocks.local(at):%-d %b %H:%M}" for at in buckets]
    step = max(1, len(buckets) // 5)
    columns = [((n + 0.5) / len(buckets), moments[n]) for n in range(0, len(buckets), step)]
    return _content(viewing, strips, Across(moments, columns, viewing.line.per))


def _values(viewing: Viewing, project: TileProject) -> Iterator[Strip]:
    by, limit = viewing.settings["by"], viewing.settings.get("limit", LISTED)
    queries, grain = Queries.of(viewing.settings, project), viewing.line.grain
    parts = queries.courses(viewing, project, by, limit=limit)[0].by_value
    known, query = subjects(project, by, list(parts)), queries.parts[0]
    of = f"{project.name}: " if viewing.is_of_several else ""
    for part, course in parts.items():
        where = {**query.where, by: part}
        urls = [
            evidence(viewing, project, query.metric, where, (at, at + grain)) if number else ""
            for at, number in zip(viewing.line.buckets, course.numbers, strict=True)
        ]
        page = own_page(viewing, project, known, part)
        yield Strip(of + (known.name(part) or "(none)"), page, list(course.numbers), urls)


def _content(viewing: Viewing, strips: Sequence[Strip], across: Across) -> TileContent:
    queries = Queries.of(viewing.settings, viewing.projects[0])
    name, (format_, unit) = queries.parts[0].name, queries.formats[0]
    most = max((number or 0.0 for own in strips for number in own.numbers), default=0.0)
    bounds = shades([number for own in strips for number in own.numbers if number])

    def field(own: Strip, place: int) -> HeatCell:
        number = own.numbers[place]
        words = f"{own.name}, {across.moments[place]}: {as_text(number, format_, unit)}"
        if own.peaks and own.urls[place]:
            words += f"; highest on {own.peaks[place]}"
        return HeatCell(number, level(number, bounds), words, own.urls[place])

    rows = [
        HeatRow(own.name, own.page, [field(own, place) for place in range(len(across.moments))])
        for own in strips
    ]
    table = Table(
        [TableColumn(""), *(TableColumn(at, format_, unit) for at in across.moments)],
        [
            [TableCell(row.name, row.page), *(TableCell(own.number, own.url) for own in row.cells)]
            for row in rows
        ],
    )
    highest = max((cell for row in rows for cell in row.cells), key=_heat, default=None)
    legend = [
        Shade(n, as_text(own, format_, unit if n == len(bounds) else ""))
        for n, own in enumerate(bounds, start=1)
    ]
    return TileContent(
        table=table,
        words=f"{name}: highest {highest.words}." if highest and most else nothing(viewing),
        subtitle=f"{name}, {across.grain}",
        own=HeatMap(rows, across.columns, legend),
        empty="" if most else nothing(viewing),
    )


def shades(numbers: Sequence[float]) -> list[float]:
    """The largest number of each shade, palest first.

    The shades are equal steps up to the highest number; where a few numbers are far beyond all
    others, they have the darkest one for themselves, so that the others differ as well.
    """
    known = sorted(number for number in numbers if number > 0)
    if not known:
        return []
    low, high = (known[len(known) * part // 4] for part in (1, 3))
    usual = max(number for number in known if number <= high + FAR * (high - low))
    count = LEVELS if usual == known[-1] else LEVELS - 1
    steps = [usual * step / count for step in range(1, count + 1)]
    return steps if count == LEVELS else [*steps, known[-1]]


def level(number: float | None, bounds: Sequence[float]) -> int:
    """The shade of a number: the first that reaches it."""
    if not number or number < 0:
        return 0
    return next((n for n, most in enumerate(bounds, start=1) if number <= most), len(bounds))


def _heat(cell: HeatCell) -> float:
    return cell.number or 0.0


def still(content: TileContent) -> Still:
    """The map with the names of its rows, and of its columns as far as there is room."""
    rows, plot = content.own.rows, WIDTH - NAMES
    parts: list[str] = []
    for place, row in enumerate(rows):
        y, wide = place * HIGH, plot / (len(row.cells) or 1)
        is_long = len(row.name) > LONGEST_NAME
        name = f"{row.name[: LONGEST_NAME - 1]}…" if is_long else row.name
        parts.append(text(NAMES - 8, y + 14, name, "end"))
        for number, cell in enumerate(row.cells):
            opacity = OPACITIES[cell.level] if cell.level else 1
            hue = LIGHT["1" if cell.level else "grid"]
            parts.append(
                f'<rect x="{NAMES + number * wide:.1f}" y="{y}" width="{wide * 0.94:.1f}"'
                f' height="{HIGH - 2}" fill="{hue}" fill-opacity="{opacity}"/>'
            )
    foot = len(rows) * HIGH + 13
    parts += [text(NAMES + at * plot, foot, words, edge(at)) for at, words in content.own.columns]
    parts += _legend(content.own.shades, foot + 12)
    return Still(whole=drawing("".join(parts), WIDTH, foot + 28))


def _legend(known: Sequence[Shade], top: int) -> Iterator[str]:
    """The shades and the largest number of each, below the names of columns."""
    step = (WIDTH - NAMES) / (LEVELS + 1)
    for place, shade in enumerate(known):
        x = NAMES + place * step
        yield (
            f'<rect x="{x:.1f}" y="{top}" width="10" height="10" fill="{LIGHT["1"]}"'
            f' fill-opacity="{OPACITIES[shade.level]}"/>'
        )
        yield text(round(x + 14), top + 9, f"≤ {shade.words}", "start")


KINDS = (
    TileKind(
        name="heat",
        title="Heat map",
        icon="calendar",
        help="When a metric is high: by hour and weekday, or by value of a dimension and time.",
        takes=("queries", "by", "limit", "project"),
        answer=heat,
        part="dashboards/tiles/_heat.html",
        still=still,
        is_drawing=True,
        faults=faults,
        height=5,
        least_width=4,
        least_height=3,
    ),
)
