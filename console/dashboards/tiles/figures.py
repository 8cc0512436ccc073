"""The tile of a number: what it is, how it was the period before, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from console.dashboards.tiles.evidence import evidence
from console.dashboards.tiles.queries import Queries, formula_faults
from console.telemetry.metric import Better, Figure, Format, Metric, Reading
from console.telemetry.tile import (
    Still,
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Tone,
    Viewing,
)
from console.web.filters import as_text, duration
from console.web.still import spark
from console.web.timerange import RANGES

WINDOWS = {
    "": "The dashboard's time range",
    **{name: f"The last {text}" for name, text in (("1h", "hour"), ("24h", "24 hours"))},
    **{f"{days}d": f"The last {days} days" for days in (7, 30, 90)},
}


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
    url: str
    tone: Tone

    @property
    def words(self) -> str:
        """It in a sentence without a full stop."""
        text = f"{self.name}: {as_text(self.value, self.format, self.unit)}"
        if self.change is None:
            return text
        unit = " pt" if self.format == "share" else "%"
        return f"{text} ({self.change:+.3g}{unit})"


def number(viewing: Viewing) -> TileContent:
    """A number per project, of one metric or of a formula, with its trend as a small chart."""
    viewing = _over(viewing)
    queries = Queries.of(viewing.settings, viewing.projects[0])
    numbers = [_number(viewing, project) for project in viewing.projects]
    first = numbers[0]
    rows = [
        [TableCell(own.name), TableCell(own.value, own.url, own.tone), TableCell(own.change)]
        for own in numbers
    ]
    columns = (
        TableColumn("Metric"),
        TableColumn("Value", first.format, first.unit if first.format == "number" else ""),
        TableColumn("Change", "number", "pt" if first.format == "share" else "%"),
    )
    is_empty = all(own.value is None for own in numbers)
    return TileContent(
        table=Table(columns, rows),
        words="; ".join(own.words for own in numbers) + ".",
        subtitle=", ".join([_period(viewing, numbers), *queries.notes]),
        own=numbers,
        empty=_nothing(viewing, queries.parts[0].metric) if is_empty else "",
    )


def _over(viewing: Viewing) -> Viewing:
    """The same over the tile's own time, where it has one: active people of 30 days, say."""
    window = viewing.settings.get("window", "")
    if window not in WINDOWS or not window:
        return viewing
    line = viewing.line
    shown = replace(line.shown, name=window, since=line.until - RANGES[window])
    return replace(viewing, line=replace(line, shown=shown, grain=shown.grain))


def _period(viewing: Viewing, numbers: Sequence[Number]) -> str:
    """Which time it is about, and which one it is compared with, as short as a narrow tile is."""
    shown = viewing.line.shown
    is_week_ago = shown.compare == "week" and not viewing.settings.get("window")
    length = f"{shown.name[:-1]} {shown.name[-1]}" if shown.name else duration(shown.length)
    if all(own.change is None for own in numbers):
        return length
    return f"{length} vs {'a week before' if is_week_ago else 'before'}"


def _nothing(viewing: Viewing, metric: Metric) -> str:
    shown = viewing.line.shown
    where = f" of {shown.environment}" if shown.environment else ""
    when = f"in the {shown.in_words}" if shown.name else f"from {shown.label}"
    return f"No {metric.source}{where} {when}."


def _number(viewing: Viewing, project: TileProject) -> Number:
    queries, shift = Queries.of(viewing.settings, project), _shift(viewing)
    now = [part.whole for part in queries.readings(viewing, project)]
    before = [part.whole for part in queries.readings(viewing, project, shift=shift)]
    course = [part.whole.numbers for part in queries.courses(viewing, project)]
    query = queries.parts[0]
    if queries.formula:
        figure = Figure(
            query.metric,
            Reading(queries.value([own.number for own in now]), now[0].samples),
            Reading(queries.value([own.number for own in before]), before[0].samples),
        )
        trend = [queries.value(numbers) for numbers in zip(*course, strict=True)]
    else:
        figure, trend = Figure(query.metric, now[0], before[0]), list(course[0])
    value = figure.now.number
    format_, unit = queries.formats[0]
    return Number(
        name=project.name if viewing.is_of_several else queries.formula or query.name,
        value=value,
        format=format_,
        unit=unit,
        change=figure.change,
        better=query.metric.better,
        trend=trend,
        url=evidence(viewing, project, query.metric, query.where) if value else "",
        tone=_tone(viewing, query.metric.better, value),
    )


def _shift(viewing: Viewing) -> timedelta:
    """How long ago the period was that it is compared with: the top bar's, or the one before."""
    shown = viewing.line.shown
    return (shown.shift if not viewing.settings.get("window") else None) or shown.length


def _tone(viewing: Viewing, better: Better, value: float | None) -> Tone:
    """Whether the number is on the wrong side of the tile's threshold."""
    level = viewing.settings.get("threshold")
    if level is None or value is None or better == "neither":
        return ""
    return "bad" if (value > level if better == "lower" else value < level) else "good"


def still(content: TileContent) -> Still:
    """How each number went."""
    return Still(rows=[spark(number.trend) for number in content.own])


KINDS = (
    TileKind(
        name="number",
        title="Number",
        icon="pulse",
        help="One number, how it changed since the previous period, and its trend.",
        takes=("queries", "formula", "window", "threshold", "project"),
        answer=number,
        part="dashboards/tiles/_number.html",
        says_subtitle=True,
        still=still,
        choices={"window": WINDOWS},
        faults=formula_faults,
        width=3,
        height=2,
    ),
)
