"""Checks that were looked at on a later clock, which was set back since, go on from now."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from console.core import clock
from console.core.db import db, reading, writing
from console.uptime.expectation import Expectation
from console.uptime.models import Check, CheckKind, CheckRun, CheckState, Outage

LONGEST_CLAIM = timedelta(minutes=5)
SLACK = timedelta(seconds=5)

log = logging.getLogger(__name__)


def put_right(organization_id: int) -> Mapping[str, int]:
    """Try checks again whose last look lies in the future, and expect jobs from now on. Commits.

    They would be left alone until the time that the clock had shown.
    """
    del organization_id  # the Session is bound to it
    now = clock.now()
    ahead = or_(
        Check.last_at > now + SLACK,
        Check.since > now + SLACK,
        Check.claimed_until > now + LONGEST_CLAIM,
    )
    with reading():
        ids = db.session.scalars(select(Check.id).where(ahead)).all()
        db.session.rollback()
    if ids:
        log.warning("the clock was set back: %d checks go on from %s", len(ids), now)
        with writing():
            for check in db.session.scalars(select(Check).where(Check.id.in_(ids))):
                _put_right(check, now)
            db.session.commit()
    return {"checks put right after the clock was set back": len(ids)}


def _put_right(check: Check, now: datetime) -> None:
    check.since = min(check.since, now)
    check.last_at = min(check.last_at, now) if check.last_at else None
    check.claim, check.claimed_until = "", None
    if check.state is not CheckState.PAUSED:
        check.next_due = _due(check, now)
    for model, column in ((Outage, Outage.began_at), (CheckRun, CheckRun.began_at)):
        own = update(model).where(model.check_id == check.id, column > now)
        db.session.execute(own.values({column: now}).execution_options(synchronize_session=False))
    runtime = Expectation.of(check.settings).runtime if check.kind is not CheckKind.HTTP else SLACK
    late = update(CheckRun).where(
        CheckRun.check_id == check.id, CheckRun.expires_at > now + runtime
    )
    ends = late.values(expires_at=now + runtime)
    db.session.execute(ends.execution_options(synchronize_session=False))


def _due(check: Check, now: datetime) -> datetime | None:
    if check.kind is CheckKind.HTTP:
        return now
    if check.next_due is None:  # it is expected once it was heard of
        return None
    return Expectation.of(check.settings).deadline_after(now)
