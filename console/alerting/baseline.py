"""What is usual for a metric at a time of the week: the median of earlier weeks, and its spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from console.telemetry.metric import Metric
from console.telemetry.scope import Scope

WEEK = timedelta(days=7)
WEEKS = 4
AROUND = timedelta(minutes=30)
"""Windows that lie so close to the same time of an earlier week count as the same hour."""
LEAST_POINTS = 8
NORMAL = 1.4826
"""The standard deviation of a normal distribution in median absolute deviations."""
LEAST_SPREAD = 0.05
"""The share of the median that the spread is at least: what never varied may vary by that."""


@dataclass(frozen=True, slots=True)
class Usual:
    """The median of the earlier windows, and how far they lie from it: a deviation of 1."""

    median: float
    spread: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The question of a rule, as far as its baseline repeats it for earlier weeks."""

    scope: Scope
    """From the beginning of the first window to the end of the last one."""
    window_seconds: int
    by: str | None
    where: Mapping[str, Sequence[str]]
    limit: int


def usual(
    metric: Metric, asked: Asked, moments: Sequence[datetime]
) -> dict[str, dict[datetime, Usual]]:
    """What is usual at moments, by value of the breakdown; one question for each earlier week.

    A moment is left out where earlier weeks have fewer than LEAST_POINTS windows with a number.
    The windows begin at multiples of their length since 1970, so that every range finds the same.
    """
    points: dict[str, dict[int, list[float]]] = {}
    for weeks in range(1, WEEKS + 1):
        for value, numbers in _week(metric, asked, weeks).items():
            own = points.setdefault(value, {})
            for window, number in numbers.items():
                own.setdefault(window, []).append(number)
    return {value: _at(numbers, asked, moments) for value, numbers in points.items()}


def _week(metric: Metric, asked: Asked, weeks: int) -> dict[str, dict[int, float]]:
    """The numbers of a week's windows, by the number of the window `weeks` weeks later."""
    seconds, shift = asked.window_seconds, WEEK * weeks
    first = int((asked.scope.since - AROUND).timestamp()) // seconds
    last = -(-int((asked.scope.until + AROUND).timestamp()) // seconds)
    since = datetime.fromtimestamp(first * seconds, UTC) - shift
    until = datetime.fromtimestamp(last * seconds, UTC) - shift
    answer = metric.series(
        asked.scope.between(since, until), seconds, asked.by, where=asked.where, limit=asked.limit
    )
    return {
        value: {
            first + place: number
            for place, (number, samples) in enumerate(
                zip(course.numbers, course.samples, strict=True)
            )
            if number is not None and samples >= metric.least
        }
        for value, course in answer.by_value.items()
    }


def _at(
    numbers: Mapping[int, Sequence[float]], asked: Asked, moments: Sequence[datetime]
) -> dict[datetime, Usual]:
    """What is usual at each moment; moments of the same window share it."""
    seconds = asked.window_seconds
    around = max(1, int(AROUND.total_seconds()) // seconds)
    by_window: dict[int, Usual | None] = {}
    result = {}
    for at in moments:
        window = (int(at.timestamp()) - 1) // seconds
        if window not in by_window:
            near = range(window - around, window + around + 1)
            by_window[window] = _usual([n for place in near for n in numbers.get(place, ())])
        usual = by_window[window]
        if usual is not None:
            result[at] = usual
    return result


def _usual(numbers: Sequence[float]) -> Usual | None:
    if len(numbers) < LEAST_POINTS:
        return None
    middle = median(numbers)
    spread = median(abs(number - middle) for number in numbers) * NORMAL
    return Usual(middle, max(spread, abs(middle) * LEAST_SPREAD)) if middle or spread else None
