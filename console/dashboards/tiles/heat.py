"""The heat map: a metric by hour and weekday, or by value of a dimension and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from console.dashboards.tiles.evidence import evidence, own_page, subjects
from console.dashboards.tiles.queries import Queries, faults, nothing
from console.telemetry.metric import Format
from console.telemetry.tile import (
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    Viewing,
)
from console.web import clocks
from console.web.filters import as_text
from console.web.timerange import aligned

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOUR, LISTED, LEVELS = timedelta(hours=1), 8, 5


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A field: `level` is 0 for nothing, 1 to 5 as its number comes close to the highest."""

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
class HeatMap:
    """Rows of fields with some names of columns: place from 0 to 1 and text."""

    rows: Sequence[HeatRow]
    columns: Sequence[tuple[float, str]]


def heat(viewing: Viewing) -> TileContent:
    """A metric of one project, or of the first of several."""
    return _by_value(viewing) if viewing.settings.get("by") else _by_hour(viewing)


def _by_hour(viewing: Viewing) -> TileContent:
    """Hours across, weekdays down; a field is the mean of its hours in the time range."""
    project = viewing.projects[0]
    queries = Queries.of(viewing.settings, project)
    line = viewing.line
    since = aligned(line.since, HOUR, clocks.offset(line.until))
    hourly = replace(
        viewing, line=replace(line, grain=HOUR, shown=replace(line.shown, since=since))
    )
    course = queries.courses(hourly, project)[0].whole
    fields: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
    starts = [since + HOUR * place for place in range(len(course.numbers))]
    is_count = queries.parts[0].metric.empty == "zero"
    for at, number, samples in zip(starts, course.numbers, course.samples, strict=True):
        if number is not None and at < line.until:
            local = clocks.local(at)
            weight = 1 if is_count else samples
            fields[local.weekday(), local.hour].append((number, weight))
    means = [[_mean(fields.get((day, hour), [])) for hour in range(24)] for day in range(7)]
    names = [(day, "") for day in DAYS]
    moments = [f"{hour:02d}:00" for hour in range(24)]
    columns = [((hour + 0.5) / 24, moments[hour]) for hour in range(0, 24, 3)]
    urls = [[""] * 24 for _ in DAYS]
    grain = "mean of each hour" if is_count else "mean of each hour, by its samples"
    return _content(viewing, queries, names, moments, means, urls, columns, grain)


def _mean(numbers: Sequence[tuple[float, int]]) -> float | None:
    whole = sum(weight for _, weight in numbers)
    return sum(number * weight for number, weight in numbers) / whole if whole else None


def _by_value(viewing: Viewing) -> TileContent:
    """Time across, values of a dimension down."""
    project, by = viewing.projects[0], viewing.settings["by"]
    queries = Queries.of(viewing.settings, project)
    limit = viewing.settings.get("limit", LISTED)
    parts = queries.courses(viewing, project, by, limit=limit)[0].by_value
    known, query = subjects(project, by, list(parts)), queries.parts[0]
    buckets, grain = viewing.line.buckets, viewing.line.grain

    def url(value: str, at: datetime) -> str:
        where = {**query.where, by: value}
        return evidence(viewing, project, query.metric, where, (at, at + grain))

    names = [(known.name(part) or "(none)", own_page(viewing, project, known, part))
             for part in parts]  # fmt: skip
    numbers = [list(course.numbers) for course in parts.values()]
    urls = [
        [
            url(part, at) if number else ""
            for at, number in zip(buckets, course.numbers, strict=True)
        ]
        for part, course in parts.items()
    ]
    moments = [f"{clocks.local(at):%-d %b %H:%M}" for at in buckets]
    step = max(1, len(buckets) // 5)
    columns = [((n + 0.5) / len(buckets), moments[n]) for n in range(0, len(buckets), step)]
    return _content(viewing, queries, names, moments, numbers, urls, columns, viewing.line.per)


def _content(
    viewing: Viewing,
    queries: Queries,
    names: Sequence[tuple[str, str]],
    moments: Sequence[str],
    numbers: Sequence[Sequence[float | None]],
    urls: Sequence[Sequence[str]],
    columns: Sequence[tuple[float, str]],
    grain: str,
) -> TileContent:
    name = queries.parts[0].name
    format_, unit = queries.formats[0]
    known = [number for row in numbers for number in row if number is not None]
    most = max(known, default=0.0)
    rows = [
        HeatRow(
            title,
            page,
            [
                HeatCell(
                    number, _level(number, most), _words(title, at, number, format_, unit), url
                )
                for at, number, url in zip(moments, row, row_urls, strict=True)
            ],
        )
        for (title, page), row, row_urls in zip(names, numbers, urls, strict=True)
    ]
    table = Table(
        [TableColumn(""), *(TableColumn(at, format_, unit) for at in moments)],
        [
            [TableCell(row.name, row.page), *(TableCell(own.number, own.url) for own in row.cells)]
            for row in rows
        ],
    )
    highest = max((cell for row in rows for cell in row.cells), key=_heat, default=None)
    return TileContent(
        table=table,
        words=f"{name}: highest {highest.words}." if highest and most else nothing(viewing),
        subtitle=f"{name}, {grain}"
        if len(viewing.projects) == 1
        else f"of {viewing.projects[0].name}",
        own=HeatMap(rows, columns),
        empty="" if most else nothing(viewing),
    )


def _heat(cell: HeatCell) -> float:
    return cell.number or 0.0


def _level(number: float | None, most: float) -> int:
    if not number or most <= 0:
        return 0
    return min(LEVELS, max(1, round(number / most * LEVELS + 0.49)))


def _words(title: str, at: str, number: float | None, format_: Format, unit: str) -> str:
    return f"{title}, {at}: {as_text(number, format_, unit)}"


KINDS = (
    TileKind(
        name="heat",
        title="Heat map",
        icon="calendar",
        help="When a metric is high: by hour and weekday, or by value of a dimension and time.",
        takes=("queries", "by", "limit", "project"),
        answer=heat,
        part="dashboards/tiles/_heat.html",
        faults=faults,
        height=5,
        least_width=4,
        least_height=3,
    ),
)
