"""The series that a rule decides on: what its metric said in each window, on the rule's grid.

The grid is the multiples of the interval since 1970, in UTC. An evaluation at a moment `t` looks at
the window `[t - window, t)` in the time of the events. Live evaluation asks for one moment, preview
and back-test ask for all moments of a range: the metric answers both with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from console.alerting import baseline, composite
from console.alerting.condition import Evaluated
from console.alerting.definition import Definition
from console.alerting.questions import MOST_COUNTED, Memory, scope_of, scopes, series
from console.metrics.catalogue import CATALOGUE
from console.telemetry.metric import Metric, Reading
from console.telemetry.scope import Owned

MOST_EVALUATIONS = 20_000
"""So many evaluations of a series are made at most for one range."""
MOST_SERIES = 500
"""So many values of a breakdown are evaluated, the ones with most samples."""
Base = tuple[float | None, float | None]
"""The number that is compared with, and how far such numbers lie apart, if that is known."""
ABSENT = "\0"
"""A value that no dimension has."""


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
        raise UnknownMetric(f"Unknown metric {definition.metric}.")
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
        scope = scope_of(definition, project, moments[0] - definition.window, moments[-1])
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
    for ends, scope in scopes(definition, project, moments):
        for name, course in series(metric, definition, scope, memory).items():
            readings = by_value.setdefault(name, {})
            numbers = zip(ends, course.numbers, course.samples, strict=True)
            readings.update({end: Reading(number, samples) for end, number, samples in numbers})
    return by_value
