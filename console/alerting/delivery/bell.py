"""Wakes delivery when a transaction that wrote messages has been committed."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask import current_app
from sqlalchemy import event
from sqlalchemy.orm import Session

from console.core.alarm import Alarm
from console.core.db import db

EXTENSION = "pharos.delivery-alarm"
DUE = "outbox.due"


def alarm() -> Alarm:
    """The running app's alarm, which only a served console starts."""
    return cast("Alarm", current_app.extensions[EXTENSION])


def poke(at: datetime) -> None:
    """Deliver what is due at a moment as soon as it comes, once the Session's changes commit."""
    info = db.session().info
    info[DUE] = min(at, info.get(DUE, at))


@event.listens_for(db.session, "after_commit")
def _committed(session: Session) -> None:
    at = session.info.pop(DUE, None)
    organization_id = session.info.get("organization_id")
    if at is not None and organization_id is not None:
        alarm().note(organization_id, at)


@event.listens_for(db.session, "after_soft_rollback")
def _rolled_back(session: Session, _previous: object) -> None:
    session.info.pop(DUE, None)
