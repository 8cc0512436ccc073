"""Delivery that was held goes on, and escalations with it: they do not make up for the time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from console.alerting.delivery import holds
from console.alerting.delivery.models import HoldReason
from console.alerting.escalation.models import Escalation
from console.core import audit, clock
from console.core.db import db

BEFORE_STEPS = timedelta(minutes=1)
"""Rules have so long to end what is over before its next step is done."""


def hold(*, actor: str = "") -> bool:
    """Send nothing more until a person says so; False where delivery is held already. Commits."""
    is_new = holds.hold(HoldReason.BY_HAND, actor=actor)
    db.session.commit()
    return is_new


def release(*, discard_old: bool, actor: str = "") -> int | None:
    """Deliver again; returns how many old messages were discarded. Commits.

    None where delivery was not held. Of each escalation whose time came meanwhile, the next step is
    due in a minute, and the others after it in their delays.
    """
    held = holds.locked()
    if held is None:
        db.session.rollback()
        return None
    discarded = holds.release(held, discard_old=discard_old)
    now = clock.now()
    due = Escalation.next_at < now + BEFORE_STEPS
    ids = select(Escalation.id).where(due).order_by(Escalation.id).with_for_update()
    db.session.scalars(ids).all()
    later = update(Escalation).where(due).values(next_at=now + BEFORE_STEPS)
    db.session.execute(later.execution_options(synchronize_session=False))
    audit.record("delivery.released", held.reason.value, actor=actor, discarded=discarded)
    db.session.commit()
    return discarded
