"""Public status pages: made and revoked, and what they show. Callers commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from flask import abort
from sqlalchemy import delete, func, select

from console.accounts.models import Project, User
from console.core import audit, clock
from console.core.config import config
from console.core.crypto import SealBrokenError, Token, hash_of, new_token, seal, unseal
from console.core.db import db
from console.core.tenancy import bearer, enter_organization
from console.telemetry.checks import Cell
from console.telemetry.scope import Scope
from console.uptime import maintenance, metrics, queries
from console.uptime.models import Check, CheckState, StatusPage, StatusPageCheck

DAYS = 90
DAY = timedelta(days=1)
KEPT_SECONDS, MOST_KEPT = 30.0, 1_000
MOST = 100
"""Pages of a project."""
FULL = f"A project has at most {MOST} status pages. Revoke one first."


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """What everybody may know of a check."""

    name: str
    state: str
    since: datetime
    uptime: float | None
    cells: Sequence[Cell]
    maintained: bool


@dataclass(frozen=True, slots=True)
class Status:
    """What a status page shows, as it was at a moment."""

    title: str
    checks: Sequence[ShownCheck]
    at: datetime

    @property
    def down(self) -> int:
        """How many of the checks are down and not maintained."""
        is_down = (c.state == CheckState.DOWN and not c.maintained for c in self.checks)
        return sum(is_down)

    @property
    def words(self) -> str:
        """The state of all in a few words."""
        if self.down:
            return f"{self.down} of {len(self.checks)} down"
        if any(check.maintained for check in self.checks):
            return "maintenance"
        if any(check.state == CheckState.SLOW for check in self.checks):
            return "slow"
        known = (check.state in {CheckState.UP, CheckState.DOWN} for check in self.checks)
        return "up" if any(known) else "no data"

    @property
    def tone(self) -> str:
        """How it is shown."""
        if self.down:
            return "bad"
        return {"up": "good", "slow": "warn", "maintenance": "info"}.get(self.words, "mute")


class Shown:
    """What status pages showed lately, so that many visitors cost one question."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, tuple[float, Status]] = {}

    def get(self, link: str) -> Status | None:
        """What the page of a link, named by its hash, showed within the last seconds."""
        with self._lock:
            at, status = self._kept.get(link, (0.0, None))
        return status if status and clock.monotonic() - at < KEPT_SECONDS else None

    def keep(self, link: str, status: Status) -> None:
        """Keep what a page shows now; the oldest makes room."""
        with self._lock:
            self._kept.pop(link, None)
            self._kept[link] = (clock.monotonic(), status)
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))

    def forget(self, link: str) -> None:
        """Show a page that was changed as it is now."""
        with self._lock:
            self._kept.pop(link, None)


def create(
    project: Project, title: str, checks: Sequence[Check], *, by: User | None = None
) -> StatusPage:
    """Add a status page of these checks in this order, with a link that nobody can guess."""
    hashed, sealed = _new_link()
    page = StatusPage(
        project_id=project.id,
        title=title,
        hash=hashed,
        sealed=sealed,
        created_by_id=by.id if by else None,
    )
    db.session.add(page)
    db.session.flush()
    _show(page, checks)
    audit.record("status page.created", title, actor=by.email if by else "")
    return page


def is_full(project: Project) -> bool:
    """Whether a project has so many pages that it gets no more."""
    own = select(func.count(StatusPage.id)).where(StatusPage.project_id == project.id)
    return (db.session.scalar(own) or 0) >= MOST


def change(
    page: StatusPage, title: str, checks: Sequence[Check], *, by: User | None = None
) -> None:
    """Give a page another title, and other checks or another order of them; its link stays."""
    page.title = title
    _show(page, checks)
    audit.record("status page.changed", title, actor=by.email if by else "")


def renew(page: StatusPage, *, by: User | None = None) -> None:
    """Give a page another link; the former one leads nowhere from now on."""
    page.hash, page.sealed = _new_link()
    audit.record("status page.renewed", page.title, actor=by.email if by else "")


def revoke(page: StatusPage, *, by: User | None = None) -> None:
    """Delete a page: its link leads nowhere from now on."""
    audit.record("status page.revoked", page.title, actor=by.email if by else "")
    db.session.delete(page)


def token_of(page: StatusPage) -> str:
    """The token of a page's link; "" if it was sealed under a key that is lost."""
    keys = (config().secret_key, *config().secret_key_fallbacks)
    try:
        return unseal(keys, page.sealed).decode()
    except SealBrokenError:
        return ""


def by_token(token: str) -> StatusPage | None:
    """The page of a link; its organization is entered."""
    with bearer(StatusPage, hash_of(token)):
        page: StatusPage | None = db.session.scalar(select(StatusPage))
    if page is None:
        return None
    enter_organization(page.organization_id)
    return page


def pages(project: Project) -> Sequence[tuple[StatusPage, Sequence[Check]]]:
    """The pages of a project with their checks, the newest first."""
    own = select(StatusPage).where(StatusPage.project_id == project.id)
    rows = db.session.scalars(own.order_by(StatusPage.id.desc())).all()
    return [(page, checks_of(page)) for page in rows]


def page_or_404(project: Project, page_id: int) -> StatusPage:
    own = select(StatusPage).where(StatusPage.project_id == project.id, StatusPage.id == page_id)
    return db.session.scalar(own) or abort(404)


def checks_of(page: StatusPage) -> Sequence[Check]:
    """The checks that a page shows, in its order."""
    shown = select(Check).join(StatusPageCheck, StatusPageCheck.check_id == Check.id)
    own = shown.where(StatusPageCheck.page_id == page.id)
    return db.session.scalars(own.order_by(StatusPageCheck.position)).all()


def status_of(page: StatusPage) -> Status:
    """What a page shows now: no address, no answer, no name of a project."""
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    scope = Scope(
        organization_id=page.organization_id,
        project_id=page.project_id,
        since=midnight - (DAYS - 1) * DAY,
        until=now,
    )
    checks = checks_of(page)
    cells = queries.strips(scope, int(DAY.total_seconds()), checks)
    # Of 90 whole days, as on the pages of checks; the bars are days of the calendar.
    whole = replace(scope, since=now - DAYS * DAY)
    uptime = queries.by_check(metrics.UPTIME, whole, checks)
    maintained = maintenance.maintained(page.project_id, checks)
    shown = [
        ShownCheck(
            name=check.name,
            state=check.state.value,
            since=check.since,
            uptime=uptime[check.slug].number if check.slug in uptime else None,
            cells=cells[check.slug],
            maintained=check.id in maintained,
        )
        for check in checks
    ]
    return Status(page.title, shown, now)


def _new_link() -> tuple[str, bytes]:
    """The hash of a new token, and the token sealed."""
    token, hashed = new_token(Token.SHARE)
    return hashed, seal(config().secret_key, token.encode())


def _show(page: StatusPage, checks: Sequence[Check]) -> None:
    former = delete(StatusPageCheck).where(StatusPageCheck.page_id == page.id)
    db.session.execute(former)
    db.session.add_all(
        StatusPageCheck(page_id=page.id, check_id=check.id, position=position)
        for position, check in enumerate(checks)
    )
