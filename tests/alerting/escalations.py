"""Incidents that are opened by hand, and what their escalations have come to, for tests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from console.accounts.models import Project, User
from console.alerting import incidents
from console.alerting.chronicle import Actor, write
from console.alerting.decide import State
from console.alerting.delivery.models import Channel, OutboxMessage
from console.alerting.escalation import policies, running
from console.alerting.escalation.models import Escalation
from console.alerting.incidents import Moved
from console.alerting.models import Incident, IncidentEvent, IncidentVerb, Rule, Severity
from console.core import clock
from console.core.crypto import hash_of
from console.core.db import db

OWNERS = {"owners": True}


def step(*targets: Mapping[str, Any], after: int = 0, **more: Any) -> dict[str, Any]:
    """A step of a policy's document."""
    return {"delay_minutes": after, "targets": list(targets), **more}


def policy(*steps: Mapping[str, Any], **terms: Any) -> dict[str, Any]:
    """A policy's document."""
    once = {"repeats": 0, "repeat_minutes": 30, "stale_minutes": 0, "unresolved_minutes": 0}
    return {"steps": list(steps), **once, **terms}


def person(email: str) -> dict[str, Any]:
    """The target that is a person, in the present Session."""
    return {"user": db.session.scalars(select(User.id).where(User.email == email)).one()}


def channel(name: str, **columns: Any) -> dict[str, Any]:
    """The target that is a new channel."""
    row = Channel(name=name, kind="webhook", hook=hash_of(f"hook of {name}"), **columns)
    db.session.add(row)
    db.session.flush()
    return {"channel": row.id}


def opened(
    project: Project,
    document: Mapping[str, Any],
    *,
    level: State = State.WARNING,
    severity: Severity = Severity.MEDIUM,
) -> int:
    """Open an incident of a new rule, whose policy is this document; commits."""
    count = len(db.session.scalars(select(Rule.id)).all()) + 1
    rule = Rule(
        project_id=project.id, name=f"Rule {count}", document={}, severity=severity,
        evaluated_until=clock.now(), next_due=clock.now(), settled_until=clock.now(),
    )  # fmt: skip
    db.session.add(rule)
    db.session.flush()
    policies.choose(policies.create(f"Policy {count}", document), rule=rule)
    incident = incidents.add(rule, "", clock.now(), level)
    event = write(incident, IncidentVerb.OPENED, clock.now(), details={"why": "It is slow."})
    incidents.owe(rule, Moved(incident, [event]), delayed=clock.now() - clock.now())
    db.session.commit()
    return incident.id


def gets_worse(incident_id: int) -> None:
    """A warning becomes critical; commits."""
    incident = db.session.get_one(Incident, incident_id)
    rule = db.session.get_one(Rule, incident.rule_id)
    incidents.to_level(incident, State.CRITICAL)
    details = {"from": "warning", "to": "critical", "why": "It is slower."}
    event = write(incident, IncidentVerb.LEVEL, clock.now(), details=details)
    incidents.owe(rule, Moved(incident, [event]), delayed=clock.now() - clock.now())
    db.session.commit()


def acknowledge(incident_id: int) -> None:
    """A script acknowledges it; commits."""
    incidents.acknowledge(db.session.get_one(Incident, incident_id), by=Actor(name="ci"))
    db.session.commit()


def resolve(incident_id: int) -> None:
    """A script resolves it; commits."""
    incidents.resolve(db.session.get_one(Incident, incident_id), by=Actor(name="ci"))
    db.session.commit()


def owed(incident_id: int) -> list[tuple[datetime, str, str]]:
    """When, to whom and why messages of an incident were owed, in their order."""
    own = select(OutboxMessage).where(OutboxMessage.incident_id == incident_id)
    return [
        (message.created_at, message.recipient, message.verb.value)
        for message in db.session.scalars(own.order_by(OutboxMessage.id))
    ]


def history(incident_id: int) -> list[IncidentEvent]:
    """Its events."""
    own = select(IncidentEvent).where(IncidentEvent.incident_id == incident_id)
    return list(db.session.scalars(own.order_by(IncidentEvent.sequence)))


def standing(incident_id: int) -> Escalation:
    """Where its escalation stands."""
    escalation = running.of(db.session.get_one(Incident, incident_id))
    assert escalation is not None
    return escalation
