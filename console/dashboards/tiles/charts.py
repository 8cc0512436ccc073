"""Tiles that draw metrics over time: lines, areas, bars, and areas on each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from console.dashboards import formula
from console.dashboards.tiles.evidence import evidence, own_page, subjects
from console.dashboards.tiles.queries import PARTS, Queries, Query, faults, nothing
from console.errors.trends import ROLES as LEVELS
from console.telemetry.metric import Course, Format, Parts
from console.telemetry.tile import (
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Viewing,
)
from console.web.charts import Chart, Kind, Series, Threshold, sentence

COMMON = ("queries", "formula", "by", "limit", "grain", "compare", "threshold", "project")
REST, HUES = "all others", 6
GRAINS = {"": "Fits the time range", "hour": "An hour", "day": "A day", "week": "A week"}
RAMP = ("p50", "p95", "p99")
WIDTHS = {"": timedelta(0), "hour": timedelta(hours=1), "day": timedelta(days=1)}
WIDTHS |= {"week": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A series with where it comes from: its page, and the filters that select what it counts."""

    series: Series
    project: TileProject
    query: Query
    url: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    is_rest: bool = False


def chart(viewing: Viewing, kind: Kind) -> TileContent:
    """The metrics of a tile over its time, broken down if it says so."""
    settings = viewing.settings
    least = WIDTHS.get(settings.get("grain", ""), timedelta(0))
    line = replace(viewing.line, grain=max(viewing.line.grain, least))
    viewing = replace(viewing, line=line)
    queries = Queries.of(settings, viewing.projects[0])
    lines = list(_lines(viewing, kind))
    level = settings.get("threshold")
    plain = line.chart(
        queries.parts[0].name,
        [*(own.series for own in lines), *_before(viewing, queries, lines)],
        subtitle=", ".join(filter(None, [queries.unit, line.per, *queries.notes])),
        unit=queries.unit,
        threshold=Threshold(level) if level is not None else None,
        watch=_watch(queries, settings.get("by") or None),
    )
    drawn = replace(plain, links=_links(viewing, lines, plain), zero=_is_zero_based(queries, plain))
    values = [value for own in lines for value in own.series.values]
    is_empty = all(value is None for value in values) or not (any(values) or queries.counts_zeros)
    return TileContent(
        table=_table(viewing, drawn, lines, queries),
        words=sentence(drawn),
        subtitle=drawn.subtitle,
        chart=drawn,
        empty=nothing(viewing) if is_empty else "",
    )


def _is_zero_based(queries: Queries, drawn: Chart) -> bool:
    """All but what is always close to the whole: uptime from zero on is a straight line."""
    metric = queries.parts[0].metric
    seen = {value for series in drawn.series for value in series.values if value is not None}
    is_near = metric.format == "share" and metric.better == "higher" and not queries.formula
    return not is_near or len(seen) < 2


def _lines(viewing: Viewing, kind: Kind) -> Iterator[ChartLine]:
    """What the chart draws: per project, per value of the breakdown or per metric."""
    by, count = viewing.settings.get("by") or None, 0
    for project in viewing.projects:
        queries = Queries.of(viewing.settings, project)
        answers = queries.courses(viewing, project, by, limit=viewing.settings.get("limit", PARTS))
        for own in _of_project(viewing, queries, project, answers):
            count += not own.is_rest
            role = _role(viewing, own, count)
            yield replace(own, series=replace(own.series, kind=kind, role=role))


def _role(viewing: Viewing, own: ChartLine, count: int) -> str:
    """The hue of a line: levels and percentiles have theirs on every page."""
    if own.is_rest or count > HUES:
        return "mute"
    by = viewing.settings.get("by")
    if by == "level":
        return LEVELS.get(own.where["level"], str(count))
    name = own.query.metric.id.rpartition(".")[2]
    is_ramp = name in RAMP and not by and len(viewing.settings["queries"]) > 1
    return name if is_ramp and not viewing.settings.get("formula") else str(count)


def _of_project(
    viewing: Viewing, queries: Queries, project: TileProject, answers: Sequence[Parts[Course]]
) -> Iterator[ChartLine]:
    """A project's series, without their hues."""
    by, of = viewing.settings.get("by") or "", ""
    if viewing.is_of_several:
        of = f"{project.name}: "
    parts = list(dict.fromkeys(part for answer in answers for part in answer.by_value))
    known = subjects(project, by, parts)
    asked = zip(queries.parts[:1] if queries.formula else queries.parts, answers, strict=False)
    for query, answer in asked:
        for part, course in answer.by_value.items():
            name = known.name(part) or ("(none)" if by else "")
            whole = project.name if of and len(queries.parts) == 1 else of + queries.name_of(query)
            values = [queries.scaled(number) for number in course.numbers]
            if queries.formula:
                values = _computed(queries, answers, part, len(viewing.line.buckets))
            where = {**query.where, **({by: part} if by else {})}
            page = own_page(viewing, project, known, part) if by else ""
            yield ChartLine(Series(of + name if by else whole, values), project, query, page, where)
        if answer.rest and not queries.formula:
            rest = [queries.scaled(number) for number in answer.rest.numbers]
            yield ChartLine(
                Series(of + REST, rest), project, query, where=query.where, is_rest=True
            )


def _computed(
    queries: Queries, answers: Sequence[Parts[Course]], part: str, count: int
) -> list[float | None]:
    """The formula over a value of the breakdown."""
    courses = [answer.by_value.get(part) for answer in answers]
    return formula.series(
        queries.formula, [course.numbers if course else [None] * count for course in courses]
    )


def _before(viewing: Viewing, queries: Queries, lines: Sequence[ChartLine]) -> Iterator[Series]:
    """The period that the page compares with, where there is one line to compare."""
    shown = viewing.line.shown
    if not viewing.settings.get("compare") or len(lines) != 1 or not shown.shift:
        return
    earlier = queries.courses(viewing, viewing.projects[0], shift=shown.shift)
    columns = [answer.whole.numbers for answer in earlier]
    if queries.formula:
        values = formula.series(queries.formula, columns)
    else:
        values = [queries.scaled(number) for number in columns[0]]
    yield Series(shown.compared_with, values, "line", "previous")


def _links(viewing: Viewing, lines: Sequence[ChartLine], drawn: Chart) -> list[str]:
    """Where a click on each bucket leads: to what its first metric counts.

    Of several projects it is the one whose number is highest there.
    """

    def link(place: int, at: datetime) -> str:
        own = max(lines, key=lambda line: line.series.values[place] or 0)
        if not own.series.values[place]:
            return ""
        if not viewing.is_of_several:
            own = lines[0]
        where = own.where if len(lines) == 1 else own.query.where
        return evidence(viewing, own.project, own.query.metric, where, (at, at + drawn.grain))

    return [link(place, at) for place, at in enumerate(drawn.buckets)] if lines else []


def _watch(queries: Queries, by: str | None) -> dict[str, str | None]:
    """What a rule about the same number asks for; none for formulas."""
    if queries.formula or len(queries.parts) > 1:
        return {}
    query = queries.parts[0]
    asked: dict[str, str | None] = {"metric": query.metric.id, "by": by}
    asked |= {f"where.{name}": value for name, value in query.where.items()}
    return asked | {f"parameters.{name}": f"{own:g}" for name, own in query.metric.given.items()}


def _table(viewing: Viewing, drawn: Chart, lines: Sequence[ChartLine], queries: Queries) -> Table:
    """A row per bucket; each number leads to what it counts."""
    is_time = queries.format == "milliseconds"
    written: tuple[Format, str] = ("milliseconds", "") if is_time else ("number", queries.unit)
    columns = [
        TableColumn("Time", "time"),
        *(TableColumn(own.series.name, *written) for own in lines),
    ]

    def cell(own: ChartLine, place: int, at: datetime) -> TableCell:
        value = own.series.values[place]
        bounds = at, at + drawn.grain
        is_linked = bool(value) and not own.is_rest
        metric = own.query.metric
        url = evidence(viewing, own.project, metric, own.where, bounds) if is_linked else ""
        return TableCell(value, url)

    rows = [
        [TableCell(at), *(cell(own, place, at) for own in lines)]
        for place, at in enumerate(drawn.buckets)
    ]
    return Table(columns, rows)


def _kind(name: str, title: str, help_: str, kind: Kind) -> TileKind:
    return TileKind(
        name=name,
        title=title,
        icon="chart",
        help=help_,
        takes=COMMON,
        answer=partial(chart, kind=kind),
        part="dashboards/tiles/_chart.html",
        is_drawing=True,
        choices={"grain": GRAINS},
        faults=faults,
    )


KINDS = (
    _kind("line", "Line", "Metrics over time, for anything that goes up and down.", "line"),
    _kind("area", "Area", "One metric over time with the room below it filled.", "area"),
    _kind(
        "bar", "Bars", "Counts per time bucket; parts of a breakdown stand on each other.", "bar"
    ),
    _kind(
        "stacked",
        "Stacked areas",
        "Counts over time, the parts of a breakdown on each other: the upper edge is their sum.",
        "stack",
    ),
)
