"""Tiles that draw metrics over time: lines, areas, bars, and bars on each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from console.dashboards import formula
from console.dashboards.tiles.queries import PARTS, Queries
from console.telemetry.metric import Course, Parts
from console.telemetry.tile import (
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Viewing,
)
from console.web.charts import Kind, Series, Threshold, sentence

COMMON = ("queries", "formula", "by", "limit", "compare", "threshold", "project")


def chart(viewing: Viewing, kind: Kind) -> TileContent:
    """The metrics of a tile over its time, broken down if it says so."""
    settings, line = viewing.settings, viewing.line
    queries = Queries.of(settings, viewing.projects[0])
    series = list(_all_series(viewing, queries, kind))
    level = settings.get("threshold")
    drawn = line.chart(
        queries.parts[0].name,
        series,
        subtitle=f"{queries.unit}, {line.per}" if queries.unit else line.per,
        unit=queries.unit,
        threshold=Threshold(level) if level is not None else None,
        watch=_watch(queries, settings.get("by") or None),
    )
    is_empty = all(value is None for own in series for value in own.values)
    return TileContent(
        table=_table(drawn.buckets, series, queries.unit),
        words=sentence(drawn),
        subtitle=drawn.subtitle,
        chart=drawn,
        empty="Nothing has come in this time range." if is_empty else "",
    )


def _all_series(viewing: Viewing, queries: Queries, kind: Kind) -> Iterator[Series]:
    """What the chart draws: per project, per value of the breakdown or per metric."""
    by, count = viewing.settings.get("by") or None, 0
    for project in viewing.projects:
        answers = queries.courses(viewing, project, by)
        for name, values in _named(viewing, queries, project, answers):
            count += 1
            is_rest = name == "all others"
            role = "mute" if is_rest or count > PARTS else str(count)
            yield Series(name, values, kind, role)
    if viewing.settings.get("compare") and count == 1 and viewing.line.shown.shift:
        yield _before(viewing, queries, viewing.line.shown.shift)


def _named(
    viewing: Viewing, queries: Queries, project: TileProject, answers: Sequence[Parts[Course]]
) -> Iterator[tuple[str, list[float | None]]]:
    """Names and values of a project's series."""
    of = f"{project.name}: " if len(viewing.projects) > 1 else ""
    if queries.formula:
        for part in answers[0].by_value:
            columns = [_numbers(answer.by_value.get(part), viewing) for answer in answers]
            yield of + (part or queries.formula), formula.series(queries.formula, columns)
        return
    for query, answer in zip(queries.parts, answers, strict=True):
        for part, course in answer.by_value.items():
            name = part or (project.name if of and len(queries.parts) == 1 else of + query.name)
            yield name, [queries.scaled(number) for number in course.numbers]
        if answer.rest:
            yield "all others", [queries.scaled(number) for number in answer.rest.numbers]


def _numbers(course: Course | None, viewing: Viewing) -> Sequence[float | None]:
    return course.numbers if course else [None] * len(viewing.line.buckets)


def _before(viewing: Viewing, queries: Queries, shift: timedelta) -> Series:
    """The period that the page compares with, where there is one line to compare."""
    earlier = queries.courses(viewing, viewing.projects[0], shift=shift)
    columns = [answer.whole.numbers for answer in earlier]
    if queries.formula:
        values = formula.series(queries.formula, columns)
    else:
        values = [queries.scaled(number) for number in columns[0]]
    return Series(viewing.line.shown.compared_with, values, "line", "previous")


def _watch(queries: Queries, by: str | None) -> dict[str, str | None]:
    """What a rule about the same number asks for; none for formulas."""
    if queries.formula or len(queries.parts) > 1:
        return {}
    query = queries.parts[0]
    asked: dict[str, str | None] = {"metric": query.metric.id, "by": by}
    asked |= {f"where.{name}": value for name, value in query.where.items()}
    return asked | {f"parameters.{name}": f"{own:g}" for name, own in query.metric.given.items()}


def _table(buckets: Sequence[object], series: Sequence[Series], unit: str) -> Table:
    columns = [TableColumn("Time", "time")]
    columns += [TableColumn(own.name, "number", unit) for own in series]
    rows = [
        [TableCell(at), *(TableCell(own.values[place]) for own in series)]  # type: ignore[arg-type]
        for place, at in enumerate(buckets)
    ]
    return Table(columns, rows)


KINDS = (
    TileKind(
        name="line",
        title="Line",
        icon="chart",
        help="Metrics over time, for anything that goes up and down.",
        takes=COMMON,
        answer=partial(chart, kind="line"),
        part="dashboards/tiles/_chart.html",
    ),
    TileKind(
        name="area",
        title="Area",
        icon="chart",
        help="One metric over time with the room below it filled.",
        takes=COMMON,
        answer=partial(chart, kind="area"),
        part="dashboards/tiles/_chart.html",
    ),
    TileKind(
        name="bar",
        title="Bars",
        icon="chart",
        help="Counts per time bucket; the parts of a breakdown stand on each other.",
        takes=COMMON,
        answer=partial(chart, kind="bar"),
        part="dashboards/tiles/_chart.html",
    ),
)
