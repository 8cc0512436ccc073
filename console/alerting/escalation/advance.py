"""What is due of escalations is done: the next step, a stale acknowledgement, a new beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from console.alerting import incidents, silences
from console.alerting.apart import Apart
from console.alerting.delivery import holds
from console.alerting.escalation import running
from console.alerting.escalation.models import Escalation, EscalationState
from console.alerting.models import (
    Incident,
    IncidentEvent,
    IncidentState,
    Rule,
)
from console.alerting.waking import LOUD
from console.core import clock
from console.core.db import db, reading, writing

STALE = "No one resolved it in time."


def advance(organization_id: int) -> Mapping[str, int]:
    """Do what is due of each escalation, the longest waiting first; commits each by itself.

    While delivery is held, escalations stand still.
    Raises RowsFailed at the end if any failed: the others are done.
    """
    del organization_id  # the Session is bound to it
    with reading():
        ids = [] if holds.present() else _due(clock.now())
        db.session.rollback()
    done, apart = 0, Apart("escalations")
    for incident_id in ids:
        with apart.row(f"incident {incident_id}"), writing():
            done += _go_on(incident_id)
            db.session.commit()
    apart.end()
    return {"steps of escalations": done}


def overdue(by: timedelta) -> Sequence[int]:
    """The incidents whose next step should have been done so long ago; held back ones are not."""
    return [] if holds.present() else _due(clock.now() - by)


def _due(until: datetime) -> Sequence[int]:
    """The incidents of escalations that were due by then, and that nothing holds back now.

    A snoozed incident wakes up by itself, and begins anew.
    """
    query = (
        select(Incident.id, Incident.project_id, Incident.rule_id, Incident.value)
        .join(Escalation, Escalation.incident_id == Incident.id)
        .where(
            Escalation.next_at <= until,
            Incident.state != IncidentState.RESOLVED,
            Incident.snoozed_until.is_(None),
        )
        .order_by(Escalation.next_at, Escalation.id)
    )
    rows = db.session.execute(query).all()
    holding = silences.all_active(clock.now()) if rows else []
    return [
        incident_id
        for incident_id, project_id, rule_id, value in rows
        if not any(silences.covers(silence, project_id, rule_id, value) for silence in holding)
    ]


def _go_on(incident_id: int) -> int:
    """Do what is due of an incident's escalation; answers how many steps were done."""
    incident = db.session.get_one(Incident, incident_id)
    members = incidents.members(incident)
    for member in members:
        incidents.lock(member)
    incidents.lock(incident)
    escalation = running.of(incident)  # as it is now that nobody else changes it
    if escalation is None or not _is_due(escalation, incident):
        return 0
    if escalation.state is EscalationState.ACKNOWLEDGED:
        running.take_back(incident, STALE)
    elif escalation.state is EscalationState.EXHAUSTED:
        running.start(escalation, incident, escalation.next_at or clock.now(), None)
    else:
        return running.perform(escalation, incident)
    return 1


def _is_due(escalation: Escalation, incident: Incident) -> bool:
    """Whether something is to be done now; after a silence, what was due in it is due now."""
    now, due_at = clock.now(), escalation.next_at
    if due_at is None or due_at > now or incident.snoozed_until is not None:
        return False
    rule = db.session.get(Rule, incident.rule_id) if incident.rule_id else None
    if rule is None:
        return True
    if silences.active(rule, incident.value, now) is not None:
        return False
    if silences.active(rule, incident.value, due_at) is not None:
        if _wakes_up(incident):
            return False
        escalation.next_at = now
    return True


def _wakes_up(incident: Incident) -> bool:
    """Whether a silence has hidden its last message: it speaks first, and begins anew."""
    if incident.state is not IncidentState.OPEN:
        return False
    own = select(IncidentEvent.details).where(
        IncidentEvent.incident_id == incident.id, IncidentEvent.verb.in_(LOUD)
    )
    details = db.session.scalar(own.order_by(IncidentEvent.sequence.desc()).limit(1))
    return details is not None and "silence" in details
