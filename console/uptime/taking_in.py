"""Takes in what jobs say: check-ins of Sentry's clients make their checks, and move them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from flask import Flask, current_app
from sqlalchemy import ColumnElement, delete, func, select, tuple_, update

from console.core import absences, clock
from console.core.db import db, reading, writing
from console.core.tenancy import current_organization_id
from console.telemetry import store
from console.telemetry.kinds import CHECK_RESULTS
from console.uptime import maintenance
from console.uptime.check_in import ENVIRONMENT, CheckIn, place_of
from console.uptime.course import LATE, Began, Course
from console.uptime.expectation import Expectation, asked, threshold
from console.uptime.models import (
    LONGEST_NAME,
    Check,
    CheckClosing,
    CheckKind,
    CheckRun,
    CheckState,
    MaintenanceWindow,
    Outage,
    WaitingCheckIn,
)
from console.uptime.results import RUN
from console.uptime.schedule import CLOSING_EVERY, end_outages

MOST_MONITORS = 1_000
"""Of a project; check-ins of other names are counted, and dropped."""
MOST_ASKED = 500
"""So many names are looked for: a statement has room for some thousand values."""
MOST_AT_ONCE, ROUNDS = 1_000, 5
"""So many words are taken in together, and so often in one run: as many as a quota lets come."""
MOST_STORED = 100
"""So many checks are stored in a transaction: others wait for its end."""
JOBS = (CheckKind.MONITOR, CheckKind.HEARTBEAT)
_INSTANT = timedelta(microseconds=1)
_Times = Mapping[int, Mapping[str, datetime]]
"""By check and run."""
SURPLUS = f"more than {MOST_MONITORS:,} monitors, or a name that another check has"


EXTENSION = "pharos.uptime.waiting"
Waiting = Callable[[int, int], datetime | None]
"""When the oldest row came that a project has waiting for digest; None without any."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A check and what has come of its words."""

    course: Course
    words: Sequence[int]
    due: datetime | None
    """When it was due before."""


def init_app(app: Flask, waiting: Waiting) -> None:
    """Let the checks of jobs ask what waits for digest."""
    app.extensions[EXTENSION] = waiting


def keep(project_id: int, check_ins: Sequence[CheckIn]) -> int:
    """Add check-ins to the Session, and the checks that they make or change.

    Returns how many were left out, because their project has too many monitors.
    """
    if not check_ins:
        return 0
    checks, left_out = _known(project_id, check_ins), 0
    room = MOST_MONITORS - _monitors(project_id)
    for check_in in check_ins:
        place = place_of(check_in.slug, check_in.environment), check_in.environment
        if place not in checks and room > 0:
            checks[place] = _made(check_in)
            room -= 1
        check = checks.get(place)
        if check is None or check.kind is not CheckKind.MONITOR:
            left_out += 1
            continue
        _configure(check, check_in)
        db.session.add(_waiting(check, check_in))
    return left_out


def settle(organization_id: int) -> Mapping[str, int]:
    """Move the checks of the Session's organization by what was said, and by time. Commits."""
    words = 0
    for _ in range(ROUNDS):
        taken_in = _settle_some(organization_id)
        words += taken_in
        if taken_in < MOST_AT_ONCE:
            break
    return {"check-ins": words}


def _settle_some(organization_id: int) -> int:
    """Take in the words that wait longest; returns how many.

    Telemetry comes first: a process that ends in between finds its results there.
    """
    now = clock.now()
    with reading():
        moved = list(_moved(organization_id, now))
        for of in moved:  # it stays readable, though its check may be deleted meanwhile
            db.session.expunge(of.course.check)
        db.session.rollback()
    results = [result for of in moved for result in of.course.results]
    if results:
        store.current().write_own(organization_id, results, RUN, CHECK_RESULTS)
    for start in range(0, len(moved), MOST_STORED):
        with writing():
            _store(moved[start : start + MOST_STORED])
            db.session.commit()
    return sum(len(of.words) for of in moved)


def _known(project_id: int, check_ins: Sequence[CheckIn]) -> dict[tuple[str, str], Check]:
    """The checks of monitors by slug and environment: all of the project if many are named.

    A project has few checks; how many names a batch has is up to whoever sends.
    """
    places = sorted(
        {
            (place_of(check_in.slug, check_in.environment), check_in.environment)
            for check_in in check_ins
        }
    )
    query = select(Check).where(Check.project_id == project_id)
    if len(places) <= MOST_ASKED:
        query = query.where(tuple_(Check.slug, Check.environment).in_(places))
    return {(check.slug, check.environment): check for check in db.session.scalars(query)}


def _monitors(project_id: int) -> int:
    own = (Check.project_id == project_id, Check.kind == CheckKind.MONITOR)
    return db.session.scalar(select(func.count()).select_from(Check).where(*own)) or 0


def _made(check_in: CheckIn) -> Check:
    check = Check(
        organization_id=check_in.organization_id,
        project_id=check_in.project_id,
        kind=CheckKind.MONITOR,
        slug=place_of(check_in.slug, check_in.environment),
        name=_name(check_in)[:LONGEST_NAME],
        environment=check_in.environment,
        settings=Expectation().document,
        state=CheckState.UNKNOWN,
    )
    db.session.add(check)
    db.session.flush()
    check.next_due = None  # a new row would take the column's default instead
    return check


def _name(check_in: CheckIn) -> str:
    if check_in.environment == ENVIRONMENT:
        return check_in.slug
    return f"{check_in.slug} ({check_in.environment})"


def _configure(check: Check, check_in: CheckIn) -> None:
    """Let a check expect what its client asks for."""
    config = check_in.config
    if not config:
        return
    known = Expectation.of(check.settings)
    wanted = asked(config, known)
    if wanted != known:
        check.settings = wanted.document
    check.failures_needed = threshold(config.get("failure_issue_threshold"))
    check.successes_needed = threshold(config.get("recovery_threshold"))
    check.interval_seconds = round(wanted.seconds_from(check_in.timestamp))


def _waiting(check: Check, check_in: CheckIn) -> WaitingCheckIn:
    return WaitingCheckIn(
        organization_id=current_organization_id(),
        check_id=check.id,
        run=check_in.run,
        status=check_in.status,
        at=check_in.timestamp,
        release=check_in.release,
        duration_ms=check_in.duration_ms,
    )


def _moved(organization_id: int, now: datetime) -> Iterator[Moved]:
    """The checks of jobs that something was said of, or whose time has come."""
    waiting = select(WaitingCheckIn).order_by(WaitingCheckIn.at, WaitingCheckIn.id)
    words = db.session.scalars(waiting.limit(MOST_AT_ONCE)).all()
    if len(words) == MOST_AT_ONCE:
        # What others said since then waits: nothing is missed that may have been said.
        now = words[-1].at - _INSTANT
    late = select(CheckRun.check_id).where(CheckRun.expires_at <= now)
    by_check: dict[int, list[WaitingCheckIn]] = {}
    for word in words:
        by_check.setdefault(word.check_id, []).append(word)
    turn = Check.id.in_(by_check) | Check.id.in_(late) | (Check.next_due <= now)
    query = select(Check).where(Check.kind.in_(JOBS), turn).order_by(Check.id)
    checks = db.session.scalars(query).all()
    runs, ended = _runs([check.id for check in checks])
    windows = maintenance.windows_since(min([now, *(word.at for word in words)]))
    away = absences.between(now - absences.KEPT, now)
    heard = _heard_until(organization_id, {check.project_id for check in checks}, now)
    for check in checks:
        maintained = partial(_is_maintained, check, windows)
        course = Course.of(check, runs.get(check.id, {}), maintained, away)
        course.ended |= ended.get(check.id, {})
        own = by_check.get(check.id, [])
        if check.state is not CheckState.PAUSED:
            for word in own:
                course.hear(word)
            is_digested = check.kind is CheckKind.MONITOR
            course.pass_until(heard[check.project_id] if is_digested else now)
        yield Moved(course, [word.id for word in own], check.next_due)


def _heard_until(
    organization_id: int, project_ids: Iterable[int], now: datetime
) -> Mapping[int, datetime]:
    """By project, the moment up to which all check-ins that came are known: the rest is in digest.

    Nothing is missed before it is known that it did not come.
    """
    waiting: Waiting = current_app.extensions[EXTENSION]
    oldest = {project_id: waiting(organization_id, project_id) for project_id in project_ids}
    return {project_id: min(at, now) if at else now for project_id, at in oldest.items()}


def _runs(check_ids: Sequence[int]) -> tuple[_Times, _Times]:
    """When the open runs of checks began, and when the ones ended that ended a while ago."""
    began: dict[int, dict[str, datetime]] = {}
    ended: dict[int, dict[str, datetime]] = {}
    for run in db.session.scalars(select(CheckRun).where(CheckRun.check_id.in_(check_ids))):
        if run.ended_at is None:
            began.setdefault(run.check_id, {})[run.run] = run.began_at
        else:
            ended.setdefault(run.check_id, {})[run.run] = run.ended_at
    return began, ended


def _is_maintained(check: Check, windows: Sequence[MaintenanceWindow], at: datetime) -> bool:
    return any(
        window.project_id == check.project_id and window.covers(check.id, at) for window in windows
    )


def _store(moved: Sequence[Moved]) -> None:
    """Write what became of checks, unless somebody changed when they are due meanwhile."""
    stored = [of for of in moved if _has_moved(of)]
    words = [word for of in stored for word in of.words]
    ids = [of.course.check.id for of in stored]
    for forgetting in (
        delete(WaitingCheckIn).where(WaitingCheckIn.id.in_(words)),
        delete(CheckRun).where(CheckRun.check_id.in_(ids)),
    ):
        db.session.execute(forgetting.execution_options(synchronize_session=False))
    for of in stored:
        db.session.add_all(_runs_of(of.course))
        _store_turns(of.course)


def _has_moved(moved: Moved) -> bool:
    moving = (
        update(Check)
        .where(Check.id == moved.course.check.id, _is_due(moved.due))
        .values(**_columns(moved.course))
        .returning(Check.id)
        .execution_options(synchronize_session=False)
    )
    return db.session.scalar(moving) is not None


def _store_turns(course: Course) -> None:
    """Begin and end the outages of a check."""
    check = course.check
    for turn in course.turns:
        if isinstance(turn, Began):
            outage = Outage(check_id=check.id, began_at=turn.at, why=turn.why)
            outage.organization_id = check.organization_id
            outage.maintenance = course.maintained(turn.at)
            db.session.add(outage)
            db.session.flush()
        else:
            end_outages(check.id, turn)
            db.session.add(_recovered(check, turn))


def _recovered(check: Check, at: datetime) -> CheckClosing:
    """Lets rules that fire learn of a recovery in the minute in which the job was missed, too.

    That minute has a failure, and the next word of the job may be a day away.
    """
    return CheckClosing(
        organization_id=check.organization_id,
        project_id=check.project_id,
        check_id=check.id,
        slug=check.slug,
        kind=check.kind,
        environment=check.environment,
        at=at + CLOSING_EVERY,
        until=at + CLOSING_EVERY,
    )


def _is_due(due: datetime | None) -> ColumnElement[bool]:
    return Check.next_due.is_(None) if due is None else Check.next_due == due


def _columns(course: Course) -> dict[str, object]:
    columns: dict[str, object] = {
        "state": course.standing.state,
        "since": course.standing.since,
        "failures": course.standing.failures,
        "successes": course.standing.successes,
        "next_due": course.deadline,
    }
    if heard := [result for result in course.results if result.counts]:
        last = heard[-1]
        columns |= {"last_at": last.timestamp, "last_outcome": last.outcome, "last_why": last.why}
    return columns


def _runs_of(course: Course) -> list[CheckRun]:
    """The runs of a check as they are stored."""
    check = course.check
    runs = [
        CheckRun(run=run, began_at=began, expires_at=began + course.expected.runtime)
        for run, began in course.runs.items()
    ]
    runs += [
        CheckRun(run=run, began_at=at, ended_at=at, expires_at=at + LATE)
        for run, at in course.ended.items()
    ]
    for run in runs:
        run.organization_id, run.check_id = check.organization_id, check.id
    return runs
