"""What rules were decided to be is written: where they stand, their evaluations, their incidents.

A thousand rules are decided every minute: none costs statements of its own unless it changes state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from console.alerting import groups, incidents, signal
from console.alerting.completeness import Completeness
from console.alerting.condition import Evaluated
from console.alerting.decide import Decision, Standing, asked_once, decisions
from console.alerting.definition import Definition
from console.alerting.models import (
    LONGEST_VALUE,
    LONGEST_WHY,
    Evaluation,
    Rule,
    RuleSeries,
    SkippedTime,
)
from console.core import clock
from console.core.db import db, insert

ROWS_TOGETHER = 5_000
KnownSeries = Mapping[str, RuleSeries]


@dataclass(frozen=True, slots=True)
class Due:
    """The windows of a rule that are complete and not decided; they end at `moments`."""

    rule_id: int
    version: int
    definition: Definition
    project: signal.ProjectIds
    position: datetime
    """The end of the last window that was decided."""
    moments: Sequence[datetime]
    """At most the windows of the last CATCH_UP: earlier ones are skipped."""
    completeness: Completeness

    @property
    def skipped(self) -> tuple[datetime, datetime] | None:
        """The time whose windows are left out after a long downtime."""
        interval = timedelta(seconds=self.definition.condition.interval_seconds)
        first = self.moments[0] - interval
        return (self.position, first) if first >= self.position + interval else None

    def is_of(self, rule: Rule) -> bool:
        """Whether the rule has neither moved on nor been changed since it was read."""
        is_same = rule.version == self.version and rule.evaluated_until == self.position
        return rule.enabled and is_same


@dataclass(frozen=True, slots=True)
class Answers:
    """What the metric said for each moment; an error holds for every series."""

    by_value: Mapping[str, Sequence[Evaluated]]
    absent: Sequence[Evaluated]
    """The evaluations of a series that the answer does not have."""
    milliseconds: float

    @property
    def has_failed(self) -> bool:
        """Whether there is no answer, but an error."""
        return any(evaluated.error for evaluated in self.absent)


def record(asked: Sequence[tuple[Due, Answers]]) -> int:
    """Decide and write, in the writer's transaction that is under way; who began it commits.

    A rule that has moved on or was changed since it was read is left alone: a process that was
    frozen meanwhile, or repeats what another has done, writes nothing. Returns how many incidents
    changed.
    """
    ids = [due.rule_id for due, _ in asked]
    # In order, as every transaction that holds several: two of them must not wait for each other.
    own = select(Rule).where(Rule.id.in_(ids)).order_by(Rule.id).with_for_update()
    present = db.session.scalars(own.execution_options(populate_existing=True))
    rules = {rule.id: rule for rule in present}
    known, rows, changed = _all_series(ids), list[dict[str, object]](), 0
    for due, answers in asked:
        rule = rules.get(due.rule_id)
        if rule is None or not due.is_of(rule):
            continue
        _move_on(rule, due)
        changed += _decide(rule, due, answers, known.get(rule.id, {}), rows)
        if len(rows) >= ROWS_TOGETHER:
            _store(rows)
    _store(rows)
    return changed


def _all_series(rule_ids: Sequence[int]) -> Mapping[int, KnownSeries]:
    """The series of rules, by rule and by value."""
    by_rule: dict[int, dict[str, RuleSeries]] = {}
    for series in db.session.scalars(select(RuleSeries).where(RuleSeries.rule_id.in_(rule_ids))):
        by_rule.setdefault(series.rule_id, {})[series.value] = series
    return by_rule


def _move_on(rule: Rule, due: Due) -> None:
    rule.evaluated_until = due.moments[-1]
    rule.next_due = due_after(due.definition, rule.evaluated_until, due.completeness.delay)
    if due.skipped is not None:
        since, until = due.skipped
        db.session.add(SkippedTime(rule_id=rule.id, since=since, until=until))


def due_after(definition: Definition, position: datetime, delay: timedelta) -> datetime:
    """When the window after the one that ends at a position is complete."""
    return position + timedelta(seconds=definition.condition.interval_seconds) + delay


def _decide(
    rule: Rule, due: Due, answers: Answers, known: KnownSeries, rows: list[dict[str, object]]
) -> int:
    """Decide every series, and add its rows; returns how many incidents changed."""
    values = {value[:LONGEST_VALUE]: own for value, own in answers.by_value.items()}
    if due.definition.by is None or (answers.has_failed and not known):
        values.setdefault(
            "", answers.absent
        )  # a breakdown that was never answered fails as a whole
    rule.beyond = _leave_out(values, known)
    changed = []
    for value in sorted(values.keys() | known.keys()):
        evaluations = values.get(value, answers.absent)
        series = known.get(value)
        standing = Standing.of(series.standing) if series else Standing()
        outcome = list(decisions(due.definition.condition, asked_once(evaluations), standing))
        rows += _rows(rule, value, due, zip(evaluations, outcome, strict=True), answers)
        _stand(rule, value, series, outcome[-1].standing, has_data=value in values)
        move = incidents.follow(rule, value, outcome)
        if move is not None:
            changed.append(move)
    delayed = due.completeness.now - due.moments[0] - due.completeness.delay
    for move in groups.gather(rule, changed):
        incidents.owe(rule, move, delayed=max(delayed, timedelta(0)))
    return len(changed)


def _store(rows: list[dict[str, object]]) -> None:
    """Write evaluations, and forget them here."""
    if rows:
        db.session.execute(insert(Evaluation).on_conflict_do_nothing(), rows)
        rows.clear()


def _leave_out(values: dict[str, Sequence[Evaluated]], known: Mapping[str, RuleSeries]) -> int:
    """Drop new series beyond the limit, those with the fewest samples; returns how many."""
    strange = [value for value in values if value not in known]
    beyond = strange[max(0, signal.MOST_SERIES - len(known)) :]
    for value in beyond:
        del values[value]
    return len(beyond)


def _rows(
    rule: Rule,
    value: str,
    due: Due,
    outcome: Iterator[tuple[Evaluated, Decision]],
    answers: Answers,
) -> list[dict[str, object]]:
    """What was decided, for whoever asks why."""
    return [
        {
            "organization_id": rule.organization_id,
            "rule_id": rule.id,
            "value": value,
            "at": datetime.fromtimestamp(evaluated.at, UTC),
            "version": rule.version,
            "number": decision.judgement.number,
            "samples": evaluated.samples,
            "base": evaluated.base,
            "verdict": decision.judgement.verdict,
            "state": decision.standing.state,
            "why": decision.judgement.why[:LONGEST_WHY],
            "decided_at": due.completeness.now,
            "watermark": due.completeness.watermark,
            "milliseconds": answers.milliseconds,
        }
        for evaluated, decision in outcome
        if decision.judgement is not None
    ]


def _stand(
    rule: Rule, value: str, series: RuleSeries | None, standing: Standing, *, has_data: bool
) -> None:
    """Keep where a series stands; one of a breakdown that is ok and gone is forgotten."""
    if series is None:
        series = RuleSeries(rule_id=rule.id, value=value, changed_at=clock.now())
        db.session.add(series)
    elif not has_data and (value or rule.definition.by) and standing.is_blank:
        db.session.delete(series)
        return
    elif series.state is not standing.state:
        series.changed_at = clock.now()
    series.state, series.standing = standing.state, standing.document
