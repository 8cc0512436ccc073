"""Incidents and messages for the tests of delivery."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from console.accounts.models import Project, User
from console.alerting.chronicle import write
from console.alerting.decide import State
from console.alerting.delivery import outbox, sending
from console.alerting.delivery.models import OutboxMessage
from console.alerting.delivery.outbox import Recipient
from console.alerting.delivery.payload import snapshot
from console.alerting.models import Incident, IncidentState, IncidentVerb
from console.channels.message import Verb
from console.core import clock
from console.core.db import db

VERBS = {
    Verb.TRIGGER: IncidentVerb.OPENED,
    Verb.ESCALATE: IncidentVerb.ESCALATED,
    Verb.UPDATE: IncidentVerb.LEVEL,
    Verb.ACKNOWLEDGE: IncidentVerb.ACKNOWLEDGED,
    Verb.UNACKNOWLEDGE: IncidentVerb.UNACKNOWLEDGED,
    Verb.RESOLVE: IncidentVerb.RESOLVED,
}
WHY = "2 s > 1 s (critical)"


def add_incident(project: Project, title: str = "API is slow", **columns: Any) -> Incident:
    """Add an incident to the present Session, open for a minute."""
    at = clock.now() - timedelta(minutes=1)
    given = {"level": State.CRITICAL, "worst": State.CRITICAL, "why": WHY, "number": 2.0}
    incident = Incident(
        project_id=project.id,
        rule_version=1,
        title=title,
        sequence=0,
        breached_at=at,
        opened_at=at,
        **given | columns,
    )
    db.session.add(incident)
    db.session.flush()
    return incident


def owe(
    incident: Incident, recipient: Recipient, verb: Verb = Verb.TRIGGER, **payload: Any
) -> OutboxMessage:
    """Owe a message of a new event of an incident, and commit."""
    if verb is Verb.RESOLVE:
        incident.state, incident.resolved_at = IncidentState.RESOLVED, clock.now()
    if verb is Verb.ACKNOWLEDGE:
        incident.state = IncidentState.ACKNOWLEDGED
    event = write(incident, VERBS[verb], clock.now())
    given = snapshot(incident, [event]) | payload
    message = outbox.owe(incident, recipient, verb, event.sequence, given)
    db.session.commit()
    return message


def by_mail(email: str) -> Recipient:
    """A person's mail."""
    user = db.session.scalars(select(User).where(User.email == email)).one()
    return Recipient(f"user-{user.id}-email", f"{email} by e-mail", user_id=user.id)


def deliver(project: Project, seconds: float = 20.0) -> int:
    """Deliver what is due in a project's organization; returns how many messages were tried."""
    return sending.drain(project.organization_id, seconds)


def messages() -> list[OutboxMessage]:
    """The messages of the present Session's organization, as they now are, in order."""
    db.session.rollback()
    own = select(OutboxMessage).order_by(OutboxMessage.id)
    return list(db.session.scalars(own.execution_options(populate_existing=True)))
