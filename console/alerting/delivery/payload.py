"""What is true of an incident when a message about it is written, and stays with the message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from console.alerting.models import Incident, IncidentEvent


def snapshot(
    incident: Incident,
    events: Sequence[IncidentEvent],
    *,
    tags: Sequence[str] = (),
    delayed: timedelta = timedelta(0),
) -> dict[str, Any]:
    """An incident as it is after its latest events, as a message's payload.

    `delayed` is how much later than usual the events were noticed.
    """
    latest = events[-1]
    return {
        "verb": latest.verb.value,
        "verbs": [event.verb.value for event in events],
        "at": latest.at.isoformat(),
        "level": incident.level.value,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "tags": list(tags),
        "title": incident.title,
        "why": incident.why,
        "number": incident.number,
        "opened_at": incident.opened_at.isoformat(),
        "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
        "by": latest.actor_id,
        "script": latest.details.get("script"),
        "delayed_seconds": int(delayed.total_seconds()),
    }
