"""Where the words of a threshold stand: beside its line, and where no line runs through them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from console.web.axis import CHARACTER, flag_box, marker_labels
from console.web.charts import STACKED, Chart

BOTTOM = 20
ABOVE, BELOW = -4, 13
"""How far from the line the words' foot lies, in pixels."""
ASCENT, DESCENT = 10, 3
STEPS = 12
STRIP = 11
"""The foot of words above the plot, where markers have their flags."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where numbers lie in a drawing of a chart: `low` at `bottom`, `high` at `top`, in pixels."""

    low: float
    high: float
    top: float
    bottom: float

    @classmethod
    def of(cls, chart: Chart, height: int) -> "Scale":
        """The scale of a chart that is drawn with this height."""
        ticks = chart.ticks()
        return cls(ticks[0], ticks[-1], chart.top, height - BOTTOM)

    def y(self, value: float) -> float:
        """How far below the top edge a number lies."""
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: `at` is a share of the plot's width, `foot` in pixels from its top."""

    at: float
    foot: float
    anchor: Literal["start", "end"]
    is_crossed: bool = False
    """Whether a line or a bar runs through it, so that it needs a ground of its own."""

    def box(self, words: str, width: float) -> tuple[float, float]:
        x, length = self.at * width, len(words) * CHARACTER
        return (x, x + length) if self.anchor == "start" else (x - length, x)


def clearest(chart: Chart, scale: Scale, words: str, width: float) -> Place:
    """The place beside a chart's threshold that lines and bars cross least, best the right end.

    Where something crosses each of them, the words stand above the plot, unless flags do.
    """
    places = list(_beside(chart, scale, words, width))
    crossed = [_crossings(chart, scale, place, place.box(words, width), width) for place in places]
    best = min(range(len(places)), key=crossed.__getitem__)
    if crossed[best] == 0:
        return places[best]
    return next(_above(chart, words, width), replace(places[best], is_crossed=True))


def _beside(chart: Chart, scale: Scale, words: str, width: float) -> Iterator[Place]:
    """The ends first, then along the line."""
    line = scale.y(chart.threshold.value if chart.threshold else 0)
    lies_low, lies_high = line + BELOW >= scale.bottom, line + ABOVE <= scale.top + ASCENT - 2
    feet = [line + offset for offset, bad in ((ABOVE, lies_high), (BELOW, lies_low)) if not bad]
    feet = feet or [line + ABOVE]
    yield from (Place(1.0, foot, "end") for foot in feet)
    yield from (Place(at, foot, "start") for at in _along(words, width) for foot in feet)


def _along(words: str, width: float) -> list[float]:
    """Where words may begin that end inside the plot."""
    room = 1 - len(words) * CHARACTER / width
    return [room * step / STEPS for step in range(STEPS + 1)] if room > 0 else [0.0]


def _above(chart: Chart, words: str, width: float) -> Iterator[Place]:
    flags = [flag_box(label, width) for label in marker_labels(chart, width)]
    for place in (Place(at, STRIP, "start") for at in _along(words, width)):
        left, right = place.box(words, width)
        if left >= 0 and right <= width and all(b < left or a > right for a, b in flags):
            yield place


def _crossings(
    chart: Chart, scale: Scale, place: Place, box: tuple[float, float], width: float
) -> int:
    """How many strokes and bars share pixels with the words."""
    top, foot = place.foot - ASCENT, place.foot + DESCENT
    step = width / max(1, len(chart.buckets))
    runs = [series.values for series in chart.series if series.kind not in STACKED]
    strokes = (
        _within(((n + 0.5) * step, scale.y(a)), ((n + 1.5) * step, scale.y(b)), box)
        for run in runs
        for n, (a, b) in enumerate(pairwise(run))
        if a is not None and b is not None
    )
    crossed = sum(min(part) <= foot and max(part) >= top for part in strokes if part)
    bars = (
        scale.y(height)
        for n, height in enumerate(chart.stacked)
        if height and (n + 1) * step > box[0] and n * step < box[1]
    )
    lines = (chart.place(marker.at) * width for marker in chart.markers)
    crossed += sum(box[0] <= line <= box[1] for line in lines)
    return crossed + sum(bar <= foot for bar in bars)


def _within(
    start: tuple[float, float], end: tuple[float, float], box: tuple[float, float]
) -> tuple[float, float] | None:
    """The heights at which a stroke enters and leaves a range of x; None if it never does."""
    left, right = max(start[0], box[0]), min(end[0], box[1])
    if left > right:
        return None
    slope = (end[1] - start[1]) / (end[0] - start[0])
    return start[1] + slope * (left - start[0]), start[1] + slope * (right - start[0])
