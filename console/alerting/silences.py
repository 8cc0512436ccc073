"""Silences: when a rule's incidents notify nobody, and what a silence has held back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any

from flask import abort
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from console.accounts.models import Project, User
from console.alerting.models import Incident, IncidentEvent, Rule, Silence
from console.core import audit, clock
from console.core.cron import Cron
from console.core.db import db
from console.core.paging import Page, page

MOST_HIDDEN = 100
MOST = 500
"""Silences of a project that have not ended: each message looks through them."""
FULL = f"A project has at most {MOST} silences that have not ended. End one first."


class SilenceState(StrEnum):
    """Where a silence stands; an active one may have hours in which it holds nothing back."""

    ACTIVE = "active"
    PLANNED = "planned"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Hours:
    """When a silence holds back: all the time, or from each due time of a cron text on."""

    cron: str = ""
    zone: str = "UTC"
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a silence holds back."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Hidden:
    """A message that a silence held back: an event of an incident."""

    incident: Incident
    event: IncidentEvent


def active(rule: Rule, value: str, at: datetime) -> Silence | None:
    """The silence that holds back what a rule's series would say at a moment; None if none does."""
    present = select(Silence).where(
        Silence.project_id == rule.project_id,
        or_(Silence.rule_id.is_(None), Silence.rule_id == rule.id),
        or_(Silence.value == "", Silence.value == value),
        Silence.starts_at <= at,
        Silence.ends_at > at,
    )
    silences = db.session.scalars(present.order_by(Silence.ends_at.desc(), Silence.id))
    return next((silence for silence in silences if is_active(silence, at)), None)


def all_active(at: datetime) -> Sequence[Silence]:
    """The silences of all projects that hold back at a moment."""
    present = select(Silence).where(Silence.starts_at <= at, Silence.ends_at > at)
    return [silence for silence in db.session.scalars(present) if is_active(silence, at)]


def covers(silence: Silence, project_id: int, rule_id: int | None, value: str) -> bool:
    """Whether a silence is about a series of a rule; about a rule that is gone, none is."""
    return (
        rule_id is not None
        and silence.project_id == project_id
        and silence.rule_id in (None, rule_id)
        and silence.value in ("", value)
    )


def is_active(silence: Silence, at: datetime) -> bool:
    """Whether a silence holds at a moment: all the time, or in its recurring hours."""
    if not silence.starts_at <= at < silence.ends_at:
        return False
    if not silence.cron:
        return True
    begun = Cron(silence.cron, silence.zone).latest(at)
    return at < begun + timedelta(minutes=silence.minutes)


def state_of(silence: Silence) -> SilenceState:
    """Where it stands now."""
    now = clock.now()
    if silence.ends_at <= now:
        return SilenceState.ENDED
    return SilenceState.ACTIVE if silence.starts_at <= now else SilenceState.PLANNED


def spells(hours: Hours, since: datetime, until: datetime, count: int) -> Sequence[Spell]:
    """The next times between two moments in which a silence with these hours holds back."""
    return list(islice(_spells(hours, since, until), count))


def _spells(hours: Hours, since: datetime, until: datetime) -> Iterator[Spell]:
    if not hours.cron:
        if since < until:
            yield Spell(since, until)
        return
    length = timedelta(minutes=hours.minutes)
    due = Cron(hours.cron, hours.zone).following(since - length)
    for begin in takewhile(lambda begin: begin < until, due):
        yield Spell(max(begin, since), min(begin + length, until))


def is_full(project: Project) -> bool:
    """Whether a project has so many silences that it gets no more."""
    lasting = (
        _own(project).where(Silence.ends_at > clock.now()).with_only_columns(func.count(Silence.id))
    )
    return (db.session.scalar(lasting) or 0) >= MOST


def begin(
    project: Project,
    reason: str,
    spell: Spell,
    hours: Hours,
    *,
    rule: Rule | None = None,
    value: str = "",
    by: User | None = None,
) -> Silence:
    """Add a silence of a project, of one of its rules, or of one value. The caller commits."""
    silence = Silence(
        project_id=project.id,
        rule_id=rule.id if rule else None,
        value=value,
        reason=reason,
        starts_at=spell.since,
        ends_at=spell.until,
        cron=hours.cron,
        zone=hours.zone,
        minutes=hours.minutes,
        created_by_id=by.id if by else None,
    )
    db.session.add(silence)
    db.session.flush()
    audit.record("silence.made", reason, actor=by.email if by else "", project=project.name)
    return silence


def end(silence: Silence, *, by: User | None = None) -> bool:
    """End it now; False where it has ended. What it has hidden stays readable."""
    now = clock.now()
    if silence.ends_at <= now:
        return False
    silence.ends_at = now
    silence.starts_at = min(silence.starts_at, now)
    audit.record("silence.ended", silence.reason, actor=by.email if by else "")
    return True


def listed(project: Project, state: SilenceState, cursor: str, limit: int) -> Page[Silence]:
    """The project's silences in a state, the last to end first; raises cursors.BadCursor."""
    now = clock.now()
    conditions: dict[SilenceState, tuple[Any, ...]] = {
        SilenceState.ACTIVE: (Silence.starts_at <= now, Silence.ends_at > now),
        SilenceState.PLANNED: (Silence.starts_at > now,),
        SilenceState.ENDED: (Silence.ends_at <= now,),
    }
    own = _own(project).where(*conditions[state])
    order, options = [Silence.ends_at, Silence.id], [joinedload(Silence.created_by)]
    return page(own, order, cursor, limit, options=options)


def silence_or_404(project: Project, silence_id: int) -> Silence:
    own = _own(project).where(Silence.id == silence_id).options(joinedload(Silence.created_by))
    return db.session.scalar(own) or abort(404)


def hidden_by(silence: Silence) -> Sequence[Hidden]:
    """What a silence held back, the latest first, at most MOST_HIDDEN."""
    query = (
        select(Incident, IncidentEvent)
        .join(IncidentEvent, IncidentEvent.incident_id == Incident.id)
        .where(
            Incident.project_id == silence.project_id,
            IncidentEvent.details["silence"].as_integer() == silence.id,
        )
        .order_by(IncidentEvent.at.desc(), IncidentEvent.id.desc())
    )
    rows = db.session.execute(query.limit(MOST_HIDDEN))
    return [Hidden(incident, event) for incident, event in rows]


def _own(project: Project) -> Select[Silence]:
    return select(Silence).where(Silence.project_id == project.id)
