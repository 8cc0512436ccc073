"""Tiles that list the values of a dimension: metrics in columns, or one metric as bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from console.dashboards.tiles.evidence import evidence, own_page, subjects
from console.dashboards.tiles.queries import Queries, needs_breakdown, nothing
from console.telemetry.measures import CannotAskError
from console.telemetry.metric import MOST_PARTS, Format, Parts, Reading
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
from console.web.filters import as_text
from console.web.still import shares

LISTED = 10
NAMELESS = "(none)"


@dataclass(frozen=True, slots=True)
class TopBar:
    """A value of the top list: its number, and how long its bar is, 0 to 1."""

    name: str
    number: float
    share: float
    page: str
    url: str
    format: Format
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """A value of the breakdown with the numbers of all metrics, or the formula's."""

    project: TileProject
    value: str
    name: str
    page: str
    numbers: Sequence[float | None]
    samples: int


def table(viewing: Viewing) -> TileContent:
    """The values of a dimension, those with most samples first, and each metric of them."""
    queries, by, lines = _asked(viewing)
    limit = viewing.settings.get("limit", LISTED)
    rows = [list(_cells(viewing, queries, by, line)) for line in lines[:limit]]
    names = [queries.formula] if queries.formula else [query.name for query in queries.parts]
    formats = queries.formats
    columns = [
        TableColumn(by.capitalize()),
        *(
            TableColumn(name, format_, unit)
            for name, (format_, unit) in zip(names, formats, strict=True)
        ),
    ]
    listed = "; ".join(
        f"{line.name}: {as_text(line.numbers[0], formats[0][0])}" for line in lines[:limit][:5]
    )
    return TileContent(
        table=Table(columns, rows),
        words=f"By {by}: {listed}." if listed else nothing(viewing),
        subtitle=f"by {by}",
        empty="" if rows else nothing(viewing),
    )


def top(viewing: Viewing) -> TileContent:
    """The values of a dimension with the highest numbers of one metric, as bars."""
    queries, by, lines = _asked(viewing)
    known = [line for line in lines if line.numbers[0] is not None]
    limit = viewing.settings.get("limit", LISTED)
    highest = sorted(known, key=lambda line: -(line.numbers[0] or 0))[:limit]
    format_, unit = queries.formats[0]
    most = max((line.numbers[0] or 0 for line in highest), default=0) or 1
    bars = [
        TopBar(
            name=line.name,
            number=line.numbers[0] or 0,
            share=max(0.0, (line.numbers[0] or 0) / most),
            page=line.page,
            url=_evidence(viewing, queries, by, line),
            format=format_,
            unit=unit,
        )
        for line in highest
    ]
    rows = [[TableCell(bar.name, bar.page), TableCell(bar.number, bar.url)] for bar in bars]
    name = queries.formula or queries.parts[0].name
    listed = "; ".join(f"{bar.name}: {as_text(bar.number, format_)}" for bar in bars[:5])
    return TileContent(
        table=Table([TableColumn(by.capitalize()), TableColumn(name, format_, unit)], rows),
        words=f"{name} by {by}: {listed}." if listed else nothing(viewing),
        subtitle=f"{unit} by {by}".strip(),
        own=bars,
        empty="" if bars else nothing(viewing),
    )


def _asked(viewing: Viewing) -> tuple[Queries, str, list[Line]]:
    by = viewing.settings.get("by") or ""
    if not by:
        raise CannotAskError("it names no dimension to list the values of")
    lines = [line for project in viewing.projects for line in _lines(viewing, project, by)]
    if viewing.is_of_several:
        lines.sort(key=lambda line: -line.samples)
    return Queries.of(viewing.settings, viewing.projects[0]), by, lines


def _lines(viewing: Viewing, project: TileProject, by: str) -> Iterator[Line]:
    queries = Queries.of(viewing.settings, project)
    answers = queries.readings(viewing, project, by, limit=MOST_PARTS)
    values = list(dict.fromkeys(part for answer in answers for part in answer.by_value))
    known = subjects(project, by, values)
    of = f"{project.name}: " if viewing.is_of_several else ""
    for value in values:
        numbers = [_number(answer, value) for answer in answers]
        if queries.formula:
            numbers = [queries.value(numbers)]
        page = own_page(viewing, project, known, value)
        reading = answers[0].by_value.get(value)
        samples = reading.samples if reading else 0
        yield Line(project, value, of + (known.name(value) or NAMELESS), page, numbers, samples)


def _number(answer: Parts[Reading], value: str) -> float | None:
    reading = answer.by_value.get(value)
    return reading.number if reading else None


def _cells(viewing: Viewing, queries: Queries, by: str, line: Line) -> Iterator[TableCell]:
    yield TableCell(line.name, line.page)
    for place, number in enumerate(line.numbers):
        query = queries.parts[place]
        where = {**query.where, by: line.value}
        url = evidence(viewing, line.project, query.metric, where) if number else ""
        yield TableCell(number, url)


def _evidence(viewing: Viewing, queries: Queries, by: str, line: Line) -> str:
    query = queries.parts[0]
    return evidence(viewing, line.project, query.metric, {**query.where, by: line.value})


def still(content: TileContent) -> Still:
    """The bars."""
    return Still(rows=[shares([("1", bar.share)]) for bar in content.own])


TABLE = TileKind(
    name="table",
    title="Table",
    icon="list",
    help="Metrics in columns, one row for each value of a dimension.",
    takes=("queries", "formula", "by", "limit", "project"),
    answer=table,
    faults=needs_breakdown,
)
TOP = replace(
    TABLE,
    name="top",
    title="Top list",
    help="The values of a dimension with the highest numbers, as bars.",
    answer=top,
    part="dashboards/tiles/_top.html",
    still=still,
)
KINDS = (TABLE, TOP)
