"""Live evaluation: each rule decides every window of its grid once, in order, on whole data.

A rule is due when the delay after the end of its next window has passed. All windows that are
complete by then are decided together, so that a console that was down makes up for what it missed.
States, evaluations, incidents and the messages that are owed are one transaction. It begins with
moving the rule's position on from where the decision started: a process that was frozen meanwhile,
or repeats what another has done, moves nothing and writes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, delete, select, update
from sqlalchemy.exc import DBAPIError

from console.alerting import incidents, signal
from console.alerting.condition import Evaluated, Verdict
from console.alerting.decide import Decision, Standing, State, decisions
from console.alerting.definition import Definition
from console.alerting.models import LONGEST_VALUE, Evaluation, Rule, RuleSeries
from console.core import clock
from console.core.db import db, insert, reading, writing
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.measures import CannotAskError

DELAY = timedelta(seconds=30)
"""Windows are decided so long after their end: clients send what happened some seconds later."""
CATCH_UP = timedelta(hours=1)
"""After a longer downtime the windows before are skipped: nobody acts on them any more."""
BUDGET_SECONDS = 20.0
KEPT, HISTORY_KEPT = timedelta(days=30), timedelta(days=365)
QUIET = (Verdict.CLEAR, Verdict.BETWEEN, Verdict.NO_DATA, Verdict.INCONCLUSIVE)
"""Verdicts of which only the last 30 days are kept."""
MOST_DUE = 500
LONGEST_WHY = 300
FAILURES = (signal.UnknownMetric, CannotAskError, TelemetryUnavailable, DBAPIError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """The windows of a rule that are complete and not decided; they end at `moments`."""

    rule_id: int
    version: int
    definition: Definition
    position: datetime
    """The end of the last window that was decided."""
    moments: Sequence[datetime]
    """At most the windows of the last CATCH_UP: earlier ones are skipped."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the metric said for each moment; an error holds for every series."""

    by_value: Mapping[str, Sequence[Evaluated]]
    absent: Sequence[Evaluated]
    """The evaluations of a series that the answer does not have."""
    milliseconds: float


def evaluate(organization_id: int) -> Mapping[str, int]:
    """Decide the rules of the Session's organization that are due, the longest waiting first.

    Commits for each rule. Rules that this run has no time for are still due in the next one.
    """
    del organization_id  # the Session is bound to it
    began, evaluated, changed = clock.monotonic(), 0, 0
    with reading():
        due = select(Rule.id).where(Rule.enabled, Rule.next_due <= clock.now())
        rules = db.session.scalars(due.order_by(Rule.next_due).limit(MOST_DUE)).all()
        db.session.rollback()
    for rule_id in rules:
        changed += evaluate_rule(rule_id)
        evaluated += 1
        if clock.monotonic() - began > BUDGET_SECONDS:
            break
    return {"rules evaluated": evaluated, "incidents changed": changed}


def evaluate_rule(rule_id: int) -> int:
    """Decide the complete windows of a rule, and commit; returns how many incidents changed."""
    with reading():
        rule = db.session.get(Rule, rule_id)
        due = _due(rule) if rule is not None and rule.enabled else None
        if rule is None or due is None:
            db.session.rollback()
            return 0
        answers = _asked(due, rule)
        db.session.rollback()
    return _commit(due, answers)


def forget_old(organization_id: int) -> Mapping[str, int]:
    """Thin out evaluations of long ago in the Session's organization, and commit.

    What changed a state is kept a year, so that an incident's history can be read.
    """
    del organization_id  # the Session is bound to it
    quiet = Evaluation.at < clock.now() - KEPT, Evaluation.verdict.in_(QUIET)
    ancient = (Evaluation.at < clock.now() - HISTORY_KEPT,)
    forgotten = 0
    for conditions in (quiet, ancient):
        gone = delete(Evaluation).where(*conditions).returning(Evaluation.id)
        forgotten += len(db.session.scalars(gone).all())
    db.session.commit()
    return {"evaluations forgotten": forgotten}


def begin(rule: Rule) -> None:
    """Let a new or changed rule decide the windows that end from now on."""
    rule.evaluated_until = signal.latest_moment(rule.definition, clock.now())
    rule.next_due = _due_after(rule.definition, rule.evaluated_until)


def _due(rule: Rule) -> Due | None:
    definition, complete = rule.definition, clock.now() - DELAY
    since = max(rule.evaluated_until, complete - CATCH_UP)
    moments = list(signal.grid(definition, since, complete))
    if not moments:
        return None
    return Due(rule.id, rule.version, definition, rule.evaluated_until, moments)


def _due_after(definition: Definition, position: datetime) -> datetime:
    """When the window after the one that ends at a position is complete."""
    return position + timedelta(seconds=definition.condition.interval_seconds) + DELAY


def _asked(due: Due, rule: Rule) -> Answers:
    """What the metric says; a question that fails is an error of every window."""
    began, project = clock.monotonic(), signal.ProjectIds(rule.organization_id, rule.project_id)
    try:
        asked = signal.at(due.definition, project, due.moments)
    except FAILURES as error:
        log.warning("rule %d cannot be evaluated: %s", due.rule_id, error)
        why = (str(error) or type(error).__name__)[:LONGEST_WHY]
        absent = [Evaluated(at.timestamp(), error=why) for at in due.moments]
        return Answers({}, absent, _milliseconds_since(began))
    return Answers(asked.by_value, asked.absent, _milliseconds_since(began))


def _milliseconds_since(began: float) -> float:
    return round((clock.monotonic() - began) * 1000, 1)


def _commit(due: Due, answers: Answers) -> int:
    """Decide and write, unless the rule has moved on or was changed since it was read."""
    with writing():
        last = due.moments[-1]
        moved = db.session.scalar(
            update(Rule)
            .where(Rule.id == due.rule_id, Rule.version == due.version, Rule.enabled)
            .where(Rule.evaluated_until == due.position)
            .values(evaluated_until=last, next_due=_due_after(due.definition, last))
            .returning(Rule.id)
        )
        if moved is None:
            db.session.rollback()
            return 0
        rule = db.session.get_one(Rule, due.rule_id)
        changed = _decide_all(rule, due, answers)
        db.session.commit()
    return changed


def _decide_all(rule: Rule, due: Due, answers: Answers) -> int:
    """Decide every series; returns how many incidents changed."""
    known = {series.value: series for series in db.session.scalars(_series_of(rule))}
    values = {value[:LONGEST_VALUE]: own for value, own in answers.by_value.items()}
    if due.definition.by is None:
        values.setdefault("", answers.absent)
    changed = 0
    for value in values.keys() | known.keys():
        evaluations = values.get(value, answers.absent)
        series = known.get(value)
        standing = Standing.of(series.standing) if series else Standing()
        outcome = list(decisions(due.definition.condition, evaluations, standing))
        _keep(rule, value, evaluations, outcome, answers.milliseconds)
        _stand(rule, value, series, outcome[-1].standing, has_data=value in values)
        moved = incidents.follow(rule, value, outcome)
        if moved is not None:
            changed += 1
            incidents.owe(rule, moved, delayed=clock.now() - due.moments[0] - DELAY)
    return changed


def _series_of(rule: Rule) -> Select[RuleSeries]:
    return select(RuleSeries).where(RuleSeries.rule_id == rule.id)


def _keep(
    rule: Rule,
    value: str,
    evaluations: Sequence[Evaluated],
    outcome: Sequence[Decision],
    milliseconds: float,
) -> None:
    """Store what was decided, for whoever asks why."""
    rows = [
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
            "decided_at": clock.now(),
            "milliseconds": milliseconds,
        }
        for evaluated, decision in zip(evaluations, outcome, strict=True)
        if decision.judgement is not None
    ]
    if rows:
        db.session.execute(insert(Evaluation).on_conflict_do_nothing(), rows)


def _stand(
    rule: Rule, value: str, series: RuleSeries | None, standing: Standing, *, has_data: bool
) -> None:
    """Keep where a series stands; one of a breakdown that is ok and gone is forgotten."""
    if series is None:
        series = RuleSeries(rule_id=rule.id, value=value, changed_at=clock.now())
        db.session.add(series)
    elif not has_data and value and standing.state is State.OK:
        db.session.delete(series)
        return
    elif series.state is not standing.state:
        series.changed_at = clock.now()
    series.state, series.standing = standing.state, standing.document
