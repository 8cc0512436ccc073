"""Incidents follow the states of rules: each is opened once, and resolved when its rule is ok."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from console.alerting import silences
from console.alerting.backtest import WORSE
from console.alerting.chronicle import Actor, write
from console.alerting.decide import Decision, State, Transition
from console.alerting.delivery.payload import snapshot
from console.alerting.escalation import running
from console.alerting.models import (
    LONGEST_WHY,
    Assessment,
    Incident,
    IncidentEvent,
    IncidentState,
    IncidentVerb,
    Rule,
    Silence,
)
from console.core import clock
from console.core.db import db

REJOIN = timedelta(minutes=10)
"""A series that fires again so soon after it recovered goes on with the same incident."""
MOST_NOTES = 200
"""So many notes, and times that it is snoozed, stand in an incident's history."""
FULL = {
    IncidentVerb.NOTED: f"An incident has at most {MOST_NOTES} notes.",
    IncidentVerb.SNOOZED: f"An incident is snoozed at most {MOST_NOTES} times. Silence its rule.",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """What the decisions of one series did to its incident: the events, the latest last."""

    incident: Incident
    events: Sequence[IncidentEvent]


def follow(rule: Rule, value: str, decisions: Sequence[Decision]) -> Moved | None:
    """Bring the incident of a series up to its latest state; None if nothing happened to it.

    To be called in the transaction that stores the decisions: each event is written exactly once.
    """
    changes = [decision for decision in decisions if decision.transition]
    if not changes:
        return None
    incident, events = _latest(rule, value), []
    for decision in changes:
        incident, event = _follow(rule, value, incident, decision)
        if event is not None:
            events.append(event)
    return Moved(incident, events) if incident is not None and events else None


def owe(rule: Rule, moved: Moved, *, delayed: timedelta) -> None:
    """Let people know what happened: one message for all events, the latest counts.

    A rule in shadow mode owes none, a snoozed incident none before it wakes up or is resolved, and
    a silence holds it back; it counts what it hid. Whoever was notified of an incident hears that
    it is over, whatever holds messages back by then: it would stay open where they look after it.
    """
    incident, latest = moved.incident, moved.events[-1]
    if incident.snoozed_until is not None and incident.snoozed_until > latest.at:
        latest.details = {**latest.details, "snoozed": True}
        return
    silence = silences.active(rule, incident.value, latest.at)
    if silence is not None and not _ends_what_was_sent(incident, latest):
        silence.hidden = Silence.hidden + 1
        latest.details = {**latest.details, "silence": silence.id}
        return
    if rule.shadow:
        latest.details = {**latest.details, "unsent": True}
        return
    payload = snapshot(incident, moved.events, tags=rule.tags, delayed=delayed)
    running.follow(incident, latest, payload)


def owe_end(moved: Moved) -> None:
    """Let whoever was notified of an incident know that it is over; its rule may be gone."""
    if running.of(moved.incident) is not None:
        payload = snapshot(moved.incident, moved.events)
        running.follow(moved.incident, moved.events[-1], payload)


def _ends_what_was_sent(incident: Incident, event: IncidentEvent) -> bool:
    return event.verb is IncidentVerb.RESOLVED and running.of(incident) is not None


def acknowledge(incident: Incident, *, by: Actor) -> bool:
    """Note that someone is on it; False where that is known already."""
    for member in members(incident):
        acknowledge(member, by=by)
    lock(incident)
    if incident.state is not IncidentState.OPEN:
        return False
    incident.state = IncidentState.ACKNOWLEDGED
    if incident.acknowledged_at is None and by.is_person:
        incident.acknowledged_at, incident.acknowledged_via = clock.now(), by.via
        incident.acknowledged_by_id = by.user.id if by.user else None
    level = {"level": incident.level.value}
    event = write(incident, IncidentVerb.ACKNOWLEDGED, clock.now(), by=by, details=level)
    running.acknowledged(incident, event, snapshot(incident, [event]))
    return True


def snooze(incident: Incident, until: datetime, *, by: Actor) -> bool:
    """Let it be quiet until a moment, when it wakes up; False where it is resolved."""
    lock(incident)
    if incident.state is IncidentState.RESOLVED:
        return False
    incident.snoozed_until = until
    write(incident, IncidentVerb.SNOOZED, clock.now(), by=by, details={"until": until.isoformat()})
    return True


def resolve(incident: Incident, *, by: Actor) -> bool:
    """Close it by hand; False where it is closed.

    It stays closed while its rule goes on firing at the same level: somebody has seen that. A new
    breach after the rule was ok, or a worse level, opens a new incident.
    """
    for member in members(incident):
        resolve(member, by=by)
    lock(incident)
    if incident.state is IncidentState.RESOLVED:
        return False
    close(incident, clock.now(), by=by)
    event = write(incident, IncidentVerb.RESOLVED, clock.now(), by=by)
    owe_end(Moved(incident, [event]))
    return True


def is_full(incident: Incident, verb: IncidentVerb) -> bool:
    """Whether its history, which is read as a whole, takes no more events of a kind in FULL."""
    own = select(func.count(IncidentEvent.id)).where(
        IncidentEvent.incident_id == incident.id, IncidentEvent.verb == verb
    )
    return (db.session.scalar(own) or 0) >= MOST_NOTES


def note(incident: Incident, text: str, *, by: Actor) -> None:
    """Add what somebody has to say to its history."""
    write(incident, IncidentVerb.NOTED, clock.now(), by=by, text=text)


def assess(incident: Incident, assessment: Assessment, *, by: Actor) -> None:
    """Note whether it was real or noise, for whoever changes its rule.

    What the same person said of it before is replaced: its history does not grow with each change.
    """
    lock(incident)
    if incident.assessment is assessment:
        return
    incident.assessment = assessment
    db.session.execute(
        delete(IncidentEvent).where(
            IncidentEvent.incident_id == incident.id,
            IncidentEvent.verb == IncidentVerb.ASSESSED,
            IncidentEvent.actor_id == by.user.id
            if by.user
            else IncidentEvent.details["script"].as_string() == by.name,
        )
    )
    write(incident, IncidentVerb.ASSESSED, clock.now(), by=by, details={"as": assessment.value})


def to_level(incident: Incident, level: State) -> None:
    """Take the level over; an incident that had healed is open again."""
    incident.level = level
    incident.worst = max(incident.worst, level, key=WORSE.index)
    if incident.state is IncidentState.RESOLVED:
        incident.state, incident.resolved_at = IncidentState.OPEN, None
        incident.reopened = (incident.reopened or 0) + 1


def close(incident: Incident, at: datetime, *, by: Actor | None = None) -> None:
    """End it at a moment, by a person if `by` names one; writes no event."""
    incident.state, incident.resolved_at = IncidentState.RESOLVED, at
    incident.resolved_by_id = by.user.id if by and by.user else None
    incident.resolved_via = by.via if by and by.is_person else ""
    incident.closed_by_hand = by is not None
    incident.snoozed_until = None


def members(incident: Incident) -> Sequence[Incident]:
    """The incidents that a group speaks for: what people do to it, they do to them."""
    if not incident.is_group:
        return ()
    own = select(Incident).where(Incident.parent_id == incident.id)
    return db.session.scalars(own.order_by(Incident.value)).all()


def lock(incident: Incident) -> None:
    """Wait for whoever else changes it, and see what they have made of it.

    Members are locked before their group and by value, in the order in which evaluation writes.
    """
    db.session.refresh(incident, with_for_update=True)


def _latest(rule: Rule, value: str) -> Incident | None:
    """The incident of a series that was opened last."""
    own = select(Incident).where(
        Incident.rule_id == rule.id, Incident.value == value, ~Incident.is_group
    )
    latest = own.order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(1)
    return db.session.scalar(latest.with_for_update().execution_options(populate_existing=True))


def _follow(
    rule: Rule, value: str, incident: Incident | None, decision: Decision
) -> tuple[Incident | None, IncidentEvent | None]:
    assert decision.transition is not None
    change = decision.transition
    at = datetime.fromtimestamp(change.at, UTC)
    is_open = incident is not None and incident.state is not IncidentState.RESOLVED
    if change.after in WORSE:
        if incident is not None and _was_seen(incident, change):
            return incident, None
        if incident is None or not (is_open or rejoins(incident, at)):
            breached_at = _first_breach(decision, at)
            incident = add(rule, value, at, change.after, breached_at=breached_at)
            return incident, _write(incident, IncidentVerb.OPENED, decision, at)
        verb = IncidentVerb.LEVEL if is_open else IncidentVerb.REOPENED
        to_level(incident, change.after)
        return incident, _write(incident, verb, decision, at)
    if change.after in (State.OK, State.PENDING) and incident is not None and is_open:
        close(incident, at)
        return incident, _write(incident, IncidentVerb.RESOLVED, decision, at)
    return incident, None


def _was_seen(incident: Incident, change: Transition) -> bool:
    """Whether somebody has closed the incident while it fired, and it fires on no worse."""
    fires_on = change.before not in (State.OK, State.PENDING)
    no_worse = WORSE.index(change.after) <= WORSE.index(incident.worst)
    is_closed = incident.state is IncidentState.RESOLVED and incident.closed_by_hand
    return is_closed and fires_on and no_worse


def rejoins(incident: Incident, at: datetime) -> bool:
    """Whether it healed by itself a moment ago; what a person has closed stays closed."""
    return (
        incident.resolved_at is not None
        and not incident.closed_by_hand
        and at - incident.resolved_at <= REJOIN
    )


def _first_breach(decision: Decision, at: datetime) -> datetime:
    """The end of the window since which a level has been breached: its pending time began then."""
    since = decision.standing.since.values()
    return min(at, datetime.fromtimestamp(min(since), UTC)) if since else at


def add(rule: Rule, value: str, at: datetime, level: State, **columns: Any) -> Incident:
    """Add an incident of a rule that began to fire; its history begins with the caller."""
    incident = Incident(
        project_id=rule.project_id,
        rule_id=rule.id,
        rule_version=rule.version,
        title=f"{rule.name}: {value}"[:200] if value else rule.name,
        value=value,
        level=level,
        worst=level,
        shadow=rule.shadow,
        severity=rule.severity,
        sequence=0,
        opened_at=at,
        **{"breached_at": at, **columns},
    )
    db.session.add(incident)
    db.session.flush()
    return incident


def _write(
    incident: Incident, verb: IncidentVerb, decision: Decision, at: datetime
) -> IncidentEvent:
    judgement, change = decision.judgement, decision.transition
    assert judgement is not None
    assert change is not None
    if change.after in WORSE:  # what was wrong is still to be read when it has healed
        incident.number, incident.why = judgement.number, change.why[:LONGEST_WHY]
    details = {"from": change.before.value, "to": change.after.value, "why": change.why}
    return write(incident, verb, at, details=details)
