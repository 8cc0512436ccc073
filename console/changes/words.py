"""What is said of a change: what its subject did, by how much, since when and with what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from math import isinf

from console.changes.cause import RELEASE, Cause
from console.changes.judged import ChangeState, Ending, moved
from console.changes.models import Change
from console.changes.rules import Base
from console.core import clock
from console.telemetry.metric import Metric
from console.web import clocks
from console.web.filters import compact, measured, percent

MANY_TIMES = 9.0
"""A number that grew tenfold or more is said to be "12 times" what it was."""
ENDINGS = {
    Ending.BACK: "It is back where it was.",
    Ending.LASTS: "It has stayed there for two weeks, and counts as normal now.",
    Ending.GONE: "Nothing was seen of it for a week.",
}
FORMER = {Base.DAYS: "the week before", Base.WEEKDAYS: "the same weekday before"}


def effect(change: Change) -> str:
    """What the subject did: "got slower", "got faster after it got slower"."""
    verb = change.rule.verb(change.way)
    if change.state is ChangeState.WORSE:
        return f"{verb} again"
    if change.state is ChangeState.TURNED:
        return f"{verb} after it {change.rule.verb(-change.way)}"
    return verb


def written(metric: Metric, number: float) -> str:
    """A number as text with its unit, in the metric's format."""
    if metric.format == "number":
        return compact(round(number) if number >= 100 or number.is_integer() else number)
    return str(measured(number, metric.format))


def comparison(change: Change) -> str:
    """How far it is from the days before: "64% above the week before"."""
    former, rule = FORMER[change.rule.base], change.rule
    number = reached(change)
    side = "above" if number >= change.before else "below"
    if rule.metric.format == "share":
        points = compact(abs(number - change.before) * 100)
        return f"{points} {'point' if points == '1' else 'points'} {side} {former}"
    relative = rule.relative(change.before, number)
    if isinf(relative):
        nothing = rule.metric.empty == "zero"
        return f"none in {former}" if nothing else f"up from {written(rule.metric, 0.0)}"
    if side == "above" and relative >= MANY_TIMES:
        return f"{compact(round(relative + 1))} times {former}"
    return f"{percent(relative)} {side} {former}"


def since(change: Change) -> str:
    """Since when, and with what: "since release 2.4.0 on Tuesday"."""
    cause = Cause.of(change.cause)
    if cause.dimension == RELEASE and cause.at is not None:
        local, today = (clocks.local(at).date() for at in (cause.at, clock.now()))
        return f"since release {cause.value} {on(local, today)}"
    begun = f"since {named(change.moved_on)}"
    return f"{begun}, {share(cause)}" if cause.dimension else begun


def share(cause: Cause) -> str:
    """Whose share of the number moved: "where server web-3 went from 20% to 45% of it"."""
    name = cause.dimension.replace("_", " ")
    before, now = percent(cause.before), percent(cause.now)
    return f"where {name} {cause.value} went from {before} to {now} of it"


def on(day: date, today: date) -> str:
    """A day as a sentence goes on with it: "on Tuesday", "today"."""
    name = named(day, today)
    return name if name in ("today", "yesterday") else f"on {name}"


def named(day: date, today: date | None = None) -> str:
    """A day of the last week by its name, another by its date; of UTC unless `today` is given."""
    today = today or clock.now().astimezone(UTC).date()
    if day == today:
        return "today"
    if day == today - timedelta(days=1):
        return "yesterday"
    return f"{day:%A}" if timedelta(0) < today - day < timedelta(days=7) else f"{day:%-d %b %Y}"


def reached(change: Change) -> float:
    """The number that it went to: the last one, or the farthest where it has come back."""
    return change.peak if is_back(change) else change.after


def is_back(change: Change) -> bool:
    """Whether the last number is where it was before, for good or for some days."""
    return moved(change.rule, change.before, change.after) != change.way


def delta(change: Change) -> float | None:
    """The difference in per cent, of a share in points; None from nothing."""
    difference = reached(change) - change.before
    if change.metric.format == "share":
        return round(difference * 100, 2)
    return round(difference / change.before * 100, 1) if change.before else None


def bars(change: Change, tone: str) -> Sequence[tuple[str, Sequence[float | None]]]:
    """The days before, pale, and the days of the change, as a sparkline takes them."""
    former = change.course["former"]
    own = [number for _, number, *_ in change.course["days"]]
    return [
        ("mute", [*former, *[None] * len(own)]),
        (tone, [*[None] * len(former), *own]),
    ]


def top(change: Change) -> float:
    """The highest number of its bars."""
    own = [number for _, number, *_ in change.course["days"] if number is not None]
    highest: float = max([*change.course["former"], *own])
    return highest


def line(change: Change) -> str:
    """The change in one sentence, without its project."""
    number = f"{change.rule.noun} {written(change.metric, reached(change))}"
    back = f"; it is back at {written(change.metric, change.after)}" if is_back(change) else ""
    return f"{change.name} {effect(change)}: {number}, {comparison(change)}, {since(change)}{back}."
