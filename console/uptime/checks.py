"""Checks are made, changed, paused and deleted. Callers commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from console.accounts.models import Project, User
from console.accounts.slugs import slug_of
from console.core import audit, clock
from console.core.db import db
from console.telemetry.records import CheckOutcome
from console.uptime import headers
from console.uptime.models import LONGEST_SLUG, Check, CheckClosing, CheckKind, CheckState
from console.uptime.probe import Request
from console.uptime.schedule import end_outages, try_soon

MOST = 500
"""Checks of a project."""
CLOSING = timedelta(hours=1)
"""Rules are evaluated at least so often, or their incidents stay open when a check is paused."""


def create(
    project: Project, name: str, request: Request, *, by: User | None = None, **columns: Any
) -> Check:
    """Add an HTTP check, which is tried at once."""
    check = Check(
        project_id=project.id,
        kind=CheckKind.HTTP,
        slug=free_slug(project, name),
        name=name,
        settings=request.document,
        sealed=headers.sealed(request.headers),
        created_by_id=by.id if by else None,
        **columns,
    )
    db.session.add(check)
    db.session.flush()
    try_soon(check.organization_id)
    audit.record("check.created", name, actor=by.email if by else "")
    return check


def free_slug(project: Project, name: str) -> str:
    """The slug of a new check, which it keeps whatever it is called later."""
    taken = set(db.session.scalars(select(Check.slug).where(Check.project_id == project.id)))
    return slug_of(name[: LONGEST_SLUG - 8], taken)[:LONGEST_SLUG]


def change(
    check: Check, name: str, request: Request, *, by: User | None = None, **columns: Any
) -> None:
    """Let a check look at something else; it is tried at once. A try under way is forgotten."""
    if check.settings.get("url") != request.url:  # another server has another certificate
        check.certificate_until = check.domain_until = check.domain_asked_at = None
    check.name, check.settings = name, request.document
    check.sealed = headers.sealed(request.headers)
    for column, value in columns.items():
        setattr(check, column, value)
    _forget_try(check)
    check.next_due = None if check.state is CheckState.PAUSED else clock.now()
    try_soon(check.organization_id)
    audit.record("check.changed", name, actor=by.email if by else "")


def pause(check: Check, *, by: User | None = None) -> bool:
    """Look at a check no more until it is resumed; False if it is paused already."""
    if check.state is CheckState.PAUSED:
        return False
    _close(check)
    _forget_try(check)
    check.state, check.since, check.next_due = CheckState.PAUSED, clock.now(), None
    check.failures = check.successes = 0
    audit.record("check.paused", check.name, actor=by.email if by else "")
    return True


def resume(check: Check, *, by: User | None = None) -> bool:
    """Look at a paused check again, at once; False if it is not paused."""
    if check.state is not CheckState.PAUSED:
        return False
    check.state, check.since = CheckState.UNKNOWN, clock.now()
    # A job is expected again once it was heard of.
    check.next_due = clock.now() if check.kind is CheckKind.HTTP else None
    try_soon(check.organization_id)
    db.session.execute(sa.delete(CheckClosing).where(CheckClosing.check_id == check.id))
    audit.record("check.resumed", check.name, actor=by.email if by else "")
    return True


def delete(check: Check, *, by: User | None = None) -> None:
    """Delete a check; its results stay as long as the project keeps them."""
    _close(check)
    audit.record("check.deleted", check.name, actor=by.email if by else "")
    db.session.delete(check)


def silent_monitors(project: Project, days: int) -> Sequence[Check]:
    """The monitors that nobody was heard of for so many days, the longest silent first.

    A job that is in time does not count, however rarely it runs, nor does one that is paused. One
    that was missed last counts from when it went down.
    """
    long_ago = clock.now() - timedelta(days=days)
    heard = sa.func.coalesce(Check.last_at, Check.created_at)
    last = sa.case((Check.last_outcome == CheckOutcome.MISSED, Check.since), else_=heard)
    in_time = (Check.state == CheckState.UP) & (Check.next_due > clock.now())
    own = select(Check).where(
        Check.project_id == project.id,
        Check.kind == CheckKind.MONITOR,
        Check.state != CheckState.PAUSED,
        sa.not_(sa.func.coalesce(in_time, sa.false())),
        last < long_ago,
    )
    return db.session.scalars(own.order_by(last, Check.id)).all()


def delete_silent_monitors(project: Project, days: int, *, by: User | None = None) -> int:
    """Delete them, so that other names have room; returns how many. Their results stay."""
    silent = silent_monitors(project, days)
    for check in silent:
        if check.state is CheckState.DOWN:
            _close(check)
        db.session.delete(check)
    if silent:
        monitors = f"{len(silent)} monitors, silent for {days} days"
        audit.record("check.deleted", monitors, actor=by.email if by else "")
    return len(silent)


def _close(check: Check) -> None:
    """Let rules that fire for the check learn that nobody looks at it any more.

    Whoever stores a result holds the check before its outage, and so does this.
    """
    db.session.execute(select(Check.id).where(Check.id == check.id).with_for_update())
    end_outages(check.id, clock.now())
    note = CheckClosing(
        project_id=check.project_id,
        check_id=check.id,
        slug=check.slug,
        kind=check.kind,
        environment=check.environment,
        at=clock.now(),
        until=clock.now() + CLOSING,
    )
    db.session.add(note)


def _forget_try(check: Check) -> None:
    check.claim, check.claimed_until = "", None
