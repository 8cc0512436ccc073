"""The tile of a number: what it is, how it was the period before, and how it went."""

from __future__ import annotations

from dataclasses import dataclass

from console.dashboards.tiles.queries import Queries
from console.telemetry.metric import Better, Figure, Format, Reading
from console.telemetry.tile import (
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Viewing,
)
from console.web.filters import measured


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its change, as `_number.html` draws it."""

    name: str
    value: float | None
    format: Format
    unit: str
    change: float | None
    better: Better
    trend: list[float | None]


def number(viewing: Viewing) -> TileContent:
    """A number per project, of one metric or of a formula, with its trend as a small chart."""
    numbers = [_number(viewing, project) for project in viewing.projects]
    rows = [[TableCell(own.name), TableCell(own.value), TableCell(own.change)] for own in numbers]
    columns = (
        TableColumn("Metric"),
        TableColumn("Value", numbers[0].format, numbers[0].unit),
        TableColumn("Change", "number", "pt" if numbers[0].format == "share" else "%"),
    )
    sentence = "; ".join(
        f"{own.name}: {measured(own.value, own.format)} {own.unit}".strip() for own in numbers
    )
    return TileContent(table=Table(columns, rows), words=f"{sentence}.", own=numbers)


def _number(viewing: Viewing, project: TileProject) -> Number:
    queries, shift = Queries.of(viewing.settings, project), viewing.line.shown.shift
    shift = shift or viewing.line.shown.length
    now = [part.whole for part in queries.readings(viewing, project)]
    before = [part.whole for part in queries.readings(viewing, project, shift=shift)]
    course = [part.whole.numbers for part in queries.courses(viewing, project)]
    metric = queries.parts[0].metric
    if queries.formula:
        figure = Figure(
            metric,
            Reading(queries.value([own.number for own in now]), now[0].samples),
            Reading(queries.value([own.number for own in before]), before[0].samples),
        )
        trend = [queries.value(numbers) for numbers in zip(*course, strict=True)]
    else:
        figure, trend = Figure(metric, now[0], before[0]), list(course[0])
    several = len(viewing.projects) > 1
    return Number(
        name=project.name if several else queries.formula or queries.parts[0].name,
        value=figure.now.number,
        format=queries.format,
        unit="" if queries.format == "share" else queries.unit,
        change=figure.change,
        better=metric.better,
        trend=trend,
    )


KINDS = (
    TileKind(
        name="number",
        title="Number",
        icon="chart",
        help="One number, how it changed since the period before, and its trend.",
        takes=("queries", "formula", "project"),
        answer=number,
        part="dashboards/tiles/_number.html",
        width=3,
        height=2,
    ),
)
