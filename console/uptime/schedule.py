"""When checks are tried: a due try is claimed by one process, and stored once.

The claim is a conditional update of the check's row. A process that ends, or freezes, before it
stores what came of a try loses the claim after a while: then the check is tried again. What a
frozen process stores afterwards changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, event, func, or_, select, update
from sqlalchemy.orm import Session

from console.accounts.rounds import for_each_organization
from console.core import absences, clock
from console.core.alarm import Alarm
from console.core.config import config
from console.core.crypto import SealBrokenError
from console.core.db import db, reading, writing
from console.core.tenancy import organization_scope
from console.telemetry import store
from console.telemetry.kinds import CHECK_RESULTS
from console.telemetry.records import CheckOutcome, CheckResult
from console.uptime import headers, kept, maintenance
from console.uptime.models import Check, CheckClosing, CheckKind, CheckState, Outage
from console.uptime.probe import Request
from console.uptime.prober import Prober, Tried, Try
from console.uptime.results import RUN, Story, result_id, story

EXTENSION, ALARM = "pharos.prober", "pharos.check-alarm"
JOB = "try-checks"
MOST_DUE = 1_000
CLOSING_EVERY = timedelta(minutes=1)
SLACK = timedelta(seconds=30)
"""How long after the time of two tries a claim runs out."""


def init_app(app: Flask) -> None:
    """Give the app its prober, which begins with the first check that is tried, and its alarm."""

    @contextmanager
    def enter(organization_id: int) -> Iterator[None]:
        with app.app_context(), organization_scope(organization_id):
            yield

    kept.init_app(app)
    with app.app_context():
        addresses = config().connection_addresses
    app.extensions[EXTENSION] = Prober(enter, record, addresses)
    app.extensions[ALARM] = Alarm("checks", partial(_ring, app))


def current() -> Prober:
    """Return the running app's prober."""
    return cast("Prober", current_app.extensions[EXTENSION])


def alarm() -> Alarm:
    """Return the running app's alarm, which only a served console starts."""
    return cast("Alarm", current_app.extensions[ALARM])


def try_soon(organization_id: int) -> None:
    """Wake the alarm for an organization once the Session's changes are committed."""
    woken = alarm()

    def committed(_session: Session) -> None:
        woken.note(organization_id, clock.now())

    event.listen(db.session(), "after_commit", committed, once=True)


def try_due(organization_id: int) -> Mapping[str, int]:
    """Begin the tries that are due in the Session's organization, and return at once. Commits."""
    due, following = _due(current().under_way)
    tries = _claimed(organization_id, due)
    current().submit(tries)
    if following is not None:
        alarm().note(organization_id, following)
    return {"checks tried": len(tries)}


def write_closings(organization_id: int) -> Mapping[str, int]:
    """Write results that say where checks stand that soon have no result of their own. Commits."""
    now = clock.now()
    with reading():
        due = select(CheckClosing).where(CheckClosing.at <= now).limit(MOST_DUE)
        notes = db.session.scalars(due).all()
        named = Check.id.in_([note.check_id for note in notes])
        states = dict(db.session.execute(select(Check.id, Check.state).where(named)).all())
        results = [_closing(note, states.get(note.check_id)) for note in notes]
        ids = [note.id for note in notes]
        db.session.rollback()
    if results:
        store.current().write_own(organization_id, results, RUN, CHECK_RESULTS)
        with writing():
            for note in db.session.scalars(select(CheckClosing).where(CheckClosing.id.in_(ids))):
                note.at += CLOSING_EVERY
                if note.at > note.until:
                    db.session.delete(note)
            db.session.commit()
    return {"checks closed": len(results)}


def record(organization_id: int, tries: Sequence[Tried]) -> None:
    """Store what came of tries whose claims still hold, and commit.

    Telemetry comes first: a process that ends in between tries again, and finds its result there.
    What telemetry does not take is kept for later, and the checks move on time.
    """
    with store.current().upkeep.passing():
        with reading():
            stories = _stories(tries)
            db.session.rollback()
        results = [result for story in stories for result in story.results]
        kept.store_or_keep(organization_id, results)
        with writing():
            for story in stories:
                _store(story)
            db.session.commit()
    for story in stories:
        alarm().note(organization_id, story.columns["next_due"])


def request_of(check: Check) -> Request:
    """What an HTTP check asks; raises SealBrokenError if its headers cannot be read."""
    return Request(
        **check.settings,
        headers=headers.unsealed(check.sealed),
        allow_private=config().private_addresses,
    )


def _ring(app: Flask, organization_ids: Sequence[int]) -> None:
    with app.app_context():
        for_each_organization(try_due, job=JOB, among=organization_ids)


def _due(busy: frozenset[int]) -> tuple[Sequence[Try], datetime | None]:
    """The tries that are due, the longest waiting first, without claims; and when more are due."""
    now = clock.now()
    with reading():
        waiting = select(Check).where(
            Check.kind == CheckKind.HTTP, Check.next_due <= now, _is_free(now)
        )
        checks = db.session.scalars(waiting.order_by(Check.next_due).limit(MOST_DUE)).all()
        tries = [_try_of(check) for check in checks if check.id not in busy]
        coming = select(func.min(Check.next_due)).where(
            Check.kind == CheckKind.HTTP, Check.next_due > now
        )
        following = db.session.scalar(coming)
        if len(checks) == MOST_DUE or len(tries) < len(checks):
            # A check that was paused and resumed waits until its former try is written.
            following = now + timedelta(seconds=1)
        db.session.rollback()
    return tries, following


def _try_of(check: Check) -> Try:
    fault, request = "", None
    try:
        request = request_of(check)
    except SealBrokenError:
        fault = "Its headers were sealed under another SECRET_KEY: enter them again."
    assert check.next_due is not None
    return Try(
        organization_id=check.organization_id,
        check_id=check.id,
        claim="",
        due=check.next_due,
        request=request or Request(**check.settings),
        fault=fault,
        suspect=check.last_outcome == CheckOutcome.DOWN,
    )


def _claimed(organization_id: int, tries: Sequence[Try]) -> Sequence[Try]:
    """The tries that this process has claimed."""
    if not tries:
        return []
    now, claim = clock.now(), token_hex(16)
    with writing():
        dues: dict[int, datetime] = {}
        for seconds in {of.request.timeout_seconds for of in tries}:
            until = now + timedelta(seconds=2 * seconds) + SLACK
            ids = [of.check_id for of in tries if of.request.timeout_seconds == seconds]
            claiming = (
                update(Check)
                .where(Check.organization_id == organization_id, Check.id.in_(ids))
                .where(Check.next_due <= now, _is_free(now))
                .values(claim=claim, claimed_until=until)
                .returning(Check.id, Check.next_due)
                .execution_options(synchronize_session=False)
            )
            dues |= {check_id: due for check_id, due in db.session.execute(claiming) if due}
        db.session.commit()
    # A check that was changed since it was read is tried as it now is, in the next round.
    return [of.claimed(claim) for of in tries if dues.get(of.check_id) == of.due]


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(Check.claimed_until.is_(None), Check.claimed_until < now)


def _stories(tries: Sequence[Tried]) -> list[Story]:
    ids = [tried.of.check_id for tried in tries]
    rows = db.session.scalars(select(Check).where(Check.id.in_(ids)))
    checks = {check.id: check for check in rows}
    earliest = min(answer.at for tried in tries for answer in tried.answers)
    windows = maintenance.windows_since(earliest)
    outages = [check.since for check in checks.values() if check.state is CheckState.DOWN]
    away = absences.between(min(outages), clock.now()) if outages else []
    return [
        story(check, tried, windows, away)
        for tried in tries
        if (check := checks.get(tried.of.check_id)) and check.claim == tried.of.claim
    ]


def _store(story: Story) -> None:
    """Write the new columns of a check, unless its claim was lost; and what begins or ends."""
    moved = db.session.scalar(
        update(Check)
        .where(Check.id == story.check_id, Check.claim == story.claim)
        .values(**story.columns)
        .returning(Check.id)
        .execution_options(synchronize_session=False)
    )
    if moved is None:
        return
    if story.begins is not None:
        db.session.add(story.begins)
    if story.ended_at is not None:
        end_outages(story.check_id, story.ended_at)


def end_outages(check_id: int, at: datetime) -> None:
    """Let the outage of a check that lasts end at a moment."""
    lasting = update(Outage).where(Outage.check_id == check_id, Outage.ended_at.is_(None))
    db.session.execute(lasting.values(ended_at=at).execution_options(synchronize_session=False))


def _closing(note: CheckClosing, state: CheckState | None) -> CheckResult:
    """A result that says where a check stands, and counts as nothing."""
    return CheckResult(
        organization_id=note.organization_id,
        project_id=note.project_id,
        position=-RUN,
        result_id=result_id("closing", note.id, note.at.isoformat()),
        check_id=note.check_id,
        slug=note.slug,
        kind=note.kind,
        environment=note.environment,
        timestamp=note.at,
        client_timestamp=note.at,
        received_at=clock.now(),
        outcome=CheckOutcome.PAUSED,
        state=state or CheckState.PAUSED,
        counts=False,
    )
