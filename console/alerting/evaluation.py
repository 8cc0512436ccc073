"""Live evaluation: each rule decides every window of its grid once, in order, on whole data.

A rule is due when the delay after the end of its next window has passed (`completeness.py`). All
windows that are complete by then are decided together, so that a console that was down makes up for
what it missed. States, evaluations, incidents and the messages that are owed are one transaction.
`recording.py` writes them, unless the rule has moved on from where the decision started.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from console.alerting import completeness, composite, signal
from console.alerting.complaints import complain
from console.alerting.completeness import Completeness
from console.alerting.condition import Evaluated
from console.alerting.models import LONGEST_WHY, Rule
from console.alerting.questions import Memory, prepare
from console.alerting.recording import Answers, Due, due_after, record
from console.core import clock, patience
from console.core.database_errors import concerns_all
from console.core.db import database_time, db, reading, writing
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.measures import CannotAskError

DELAY = completeness.LEAST_DELAY
CATCH_UP = timedelta(hours=1)
"""After a longer downtime the windows before are skipped: nobody acts on them any more."""
BUDGET_SECONDS = 20.0
"""A run ends after so much time; what is due still is the first in the next one."""
RULE_SECONDS = 10.0
"""A question that takes longer is an error of its rule: one rule must not delay all others."""
MOST_DUE = 2_000
ASKED_TOGETHER, TOGETHER = 500, 50
"""So many rules share questions; so many share a transaction, for which others wait."""
FAILURES = (signal.UnknownMetric, CannotAskError, TelemetryUnavailable, DBAPIError)

log = logging.getLogger(__name__)


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
    memory: Memory = {}
    for chunk in _chunks(waiting, memory):
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


def begin(rule: Rule) -> None:
    """Let a new or changed rule decide the windows that end from now on."""
    rule.evaluated_until = signal.latest_moment(rule.definition, database_time())
    rule.settled_until = rule.evaluated_until
    rule.next_due = due_after(rule.definition, rule.evaluated_until, DELAY)


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


def _decide_together(chunk: Sequence[Due], memory: Memory) -> int:
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


def _chunks(waiting: Iterator[Due], memory: Memory) -> Iterator[Sequence[Due]]:
    """The rules some at a time, after what many of them have to know has been asked for."""
    while many := list(islice(waiting, ASKED_TOGETHER)):
        with reading(), patience.within(RULE_SECONDS):
            prepare([(due.definition, due.project, due.moments) for due in many], memory)
            db.session.rollback()
        for first in range(0, len(many), TOGETHER):
            yield many[first : first + TOGETHER]


def _asked_together(chunk: Sequence[Due], memory: Memory) -> Sequence[tuple[Due, Answers]]:
    with reading():
        asked = [(due, _asked(due, memory)) for due in chunk]
        db.session.rollback()
    return asked


def _asked(due: Due, memory: Memory) -> Answers:
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
        changed = record(asked)
        db.session.commit()
    return changed
