"""Charts of web vitals: P75 over time beside its threshold, ratings over time, a histogram."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from console.accounts.models import MonitoringConfig
from console.performance.metrics import VITALS
from console.performance.vitals.cards import TONES, limits, shown
from console.telemetry import vitals
from console.telemetry.scope import Scope
from console.telemetry.vital_splits import VitalsWanted
from console.telemetry.vitals import Vital, VitalMoments
from console.telemetry.web_vitals import BY_NAME, ZERO, WebVital
from console.web.charts import Chart, Series, Threshold
from console.web.filters import plural
from console.web.histogram import TICK_GAP
from console.web.timeline import Timeline
from console.web.units import log_ticks

BELOW, BETWEEN, ABOVE = 14, 4, 8
"""Bars of a histogram that are good, need improvement and are poor: both thresholds are edges."""


@dataclass(frozen=True, slots=True)
class RatedBar:
    """A bar as the macro draws it: x, width and height are shares of the plot, 0 to 1."""

    x: float
    width: float
    height: float
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class VitalMark:
    """A text at a share of the plot's width."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Zone:
    """The stretch of a histogram that has one rating."""

    x: float
    width: float
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class VitalHistogram:
    """How the page loads of one metric spread, in the colours of their ratings."""

    sentence: str
    bars: Sequence[RatedBar]
    zones: Sequence[Zone]
    marks: Sequence[VitalMark]
    axis: Sequence[VitalMark]


def trend_charts(
    line: Timeline,
    settings: MonitoringConfig,
    scope: Scope,
    *,
    metric: WebVital,
    wanted: VitalsWanted,
) -> tuple[Chart, Chart]:
    """P75 of a metric over time, and how many page loads had each rating."""
    moments = vitals.trend(scope, wanted, metric.name, line.seconds)
    before = line.compared(
        scope,
        lambda then: _p75(vitals.trend(then, wanted, metric.name, line.seconds), metric),
        f"P75, {line.shown.compared_with.lower()}",
    )
    limit = limits(settings).get(metric.name)
    own, standard = Threshold(limit or 0, "Your threshold"), Threshold(metric.good, "Good up to")
    own_filters = {"where.page": wanted.page, "where.device": wanted.device}
    where = {name: value for name, value in own_filters.items() if value}
    watch = {"metric": VITALS[metric.name].id} | where
    p75 = line.chart(
        f"P75 of {metric.name}",
        [*before, Series("P75", _p75(moments, metric))],
        subtitle=f"{metric.unit or 'score'}, {line.per}",
        unit=metric.unit,
        threshold=standard if limit is None else own,
        watch=watch,
    )
    loads = line.chart(
        "Page loads",
        _ratings(moments),
        subtitle=f"by their {metric.name}, {line.per}",
        unit="loads",
        watch=watch,  # P75 is what a page is rated by, too
    )
    return p75, loads


def _p75(moments: VitalMoments, metric: WebVital) -> list[float | None]:
    digits = 1 if metric.unit else 4
    return [round(vital.p75, digits) if vital else None for vital in moments.vitals]


def _ratings(moments: VitalMoments) -> tuple[Series, ...]:
    columns = ("good", "needs_improvement", "poor")
    return tuple(
        Series(
            word.capitalize(),
            [getattr(vital, name) if vital else 0 for vital in moments.vitals],
            "bar",
            tone,
        )
        for (word, tone), name in zip(TONES.items(), columns, strict=True)
    )


def histogram(vital: Vital, counts: Mapping[int, int]) -> VitalHistogram:
    """The page loads of a metric by value, on a scale that grows by the same ratio with each bar.

    `counts` are by the metric's buckets.

    Both thresholds are edges of bars; what lies beyond the first or last bar is counted in it.
    """
    metric, p75 = BY_NAME[vital.metric], vital.p75
    first, last = -BELOW, BETWEEN + ABOVE
    columns = [0] * (last - first)
    for number, count in counts.items():
        at = min(max(_column(metric, number), first), last - 1)
        columns[at - first] += count
    highest, width = max(columns, default=0) or 1, 1 / len(columns)
    bars = [
        RatedBar(
            x=index * width,
            width=width,
            height=count / highest,
            tone=_tone(first + index),
            words=f"{_between(metric, first + index, first, last)}: {plural(count, 'page load')}",
        )
        for index, count in enumerate(columns)
    ]
    return VitalHistogram(
        sentence=_sentence(metric, vital),
        bars=bars,
        zones=_zones(metric, BELOW * width, (BELOW + BETWEEN) * width),
        marks=[VitalMark(_place(metric, p75, first, last), f"P75 {shown(metric, p75)}")],
        axis=_axis(metric, first, last),
    )


def _axis(metric: WebVital, first: int, last: int) -> list[VitalMark]:
    def place(value: float) -> float:
        return _place(metric, value, first, last)

    ticks = log_ticks(_edge(metric, first + 1), _edge(metric, last - 1), place, TICK_GAP)
    return [VitalMark(place(value), shown(metric, value)) for value in ticks]


def _column(metric: WebVital, number: int) -> int:
    """The bar that a bucket lies in: 0 is the first that is not good."""
    return -(10**6) if number <= ZERO else (number - 1) * BETWEEN // metric.steps


def _edge(metric: WebVital, column: int) -> float:
    return metric.value_at(column * metric.steps / BETWEEN)


def _tone(column: int) -> str:
    words = list(TONES.values())
    return words[0] if column < 0 else words[1] if column < BETWEEN else words[2]


def _between(metric: WebVital, column: int, first: int, last: int) -> str:
    low, high = (shown(metric, _edge(metric, bucket)) for bucket in (column, column + 1))
    if column == first:
        return f"up to {high}"
    return f"over {low}" if column == last - 1 else f"{low} to {high}"


def _zones(metric: WebVital, good: float, poor: float) -> list[Zone]:
    texts = (
        f"good up to {shown(metric, metric.good)}",
        "needs improvement",
        f"poor over {shown(metric, metric.poor)}",
    )
    edges = (0.0, good, poor, 1.0)
    return [
        Zone(edges[index], edges[index + 1] - edges[index], tone, texts[index])
        for index, tone in enumerate(TONES.values())
    ]


def _place(metric: WebVital, value: float, first: int, last: int) -> float:
    if value <= 0:
        return 0.0
    column = log(value / metric.good) / metric.log_ratio * BETWEEN / metric.steps
    return min(max((column - first) / (last - first), 0.0), 1.0)


def _sentence(metric: WebVital, vital: Vital) -> str:
    return (
        f"{metric.name} of {plural(vital.loads, 'page load')}: {vital.good:,} good,"
        f" {vital.needs_improvement:,} in need of improvement, {vital.poor:,} poor."
        f" P75 {shown(metric, vital.p75)}."
    )
