"""The names of incidents and messages at their receivers, which may hear of several consoles."""

from __future__ import annotations

import re
from datetime import UTC
from hashlib import sha256

from sqlalchemy import select

from console.accounts.models import Organization
from console.alerting.delivery.models import OutboxMessage
from console.alerting.models import Incident
from console.core.db import db

_THREAD = re.compile(r"pharos-([0-9a-f]{10})-(\d{1,18})-(\d{1,9})", re.ASCII)


def thread_of(organization: Organization, incident_id: int) -> str:
    """What all messages of an incident have in common, for services that keep them together."""
    return f"pharos-{_mark(organization)}-{organization.id}-{incident_id}"


def key_of(message: OutboxMessage, organization: Organization) -> str:
    """By which receivers know a message that comes twice, and no message of another console's."""
    return f"{message.key}-{_mark(organization)}"


def incident_of(thread: str, organization_id: int) -> Incident | None:
    """The incident of a thread; None unless it is one of this organization of this console."""
    match = _THREAD.fullmatch(thread)
    if match is None or int(match[2]) != organization_id:
        return None
    if match[1] != _mark(db.session.get_one(Organization, organization_id)):
        return None
    return db.session.scalar(select(Incident).where(Incident.id == int(match[3])))


def _mark(organization: Organization) -> str:
    """What tells an organization from that of the same id in another console.

    It is when the organization was made, to the microsecond: a backup keeps it, and neither a new
    address nor a new SECRET_KEY changes it.
    """
    made_at = organization.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    return sha256(made_at.encode()).hexdigest()[:10]
