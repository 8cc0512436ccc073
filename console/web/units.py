"""The unit in which people read a time: milliseconds become seconds, minutes, hours and days."""

from __future__ import annotations

from dataclasses import dataclass

from console.web.filters import compact, duration

_MICROSECONDS = {"ms": 1e3, "s": 1e6, "min": 6e7}
"""How long the units are in which metrics count a time."""
_STEPS = (("d", 86_400e6, 3.0), ("h", 3_600e6, 2.0), ("min", 60e6, 2.0), ("s", 1e6, 10.0))
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
