"""Where the labels of a time axis stand: at round times, level, and never on top of each other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from typing import Literal

from console.web import clocks
from console.web.charts import Chart, Marker

CHARACTER = 6.4
GAP = 10
# A label may reach this far beyond the plot: over the value axis on the left, the margin right.
LEFT, RIGHT = 40, 12
FLAG = 8
LONGEST_FLAG = 18  # characters
_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)) + tuple(
    timedelta(hours=hours)
    for hours in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672, 1344, 2688, 5376, 10752)
)
_MANY = 100
"""Markers of a flag for which room is kept: the number of the others has two digits."""
_DAY = timedelta(days=1)
_EPOCH = datetime(2024, 1, 1)  # noqa: DTZ001 - of any zone; a Monday, where weekly labels fall


@dataclass(frozen=True, slots=True)
class Label:
    """Text centred at `at`, a share of the plot's width from 0 to 1."""

    at: float
    text: str
    day: bool = False
    tone: Literal["mute", "bad"] = "mute"
    url: str = ""
    words: str = ""
    """All that a shortened text stands for."""
    before: tuple[float, ...] = ()
    """Where the earlier markers lie that it stands for as well."""

    def box(self, width: float) -> tuple[float, float]:
        half = len(self.text) * CHARACTER / 2
        return self.at * width - half, self.at * width + half


def time_labels(chart: Chart, width: float) -> list[Label]:
    """As many labels as fit `width` pixels, at the finest round step that allows it."""
    if not chart.buckets:
        return []
    since, until = chart.buckets[0], chart.buckets[-1] + chart.grain
    for step in _STEPS:
        if step < chart.grain or (until - since) / step > width / 20:
            continue
        labels = [label for label in _labels(since, until, step) if _inside(label, width)]
        if _apart(labels, width):
            return labels
    return []


def marker_labels(chart: Chart, width: float) -> list[Label]:
    """The chart's markers; those whose flags would touch are one, named by the last of them."""
    if not chart.buckets:
        return []
    since, length = chart.buckets[0], chart.grain * len(chart.buckets)
    shown = sorted((m for m in chart.markers if since <= m.at < since + length), key=lambda m: m.at)
    clusters = _clusters(shown, since, length, width)
    while True:
        labels = [_flag(cluster, since, length) for cluster in clusters]
        boxes = [flag_box(label, width) for label in labels]
        touching = (i for i in range(1, len(boxes)) if boxes[i - 1][1] + GAP > boxes[i][0])
        first = next(touching, None)
        if first is None:
            return labels
        clusters[first - 1 : first + 1] = [clusters[first - 1] + clusters[first]]


def _clusters(
    shown: Sequence[Marker], since: datetime, length: timedelta, width: float
) -> list[list[Marker]]:
    """Markers with room for a flag of their own, each with the earlier ones that have none.

    From the end on, so that a crowd is several flags and not a single one that names its last.
    """
    clusters: list[list[Marker]] = []
    limit = inf
    for marker in reversed(shown):
        if flag_box(_flag([marker] * _MANY, since, length), width)[1] + GAP <= limit:
            clusters.insert(0, [marker])
        else:
            clusters[0].insert(0, marker)
        limit = flag_box(_flag(clusters[0], since, length), width)[0]
    return clusters


def flag_box(label: Label, width: float) -> tuple[float, float]:
    """Where a marker's flag and text stand: right of its line, or left of it near the end."""
    at, length = label.at * width, FLAG + len(label.text) * CHARACTER
    return (at, at + length) if at + length <= width + RIGHT else (at - length, at)


def _labels(since: datetime, until: datetime, step: timedelta) -> list[Label]:
    moments = list(_round_moments(since, until, step))
    # A day is shown where it begins; a range without a midnight says it at its first label.
    midnight = any(at.hour == at.minute == 0 for at in moments)
    return [
        _label(at, (at - since) / (until - since), step, named=not midnight and index == 0)
        for index, at in enumerate(moments)
        if since <= at < until
    ]


def _round_moments(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    """Round times on the person's clock, on either side of a change to summer time."""
    zone = clocks.zone()
    begins, ends = (at.astimezone(zone).replace(tzinfo=None) for at in (since, until))
    wall = _EPOCH + -((_EPOCH - begins) // step) * step
    last = None
    while wall <= ends:
        at = wall.replace(tzinfo=zone).astimezone(UTC)
        if last is None or at > last:  # an hour that is left out is no second label
            yield at.astimezone(zone)
            last = at
        wall += step


def _label(at: datetime, share: float, step: timedelta, *, named: bool) -> Label:
    if step >= _DAY or at.hour == at.minute == 0:
        return Label(share, at.strftime("%-d %b"), day=step < _DAY)
    return Label(share, at.strftime("%-d %b %H:%M" if named else "%H:%M"), day=named)


def _inside(label: Label, width: float) -> bool:
    left, right = label.box(width)
    return left >= -LEFT and right <= width + RIGHT


def _apart(labels: Sequence[Label], width: float) -> bool:
    boxes = [label.box(width) for label in labels]
    return all(a[1] + GAP <= b[0] for a, b in pairwise(boxes))


def _flag(cluster: list[Marker], since: datetime, length: timedelta) -> Label:
    *before, last = ((marker.at - since) / length for marker in cluster)
    return Label(
        last,
        _names(cluster),
        tone="bad" if any(marker.tone == "bad" for marker in cluster) else "mute",
        url=cluster[-1].url,
        words="; ".join(_counted(marker.text for marker in cluster)),
        before=tuple(before),
    )


def _counted(texts: Iterable[str]) -> Iterator[str]:
    """Each text once, with how often it stands there if that is more than once."""
    for text, count in Counter(texts).items():
        yield text if count == 1 else f"{text} ×{count}"


def _names(cluster: list[Marker]) -> str:
    more = len(cluster) - 1
    text = cluster[-1].text
    name = text if len(text) <= LONGEST_FLAG else f"{text[: LONGEST_FLAG - 1].rstrip()}…"
    return name + (f" +{more}" if more else "")
