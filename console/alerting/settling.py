"""Late data: each window is looked at again once, some minutes after it was decided.

Rules of metrics come first (`rechecking.py`), then the rules that are made of them: `revision.py`
says what follows.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from console.alerting import completeness, composite, signal
from console.alerting.models import Evaluation, Rule
from console.alerting.rechecking import AFTER, TOGETHER, look
from console.alerting.revision import Recheck, revise
from console.core.database_errors import concerns_all
from console.core.db import database_time, db, reading, writing

log = logging.getLogger(__name__)


def settle(organization_id: int) -> Mapping[str, int]:
    """Look again at the windows of the Session's organization that were decided AFTER ago.

    Commits for each rule that hears something new. A window is read only if rows of its time came
    after its decision, and a window of a composite rule if that has changed a member's state.
    """
    now, changed = database_time(), 0
    with reading():
        looked = look(organization_id, now)
        db.session.rollback()
    looked_at = sum(len(recheck.moments) for recheck in (*looked.same, *looked.changed))
    _pass_over(looked.same)
    for recheck in looked.changed:
        changed += _committed(recheck, now)
    for rule_id in looked.composites:
        recheck_ = _recheck_of_members(rule_id)
        if recheck_ is not None:
            looked_at += len(recheck_.moments)
            changed += _committed(recheck_, now)
    _leave_behind(now - AFTER - completeness.MOST_DELAY)
    return {"windows looked at again": looked_at, "incidents changed by late data": changed}


def _pass_over(same: Sequence[Recheck]) -> None:
    """Look no more at windows that say what they said."""
    by_end: dict[datetime, list[int]] = {}
    for recheck in same:
        by_end.setdefault(recheck.until, []).append(recheck.rule_id)
    with writing():
        for until, rule_ids in by_end.items():
            for first in range(0, len(rule_ids), TOGETHER):
                own = Rule.id.in_(rule_ids[first : first + TOGETHER]), Rule.settled_until < until
                db.session.execute(
                    update(Rule)
                    .where(*own)
                    .values(settled_until=until)
                    .execution_options(synchronize_session=False)
                )
        db.session.commit()


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
