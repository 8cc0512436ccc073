"""How numbers, times and ids are written for people; the exact value is in the tooltip."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import floor, log10

from flask import Flask
from markupsafe import Markup

from console.core import clock
from console.web import clocks

_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_BYTES = ("B", "KB", "MB", "GB", "TB", "PB")
_SPANS = ((86_400 * 365, "y"), (86_400 * 30, "mo"), (86_400, "d"), (3_600, "h"), (60, "min"))
_TILDE = 10_000
_AGES = 1e21  # microseconds; a longer time is no time, and infinity is no whole number of seconds
GAP = "–"
_NOTHING = Markup("–")


def init_app(app: Flask) -> None:
    """Offer the filters to templates."""
    named = (number, percent, duration, ago, moment, stamp, size, middle, plural, compact, initials)
    app.jinja_env.filters.update(highest=highest, measured=measured)
    app.jinja_env.filters.update({function.__name__: function for function in named})


def compact(value: float | None) -> str:
    """At most three significant digits, thousands separated, k and M from 10,000; plain text."""
    if value is None:
        return GAP
    if abs(value) < _TILDE:
        return f"{value:,}" if isinstance(value, int) else _three(value)
    factor, suffix = next((f, s) for f, s in _STEPS if abs(value) >= f)
    shown = _three(value / factor)
    if shown.lstrip("-") == "1,000":  # 999,600 is 1M, not 1,000k
        larger = next(((f, s) for f, s in reversed(_STEPS) if f > factor), (factor, suffix))
        shown, suffix = _three(value / larger[0]), larger[1]
    return shown + suffix


def number(value: float | None, unit: str = "") -> Markup:
    """`compact` with its unit; the exact figure is in the tooltip where it was shortened."""
    short = compact(value)
    text = f"{short} {unit}" if unit else short
    exact = GAP if value is None else f"{value:,}"
    if short == exact:
        return Markup("{}").format(text)
    return Markup('<span title="{}">{}</span>').format(f"{exact} {unit}".strip(), text)


def measured(value: float | None, how: str) -> str | Markup:
    """A metric's number in its format: number, share, milliseconds or score."""
    if value is None:
        return GAP
    if how == "milliseconds":
        return duration(value * 1000)
    if how == "score":
        return f"{value:.3f}".rstrip("0").rstrip(".") or "0"
    if how == "share":
        return percent(value)
    return number(round(value) if value >= 100 or value == int(value) else value)


def as_text(value: float | None, how: str, unit: str = "") -> str:
    """The same in plain text, for sentences and labels, with its unit if the format says none."""
    text = compact(value) if how == "number" else str(measured(value, how))
    return f"{text} {unit}".strip() if unit and value is not None and how == "number" else text


NEARLY_ALL = 0.9949
"""A greater share is shown with two more digits: 99.96 % of sessions is not all of them."""


def percent(fraction: float | None) -> str:
    """A share between 0 and 1 as a percentage; only what is nothing is 0%, only all is 100%."""
    if fraction is None:
        return GAP
    if NEARLY_ALL < fraction < 1:
        return f"{floor(fraction * 10_000) / 100:.2f}%"
    if 0 < fraction < 0.01:  # what is so small needs no third digit
        return "<0.01%" if fraction < 0.0001 else f"{round(fraction * 100, 2):g}%"
    return f"{_three(fraction * 100)}%"


def duration(microseconds: float | timedelta | None) -> str:
    """A length of time in its natural unit: 340 µs, 12.3 ms, 1.20 s, 2 min 5 s, 3 h 4 min."""
    if microseconds is None:
        return GAP
    if isinstance(microseconds, timedelta):
        microseconds = microseconds / timedelta(microseconds=1)
    for factor, unit in ((1e3, "µs"), (1e6, "ms"), (6e7, "s")):
        if abs(microseconds) < factor * 0.9995:
            return f"{_three(microseconds / (factor / (60 if unit == 's' else 1e3)))} {unit}"
    if abs(microseconds) >= _AGES:
        return f"{microseconds / 1e6:.3g} s"
    seconds = round(abs(microseconds) / 1e6)
    sign = "-" if microseconds < 0 else ""
    return sign + _two_units(seconds)


def ago(value: datetime | None) -> Markup:
    """How long ago, with the absolute time and its zone on hover."""
    if value is None:
        return _NOTHING
    seconds = (clock.now() - value).total_seconds()
    return _time(value, _relative(seconds))


def moment(value: datetime | None) -> Markup:
    """The absolute time to the second, in the person's zone, whose name is shown on hover."""
    if value is None:
        return _NOTHING
    return _time(value, clocks.local(value).strftime("%Y-%m-%d %H:%M:%S"))


def stamp(value: datetime | None) -> Markup:
    """The time of day to the second, with the day before it unless that is today's."""
    if value is None:
        return _NOTHING
    at, today = clocks.local(value), clocks.local(clock.now())
    day = "" if at.date() == today.date() else "%-d %b " if at.year == today.year else "%-d %b %Y "
    return _time(value, at.strftime(f"{day}%H:%M:%S"))


def size(count: float | None) -> str:
    """A number of bytes in steps of 1,024."""
    if count is None:
        return GAP
    step = 0
    while abs(count) >= 999.5 and step < len(_BYTES) - 1:
        count, step = count / 1024, step + 1
    return f"{_three(count)} {_BYTES[step]}"


def highest(values: Iterable[float | None]) -> float | None:
    """The largest of a series, which may have gaps; None where it has nothing else."""
    return max((value for value in values if value is not None), default=None)


def middle(value: str, keep: int = 6) -> str:
    """A long id with its middle left out."""
    return value if len(value) <= 2 * keep + 1 else f"{value[:keep]}…{value[-keep:]}"


def plural(count: int, noun: str, many: str = "") -> str:
    """The count with its noun: 1 event, 12.3k events."""
    return f"{compact(count)} {noun if count == 1 else many or noun + 's'}"


def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = name.replace(".", " ").replace("_", " ").partition("@")[0].split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


def _three(value: float) -> str:
    """Three significant digits without a trailing zero tail: 1.2, 12.3, 123, 1,234."""
    if value == 0:
        return "0"
    digits = max(0, 2 - floor(log10(abs(value))))
    text = f"{value:,.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _two_units(seconds: int) -> str:
    for length, unit, smaller, name in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= length:
            rest = seconds % length // smaller
            return f"{seconds // length:,} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{seconds} s"


def _relative(seconds: float) -> str:
    """A time ago or ahead; the past is rounded down, the future to the nearest unit."""
    distance = abs(seconds)
    for length, unit in _SPANS:
        if distance >= length:
            count = int(distance // length) if seconds > 0 else round(distance / length)
            return f"{count} {unit} ago" if seconds > 0 else f"in {count} {unit}"
    if seconds < -10:
        return f"in {round(distance)} s"
    return "just now" if seconds < 10 else f"{int(seconds)} s ago"


def _time(value: datetime, text: str) -> Markup:
    exact = clocks.zoned(value, "%a %-d %b %Y, %H:%M:%S")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.astimezone(UTC).isoformat(), exact, text
    )
