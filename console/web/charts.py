"""One Chart value: drawn on the server as SVG, and handed to Chart.js for hover and zoom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import Any, Literal

from console.web import clocks
from console.web.filters import plural
from console.web.units import Unit, amount, fitting

Kind = Literal["bar", "line", "area", "stack"]
STACKED = ("bar", "stack")
MOST_POINTS = 500
# Room above the plot, and more of it for the flags of markers; the drawing and Chart.js share it.
TOP, FLAGS = 8, 16
DOT = 2  # pixels from its middle to its edge
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_INTERVALS = 4
_FINEST = 1e-8  # a smaller difference is none: ticks are rounded to ten digits


@dataclass(frozen=True, slots=True)
class Series:
    """Values per bucket: None is a gap, 0 is a zero. Bars of several series stack.

    So do areas of the kind "stack"; a chart has the one or the other. `role` is the hue: "1" to
    "6", bad, warn, good, mute, p50, p95, p99, or "previous" for the period that the chart compares
    with (a thin line, aligned to the same buckets).
    """

    name: str
    values: Sequence[float | None]
    kind: Kind = "line"
    role: str = "1"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A horizontal line, labelled with its text and value."""

    value: float
    text: str = "Threshold"


@dataclass(frozen=True, slots=True)
class Marker:
    """A moment worth seeing in every chart: a release, an incident."""

    at: datetime
    text: str
    tone: Literal["mute", "bad"] = "mute"
    page: str = ""
    """The endpoint of the page about it, which `asked` completes."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    """The address of that page for whoever looks, "" for somebody who could not open it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time that a chart shades: an incident from its beginning to its end."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart says, without how it looks.

    `buckets` are the aware starts of equal steps of `grain`; `complete_until` is the moment up to
    which the data is whole, so that the bucket after it is drawn as unfinished.
    """

    title: str
    buckets: Sequence[datetime]
    grain: timedelta
    series: Sequence[Series]
    subtitle: str = ""
    unit: str = ""
    complete_until: datetime | None = None
    threshold: Threshold | None = None
    markers: Sequence[Marker] = field(default=())
    spans: Sequence[Span] = ()
    zero: bool = True
    reach: float | None = None
    """A number that the axis shows, too."""
    links: Sequence[str] = ()
    """Where the evidence of each bucket is, "" where there is none: a click leads there."""
    watch: Mapping[str, Any] = field(default_factory=dict)
    """What a rule about the same number asks for: its metric, and `where.…` with its filters."""

    def __post_init__(self) -> None:
        if len(self.buckets) > MOST_POINTS:
            raise ValueError(f"a chart has at most {MOST_POINTS} buckets: widen its grain")
        if any(len(series.values) != len(self.buckets) for series in self.series):
            raise ValueError("every series of a chart has one value per bucket")

    @property
    def open_from(self) -> int:
        """Index of the first unfinished bucket; the number of buckets if all are whole."""
        if self.complete_until is None:
            return len(self.buckets)
        whole = (start + self.grain <= self.complete_until for start in self.buckets)
        return next((index for index, done in enumerate(whole) if not done), len(self.buckets))

    def place(self, at: datetime) -> float:
        """Where a moment lies between the start of the first bucket (0) and the end of the last."""
        whole = self.grain * len(self.buckets)
        return min(1.0, max(0.0, (at - self.buckets[0]) / whole)) if self.buckets else 0.0

    @property
    def top(self) -> int:
        """Pixels above the highest grid line."""
        return TOP + (FLAGS if self.markers or self.threshold else 0)

    @property
    def stacked(self) -> list[float]:
        """The height of each bucket's bars or areas on each other."""
        bars = [series.values for series in self.series if series.kind in STACKED]
        return [sum(value or 0 for value in column) for column in zip(*bars, strict=True)]

    @property
    def axis_unit(self) -> Unit:
        """What the labels of the axis are written in: hours for a lag of hours in milliseconds."""
        return fitting(self.unit, max(map(abs, self._heights), default=0))

    def with_one_unit(self) -> "Chart":
        """It with a subtitle that names no unit ("ms, per day") where its axis has another."""
        if self.axis_unit.name == self.unit:
            return self
        return replace(self, subtitle=self.subtitle.removeprefix(f"{self.unit}, "))

    def ticks(self) -> list[float]:
        """The values of the horizontal grid lines, lowest first: four or five nice ones."""
        size = self.axis_unit.size
        seen = [height / size for height in self._heights]
        whole = size == 1 and all(float(value).is_integer() for value in seen)
        low = 0.0 if self.zero or not seen else min(seen)
        nice = nice_ticks(
            min(low, *seen, 0) if self.zero and seen else low, max(seen, default=0), whole=whole
        )
        return nice if size == 1 else [tick * size for tick in nice]

    @property
    def _heights(self) -> list[float]:
        """Everything that the axis has to reach."""
        seen = [v for s in self.series if s.kind not in STACKED for v in s.values if v is not None]
        seen += self.stacked
        if self.threshold:
            seen.append(self.threshold.value)
        if self.reach is not None:
            seen.append(self.reach)
        return seen


def nice_ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Three or four equal steps of 1, 2, 2.5 or 5 that cover low to high (whole numbers: fewer)."""
    if high - low < _FINEST:
        high = low + (_INTERVALS if whole else 1)
    scale = 10.0 ** floor(log10((high - low) / _INTERVALS))
    for nice in _NICE:
        step = max(nice * scale, 1.0) if whole else nice * scale
        if whole and not step.is_integer():
            continue
        first = floor(low / step)
        count = ceil(high / step - 1e-9) - first
        if count <= _INTERVALS:
            return [round((first + index) * step, 10) for index in range(count + 1)]
    step = 10.0 * scale * (2 if low < 0 else 1)
    first = floor(low / step)
    return [(first + index) * step for index in range(ceil(high / step) - first + 1)]


def sentence(chart: Chart) -> str:
    """What the chart shows, in words: the label of its picture and the text of a mail."""
    if not chart.buckets or not chart.series:
        return f"{chart.title}: no data."
    since, until = chart.buckets[0], chart.buckets[-1] + chart.grain
    zone = clocks.abbreviation(clocks.local(until))
    parts = [f"{chart.title}, {_moment(since)} to {_moment(until)} {zone}."]
    parts += [_series_sentence(chart, series) for series in chart.series]
    if chart.threshold:
        parts.append(f"{chart.threshold.text} {amount(chart.threshold.value, chart.unit)}.")
    if chart.markers:
        names = ", ".join(list(dict.fromkeys(marker.text for marker in chart.markers))[:5])
        parts.append(f"{plural(len(chart.markers), 'marker')}: {names}.")
    return " ".join(parts)


def chartjs(chart: Chart) -> dict[str, Any]:
    """The Chart.js configuration of the same chart; its script adds the colours of the theme."""
    ticks = chart.ticks()
    stacked = sum(series.kind in STACKED for series in chart.series) > 1
    return {
        "type": "bar",
        "data": {
            "labels": [start.astimezone(UTC).isoformat() for start in chart.buckets],
            "datasets": list(_datasets(chart.series)),
        },
        "options": {
            "animation": False,
            "layout": {"padding": {"top": chart.top}},
            "normalized": True,
            "responsive": True,
            "maintainAspectRatio": False,
            "interaction": {"mode": "index", "intersect": False},
            "scales": {
                "x": {"display": False, "stacked": stacked, "offset": True},
                "y": {
                    "display": False,
                    "stacked": stacked,
                    "min": ticks[0],
                    "max": ticks[-1],
                },
            },
            "plugins": {"legend": {"display": False}},
        },
        "pharos": {
            "unit": chart.axis_unit.name,
            "size": chart.axis_unit.size,
            "grain": int(chart.grain.total_seconds()),
            "openFrom": chart.open_from,
            "links": list(chart.links),
        },
    }


def lone(values: Sequence[float | None]) -> list[bool]:
    """Which values stand between two gaps, so that no line shows them."""
    known = [None, *values, None]
    return [
        value is not None and known[index] is None and known[index + 2] is None
        for index, value in enumerate(values)
    ]


def _datasets(all_series: Sequence[Series]) -> Iterator[dict[str, Any]]:
    """Areas on each other are filled down to the one before."""
    is_first = True
    for series in all_series:
        dataset = _dataset(series)
        if series.kind == "stack":
            dataset |= {"fill": "origin" if is_first else "-1", "data": _whole(series.values)}
            is_first = False
        yield dataset


def _whole(values: Sequence[float | None]) -> list[float]:
    return [value or 0 for value in values]


def _dataset(series: Series) -> dict[str, Any]:
    width = 1 if series.role == "previous" else 1.5
    alone = lone(series.values)
    dots = [DOT if is_dot else 0 for is_dot in alone] if any(alone) else 0
    shape = {"pointRadius": dots, "borderWidth": width}
    bar = {"categoryPercentage": 1, "barPercentage": 0.8}
    return {
        "type": "bar" if series.kind == "bar" else "line",
        "label": series.name,
        "role": series.role,
        "data": list(series.values),
        "fill": series.kind == "area",
        "spanGaps": False,
        **(bar if series.kind == "bar" else shape),
    }


def _series_sentence(chart: Chart, series: Series) -> str:
    known = [(v, at) for v, at in zip(series.values, chart.buckets, strict=True) if v is not None]
    if not known:
        return f"{series.name}: no data."
    high, when = max(known, key=lambda pair: pair[0])
    highest = f"highest {amount(high, chart.unit)} at {_moment(when)}"
    if series.kind == "bar":
        total = amount(sum(value for value, _ in known), chart.unit)
        return f"{series.name}: {total} in all, {highest}."
    return f"{series.name}: {highest}, last {amount(known[-1][0], chart.unit)}."


def _moment(at: datetime) -> str:
    return clocks.local(at).strftime("%-d %b %H:%M")
