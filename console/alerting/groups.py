"""Incidents of one rule that begin together are one: a group, which speaks for its members."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from console.alerting import incidents
from console.alerting.backtest import WORSE
from console.alerting.chronicle import write
from console.alerting.escalation import running
from console.alerting.incidents import Moved
from console.alerting.models import (
    Incident,
    IncidentEvent,
    IncidentState,
    IncidentVerb,
    Rule,
)
from console.core.db import db

FROM = 3
"""So many incidents of a rule that begin together are a group."""
TOGETHER = timedelta(minutes=5)
NAMED = 3
BEGINS = (IncidentVerb.OPENED, IncidentVerb.REOPENED)


def gather(rule: Rule, moved: Sequence[Moved]) -> list[Moved]:
    """Put incidents that begin together into a group; returns what messages are owed for.

    To be called once for all series of a rule, in the transaction that stores their decisions. A
    group that is open takes in whatever begins while it is.
    """
    by = rule.definition.by
    if by is None or not moved:
        return list(moved)
    began = [move.incident for move in moved if _begins(move) and move.incident.parent_id is None]
    group = _present(rule, moved)
    events: list[IncidentEvent] = []
    if group is None and began:
        began = _together(rule, began)
        group = _opened(rule, began, events) if len(began) >= FROM else None
    elif group is not None and began:
        events.append(_joined(group, began, by))
    if group is None:
        return list(moved)
    for incident in began:
        incident.parent_id = group.id
    db.session.flush()
    running.hand_over([incident.id for incident in began])
    _follow(rule, group, max(move.events[-1].at for move in moved), events)
    known = running.escalated([move.incident.id for move in moved])
    apart = [move for move in moved if move.incident.parent_id is None or _ends(move, known)]
    loud = [event for event in events if event.verb is not IncidentVerb.JOINED]
    return [*apart, *([Moved(group, loud)] if loud else [])]


def members(group: Incident) -> Sequence[Incident]:
    """The incidents of a group, open ones first."""
    own = select(Incident).where(Incident.parent_id == group.id)
    return db.session.scalars(own.order_by(Incident.state, Incident.opened_at, Incident.id)).all()


def _ends(moved: Moved, known: Collection[int]) -> bool:
    """Whether a member is over of which somebody was notified before the group spoke for it."""
    return moved.incident.id in known and moved.events[-1].verb is IncidentVerb.RESOLVED


def _begins(moved: Moved) -> bool:
    is_open = moved.incident.state is not IncidentState.RESOLVED
    return is_open and any(event.verb in BEGINS for event in moved.events)


def _present(rule: Rule, moved: Iterable[Moved]) -> Incident | None:
    """The rule's group that is open, or that a member belongs to which moves now."""
    own = select(Incident).where(Incident.rule_id == rule.id, Incident.is_group)
    group = db.session.scalar(own.where(Incident.state != IncidentState.RESOLVED).limit(1))
    if group is not None:
        return group
    parents = [move.incident.parent_id for move in moved if move.incident.parent_id is not None]
    return db.session.get(Incident, max(parents)) if parents else None


def _together(rule: Rule, began: Sequence[Incident]) -> list[Incident]:
    """The incidents that begin now, and the ones that began by themselves a moment ago."""
    latest = max(incident.opened_at for incident in began)
    ids = {incident.id for incident in began}
    own = select(Incident).where(
        Incident.rule_id == rule.id,
        Incident.state != IncidentState.RESOLVED,
        Incident.parent_id.is_(None),
        ~Incident.is_group,
        Incident.opened_at > latest - TOGETHER,
    )
    earlier = [incident for incident in db.session.scalars(own) if incident.id not in ids]
    return [*began, *earlier]


def _opened(rule: Rule, began: Sequence[Incident], events: list[IncidentEvent]) -> Incident:
    worst = max((incident.level for incident in began), key=WORSE.index)
    first = min(incident.opened_at for incident in began)
    why = _named(began, rule.definition.by or "")
    breached_at = min(incident.breached_at for incident in began)
    group = incidents.add(rule, "", first, worst, is_group=True, why=why, breached_at=breached_at)
    at = max(incident.opened_at for incident in began)
    events.append(write(group, IncidentVerb.OPENED, at, details={"why": why}))
    return group


def _joined(group: Incident, began: Sequence[Incident], by: str) -> IncidentEvent:
    why = _named(began, by)
    at = max(incident.opened_at for incident in began)
    return write(group, IncidentVerb.JOINED, at, details={"why": why})


def _named(began: Sequence[Incident], by: str) -> str:
    """How many fire, and some of their names."""
    names = [incident.value for incident in began[:NAMED]]
    more = len(began) - len(names)
    rest = f" and {more} more" if more else ""
    return f"{len(began)} by {by.replace('_', ' ')}: {', '.join(names)}{rest}"[:300]


def _follow(rule: Rule, group: Incident, at: datetime, events: list[IncidentEvent]) -> None:
    """Bring a group to where its members are: its level is the worst, it ends with the last."""
    own = members(group)
    present = [incident for incident in own if incident.state is not IncidentState.RESOLVED]
    group.title = f"{rule.name}: {len(own)} by {(rule.definition.by or '').replace('_', ' ')}"[:200]
    if not present:
        if group.state is not IncidentState.RESOLVED:
            incidents.close(group, at)
            details = {"why": f"all {len(own)} have recovered"}
            events.append(write(group, IncidentVerb.RESOLVED, at, details=details))
        return
    level = max((incident.level for incident in present), key=WORSE.index)
    is_closed = group.state is IncidentState.RESOLVED
    if is_closed or WORSE.index(level) > WORSE.index(group.level):
        verb = IncidentVerb.REOPENED if is_closed else IncidentVerb.LEVEL
        incidents.to_level(group, level)
        why = f"{len(present)} of {len(own)} fire"
        events.append(write(group, verb, at, details={"why": why}))
    group.level = level
