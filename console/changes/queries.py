"""The changes that pages, charts, scripts and reports show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload

from console.accounts.models import Project
from console.changes import words
from console.changes.cause import Cause
from console.changes.forms import LIVING, ChangeFilter
from console.changes.judged import ChangeState
from console.changes.models import Change, JudgedDays
from console.changes.readings import midnight
from console.changes.rules import RULES
from console.core.db import db
from console.core.paging import Page, page
from console.metrics.subjects import Subjects, named
from console.telemetry.scope import Owned
from console.web.charts import Marker
from console.web.timeline import About

EVERYWHERE = [rule.id for rule in RULES if rule.everywhere]
MOST_MARKERS = 50


def changes(project: Project, by: ChangeFilter, cursor: str, limit: int) -> Page[Change]:
    """The project's changes that match, the largest first; raises cursors.BadCursor."""
    own = select(Change).where(Change.project_id == project.id, *_conditions(by))
    return page(own, [Change.impact, Change.id], cursor, limit)


def judged(project: Project) -> JudgedDays | None:
    """How far the project's days are judged; None before the first time."""
    return db.session.scalar(select(JudgedDays).where(JudgedDays.project_id == project.id))


def living(project: Project) -> int:
    """How many changes of the project live."""
    own = select(func.count(Change.id)).where(
        Change.project_id == project.id, *_conditions(ChangeFilter(states=LIVING))
    )
    return db.session.scalar(own) or 0


def moved(
    projects: Collection[int], since: datetime, until: datetime, environment: str = ""
) -> Sequence[Change]:
    """The living changes of projects with news in a time, the largest first, with their projects.

    The organization's Session must be entered. A day counts if a moment of it is in the time.
    """
    by = ChangeFilter(states=LIVING, environment=environment)
    query = (
        select(Change)
        .where(Change.project_id.in_(projects), *_conditions(by))
        .where(Change.moved_on.between(*_days(since, until)))
        .order_by(Change.impact.desc(), Change.id.desc())
        .options(joinedload(Change.project).joinedload(Project.organization))
    )
    return db.session.scalars(query).all()


def largest(projects: Collection[int], by: ChangeFilter, limit: int) -> Sequence[Change]:
    """The changes of projects that match, the largest first. The Session must be entered."""
    own = select(Change).where(Change.project_id.in_(projects), *_conditions(by))
    ordered = own.order_by(Change.impact.desc(), Change.id.desc())
    return db.session.scalars(ordered.limit(limit)).all()


def subjects_of(project: Owned, listed: Sequence[Change]) -> dict[int, Subjects]:
    """By the id of each change what its subject is called now, and where its page is."""
    by_dimension: dict[str, set[str]] = {}
    for change in listed:
        by_dimension.setdefault(change.rule.by, set()).add(change.subject)
    known = {by: named(project, by, values) for by, values in by_dimension.items()}
    return {change.id: known[change.rule.by] for change in listed}


def markers(
    project: Project, since: datetime, until: datetime, environment: str = "", about: About = None
) -> list[Marker]:
    """When the numbers of what a chart is about changed: with a release, or at the day's start.

    Days begin at midnight of UTC.
    """
    by, subject = about or ("", "")
    rules = [rule.id for rule in RULES if rule.by == by]
    query = (
        select(Change)
        .where(Change.project_id == project.id, Change.subject == subject)
        .where(Change.rule_id.in_(rules), *_conditions(ChangeFilter(environment=environment)))
        .where(Change.first_day.between(*_days(since, until)))
        .order_by(Change.first_day, Change.id)
    )
    return [
        Marker(
            at,
            f"{change.rule.noun}: {words.effect(change)}",
            _tone(change),
            "changes.changes",
            {"_anchor": f"change-{change.id}"},
        )
        for change in db.session.scalars(query.limit(MOST_MARKERS))
        if since <= (at := _moment(change)) < until
    ]


def _moment(change: Change) -> datetime:
    cause = Cause.of(change.cause)
    return (
        cause.at if cause.at and change.moved_on == change.first_day else midnight(change.first_day)
    )


def _days(since: datetime, until: datetime) -> tuple[date, date]:
    """The first and the last day of UTC that a time touches."""
    return _day(since), max(_day(since), _day(until - timedelta(microseconds=1)))


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _tone(change: Change) -> Literal["mute", "bad"]:
    return "bad" if change.is_good is False else "mute"


def _conditions(by: ChangeFilter) -> Iterator[ColumnElement[bool]]:
    yield Change.state.in_(by.states)
    yield Change.rule_id.in_([rule.id for rule in RULES if by.kind in ("", rule.kind.value)])
    if by.is_good is not None:
        for_it = {
            way: [rule.id for rule in RULES if rule.is_better(way) is by.is_good] for way in (1, -1)
        }
        yield or_(*(Change.rule_id.in_(ids) & (Change.way == way) for way, ids in for_it.items()))
    if by.text:
        yield Change.name.icontains(by.text, autoescape=True)
    if by.environment:
        yield or_(Change.environment == by.environment, Change.rule_id.in_(EVERYWHERE))
    if by.since:
        yield or_(Change.state != ChangeState.OVER, Change.judged_day >= _day(by.since))
    if by.until:
        yield Change.first_day <= _day(by.until)
