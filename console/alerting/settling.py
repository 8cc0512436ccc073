"""Late data: each window is looked at again once, some minutes after it was decided.

Rules of metrics come first, then the rules that are made of them: `revision.py` says what follows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from console.alerting import completeness, composite, signal
from console.alerting.completeness import Completeness
from console.alerting.evaluation import FAILURES, marked
from console.alerting.models import Evaluation, Rule, SkippedTime
from console.alerting.revision import Recheck, revise
from console.core.database_errors import concerns_all
from console.core.db import database_time, db, reading, writing
from console.telemetry import late
from console.telemetry.late import Late
from console.telemetry.scope import Scope

AFTER = timedelta(minutes=5)
LONGEST = timedelta(days=1)
"""Windows that were decided longer ago are taken as they are."""

log = logging.getLogger(__name__)


def settle(organization_id: int) -> Mapping[str, int]:
    """Look again at the windows of the Session's organization that were decided AFTER ago.

    Commits for each rule. A window is read only if rows of its time came after its decision, and a
    window of a composite rule if that has changed a member's state.
    """
    now, looked_at, changed = database_time(), 0, 0
    with reading():
        rules = db.session.scalars(select(Rule).where(Rule.enabled)).all()
        rechecks = list(_all_rechecks(organization_id, rules, now))
        together = [rule.id for rule in composite.inner_first(rules)]
        db.session.rollback()
    for recheck in rechecks:
        looked_at += len(recheck.moments)
        changed += _committed(recheck, now)
    for rule_id in together:
        recheck_ = _recheck_of_members(rule_id)
        if recheck_ is not None:
            looked_at += len(recheck_.moments)
            changed += _committed(recheck_, now)
    _leave_behind(now - AFTER - completeness.MOST_DELAY)
    return {"windows looked at again": looked_at, "incidents changed by late data": changed}


def _all_rechecks(organization_id: int, rules: Sequence[Rule], now: datetime) -> Iterator[Recheck]:
    by_project: dict[int, list[Rule]] = {}
    for rule in rules:
        if not rule.definition.members:
            by_project.setdefault(rule.project_id, []).append(rule)
    for project_id, own in by_project.items():
        project = signal.ProjectIds(organization_id, project_id)
        state = completeness.of(project, now)
        due = [rule for rule in own if rule.settled_until < _horizon(state)]
        yield from _rechecks(project, due, state)


def _horizon(state: Completeness) -> datetime:
    """Windows that end before this moment were decided long enough ago."""
    return state.now - AFTER - state.delay


def _rechecks(
    project: signal.ProjectIds, rules: Sequence[Rule], state: Completeness
) -> list[Recheck]:
    if not rules:
        return []
    horizon = _horizon(state)
    since = max(min(rule.settled_until for rule in rules), horizon - LONGEST)
    window = max(rule.definition.window for rule in rules)
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=(since - min(window, LONGEST)).replace(second=0, microsecond=0),
        until=horizon,
    )
    try:
        minutes = late.arrivals(scope, after=since, least=completeness.LEAST_DELAY)
    except FAILURES as error:
        if concerns_all(error):
            raise
        log.warning("late data of project %d cannot be looked for: %s", project.id, error)
        return []
    if not minutes:
        return []
    rechecks = (_recheck(project, rule, minutes, state) for rule in rules)
    return [recheck for recheck in rechecks if recheck is not None]


def _recheck(
    project: signal.ProjectIds, rule: Rule, minutes: Sequence[Late], state: Completeness
) -> Recheck | None:
    """The windows of a rule that rows came for after they were decided; None without any."""
    definition, until = rule.definition, min(_horizon(state), rule.evaluated_until)
    window = definition.window
    affected = [
        at
        for at, decided_at in _decisions(rule, until)
        if any(
            minute.since < at and minute.until > at - window and minute.newest > decided_at
            for minute in minutes
        )
    ]
    if not affected:
        return None
    interval = timedelta(seconds=definition.condition.interval_seconds)
    last = affected[-1] if definition.by is None else rule.evaluated_until
    moments = list(signal.grid(definition, affected[0] - interval, last))
    try:
        asked = signal.at(definition, project, moments)
    except FAILURES as error:
        if concerns_all(error):
            raise
        log.warning("rule %d cannot look at late data: %s", rule.id, error)
        return None
    away = [state.absent(at, window) for at in moments]
    lacking = [absence.words if absence else "" for absence in away]
    by_value = {value: marked(own, lacking) for value, own in asked.by_value.items()}
    return Recheck(
        rule.id, rule.version, rule.evaluated_until, rule.settled_until, until, moments,
        by_value, marked(asked.absent, lacking),
    )  # fmt: skip


def _decisions(rule: Rule, until: datetime) -> list[tuple[datetime, datetime]]:
    """When each window since the last look was decided, in order.

    A breakdown that had no value in a window has no row of it: it counts as decided in time.
    """
    own = select(Evaluation.at, func.min(Evaluation.decided_at)).where(
        Evaluation.rule_id == rule.id, Evaluation.at > rule.settled_until, Evaluation.at <= until
    )
    decided = dict(db.session.execute(own.group_by(Evaluation.at)).all())
    if rule.definition.by is not None:
        skipped = select(SkippedTime.since, SkippedTime.until).where(SkippedTime.rule_id == rule.id)
        left_out = db.session.execute(skipped.where(SkippedTime.until > rule.settled_until)).all()
        for at in signal.grid(rule.definition, max(rule.settled_until, until - LONGEST), until):
            if not any(since < at <= end for since, end in left_out):
                decided.setdefault(at, at + completeness.LEAST_DELAY)
    return sorted(decided.items())


def _recheck_of_members(rule_id: int) -> Recheck | None:
    """The windows of a composite rule since the first one that late data of a member changes.

    None where they say what they said. What cannot be said any more, such as that of a rule which
    was switched off since, stays as it was.
    """
    with reading():
        rule = db.session.get(Rule, rule_id, populate_existing=True)
        recheck = _changed_by_members(rule) if rule is not None else None
        db.session.rollback()
    return recheck


def _changed_by_members(rule: Rule) -> Recheck | None:
    definition, until = rule.definition, rule.evaluated_until
    since = rule.settled_until - AFTER - completeness.MOST_DELAY
    changed = select(func.min(Evaluation.at)).where(
        Evaluation.rule_id.in_(composite.ids(definition)),
        Evaluation.at > since,
        Evaluation.settled_state.is_not(None),
    )
    first = db.session.scalar(changed)
    if first is None:
        return None
    interval = timedelta(seconds=definition.condition.interval_seconds)
    moments = list(signal.grid(definition, first - interval, until))
    if not moments:
        return None
    rows = select(Evaluation.at, func.coalesce(Evaluation.settled_number, Evaluation.number)).where(
        Evaluation.rule_id == rule.id, Evaluation.at >= moments[0]
    )
    known = {at.timestamp(): number for at, number in db.session.execute(rows)}
    asked = [answer for answer in composite.at(definition, moments) if not answer.error]
    if all(answer.number == known.get(answer.at, answer.number) for answer in asked):
        return None
    return Recheck(
        rule.id, rule.version, until, rule.settled_until, until, moments, {"": asked}, asked
    )


def _committed(recheck: Recheck, now: datetime) -> int:
    """How many incidents changed; one rule's fault stops no other."""
    try:
        return _commit(recheck, now)
    except Exception as error:  # its windows stay as they were decided
        db.session.rollback()
        if concerns_all(error):
            raise
        log.exception("late data of rule %d cannot be taken in", recheck.rule_id)
        return 0


def _commit(recheck: Recheck, now: datetime) -> int:
    """Write what late data has changed, unless the rule has moved on meanwhile."""
    with writing():
        moved = db.session.scalar(
            update(Rule)
            .where(Rule.id == recheck.rule_id, Rule.version == recheck.version, Rule.enabled)
            .where(Rule.evaluated_until == recheck.position)
            .where(Rule.settled_until == recheck.settled)
            .values(settled_until=recheck.until)
            .returning(Rule.id)
            .execution_options(synchronize_session=False)
        )
        if moved is None:
            db.session.rollback()
            return 0
        rule = db.session.get_one(Rule, recheck.rule_id, populate_existing=True)
        changed = revise(rule, recheck, now)
        db.session.commit()
    return changed


def _leave_behind(horizon: datetime) -> None:
    """Look no more at windows that ended before a moment."""
    with writing():
        db.session.execute(
            update(Rule)
            .where(Rule.settled_until < horizon, Rule.evaluated_until > horizon, Rule.enabled)
            .values(settled_until=horizon)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
