"""Incidents that were quiet for a time speak again when it is over, if they still fire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from console.alerting import silences
from console.alerting.apart import Apart
from console.alerting.chronicle import write
from console.alerting.delivery import holds
from console.alerting.delivery.payload import snapshot
from console.alerting.escalation import running
from console.alerting.incidents import Moved, owe
from console.alerting.models import Incident, IncidentEvent, IncidentState, IncidentVerb, Rule
from console.core import clock
from console.core.db import db, reading, writing

LOUD = (IncidentVerb.OPENED, IncidentVerb.LEVEL, IncidentVerb.REOPENED, IncidentVerb.WOKEN)
"""Events that owe a message."""
SNOOZE = "The snooze has ended, and it still fires."
SILENCE = "The silence has ended, and it still fires."


def wake(organization_id: int) -> Mapping[str, int]:
    """Owe a message for incidents whose snooze or silence has ended while they fired on; commits.

    The one message says what would have been said meanwhile. While delivery is held, they stay
    quiet: what recovers by then was no news. Raises RowsFailed at the end if an
    incident failed: the others are done.
    """
    del organization_id  # the Session is bound to it
    with reading():
        is_held = holds.present() is not None
        snoozed = [] if is_held else [incident.id for incident in _no_longer_snoozed()]
        hushed = [] if is_held else [incident.id for incident in _no_longer_silenced()]
        db.session.rollback()
    apart, ended = Apart("incidents to wake"), Counter[str]()
    whys = dict.fromkeys(hushed, SILENCE) | dict.fromkeys(snoozed, SNOOZE)
    for incident_id, why in whys.items():
        with apart.row(f"incident {incident_id}"), writing():
            incident = db.session.get_one(Incident, incident_id, with_for_update=True)
            if _is_to_speak(incident, why):
                incident.snoozed_until = None
                _speak(incident, why)
                ended[why] += 1
            db.session.commit()
    apart.end()
    return {"snoozes ended": ended[SNOOZE], "incidents after a silence": ended[SILENCE]}


def _is_to_speak(incident: Incident, why: str) -> bool:
    """Whether it still is so, now that nobody else changes it."""
    if why == SILENCE:
        is_open = incident.state is IncidentState.OPEN and incident.snoozed_until is None
        return is_open and not _is_silenced(incident)
    until = incident.snoozed_until
    is_over = until is not None and until <= clock.now()
    return is_over and incident.state is not IncidentState.RESOLVED


def _no_longer_snoozed() -> Sequence[Incident]:
    ended = select(Incident).where(
        Incident.state != IncidentState.RESOLVED, Incident.snoozed_until <= clock.now()
    )
    return db.session.scalars(ended.order_by(Incident.id)).all()


def _no_longer_silenced() -> Sequence[Incident]:
    """Open incidents of which a silence held the last message back, and holds back no more."""
    held_back = (
        select(IncidentEvent.incident_id)
        .join(Incident, Incident.id == IncidentEvent.incident_id)
        .where(
            Incident.state == IncidentState.OPEN,
            Incident.snoozed_until.is_(None),
            IncidentEvent.details["silence"].as_integer().is_not(None),
        )
    )
    ids = set(db.session.scalars(held_back))
    if not ids:
        return []
    events = select(IncidentEvent).where(
        IncidentEvent.incident_id.in_(ids), IncidentEvent.verb.in_(LOUD)
    )
    last = {
        event.incident_id: event
        for event in db.session.scalars(events.order_by(IncidentEvent.sequence))
    }
    quiet = [id_ for id_, event in last.items() if "silence" in event.details]
    incidents = db.session.scalars(select(Incident).where(Incident.id.in_(quiet)))
    return [incident for incident in incidents if not _is_silenced(incident)]


def _is_silenced(incident: Incident) -> bool:
    rule = _rule(incident)
    return rule is not None and silences.active(rule, incident.value, clock.now()) is not None


def _speak(incident: Incident, why: str) -> None:
    now = clock.now()
    event = write(incident, IncidentVerb.WOKEN, now, details={"why": why})
    rule = _rule(incident)
    if rule is not None:
        owe(rule, Moved(incident, [event]), delayed=now - incident.opened_at)
    elif incident.watch:
        running.follow(incident, event, snapshot(incident, [event]))


def _rule(incident: Incident) -> Rule | None:
    return db.session.get(Rule, incident.rule_id) if incident.rule_id else None
