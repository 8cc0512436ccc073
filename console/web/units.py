"""The unit in which people read a time: milliseconds become seconds, minutes, hours and days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from console.web.filters import compact, duration

_MICROSECONDS = {"ms": 1e3, "s": 1e6, "min": 6e7}
"""How long the units are in which metrics count a time."""
_STEPS = (("d", 86_400e6, 3.0), ("h", 3_600e6, 2.0), ("min", 60e6, 2.0), ("s", 1e6, 2.0))
"""Larger units with their length, and how many of them a time has before it is written so."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What the numbers of an axis are written in: `size` of the chart's own unit are one of it."""

    name: str
    size: float = 1.0

    def text(self, value: float) -> str:
        """A number of the chart as a label; it names the unit where that is not the chart's own."""
        number = value / self.size
        short = compact(int(number) if float(number).is_integer() else number)
        return short if self.size == 1 or not value else f"{short} {self.name}"


def fitting(unit: str, most: float) -> Unit:
    """The unit for an axis whose largest number is `most` of `unit`."""
    length = _MICROSECONDS.get(unit)
    if length is None:
        return Unit(unit)
    for name, size, count in _STEPS:
        if size > length and abs(most) * length >= size * count:
            return Unit(name, size / length)
    return Unit(unit)


def amount(value: float, unit: str) -> str:
    """A number with its unit, in words for a sentence: "320 ms", "2 h 5 min", "12 requests"."""
    if fitting(unit, value).size != 1:
        return duration(value * _MICROSECONDS[unit])
    return f"{compact(int(value) if float(value).is_integer() else value)} {unit}".strip()


_MANTISSAS = ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
"""The round numbers of a decade that an axis labels, from many to few."""


def log_ticks(
    low: float, high: float, place: Callable[[float], float], gap: float
) -> Sequence[float]:
    """Round numbers between two others, for a log axis: as many as stand `gap` apart.

    `place` gives the share of the axis at which a number stands. Where no round number lies
    between the two, they are the ticks themselves.
    """
    decades = range(floor(log10(low)), ceil(log10(high)) + 1) if low > 0 else range(12)
    ticks: list[float] = []
    for mantissas in _MANTISSAS:
        round_numbers = (m * 10.0**power for power in decades for m in mantissas)
        ticks = [number for number in round_numbers if low <= number <= high]
        if all(place(later) - place(earlier) >= gap for earlier, later in pairwise(ticks)):
            return ticks or [low, high]
    apart: list[float] = []
    for tick in ticks:
        if not apart or place(tick) - place(apart[-1]) >= gap:
            apart.append(tick)
    return apart


def even_ticks(low: int, high: int, most: int = 6) -> Sequence[int]:
    """Multiples of 1, 2 or 5 times a power of ten from `low` to `high`: at most `most` steps."""
    power = 1
    while True:
        for mantissa in (1, 2, 5):
            step = mantissa * power
            if (high - low) <= step * most:
                return range(-(-low // step) * step, high + 1, step)
        power *= 10
