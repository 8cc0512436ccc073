"""The series that a rule decides on: what its metric said in each window, on the rule's grid.

The grid is the multiples of the interval since 1970, in UTC. An evaluation at a moment `t` looks at
the window `[t - window, t)` in the time of the events. Live evaluation asks for one moment, preview
and back-test ask for all moments of a range: the metric answers both with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy.exc import DBAPIError

from console.alerting import baseline, composite
from console.alerting.condition import Evaluated
from console.alerting.definition import Definition
from console.metrics.catalogue import CATALOGUE
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.measures import CannotAskError
from console.telemetry.metric import Course, Metric, Reading, courses
from console.telemetry.scope import Owned, Scope

MOST_EVALUATIONS = 20_000
"""So many evaluations of a series are made at most for one range."""
MOST_SERIES = 500
"""So many values of a breakdown are evaluated, the ones with most samples."""
MOST_COUNTED = 2_000
Base = tuple[float | None, float | None]
"""The number that is compared with, and how far such numbers lie apart, if that is known."""
ABSENT = "\0"
"""A value that no dimension has."""


Memory = dict[tuple[Any, ...], Mapping[str, Course]]
"""Answers of a run of evaluations by their question: rules that ask the same share them."""


@dataclass(frozen=True, slots=True)
class ProjectIds:
    """A project, for questions, where its row was not read."""

    organization_id: int
    id: int


class UnknownMetric(LookupError):
    """A rule names a metric that the catalogue does not have, or no longer has."""


class RangeTooLong(ValueError):
    """A range has more evaluations than a back-test makes."""


@dataclass(frozen=True, slots=True)
class Signal:
    """The evaluations of each series by its value of the breakdown, "" without a breakdown."""

    by_value: Mapping[str, Sequence[Evaluated]]
    absent: Sequence[Evaluated]
    """The evaluations of a series that has no rows."""


def metric_of(definition: Definition) -> Metric:
    """The metric of a rule with its parameters; raises UnknownMetric."""
    metric = CATALOGUE.get(definition.metric)
    if metric is None:
        raise UnknownMetric(f"There is no metric {definition.metric}.")
    return metric.given_that(**definition.parameters)


def grid(definition: Definition, since: datetime, until: datetime) -> Iterator[datetime]:
    """The moments of evaluation after `since`, up to `until`."""
    step = int(definition.condition.interval_seconds)
    first = int(since.timestamp()) // step * step + step
    last = until.timestamp()
    while first <= last:
        yield datetime.fromtimestamp(first, UTC)
        first += step


def latest_moment(definition: Definition, until: datetime) -> datetime:
    """The last moment of evaluation up to `until`."""
    step = int(definition.condition.interval_seconds)
    return datetime.fromtimestamp(int(until.timestamp()) // step * step, UTC)


def over(definition: Definition, project: Owned, since: datetime, until: datetime) -> Signal:
    """What the metric said at every moment of evaluation after `since`, up to `until`.

    Raises RangeTooLong for more than MOST_EVALUATIONS of them, UnknownMetric and CannotAskError
    for a rule that nothing can answer.
    """
    count = int((until - since).total_seconds() / definition.condition.interval_seconds)
    if count > MOST_EVALUATIONS:
        raise RangeTooLong(
            f"{count:,} evaluations: at most {MOST_EVALUATIONS:,} in one range. "
            "Choose a shorter range or a longer interval."
        )
    asked = at(definition, project, list(grid(definition, since, until)))
    largest = dict(islice(asked.by_value.items(), MOST_SERIES))
    return Signal(largest, asked.absent)


def at(
    definition: Definition,
    project: Owned,
    moments: Sequence[datetime],
    memory: Memory | None = None,
) -> Signal:
    """What the metric said at moments of evaluation that follow each other; raises as `over`."""
    if definition.members:
        evaluations = composite.at(definition, moments)
        return Signal({"": evaluations}, evaluations)
    metric, memory = metric_of(definition), {} if memory is None else memory
    now = _readings(metric, definition, project, moments, memory)
    bases = _bases(metric, definition, project, moments, memory)
    nothing = metric.reading([])

    def evaluations_of(value: str) -> list[Evaluated]:
        readings, own = now.get(value, {}), bases.get(value, {})
        return [_evaluated(readings.get(at, nothing), at, own.get(at)) for at in moments]

    return Signal({value: evaluations_of(value) for value in now}, evaluations_of(ABSENT))


def prepare(asks: Iterable[tuple[Definition, Owned, Sequence[datetime]]], memory: Memory) -> None:
    """Ask once for what several rules want to know of the same rows.

    A question that fails here is asked again by each of its rules, which then say why.
    """
    metrics: dict[tuple[Any, ...], dict[str, Metric]] = {}
    scopes: dict[tuple[Any, ...], tuple[Definition, Scope]] = {}
    for definition, project, moments in asks:
        metric = CATALOGUE.get(definition.metric)
        if metric is None or definition.parameters or metric.parameters:
            continue
        for _, scope in _scopes(definition, project, moments):
            rows = (id(metric.measured.source), *_asked(definition, scope))
            metrics.setdefault(rows, {})[metric.id] = metric
            scopes[rows] = definition, scope
    for rows, own in metrics.items():
        if len(own) > 1:
            _ask_together(list(own.values()), *scopes[rows], memory)


def _ask_together(
    metrics: Sequence[Metric], definition: Definition, scope: Scope, memory: Memory
) -> None:
    seconds, by, where = definition.window_seconds, definition.by, definition.where
    try:
        answers = courses(metrics, scope, seconds, by, where=where, limit=MOST_COUNTED)
    except (CannotAskError, TelemetryUnavailable, DBAPIError):
        return
    for metric in metrics:
        memory[_key(metric, definition, scope)] = answers[metric.id].by_value


def _evaluated(reading: Reading, at: datetime, base: Base | None) -> Evaluated:
    number, spread = base or (None, None)
    return Evaluated(at.timestamp(), reading.number, reading.samples, number, spread)


def _bases(
    metric: Metric,
    definition: Definition,
    project: Owned,
    moments: Sequence[datetime],
    memory: Memory,
) -> Mapping[str, Mapping[datetime, Base]]:
    """What the number is compared with at each moment, by value of the breakdown."""
    if definition.condition.compare == "deviation":
        scope = _scope(definition, project, moments[0] - definition.window, moments[-1])
        asked = baseline.Asked(
            scope, definition.window_seconds, definition.by, definition.where, MOST_COUNTED
        )
        usual = baseline.usual(metric, asked, moments)
        return {
            value: {at: (level.median, level.spread) for at, level in own.items()}
            for value, own in usual.items()
        }
    shift = definition.shift
    if shift is None:
        return {}
    earlier = [at - shift for at in moments]
    then = _readings(metric, definition, project, earlier, memory)
    return {
        value: {at + shift: (reading.number, None) for at, reading in own.items()}
        for value, own in then.items()
    }


def _readings(
    metric: Metric,
    definition: Definition,
    project: Owned,
    moments: Sequence[datetime],
    memory: Memory,
) -> dict[str, dict[datetime, Reading]]:
    """The reading at every moment by value of the breakdown."""
    by_value: dict[str, dict[datetime, Reading]] = {}
    for ends, scope in _scopes(definition, project, moments):
        for name, course in _series(metric, definition, scope, memory).items():
            readings = by_value.setdefault(name, {})
            numbers = zip(ends, course.numbers, course.samples, strict=True)
            readings.update({end: Reading(number, samples) for end, number, samples in numbers})
    return by_value


def _scopes(
    definition: Definition, project: Owned, moments: Sequence[datetime]
) -> Iterator[tuple[Sequence[datetime], Scope]]:
    """The scopes that are asked for moments of evaluation, each with the ends of its buckets.

    Windows that overlap cannot be buckets of one question: percentiles do not add up. So there is
    one question for the windows that begin at multiples of the window's length, one for those that
    begin an interval later, and so on: as many as a window has intervals.
    """
    phases = max(1, definition.window_seconds // int(definition.condition.interval_seconds))
    for phase in range(min(phases, len(moments))):
        ends = moments[phase::phases]
        yield ends, _scope(definition, project, ends[0] - definition.window, ends[-1])


def _scope(definition: Definition, project: Owned, since: datetime, until: datetime) -> Scope:
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=since,
        until=until,
        environment=definition.environment,
        release=definition.release,
    )


def _asked(definition: Definition, scope: Scope) -> tuple[Any, ...]:
    """All that a question says beside its metric."""
    where = sorted((name, tuple(values)) for name, values in definition.where.items())
    return (scope, definition.window_seconds, definition.by, tuple(where))


def _key(metric: Metric, definition: Definition, scope: Scope) -> tuple[Any, ...]:
    return (metric.id, tuple(sorted(metric.given.items())), *_asked(definition, scope))


def _series(
    metric: Metric, definition: Definition, scope: Scope, memory: Memory
) -> Mapping[str, Course]:
    key = _key(metric, definition, scope)
    if key not in memory:
        seconds, by, where = definition.window_seconds, definition.by, definition.where
        answer = metric.series(scope, seconds, by, where=where, limit=MOST_COUNTED)
        memory[key] = answer.by_value
    return memory[key]
