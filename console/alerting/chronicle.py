"""An incident's history is written line by line, by evaluations, people and escalations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm.attributes import set_committed_value

from console.accounts.models import User
from console.alerting.models import Incident, IncidentEvent, IncidentVerb
from console.core.db import db
from console.metrics.response_times import PAGERDUTY


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something to an incident: a person, or a script that acts for whoever has made it.

    Only what a person does counts as a response.
    """

    user: User | None = None
    name: str = ""
    """The label of the script's token."""
    via: str = "console"
    """Where they do it: console, email, slack, pagerduty."""

    @property
    def is_person(self) -> bool:
        """Whether it is a person, known or not: PagerDuty says that of what people do there."""
        return self.user is not None or self.via == PAGERDUTY


def write(
    incident: Incident,
    verb: IncidentVerb,
    at: datetime,
    *,
    by: Actor | None = None,
    text: str = "",
    details: dict[str, Any] | None = None,
) -> IncidentEvent:
    """Add a line to its history; the sequence number is unique, so that none is written twice.

    The database counts it, so that a person and an evaluation wait for each other.
    """
    own = update(Incident).where(Incident.id == incident.id)
    counted = own.values(sequence=Incident.sequence + 1).returning(Incident.sequence)
    set_committed_value(incident, "sequence", db.session.scalars(counted).one())
    event = IncidentEvent(
        incident_id=incident.id,
        sequence=incident.sequence,
        verb=verb,
        at=at,
        actor_id=by.user.id if by and by.user else None,
        text=text,
        details=(details or {}) | (_about(by) if by else {}),
    )
    db.session.add(event)
    return event


def _about(by: Actor) -> dict[str, Any]:
    """What a line says of who acted, beside the person."""
    named = {"script": by.name} if by.name else {}
    return named | ({"via": by.via} if by.via != "console" else {})
