"""Heartbeats: checks whose jobs ask an address that nobody can guess. Callers commit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from yarl import URL

from console.accounts.models import Project, User
from console.accounts.projects import console_url
from console.core import audit, clock
from console.core.config import config
from console.core.crypto import SealBrokenError, Token, hash_of, new_token, seal, unseal
from console.core.db import db, reading, writing
from console.core.tenancy import bearer, enter_organization
from console.uptime.checks import free_slug
from console.uptime.expectation import Expectation
from console.uptime.models import (
    LONGEST_WHY,
    Check,
    CheckKind,
    CheckState,
    Heartbeat,
    WaitingCheckIn,
)
from console.web.below import front_path, root_path

PATH = "/beat/"
MOST_WAITING = 1_000
"""Pings of a check that wait to be taken in; more are refused."""


class TooMany(Exception):
    """A heartbeat's address is asked faster than its pings are taken in."""


def create(
    project: Project, name: str, expected: Expectation, *, by: User | None = None, failures: int = 1
) -> Check:
    """Add a heartbeat with an address of its own; it is expected once it was heard of."""
    check = Check(
        project_id=project.id,
        kind=CheckKind.HEARTBEAT,
        slug=free_slug(project, name),
        name=name,
        settings=expected.document,
        failures_needed=failures,
        interval_seconds=round(expected.seconds_from(clock.now())),
        created_by_id=by.id if by else None,
    )
    db.session.add(check)
    db.session.flush()
    check.next_due = None  # a new row would take the column's default instead
    token, hash_ = new_token(Token.HEARTBEAT)
    sealed = seal(config().secret_key, token.encode())
    db.session.add(Heartbeat(check_id=check.id, hash=hash_, sealed=sealed))
    audit.record("check.created", name, actor=by.email if by else "")
    return check


def change(
    check: Check, name: str, expected: Expectation, *, by: User | None = None, failures: int = 1
) -> None:
    """Expect a heartbeat at other times, from its last word on."""
    check.name, check.settings, check.failures_needed = name, expected.document, failures
    check.interval_seconds = round(expected.seconds_from(clock.now()))
    if check.next_due is not None:
        check.next_due = expected.deadline_after(clock.now())
    audit.record("check.changed", name, actor=by.email if by else "")


def is_of_console(url: str) -> bool:
    """Whether a URL leads to this console, as far as it knows its own address."""
    try:
        asked, own = URL(url), URL(console_url())
    except ValueError:
        return False
    if asked.host is None or (asked.host, asked.port) != (own.host, own.port):
        return False
    return f"{asked.path}/".startswith(front_path())


def is_address(url: str) -> bool:
    """Whether asking a URL says that the job of a heartbeat ran."""
    return is_of_console(url) and URL(url).path.startswith(f"{root_path()}{PATH}")


def address_of(check: Check) -> str:
    """The address that the job asks; "" for other checks, and if its seal is broken."""
    sealed = db.session.scalar(select(Heartbeat.sealed).where(Heartbeat.check_id == check.id))
    if sealed is None:
        return ""
    try:
        token = unseal((config().secret_key, *config().secret_key_fallbacks), sealed)
    except SealBrokenError:
        return ""
    return f"{console_url()}{PATH}{token.decode()}"


def hear(token: str, status: str, *, run: str = "", why: str = "") -> bool:
    """Note what a job says, and commit; False if no heartbeat has this token. Raises TooMany."""
    with reading(), bearer(Heartbeat, hash_of(token)):
        place = select(Heartbeat.organization_id, Heartbeat.check_id)
        row = db.session.execute(place.where(Heartbeat.hash == hash_of(token))).first()
        db.session.rollback()
    if row is None:
        return False
    organization_id, check_id = row
    enter_organization(organization_id)
    with writing():
        _wait(check_id, {"status": status, "run": run, "why": why[:LONGEST_WHY]})
        db.session.commit()
    return True


def _wait(check_id: int, word: dict[str, Any]) -> None:
    """Add a word; of a paused check nothing is noted."""
    waiting = select(func.count()).where(WaitingCheckIn.check_id == check_id)
    if (db.session.scalar(waiting) or 0) >= MOST_WAITING:
        db.session.rollback()
        raise TooMany
    state = db.session.scalar(select(Check.state).where(Check.id == check_id))
    if state is not CheckState.PAUSED:
        db.session.add(WaitingCheckIn(check_id=check_id, at=clock.now(), **word))
