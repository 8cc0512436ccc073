"""The daily job: it judges the days that are over, and again those that late data has changed.

Days are of UTC: neither projects nor organizations have a zone. A change is computed from its days
alone, so a day may be judged any number of times: by a process that was killed in between, after
the clock was set back, or when rows came late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, or_, select, update

from console.accounts.models import Project
from console.changes import standing
from console.changes.judged import BACK, ChangeState, former_numbers, is_enough
from console.changes.models import Change, JudgedDays
from console.changes.readings import DAY, Place, Readings, days, readings
from console.changes.rules import BY_ID
from console.changes.standing import Key, Standing
from console.core.db import database_time, db, insert, reading, writing
from console.core.tenancy import current_organization_id
from console.telemetry import late

JOB = "find-changes"
SETTLED = timedelta(hours=2)
"""A day is judged so long after its end."""
MOST_DAYS = 14
"""So many days are made up for after a time without the console, and may change by late data."""
ANEW = 2
"""So many days before the new one are judged again with it."""
LATE_ROWS = 50
"""So many rows of a day that came late have it judged again before the next day is over."""
IN_DIGEST = timedelta(minutes=5)
YOUNG, SOON, LATER = timedelta(days=1), timedelta(minutes=9), timedelta(hours=6)
"""How long late rows wait: a young project may be given its past, and is looked at often."""
KEPT = timedelta(days=400)


@dataclass(slots=True)
class Judged:
    """What judging a project's days has come to."""

    project_id: int
    known: JudgedDays | None
    last_day: date
    at: datetime
    compared: int
    first: date | None = None
    """The first day that was judged; None if nothing had to be."""
    standings: Sequence[Standing] = ()


def judge(organization_id: int) -> Mapping[str, int]:
    """Judge the days of the projects of the Session's organization; commits for each project."""
    del organization_id  # the Session is bound to it
    with reading():
        project_ids = list(db.session.scalars(select(Project.id).order_by(Project.id)))
        db.session.rollback()
    counts: Counter[str] = Counter()
    for project_id in project_ids:
        judged = _judged(project_id)
        if judged is not None:
            counts.update(_written(judged))
    return counts


def _judged(project_id: int) -> Judged | None:
    """The project's days as the rules judge them now; None if there is nothing to do."""
    with reading():
        now = database_time()
        project = db.session.get(Project, project_id, populate_existing=True)
        judged = _look(project, now) if project is not None else None
        db.session.expunge_all()
        db.session.rollback()
    return judged


def _look(project: Project, now: datetime) -> Judged | None:
    known = db.session.scalar(select(JudgedDays).where(JudgedDays.project_id == project.id))
    last = (now - SETTLED).date() - DAY
    if known and known.last_day == last and now - _patience(project, now) < known.judged_at <= now:
        return None
    judged = Judged(project.id, known, last, now, compared=known.compared if known else 0)
    first = _first_day(project, known, last, now)
    if first is None:  # it is noted that nothing was late until now
        return judged
    judged.first, judged.compared = first, 0
    rows = _rows_by_key(project, first)
    standings: list[Standing] = []
    for own in _with_silent(readings(project, first - BACK, last), rows):
        judged.compared += _comparable(own, last)
        asked = days(first, last)
        standings += standing.standings(own, rows, asked)
    judged.standings = standing.named(project, standing.explained(project, standings, first))
    return judged


def _first_day(
    project: Project, known: JudgedDays | None, last: date, now: datetime
) -> date | None:
    """The first day to judge up to the last one that is over; None if all stay as they are."""
    earliest = last - DAY * (MOST_DAYS - 1)
    if known is None:
        return earliest
    wanted = _late_days(project, known, earliest, last)
    if known.last_day != last or known.judged_at > now:  # the clock may have been set back
        wanted.append(min(known.last_day + DAY, last) - DAY * ANEW)
    return max(min(wanted), earliest) if wanted else None


def _patience(project: Project, now: datetime) -> timedelta:
    """How long what came late may wait."""
    return SOON if now - project.created_at < YOUNG else LATER


def _late_days(project: Project, known: JudgedDays, first: date, last: date) -> list[date]:
    """The days of which many rows came since they were judged."""
    scope = Place().scope(project, first, last)
    counts = late.rows_by_day(scope, after=known.judged_at - IN_DIGEST, least=SETTLED)
    return [
        day
        for day, rows in zip(days(first, last), counts, strict=True)
        if rows >= LATE_ROWS and day <= known.last_day
    ]


def _rows_by_key(project: Project, first: date) -> Mapping[Key, Sequence[Change]]:
    """The changes that the days from the first on go on with, and the ones shortly before them."""
    query = select(Change).where(
        Change.project_id == project.id,
        Change.rule_id.in_(BY_ID),
        or_(Change.judged_day >= first - BACK, Change.state != ChangeState.OVER),
    )
    rows: dict[Key, list[Change]] = {}
    for row in db.session.scalars(query.order_by(Change.first_day, Change.id)):
        rows.setdefault(Key(row.rule_id, row.environment, row.subject), []).append(row)
    return rows


def _with_silent(
    read: Iterator[Readings], rows: Mapping[Key, Sequence[Change]]
) -> Iterator[Readings]:
    """All readings, and those without a day for changes of which nothing came any more."""
    silent = set(rows)
    for own in read:
        silent -= {Key(own.rule.id, own.place.environment, subject) for subject in own.courses}
        yield own
    for key in sorted(silent):
        yield Readings(BY_ID[key.rule_id], Place(key.environment), {key.subject: {}})


def _comparable(own: Readings, last: date) -> int:
    return sum(
        is_enough(own.rule, course[last]) and bool(former_numbers(own.rule, course, last))
        for course in own.courses.values()
        if last in course
    )


def _written(judged: Judged) -> Mapping[str, int]:
    """Write what was judged, unless another process has done so meanwhile."""
    with writing():
        if not _taken(judged):
            db.session.rollback()
            return {}
        news = standing.write(judged.project_id, judged.standings)
        db.session.execute(
            delete(Change).where(
                Change.project_id == judged.project_id,
                Change.state == ChangeState.OVER,
                Change.judged_day < judged.last_day - KEPT,
            )
        )
        db.session.commit()
    return {"projects judged": 1, **news} if judged.first is not None else {}


def _taken(judged: Judged) -> bool:
    """Note how far days are judged; False if that is not what it was when they were read."""
    values = {
        "last_day": judged.last_day,
        "judged_at": judged.at,
        "compared": judged.compared,
    }
    if judged.known is None:
        own = {"organization_id": current_organization_id(), "project_id": judged.project_id}
        made = insert(JudgedDays).values(**own, **values).on_conflict_do_nothing()
        return db.session.scalar(made.returning(JudgedDays.id)) is not None
    moved = (
        update(JudgedDays)
        .where(JudgedDays.id == judged.known.id, JudgedDays.judged_at == judged.known.judged_at)
        .values(**values)
        .returning(JudgedDays.id)
        .execution_options(synchronize_session=False)
    )
    return db.session.scalar(moved) is not None
