"""Live evaluation: each rule decides every window of its grid once, in order, on whole data.

A rule is due when the delay after the end of its next window has passed (`completeness.py`). All
windows that are complete by then are decided together, so that a console that was down makes up for
what it missed. States, evaluations, incidents and the messages that are owed are one transaction.
It begins with moving the rule's position on from where the decision started: a process that was
frozen meanwhile, or repeats what another has done, moves nothing and writes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import DBAPIError

from console.alerting import completeness, composite, groups, incidents, signal
from console.alerting.complaints import complain
from console.alerting.completeness import Completeness
from console.alerting.condition import Evaluated, Verdict
from console.alerting.decide import Decision, Standing, asked_once, decisions
from console.alerting.definition import Definition
from console.alerting.models import (
    LONGEST_VALUE,
    Evaluation,
    Rule,
    RuleSeries,
    SkippedTime,
)
from console.core import clock, patience
from console.core.database_errors import concerns_all
from console.core.db import database_time, db, insert, reading, writing
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.measures import CannotAskError

DELAY = completeness.LEAST_DELAY
CATCH_UP = timedelta(hours=1)
"""After a longer downtime the windows before are skipped: nobody acts on them any more."""
BUDGET_SECONDS = 20.0
"""A run ends after so much time; what is due still is the first in the next one."""
RULE_SECONDS = 10.0
"""A question that takes longer is an error of its rule: one rule must not delay all others."""
KEPT, HISTORY_KEPT = timedelta(days=30), timedelta(days=365)
QUIET = (Verdict.CLEAR, Verdict.BETWEEN, Verdict.NO_DATA, Verdict.INCONCLUSIVE)
"""Verdicts of which only the last 30 days are kept."""
MOST_STORED = 10_000_000
"""Evaluations of an organization, about 2.7 GB: 2,000 rules of 200 values each would fill a disk.

Of older ones only what is not quiet stays, as many again.
"""
MOST_DUE = 2_000
TOGETHER = 50
"""So many rules share a transaction."""
FORGOTTEN_TOGETHER = 5_000
LONGEST_WHY = 300
FAILURES = (signal.UnknownMetric, CannotAskError, TelemetryUnavailable, DBAPIError)

log = logging.getLogger(__name__)


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


def evaluate(organization_id: int) -> Mapping[str, int]:
    """Decide the rules of the Session's organization that are due, the longest waiting first.

    Commits some rules at a time. Rules that this run has no time for are due in the next one, and
    so are all when the state database fails, whose error this raises.
    """
    del organization_id  # the Session is bound to it
    began, evaluated, changed = clock.monotonic(), 0, 0
    with reading():
        waiting = iter(_all_due())
        db.session.rollback()
    memory: signal.Memory = {}
    while chunk := list(islice(waiting, TOGETHER)):
        changed += _decide_together(chunk, memory)
        evaluated += len(chunk)
        if clock.monotonic() - began > BUDGET_SECONDS:
            break
    return {"rules evaluated": evaluated, "incidents changed": changed}


def evaluate_rule(rule_id: int) -> int:
    """Decide the complete windows of a rule, and commit; returns how many incidents changed."""
    with reading():
        rule = db.session.get(Rule, rule_id)
        due = None
        if rule is not None and rule.enabled:
            due = _due(rule, completeness.of(_project(rule), database_time()))
        db.session.rollback()
    return _decide_together([due], {}) if due is not None else 0


def forget_old(organization_id: int) -> Mapping[str, int]:
    """Thin out evaluations of long ago in the Session's organization, and commit.

    What changed a state is kept a year, so that an incident's history can be read.
    """
    del organization_id  # the Session is bound to it
    quiet = Evaluation.at < clock.now() - KEPT, Evaluation.verdict.in_(QUIET)
    ancient = (Evaluation.at < clock.now() - HISTORY_KEPT,)
    forgotten = sum(_forget(*conditions) for conditions in (quiet, ancient))
    for most, conditions in (MOST_STORED, quiet[1:]), (2 * MOST_STORED, ()):
        if (oldest := _oldest_of(most)) is not None:
            forgotten += _forget(Evaluation.at < oldest, *conditions)
    db.session.execute(delete(SkippedTime).where(SkippedTime.until < clock.now() - HISTORY_KEPT))
    db.session.commit()
    return {"evaluations forgotten": forgotten}


def _oldest_of(count: int) -> datetime | None:
    """When the oldest of the latest so many evaluations was; None if there are not so many."""
    with reading():
        latest = select(Evaluation.at).order_by(Evaluation.at.desc())
        oldest = db.session.scalar(latest.offset(count - 1).limit(1))
        db.session.rollback()
    return oldest


def _forget(*conditions: ColumnElement[bool]) -> int:
    """Delete some evaluations at a time: others write in between. Commits; returns how many."""
    forgotten = 0
    while True:
        old_ids = select(Evaluation.id).where(*conditions).limit(FORGOTTEN_TOGETHER)
        gone = delete(Evaluation).where(Evaluation.id.in_(old_ids)).returning(Evaluation.id)
        count = len(db.session.scalars(gone.execution_options(synchronize_session=False)).all())
        db.session.commit()
        forgotten += count
        if count < FORGOTTEN_TOGETHER:
            return forgotten


def begin(rule: Rule) -> None:
    """Let a new or changed rule decide the windows that end from now on."""
    rule.evaluated_until = signal.latest_moment(rule.definition, database_time())
    rule.settled_until = rule.evaluated_until
    rule.next_due = _due_after(rule.definition, rule.evaluated_until, DELAY)


def _all_due() -> Sequence[Due]:
    """The windows that are complete, of all rules that are due; composite rules come last."""
    now, by_project = database_time(), dict[int, Completeness]()
    enabled = select(Rule).where(Rule.enabled, Rule.next_due <= now)
    rules = db.session.scalars(enabled.order_by(Rule.next_due).limit(MOST_DUE)).all()
    waiting = []
    for rule in rules:
        if rule.project_id not in by_project:
            by_project[rule.project_id] = completeness.of(_project(rule), now)
        waiting.append(_due(rule, by_project[rule.project_id]))
    return sorted(filter(None, waiting), key=_turn)


def _turn(due: Due) -> tuple[bool, datetime, str]:
    """The order of rules: the longest waiting first, with the ones that read the same rows."""
    definition = due.definition
    rows = definition.where, definition.by, definition.environment, definition.window_seconds
    return bool(definition.members), due.position, repr(rows)


def _project(rule: Rule) -> signal.ProjectIds:
    return signal.ProjectIds(rule.organization_id, rule.project_id)


def _due(rule: Rule, state: Completeness) -> Due | None:
    definition, until = rule.definition, state.until
    if definition.members:
        known = composite.known_until(definition) or until
        until = min(until, max(known, until - completeness.PATIENCE))
    since = max(rule.evaluated_until, until - CATCH_UP)
    moments = list(signal.grid(definition, since, until))
    if not moments:
        return None
    project, position = _project(rule), rule.evaluated_until
    return Due(rule.id, rule.version, definition, project, position, moments, state)


def _due_after(definition: Definition, position: datetime, delay: timedelta) -> datetime:
    """When the window after the one that ends at a position is complete."""
    return position + timedelta(seconds=definition.condition.interval_seconds) + delay


def _decide_together(chunk: Sequence[Due], memory: signal.Memory) -> int:
    """Ask for some rules and write what they came to, as one transaction; returns the changes."""
    try:
        return _commit(_asked_together(chunk, memory))
    except Exception as error:
        db.session.rollback()
        if concerns_all(error):  # it is no rule's fault: all windows stay due
            raise
        if len(chunk) == 1:
            log.exception("rule %d cannot be decided", chunk[0].rule_id)
            return _say_that_it_failed(chunk[0], type(error).__name__)
    return sum(_decide_together([due], memory) for due in chunk)  # it is one rule's fault


def _say_that_it_failed(due: Due, why: str) -> int:
    """Let a rule that cannot be decided say so; the next run tries again if even that fails."""
    try:
        return _commit([(due, _failed(due, f"the console failed: {why}", clock.monotonic()))])
    except Exception:
        db.session.rollback()
        log.exception("rule %d cannot say that it failed", due.rule_id)
        return 0


def _asked_together(chunk: Sequence[Due], memory: signal.Memory) -> Sequence[tuple[Due, Answers]]:
    with reading():
        signal.prepare([(due.definition, due.project, due.moments) for due in chunk], memory)
        asked = [(due, _asked(due, memory)) for due in chunk]
        db.session.rollback()
    return asked


def _asked(due: Due, memory: signal.Memory) -> Answers:
    """What the metric says; a question that fails is an error of every window."""
    began = clock.monotonic()
    try:
        with patience.within(RULE_SECONDS):
            asked = signal.at(due.definition, due.project, due.moments, memory)
    except FAILURES as error:
        if concerns_all(error):
            raise
        why = str(error) or type(error).__name__
        complain(due.project.organization_id, due.rule_id, why)
        return _failed(due, why, began)
    window = due.definition.window
    lacking = [due.completeness.lacks(at, window) for at in due.moments]
    return Answers(
        {value: marked(own, lacking) for value, own in asked.by_value.items()},
        marked(asked.absent, lacking),
        _milliseconds_since(began),
    )


def _failed(due: Due, why: str, began: float) -> Answers:
    """The answer of a question that failed: an error of every window."""
    absent = [Evaluated(at.timestamp(), error=why[:LONGEST_WHY]) for at in due.moments]
    return Answers({}, absent, _milliseconds_since(began))


def marked(evaluations: Sequence[Evaluated], lacking: Sequence[str]) -> Sequence[Evaluated]:
    """The evaluations with a note where part of the data had not come."""
    if not any(lacking):
        return evaluations
    pairs = zip(evaluations, lacking, strict=True)
    return [replace(evaluated, lacks=lacks) if lacks else evaluated for evaluated, lacks in pairs]


def _milliseconds_since(began: float) -> float:
    return round((clock.monotonic() - began) * 1000, 1)


def _commit(asked: Sequence[tuple[Due, Answers]]) -> int:
    """Decide and write some rules in one transaction; returns how many incidents changed."""
    with writing():
        changed = sum(_decide(due, answers) for due, answers in asked)
        db.session.commit()
    return changed


def _decide(due: Due, answers: Answers) -> int:
    """Decide and write, unless the rule has moved on or was changed since it was read."""
    last = due.moments[-1]
    next_due = _due_after(due.definition, last, due.completeness.delay)
    moved = db.session.scalar(
        update(Rule)
        .where(Rule.id == due.rule_id, Rule.version == due.version, Rule.enabled)
        .where(Rule.evaluated_until == due.position)
        .values(evaluated_until=last, next_due=next_due)
        .returning(Rule.id)
        .execution_options(synchronize_session=False)
    )
    if moved is None:
        return 0
    rule = db.session.get_one(Rule, due.rule_id, populate_existing=True)
    if due.skipped is not None:
        since, until = due.skipped
        db.session.add(SkippedTime(rule_id=rule.id, since=since, until=until))
    return _decide_all(rule, due, answers)


def _decide_all(rule: Rule, due: Due, answers: Answers) -> int:
    """Decide every series; returns how many incidents changed."""
    own = select(RuleSeries).where(RuleSeries.rule_id == rule.id)
    known = {series.value: series for series in db.session.scalars(own)}
    values = {value[:LONGEST_VALUE]: own for value, own in answers.by_value.items()}
    if due.definition.by is None or (answers.has_failed and not known):
        values.setdefault(
            "", answers.absent
        )  # a breakdown that was never answered fails as a whole
    rule.beyond = _leave_out(values, known)
    moved, rows = [], list[dict[str, object]]()
    for value in sorted(values.keys() | known.keys()):
        evaluations = values.get(value, answers.absent)
        series = known.get(value)
        standing = Standing.of(series.standing) if series else Standing()
        outcome = list(decisions(due.definition.condition, asked_once(evaluations), standing))
        rows += _rows(rule, value, due, zip(evaluations, outcome, strict=True), answers)
        _stand(rule, value, series, outcome[-1].standing, has_data=value in values)
        moved.append(incidents.follow(rule, value, outcome))
    if rows:
        db.session.execute(insert(Evaluation).on_conflict_do_nothing(), rows)
    delayed = due.completeness.now - due.moments[0] - due.completeness.delay
    changed = [move for move in moved if move is not None]
    for move in groups.gather(rule, changed):
        incidents.owe(rule, move, delayed=max(delayed, timedelta(0)))
    return len(changed)


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
