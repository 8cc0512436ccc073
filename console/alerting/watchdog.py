"""Alerting watches itself: what stands still in it opens an incident of the console's own.

Such an incident has no rule. The default policy notifies people of it, but never by a channel that
does not deliver; it is resolved when what it is about goes on again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from console.accounts.models import Project
from console.alerting import incidents
from console.alerting.apart import Apart
from console.alerting.chronicle import write
from console.alerting.decide import State
from console.alerting.delivery import holds
from console.alerting.delivery.log import failing_channels
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.alerting.delivery.order import is_due
from console.alerting.delivery.payload import snapshot
from console.alerting.escalation import advance, running
from console.alerting.escalation.models import Escalation
from console.alerting.models import (
    LONGEST_WHY,
    Incident,
    IncidentState,
    IncidentVerb,
    Rule,
    Severity,
)
from console.alerting.troubles import LATE
from console.core import clock, failures
from console.core.db import db, reading, writing
from console.web.filters import plural

JOB = "watch-alerting"
EXTENSION = "pharos.lookouts"
TIMES = 3
"""So often in a row a job has failed before people hear of it."""
LONG = timedelta(minutes=5)
"""For so long a channel does not deliver before people hear of it by other ways."""


SAID_ELSEWHERE = ("channels",)
"""What every page says already: the banner of deliveries names channels that do not work."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands still, since when, and the project that it concerns first."""

    why: str
    since: datetime
    project_id: int | None = None


@dataclass(frozen=True, slots=True)
class Lookout:
    """One thing of alerting that is looked at: its name, its incident's title, and the look."""

    name: str
    title: str
    look: Callable[[datetime], Fault | None]


@dataclass(frozen=True, slots=True)
class Standstill:
    """An open incident of the console's own, for every page."""

    sentence: str
    incident_id: int
    project: str
    """The slug of the project that it stands in."""


def provide_lookout(app: Flask, lookout: Lookout) -> None:
    """Let a package above have something of its own looked at."""
    app.extensions.setdefault(EXTENSION, []).append(lookout)


def watch(organization_id: int) -> Mapping[str, int]:
    """Open and resolve incidents of the console's own for the Session's organization; commits.

    Raises RowsFailed at the end if a look failed: the others are followed.
    """
    del organization_id  # the Session is bound to it
    now, apart, faults = clock.now(), Apart("looks at alerting"), dict[Lookout, Fault | None]()
    for own in (*WATCHES, *current_app.extensions.get(EXTENSION, ())):
        with apart.row(own.name), reading():
            faults[own] = own.look(now)
            db.session.rollback()
    with reading():
        is_open = bool(_open())
        db.session.rollback()
    if is_open or any(faults.values()):
        for own, fault in faults.items():
            with apart.row(own.name), writing():
                _follow(own, fault, now)
                db.session.commit()
    apart.end()
    count = sum(fault is not None for fault in faults.values())
    return {"troubles of alerting": count}


def troubles() -> list[Standstill]:
    """What stands still in the Session's organization, as its open incidents say it."""
    own = (
        select(Incident.id, Incident.title, Incident.why, Project.slug)
        .join(Project, Project.id == Incident.project_id)
        .where(
            Incident.watch.not_in(["", *SAID_ELSEWHERE]), Incident.state != IncidentState.RESOLVED
        )
        .order_by(Incident.id)
    )
    return [
        Standstill(f"{title}: {why}.", incident_id, project)
        for incident_id, title, why, project in db.session.execute(own)
    ]


def _open() -> list[Incident]:
    own = select(Incident).where(Incident.watch != "", Incident.state != IncidentState.RESOLVED)
    return list(db.session.scalars(own.order_by(Incident.id)))


def _late_rules(now: datetime) -> Fault | None:
    late = select(func.count(Rule.id), func.min(Rule.next_due), func.min(Rule.project_id))
    own = late.where(Rule.enabled, Rule.next_due < now - LATE)
    count, since, project_id = db.session.execute(own).one()
    if not count:
        return None
    verb = "has" if count == 1 else "have"
    return Fault(f"{plural(count, 'rule')} {verb} not been evaluated in time", since, project_id)


def _overdue_steps(now: datetime) -> Fault | None:
    ids = advance.overdue(LATE)
    if not ids:
        return None
    own = (
        select(func.min(Escalation.next_at), func.min(Incident.project_id))
        .join(Incident, Incident.id == Escalation.incident_id)
        .where(Escalation.incident_id.in_(ids[:500]))
    )
    since, project_id = db.session.execute(own).one()
    steps = plural(len(ids), "step")
    return Fault(f"{steps} of escalations should have been done", since or now, project_id)


def _stuck_messages(now: datetime) -> Fault | None:
    """Messages that are due, and that nobody tries: one that waits for another's fate is not."""
    if holds.present() is not None:
        return None
    earlier = aliased(OutboxMessage)
    waits = select(earlier.id).where(
        earlier.incident_id == OutboxMessage.incident_id,
        earlier.recipient == OutboxMessage.recipient,
        earlier.state == MessageState.WAITING,
        earlier.id < OutboxMessage.id,
    )
    own = (
        select(
            func.count(OutboxMessage.id),
            func.min(OutboxMessage.next_at),
            func.min(Incident.project_id),
        )
        .outerjoin(Incident, Incident.id == OutboxMessage.incident_id)
        .where(is_due(now - LATE), ~waits.exists())
    )
    count, since, project_id = db.session.execute(own).one()
    if not count:
        return None
    verb = "waits" if count == 1 else "wait"
    return Fault(
        f"{plural(count, 'message')} {verb} to be sent, and nobody tries", since, project_id
    )


def _failing_channels(now: datetime) -> Fault | None:
    failing = [
        (channel, channel.failing_since)
        for channel in failing_channels()
        if channel.enabled and channel.failing_since and channel.failing_since < now - LONG
    ]
    if not failing:
        return None
    names = ", ".join(f"{channel.name} ({channel.last_error})" for channel, _ in failing)
    return Fault(names, failing[0][1])


def _failing_jobs(_: datetime) -> Fault | None:
    failing = [failure for failure in failures.present() if failure.times >= TIMES]
    if not failing:
        return None
    names = ", ".join(f"{failure.job} ({failure.cause})" for failure in failing)
    return Fault(names, failing[0].since)


WATCHES = (
    Lookout("rules", "Rules are late", _late_rules),
    Lookout("escalations", "Escalations are late", _overdue_steps),
    Lookout("messages", "Messages are stuck", _stuck_messages),
    Lookout("channels", "A channel does not deliver", _failing_channels),
    Lookout("jobs", "Jobs of the console fail", _failing_jobs),
)


def _follow(own: Lookout, fault: Fault | None, now: datetime) -> None:
    """Bring the incident of a watch up to what was seen: at most one is open."""
    incident = _latest(own.name)
    is_open = incident is not None and incident.state is not IncidentState.RESOLVED
    if fault is None:
        if incident is not None and is_open:
            incidents.close(incident, now)
            _tell(incident, IncidentVerb.RESOLVED, now)
        return
    if incident is not None and is_open:
        incident.why = _sentence(fault)
        return
    if incident is not None and _was_seen(incident, fault):
        return
    if incident is not None and incidents.rejoins(incident, now):
        incident.why = _sentence(fault)
        incidents.to_level(incident, State.CRITICAL)
        _tell(incident, IncidentVerb.REOPENED, now)
    elif project_id := fault.project_id or _first_project():
        _tell(_added(own, fault, project_id, now), IncidentVerb.OPENED, now)


def _latest(name: str) -> Incident | None:
    own = select(Incident).where(Incident.watch == name).order_by(Incident.id.desc()).limit(1)
    return db.session.scalar(own.with_for_update())


def _was_seen(incident: Incident, fault: Fault) -> bool:
    """Whether a person has closed the incident of a fault that lasts since before."""
    closed_at = incident.resolved_at
    return incident.closed_by_hand and closed_at is not None and fault.since <= closed_at


def _added(own: Lookout, fault: Fault, project_id: int, now: datetime) -> Incident:
    incident = Incident(
        project_id=project_id,
        rule_version=0,
        title=own.title,
        watch=own.name,
        level=State.CRITICAL,
        worst=State.CRITICAL,
        severity=Severity.HIGH,
        sequence=0,
        breached_at=min(fault.since, now),
        opened_at=now,
        why=_sentence(fault),
    )
    db.session.add(incident)
    db.session.flush()
    return incident


def _tell(incident: Incident, verb: IncidentVerb, now: datetime) -> None:
    """Write what happened into its history, and notify people of it."""
    event = write(incident, verb, now, details={"why": incident.why})
    if incident.snoozed_until is None or incident.snoozed_until <= now:
        running.follow(incident, event, snapshot(incident, [event]))


def _first_project() -> int | None:
    return db.session.scalar(select(Project.id).order_by(Project.id).limit(1))


def _sentence(fault: Fault) -> str:
    return fault.why[:LONGEST_WHY]
