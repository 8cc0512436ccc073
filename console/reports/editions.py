"""Editions are claimed, made and owed to their recipients: each once, whoever makes it.

Whoever moves a report's due time on adds its edition, in one transaction. An edition that is being
made has a lease: if its process ends, another makes it. Its content, its files and the messages to
its recipients are written in the transaction that says it is made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from secrets import token_hex
from threading import Event, Thread

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from console.accounts.models import User
from console.alerting.apart import Apart
from console.core import clock
from console.core.cron import Cron
from console.core.database_errors import concerns_all
from console.core.db import db, reading, writing
from console.core.tenancy import current_organization_id, organization_scope
from console.reports import recipients
from console.reports.making import Made, Skipped, TryAgain, make
from console.reports.models import (
    LONGEST_WHY,
    EditionState,
    Report,
    ReportContent,
    ReportEdition,
    ReportFile,
)
from console.web import clocks

JOB = "send-reports"
LEASE = timedelta(minutes=5)
RENEWED = timedelta(minutes=1)
"""How often a process that makes an edition says that it still does."""
MOST_RENEWALS = 60
"""So often it may say so: whoever takes longer hangs."""
AGAIN = timedelta(minutes=1)
BETWEEN, BETWEEN_MINE = timedelta(minutes=5), timedelta(seconds=30)
"""From one sending by hand to the next: to everybody, and to oneself."""
TRIES = 3
"""So often an edition is tried before it has failed."""
MOST_STARTS = 8
"""So often it is begun if nobody hears how that ended: what ends the console must not go on so."""
log = logging.getLogger(__name__)


def send_due(organization_id: int) -> Mapping[str, int]:
    """Make what is due in the Session's organization, and owe it to its recipients. Commits.

    Raises RowsFailed at the end if a report failed: the others are made.
    """
    del organization_id  # the Session is bound to it
    apart, now, made = Apart("reports"), clock.now(), 0
    with reading():
        due = select(Report.id).where(Report.enabled, Report.next_at <= now).order_by(Report.id)
        ids = db.session.scalars(due).all()
        db.session.rollback()
    for report_id in ids:
        with apart.row(f"report {report_id}"), writing():
            claim(report_id, now)
            db.session.commit()
    with reading():
        free = select(ReportEdition.id).where(_free(now)).order_by(ReportEdition.id)
        waiting = db.session.scalars(free).all()
        db.session.rollback()
    for edition_id in waiting:
        with apart.row(f"edition {edition_id}"):
            made += make_one(edition_id)
    apart.end()
    return {"reports made": made}


def claim(report_id: int, now: datetime) -> ReportEdition | None:
    """Move a report's due time on and add its edition; None if another process has done so.

    One that is late by several due times has one edition, and one whose due time comes again,
    because the clock was set back, has no second. The caller commits.
    """
    report = db.session.get(Report, report_id)
    if report is None or report.next_at is None or report.next_at > now:
        return None
    schedule, seen = Cron(report.cron, report.zone), report.next_at
    following = schedule.upcoming(now, 1)
    moved = (
        update(Report)
        .where(Report.id == report.id, Report.next_at == seen, Report.enabled)
        .values(next_at=following[0] if following else None)
        .returning(Report.id)
    )
    if db.session.scalar(moved) is None:
        return None
    due_at = max(seen, schedule.latest(now))
    same = select(ReportEdition.id).where(
        ReportEdition.report_id == report.id, ReportEdition.due_at == due_at
    )
    if db.session.scalar(same) is not None:
        log.warning("report %d was due twice at %s: the clock was set back", report.id, due_at)
        return None
    edition = ReportEdition(report_id=report.id, due_at=due_at)
    db.session.add(edition)
    db.session.flush()
    return edition


def obstacle(report: Report, only: User | None = None) -> str:
    """Why a report cannot be sent by hand again yet, as a sentence; "" if it can.

    Whoever agreed to a report agreed to no flood of it.
    """
    between, for_id = (BETWEEN_MINE, only.id) if only else (BETWEEN, None)
    lately = select(func.max(ReportEdition.created_at)).where(
        ReportEdition.report_id == report.id,
        ReportEdition.by_hand,
        ReportEdition.for_id == for_id,
        ReportEdition.created_at > clock.now() - between,
        ReportEdition.created_at < clock.now() + between,  # else the clock was set back
    )
    sent = db.session.scalar(lately)
    if sent is None:
        return ""
    return f"It was sent a moment ago. Send it again after {clocks.local(sent + between):%H:%M:%S}."


def send_now(report: Report, *, only: User | None = None) -> ReportEdition:
    """Add an edition for everybody, or for one person alone. The caller commits, then makes it."""
    edition = ReportEdition(
        report_id=report.id, due_at=clock.now(), by_hand=True, for_id=only.id if only else None
    )
    db.session.add(edition)
    db.session.flush()
    return edition


def make_one(edition_id: int) -> bool:
    """Make an edition unless somebody else does; True if it is made now. Commits."""
    lease = token_hex(8)
    starts = _leased(edition_id, lease)
    if not starts:
        return False
    if starts > MOST_STARTS:
        log.error("edition %d was begun %d times and never ended", edition_id, MOST_STARTS)
        _put_off(edition_id, lease, "The console ended each time while it made this edition.")
        return False
    try:
        with reading(), _held(edition_id, lease):
            edition = db.session.get_one(ReportEdition, edition_id)
            result = make(edition)
            db.session.rollback()
    except TryAgain as error:
        db.session.rollback()
        _put_off(edition_id, lease, str(error))
        return False
    except Exception as error:
        db.session.rollback()
        if not concerns_all(error):
            _put_off(edition_id, lease, f"It was not made: {type(error).__name__}")
        raise
    with writing():
        is_mine = _store(edition_id, lease, result)
        db.session.commit()
    return is_mine and isinstance(result, Made)


def _free(now: datetime) -> ColumnElement[bool]:
    """Whether an edition waits for somebody to make it."""
    until = ReportEdition.leased_until
    # No lease is longer: one that ends later was written before the clock was set back.
    is_free = or_(until.is_(None), until < now, until > now + LEASE)
    return and_(ReportEdition.state == EditionState.MAKING, is_free)


def _leased(edition_id: int, lease: str) -> int:
    """How often the edition has been begun, now included; 0 if somebody else makes it."""
    now = clock.now()
    taken = (
        update(ReportEdition)
        .where(ReportEdition.id == edition_id, _free(now))
        .values(lease=lease, leased_until=now + LEASE, attempts=ReportEdition.attempts + 1)
        .returning(ReportEdition.attempts)
    )
    with writing():
        starts = db.session.scalar(taken)
        db.session.commit()
    return starts or 0


@contextmanager
def _held(edition_id: int, lease: str) -> Iterator[None]:
    """Renew the lease from a thread beside while the edition is made, however long that takes."""
    ended = Event()
    organization_id = current_organization_id()
    assert organization_id is not None
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - as documented
    keeper = Thread(
        target=_renew, args=(app, organization_id, edition_id, lease, ended), daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _renew(app: Flask, organization_id: int, edition_id: int, lease: str, ended: Event) -> None:
    for _ in range(MOST_RENEWALS):
        if ended.wait(RENEWED.total_seconds()):
            return
        mine = update(ReportEdition).where(
            ReportEdition.id == edition_id, ReportEdition.lease == lease
        )
        try:
            with app.app_context(), organization_scope(organization_id), writing():
                db.session.execute(mine.values(leased_until=clock.now() + LEASE))
                db.session.commit()
        except DBAPIError as error:
            log.warning("the lease of edition %d was not renewed: %s", edition_id, error.orig)


def _mine(edition_id: int, lease: str) -> ReportEdition | None:
    """The edition if nobody else has taken it over, locked."""
    own = select(ReportEdition).where(
        ReportEdition.id == edition_id,
        ReportEdition.lease == lease,
        ReportEdition.state == EditionState.MAKING,
    )
    return db.session.scalar(
        own.with_for_update(of=ReportEdition).execution_options(populate_existing=True)
    )


def _store(edition_id: int, lease: str, result: Made | Skipped) -> bool:
    """Write what came of it; False if another process has taken it over. The caller commits."""
    edition = _mine(edition_id, lease)
    if edition is None:
        log.warning("edition %d was made by another process meanwhile", edition_id)
        return False
    edition.made_at, edition.leased_until, edition.lease = clock.now(), None, ""
    edition.sentence = result.sentence[:500]
    if isinstance(result, Skipped):
        edition.state, edition.why = EditionState.SKIPPED, result.why[:LONGEST_WHY]
        return True
    edition.state, edition.why = EditionState.MADE, result.why[:LONGEST_WHY]
    rows: dict[str, ReportContent] = {}
    for variant, content in result.contents.items():
        row = ReportContent(
            edition_id=edition.id,
            variant=variant,
            outside=content.outside,
            document=content.frozen.document,
        )
        db.session.add(row)
        db.session.flush()
        rows[variant] = row
        for name, body in content.files.items():
            db.session.add(ReportFile(content_id=row.id, name=name, body=body))
    recipients.owe(edition, result, rows)
    return True


def _put_off(edition_id: int, lease: str, why: str) -> None:
    """Let it be tried again in a while, or say that it failed."""
    with writing():
        edition = _mine(edition_id, lease)
        if edition is not None:
            edition.why, edition.lease = why[:LONGEST_WHY], ""
            edition.leased_until = clock.now() + AGAIN
            if edition.attempts >= TRIES:
                edition.state, edition.leased_until = EditionState.FAILED, None
        db.session.commit()
