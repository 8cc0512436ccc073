"""The series that a rule decides on: what its metric said in each window, on the rule's grid.

The grid is the multiples of the interval since 1970, in UTC. An evaluation at a moment `t` looks at
the window `[t - window, t)` in the time of the events. Live evaluation asks for one moment, preview
and back-test ask for all moments of a range: the metric answers both with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from console.alerting import baseline
from console.alerting.condition import Evaluated
from console.alerting.definition import Definition
from console.metrics.catalogue import CATALOGUE
from console.telemetry.metric import Course, Metric, Parts, Reading
from console.telemetry.scope import Owned, Scope

MOST_EVALUATIONS = 20_000
"""So many evaluations of a series are made at most for one range."""
MOST_SERIES = 50
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
    moments = list(grid(definition, since, until))
    if len(moments) > MOST_EVALUATIONS:
        raise RangeTooLong(
            f"{len(moments):,} evaluations: at most {MOST_EVALUATIONS:,} in one range. "
            "Choose a shorter range or a longer interval."
        )
    return at(definition, project, moments)


def at(definition: Definition, project: Owned, moments: Sequence[datetime]) -> Signal:
    """What the metric said at moments of evaluation that follow each other; raises as `over`."""
    metric = metric_of(definition)
    now = _readings(metric, definition, project, moments)
    bases = _bases(metric, definition, project, moments)
    nothing = metric.reading([])

    def evaluations(value: str) -> list[Evaluated]:
        readings, own = now.get(value, {}), bases.get(value, {})
        return [_evaluated(readings.get(at, nothing), at, own.get(at)) for at in moments]

    return Signal({value: evaluations(value) for value in now}, evaluations(ABSENT))


def _evaluated(reading: Reading, at: datetime, base: Base | None) -> Evaluated:
    number, spread = base or (None, None)
    return Evaluated(at.timestamp(), reading.number, reading.samples, number, spread)


def _bases(
    metric: Metric, definition: Definition, project: Owned, moments: Sequence[datetime]
) -> Mapping[str, Mapping[datetime, Base]]:
    """What the number is compared with at each moment, by value of the breakdown."""
    if definition.condition.compare == "deviation":
        scope = _scope(definition, project, moments[0] - definition.window, moments[-1])
        asked = baseline.Asked(
            scope, definition.window_seconds, definition.by, definition.where, MOST_SERIES
        )
        usual = baseline.usual(metric, asked, moments)
        return {
            value: {at: (level.median, level.spread) for at, level in own.items()}
            for value, own in usual.items()
        }
    shift = definition.shift
    if shift is None:
        return {}
    then = _readings(metric, definition, project, [at - shift for at in moments])
    return {
        value: {at + shift: (reading.number, None) for at, reading in own.items()}
        for value, own in then.items()
    }


def _readings(
    metric: Metric, definition: Definition, project: Owned, moments: Sequence[datetime]
) -> dict[str, dict[datetime, Reading]]:
    """The reading at every moment by value of the breakdown.

    Windows that overlap cannot be buckets of one question: percentiles do not add up. So there is
    one question for the windows that begin at multiples of the window's length, one for those that
    begin an interval later, and so on: as many as a window has intervals.
    """
    by_value: dict[str, dict[datetime, Reading]] = {}
    phases = max(1, definition.window_seconds // int(definition.condition.interval_seconds))
    for phase in range(min(phases, len(moments))):
        ends = moments[phase::phases]
        scope = _scope(definition, project, ends[0] - definition.window, ends[-1])
        for name, course in _series(metric, definition, scope).items():
            readings = by_value.setdefault(name, {})
            numbers = zip(ends, course.numbers, course.samples, strict=True)
            readings.update({end: Reading(number, samples) for end, number, samples in numbers})
    return by_value


def _scope(definition: Definition, project: Owned, since: datetime, until: datetime) -> Scope:
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=since,
        until=until,
        environment=definition.environment,
        release=definition.release,
    )


def _series(metric: Metric, definition: Definition, scope: Scope) -> Mapping[str, Course]:
    seconds = definition.window_seconds
    answer: Parts[Course] = metric.series(
        scope, seconds, definition.by, where=definition.where, limit=MOST_SERIES
    )
    return answer.by_value
