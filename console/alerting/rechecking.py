"""Which windows late data may have changed, and what their metrics say now.

Some data is late in every minute, of phones for one, and every rule of the project must look again.
So the rules share their questions, and a rule that hears what it heard before costs nothing more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from console.alerting import completeness, composite, signal
from console.alerting.completeness import Completeness
from console.alerting.condition import Condition, Evaluated, Verdict
from console.alerting.definition import Definition
from console.alerting.evaluation import FAILURES, RULE_SECONDS, marked
from console.alerting.models import LONGEST_VALUE, Evaluation, Rule, SkippedTime
from console.alerting.questions import Memory, prepare
from console.alerting.revision import Recheck
from console.core import patience
from console.core.database_errors import concerns_all
from console.core.db import db
from console.telemetry import late
from console.telemetry.late import Late
from console.telemetry.scope import Scope

AFTER = timedelta(minutes=5)
LONGEST = timedelta(days=1)
"""Windows that were decided longer ago are taken as they are."""
TOGETHER = 500
"""So many rules are looked at with one statement."""

_Row = tuple[int, str, datetime, datetime, float | None, Verdict, float | None, Verdict | None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """What looking for late data came to."""

    changed: list[Recheck] = field(default_factory=list)
    same: list[Recheck] = field(default_factory=list)
    """Windows that say what they said."""
    composites: list[int] = field(default_factory=list)
    """The composite rules, each after those it is made of: what changed decides about them."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """The windows of a rule since the last look that are old enough, as they were decided."""

    moments: Mapping[datetime, datetime]
    """When each of them was decided."""
    judgements: Mapping[tuple[str, datetime], tuple[Verdict, float | None]]
    """Of each value of the breakdown and moment: what it came to, by late data before as well."""


def look(organization_id: int, now: datetime) -> Looked:
    """Look at the windows of the Session's organization that were decided AFTER ago; reads only."""
    rules = db.session.scalars(select(Rule).where(Rule.enabled)).all()
    looked = Looked(composites=[rule.id for rule in composite.inner_first(rules)])
    by_project: dict[int, list[Rule]] = {}
    for rule in rules:
        if not rule.document.get("members"):
            by_project.setdefault(rule.project_id, []).append(rule)
    for project_id, own in by_project.items():
        project = signal.ProjectIds(organization_id, project_id)
        state = completeness.of(project, now)
        due = [rule for rule in own if rule.settled_until < _horizon(state)]
        minutes = _late_minutes(project, due, state)
        for first in range(0, len(due) if minutes else 0, TOGETHER):
            _look(project, due[first : first + TOGETHER], minutes, state, looked)
    return looked


def _horizon(state: Completeness) -> datetime:
    """Windows that end before this moment were decided long enough ago."""
    return state.now - AFTER - state.delay


def _late_minutes(
    project: signal.ProjectIds, rules: Sequence[Rule], state: Completeness
) -> Sequence[Late]:
    """The minutes with rows that came late since the rules have looked."""
    if not rules:
        return []
    horizon = _horizon(state)
    since = max(min(rule.settled_until for rule in rules), horizon - LONGEST)
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=(since - _longest_window(rules)).replace(second=0, microsecond=0),
        until=horizon,
    )
    try:
        return late.arrivals(scope, after=since, least=completeness.LEAST_DELAY)
    except FAILURES as error:
        if concerns_all(error):
            raise
        log.warning("late data of project %d cannot be looked for: %s", project.id, error)
        return []


def _longest_window(rules: Sequence[Rule]) -> timedelta:
    return min(max(rule.definition.window for rule in rules), LONGEST)


def _look(
    project: signal.ProjectIds,
    rules: Sequence[Rule],
    minutes: Sequence[Late],
    state: Completeness,
    looked: Looked,
) -> None:
    """Ask again for some rules' windows that rows came for after they were decided."""
    # A window that ends before the first late row, or begins after the last, has no late row.
    first = min(minute.since for minute in minutes)
    last = max(minute.until for minute in minutes) + max(rule.definition.window for rule in rules)
    decided = _all_decided(rules, max(first, _horizon(state) - LONGEST), last, state)
    asks: list[tuple[Rule, Definition, Sequence[datetime]]] = []
    for rule in rules:
        definition = rule.definition
        moments = _affected(rule, definition, decided[rule.id], minutes)
        if moments:
            asks.append((rule, definition, moments))
    memory: Memory = {}
    with patience.within(RULE_SECONDS):
        prepare([(definition, project, moments) for _, definition, moments in asks], memory)
        for rule, definition, moments in asks:
            recheck = _asked(project, rule, definition, moments, state, memory)
            if recheck is None:
                continue
            is_same = _says_the_same(definition, recheck, decided[rule.id])
            (looked.same if is_same else looked.changed).append(recheck)


def _affected(
    rule: Rule, definition: Definition, decided: _Decided, minutes: Sequence[Late]
) -> Sequence[datetime]:
    """The windows to ask for: all from the first to the last that rows came for too late."""
    window = definition.window
    affected = [
        at
        for at, decided_at in sorted(decided.moments.items())
        if any(
            minute.since < at and minute.until > at - window and minute.newest > decided_at
            for minute in minutes
        )
    ]
    if not affected:
        return []
    interval = timedelta(seconds=definition.condition.interval_seconds)
    last = affected[-1] if definition.by is None else rule.evaluated_until
    return list(signal.grid(definition, affected[0] - interval, last))


def _asked(
    project: signal.ProjectIds,
    rule: Rule,
    definition: Definition,
    moments: Sequence[datetime],
    state: Completeness,
    memory: Memory,
) -> Recheck | None:
    try:
        asked = signal.at(definition, project, moments, memory)
    except FAILURES as error:
        if concerns_all(error):
            raise
        log.warning("rule %d cannot look at late data: %s", rule.id, error)
        return None
    away = [state.absent(at, definition.window) for at in moments]
    lacking = [absence.words if absence else "" for absence in away]
    by_value = {value: marked(own, lacking) for value, own in asked.by_value.items()}
    until = min(_horizon(state), rule.evaluated_until)
    return Recheck(
        rule.id, rule.version, rule.evaluated_until, rule.settled_until, until, moments,
        by_value, marked(asked.absent, lacking),
    )  # fmt: skip


def _says_the_same(definition: Definition, recheck: Recheck, decided: _Decided) -> bool:
    """Whether every window is judged as it was, and none has a value that it had not."""
    condition, until = definition.condition, recheck.until.timestamp()
    asked = {value[:LONGEST_VALUE]: own for value, own in recheck.by_value.items()}
    known = {value for value, _ in decided.judgements}
    return all(
        _is_as_it_was(condition, value, evaluated, decided)
        for value in known | asked.keys()
        for evaluated in asked.get(value, recheck.absent)
        if evaluated.at <= until or value not in known
    )


def _is_as_it_was(
    condition: Condition, value: str, evaluated: Evaluated, decided: _Decided
) -> bool:
    before = decided.judgements.get((value, datetime.fromtimestamp(evaluated.at, UTC)))
    if before is None:
        return not evaluated.samples
    judged = condition.judge(evaluated)
    # An error in a row of errors counts by what stands beside it: that is for whoever revises.
    return Verdict.ERROR not in (judged.verdict, before[0]) and before == (
        judged.verdict,
        judged.number,
    )


def _all_decided(
    rules: Sequence[Rule], first: datetime, last: datetime, state: Completeness
) -> Mapping[int, _Decided]:
    """What was decided in a time, by rule: its windows that no look has passed and are due one."""
    moments: dict[int, dict[datetime, datetime]] = {rule.id: {} for rule in rules}
    judgements: dict[int, dict[tuple[str, datetime], tuple[Verdict, float | None]]] = {
        rule.id: {} for rule in rules
    }
    by_id = {rule.id: rule for rule in rules}
    for row in _rows(rules, first, last):
        rule_id, value, at, decided_at = row[:4]
        rule = by_id[rule_id]
        if not rule.settled_until < at <= min(_horizon(state), rule.evaluated_until):
            continue
        moments[rule_id][at] = min(decided_at, moments[rule_id].get(at, decided_at))
        number, verdict, settled_number, settled_verdict = row[4:]
        judgements[rule_id][value, at] = (
            (verdict, number) if settled_verdict is None else (settled_verdict, settled_number)
        )
    for rule_id, at in _without_value([rule for rule in rules if rule.definition.by], first, state):
        moments[rule_id].setdefault(at, at + completeness.LEAST_DELAY)
    return {rule.id: _Decided(moments[rule.id], judgements[rule.id]) for rule in rules}


def _rows(rules: Sequence[Rule], first: datetime, last: datetime) -> Sequence[_Row]:
    own = select(
        Evaluation.rule_id,
        Evaluation.value,
        Evaluation.at,
        Evaluation.decided_at,
        Evaluation.number,
        Evaluation.verdict,
        Evaluation.settled_number,
        Evaluation.settled_verdict,
    ).where(
        Evaluation.rule_id.in_([rule.id for rule in rules]),
        Evaluation.at > max(first, min(rule.settled_until for rule in rules)),
        Evaluation.at <= last,
    )
    return [tuple(row) for row in db.session.execute(own)]  # type: ignore[misc]


def _without_value(
    rules: Sequence[Rule], first: datetime, state: Completeness
) -> Iterator[tuple[int, datetime]]:
    """The windows of breakdowns in which there may have been no value, and so no evaluation."""
    own = select(SkippedTime.rule_id, SkippedTime.since, SkippedTime.until).where(
        SkippedTime.rule_id.in_([rule.id for rule in rules]), SkippedTime.until > first
    )
    left_out: dict[int, list[tuple[datetime, datetime]]] = {}
    for rule_id, since, until in db.session.execute(own) if rules else ():
        left_out.setdefault(rule_id, []).append((since, until))
    for rule in rules:
        until = min(_horizon(state), rule.evaluated_until)
        for at in signal.grid(rule.definition, max(rule.settled_until, until - LONGEST), until):
            if not any(since < at <= end for since, end in left_out.get(rule.id, ())):
                yield rule.id, at
