"""The questions of rules to their metrics: what several rules want to know is asked once.

Rules of the same rows share a statement, whatever their metrics. So do rules that differ in the
value of one dimension, such as a thousand rules that watch an endpoint each: they are the parts of
a breakdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.exc import DBAPIError

from console.alerting.definition import Definition
from console.metrics.catalogue import CATALOGUE
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.measures import CannotAskError, Rows, Source
from console.telemetry.metric import Course, Metric, courses
from console.telemetry.question import buckets
from console.telemetry.scope import Owned, Scope

MOST_COUNTED = 2_000
"""Values of a breakdown that are counted, the ones with most rows."""
VALUES_TOGETHER = 500
"""So many values of a dimension are asked for in one statement."""
Memory = dict[tuple[Any, ...], Mapping[str, Course]]
"""Answers of a run of evaluations by their question: rules that ask the same share them."""


@dataclass(slots=True)
class _Family:
    """Questions of the same rows, but for the value that a dimension must have."""

    scope: Scope
    dimension: str | None
    """None for one question, which may have any filters and breakdown."""
    metrics: dict[str, Metric] = field(default_factory=dict)
    questions: dict[str, Definition] = field(default_factory=dict)
    """By value of the dimension, a rule that asks."""


def scopes(
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
        yield ends, scope_of(definition, project, ends[0] - definition.window, ends[-1])


def scope_of(definition: Definition, project: Owned, since: datetime, until: datetime) -> Scope:
    """What a rule looks at in its project between two moments."""
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=since,
        until=until,
        environment=definition.environment,
        release=definition.release,
    )


def series(
    metric: Metric, definition: Definition, scope: Scope, memory: Memory
) -> Mapping[str, Course]:
    """The metric's number in each window of a scope, by value of the rule's breakdown."""
    key = _key(metric, definition, scope)
    if key not in memory:
        seconds, by, where = definition.window_seconds, definition.by, definition.where
        answer = metric.series(scope, seconds, by, where=where, limit=MOST_COUNTED)
        memory[key] = answer.by_value
    return memory[key]


def prepare(asks: Iterable[tuple[Definition, Owned, Sequence[datetime]]], memory: Memory) -> None:
    """Ask once for what several rules want to know, into the memory that `series` looks into.

    A question that fails here is asked again by each of its rules, which then say why.
    """
    families: dict[tuple[Any, ...], _Family] = {}
    for definition, project, moments in asks:
        metric = CATALOGUE.get(definition.metric)
        if metric is None or definition.parameters or metric.parameters:
            continue
        source = metric.measured.source
        dimension, value = _one_value(definition, source)
        apart = () if dimension else _filters(definition)
        for _, scope in scopes(definition, project, moments):
            same = id(source), scope, definition.window_seconds, dimension, apart
            family = families.setdefault(same, _Family(scope, dimension))
            family.metrics[metric.id] = metric
            family.questions[value] = definition
    for family in families.values():
        if len(family.metrics) > 1 or len(family.questions) > 1:
            _ask_together(family, memory)


def _one_value(definition: Definition, source: Source) -> tuple[str | None, str]:
    """The dimension and the value, where a rule asks for the rows of one value and no more.

    A text compares with the value as it stands; and rows that a source counts in its own way may
    not add up by value.
    """
    if definition.by is not None or len(definition.where) != 1:
        return None, ""
    ((dimension, values),) = definition.where.items()
    is_plain = type(source).answer is Rows.answer and dimension in source.dimensions
    if len(values) != 1 or not is_plain:
        return None, ""
    is_text = isinstance(source.dimensions[dimension].type, String)
    return (dimension, values[0]) if is_text else (None, "")


def _ask_together(family: _Family, memory: Memory) -> None:
    metrics, names = list(family.metrics.values()), sorted(family.questions)
    try:
        for first in range(0, len(names), VALUES_TOGETHER):
            _ask(family, metrics, names[first : first + VALUES_TOGETHER], memory)
    except (CannotAskError, TelemetryUnavailable, DBAPIError):
        return


def _ask(family: _Family, metrics: Sequence[Metric], names: Sequence[str], memory: Memory) -> None:
    question, scope = family.questions[names[0]], family.scope
    by, where, limit = question.by, dict(question.where), MOST_COUNTED
    if family.dimension is not None and len(names) > 1:
        by, where, limit = family.dimension, {family.dimension: names}, len(names)
    answers = courses(metrics, scope, question.window_seconds, by, where=where, limit=limit)
    count = len(buckets(scope, question.window_seconds))
    for metric in metrics:
        by_value = answers[metric.id].by_value
        for name in names:
            definition = family.questions[name]
            own = by_value
            if by != definition.by:
                own = {"": by_value.get(name) or metric.course([], count)}
            memory[_key(metric, definition, scope)] = own


def _filters(definition: Definition) -> tuple[Any, ...]:
    where = sorted((name, tuple(values)) for name, values in definition.where.items())
    return definition.by, tuple(where)


def _key(metric: Metric, definition: Definition, scope: Scope) -> tuple[Any, ...]:
    """All that a question says."""
    given = tuple(sorted(metric.given.items()))
    return metric.id, given, scope, definition.window_seconds, *_filters(definition)
