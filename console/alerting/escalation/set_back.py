"""Escalations and messages of a later clock, which was set back since, go on from now."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update

from console.alerting import incidents
from console.alerting.delivery import bell, outcome
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.alerting.escalation import running
from console.alerting.escalation.models import Escalation, EscalationState
from console.alerting.escalation.plan import Plan
from console.alerting.models import Incident, IncidentEvent
from console.core import clock
from console.core.db import db, reading, writing

SLACK = timedelta(seconds=5)
LONGEST_LEASE = timedelta(minutes=1)
"""No try takes longer."""
LONGEST_WAIT = outcome.LONGEST * 2
"""No message waits longer after a try that failed."""

log = logging.getLogger(__name__)


def put_right(organization_id: int) -> Mapping[str, int]:
    """Let what was written on a later clock go on as if it had been written now. Commits.

    Steps, snoozes and messages would wait until the time that the clock had shown, and what was
    sent then would hold back what is sent now.
    """
    del organization_id  # the Session is bound to it
    now = clock.now()
    _end_waits(now)
    with reading():
        incident_ids = _incidents_ahead(now)
        message_ids = db.session.scalars(select(OutboxMessage.id).where(_is_ahead(now))).all()
        db.session.rollback()
    put_right = {
        "incidents put right after the clock was set back": len(incident_ids),
        "messages put right after the clock was set back": len(message_ids),
    }
    if not incident_ids and not message_ids:
        return put_right
    log.warning(
        "the clock was set back: %d incidents and %d messages go on from %s",
        len(incident_ids), len(message_ids), now,
    )  # fmt: skip
    for incident_id in incident_ids:
        with writing():
            _put_incident_right(db.session.get_one(Incident, incident_id), now)
            db.session.commit()
    with writing():
        own = select(OutboxMessage).where(_is_ahead(now)).order_by(OutboxMessage.id)
        for message in db.session.scalars(own.with_for_update()):
            _put_message_right(message, now)
        bell.poke(now)
        db.session.commit()
    return put_right


def _end_waits(now: datetime) -> None:
    """Let steps be due that wait for their hours, while it is their hours and their delay is over.

    A clock that was ahead has shown a moment outside the hours, and their next beginning is late.
    """
    waiting = (Escalation.due_at <= now) & (Escalation.next_at > now)
    running_ = Escalation.state == EscalationState.RUNNING
    with reading():
        rows = db.session.scalars(select(Escalation).where(waiting, running_)).all()
        early = [row.incident_id for row in rows if _is_in_hours(row, now)]
        db.session.rollback()
    for incident_id in early:
        with writing():
            incident = db.session.get_one(Incident, incident_id)
            incidents.lock(incident)
            escalation = running.of(incident)
            if escalation is not None and escalation.due_at is not None:
                escalation.next_at = now
            db.session.commit()


def _is_in_hours(escalation: Escalation, now: datetime) -> bool:
    steps = Plan.of(escalation.document).steps
    return escalation.step < len(steps) and steps[escalation.step].notifies(now)


def _incidents_ahead(now: datetime) -> Sequence[int]:
    own = select(IncidentEvent.incident_id).where(IncidentEvent.at > now + SLACK).distinct()
    return db.session.scalars(own.order_by(IncidentEvent.incident_id)).all()


def _is_ahead(now: datetime) -> ColumnElement[bool]:
    is_waiting = OutboxMessage.state == MessageState.WAITING
    return or_(
        OutboxMessage.created_at > now + SLACK,
        OutboxMessage.sent_at > now + SLACK,
        is_waiting & (OutboxMessage.leased_until > now + LONGEST_LEASE),
        is_waiting & (OutboxMessage.attempts > 0) & (OutboxMessage.next_at > now + LONGEST_WAIT),
    )


def _put_incident_right(incident: Incident, now: datetime) -> None:
    incidents.lock(incident)
    ahead = (IncidentEvent.incident_id == incident.id) & (IncidentEvent.at > now)
    latest = db.session.scalar(select(func.max(IncidentEvent.at)).where(ahead))
    if latest is None:
        return
    escalation, back = running.of(incident), latest - now
    if escalation is not None:
        escalation.started_at = min(escalation.started_at, now)
        if escalation.due_at is not None:  # its hours are looked at anew
            escalation.due_at -= back
            escalation.next_at = escalation.due_at
        elif escalation.next_at is not None:
            escalation.next_at -= back
    if incident.snoozed_until is not None:
        incident.snoozed_until -= back
    own = update(IncidentEvent).where(ahead).values(at=now)
    db.session.execute(own.execution_options(synchronize_session=False))


def _put_message_right(message: OutboxMessage, now: datetime) -> None:
    if message.state is MessageState.WAITING:
        if message.attempts:
            message.next_at = min(message.next_at, now)
        elif message.created_at > now:
            message.next_at -= message.created_at - now
        if message.leased_until is not None:
            message.leased_until = min(message.leased_until, now + LONGEST_LEASE)
    message.created_at = min(message.created_at, now)
    message.sent_at = min(message.sent_at, now) if message.sent_at else None
