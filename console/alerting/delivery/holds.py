"""Delivery is held, by hand or after a restore: messages are owed, and none is sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, func, select, update

from console.accounts.rounds import for_each_organization
from console.alerting.delivery import bell
from console.alerting.delivery.models import (
    DeliveryHold,
    HoldReason,
    MessageState,
    OutboxMessage,
)
from console.core import audit, clock
from console.core.config import config
from console.core.db import db, hold_alone, writing
from console.core.instances import RESTORED
from console.core.tenancy import current_organization_id

OLD = "It was owed before delivery was held, and was discarded when delivery went on."

log = logging.getLogger(__name__)


def present() -> DeliveryHold | None:
    """The hold of the Session's organization that lasts; None while messages are delivered."""
    lasting = select(DeliveryHold).where(DeliveryHold.released_at.is_(None))
    return db.session.scalar(lasting.order_by(DeliveryHold.id.desc()).limit(1))


def hold(reason: HoldReason, *, backup_at: datetime | None = None, actor: str = "") -> bool:
    """Send nothing more; False where delivery is held already. The caller commits.

    What is on its way meanwhile arrives. A restore while delivery is held begins a new hold: what
    is old is what was owed before it.
    """
    _alone()
    lasting = present()
    if lasting is not None:
        if reason is HoldReason.BY_HAND:
            return False
        lasting.released_at = clock.now()
    db.session.add(DeliveryHold(reason=reason, backup_at=backup_at, since=clock.now()))
    audit.record("delivery.held", reason.value, actor=actor)
    return True


def release(held: DeliveryHold, *, discard_old: bool) -> int:
    """Deliver again; returns how many old messages were discarded. The caller commits.

    Old is what was owed before the hold began.
    """
    discarded = 0
    if discard_old:
        ids = db.session.scalars(
            select(OutboxMessage.id)
            .where(_is_old(held))
            .order_by(OutboxMessage.id)
            .with_for_update()
        ).all()
        discarded = len(ids)
        gone = {"state": MessageState.DISCARDED, "error": OLD, "lease": "", "leased_until": None}
        own = update(OutboxMessage).where(_is_old(held)).values(gone)
        db.session.execute(own.execution_options(synchronize_session=False))
    held.released_at = clock.now()
    bell.poke(held.released_at)
    return discarded


def old(held: DeliveryHold) -> int:
    """How many messages wait that were owed before the hold began."""
    return db.session.scalar(select(func.count(OutboxMessage.id)).where(_is_old(held))) or 0


def locked() -> DeliveryHold | None:
    """The hold that lasts, which nobody else ends until the transaction does."""
    _alone()
    return present()


def take_up_restore() -> None:
    """Hold delivery in all organizations if a backup was restored here since; then it is noted."""
    mark = config().instance / RESTORED
    backup_at = _restored(mark)
    if backup_at is None:
        return

    def held(organization_id: int) -> Mapping[str, int]:
        del organization_id  # the Session is bound to it
        with writing():
            hold(HoldReason.RESTORED, backup_at=backup_at, actor="pharos restore")
            db.session.commit()
        return {"organizations": 1}

    round_ = for_each_organization(held, job="hold-delivery")
    if round_.failed:  # nothing may be sent there either: the next start tries again
        raise RuntimeError(f"delivery was not held after the restore: {round_}")
    mark.unlink()
    log.warning("a backup of %s was restored: no message is delivered until you say so", backup_at)


def _restored(mark: Path) -> datetime | None:
    """When the backup was made that was restored; None if none was."""
    try:
        text = mark.read_text()
    except FileNotFoundError:
        return None
    return clock.instant(json.loads(text)["made_at"])


def _is_old(held: DeliveryHold) -> ColumnElement[bool]:
    is_waiting = OutboxMessage.state == MessageState.WAITING
    return is_waiting & (OutboxMessage.created_at <= held.since)


def _alone() -> None:
    """Wait for whoever claims messages now, so that nothing is claimed after a hold."""
    hold_alone(f"outbox-{current_organization_id()}")
