"""Checks, their outages, the times in which they are maintained, and public status pages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to
from console.uptime.headers import openly

LONGEST_SLUG, LONGEST_NAME, LONGEST_WHY = 50, 100, 500


class CheckKind(StrEnum):
    """How the console learns whether something works."""

    HTTP = "http"
    """The console asks a URL."""
    HEARTBEAT = "heartbeat"
    """A job asks a URL of the console, in time."""
    MONITOR = "monitor"
    """A Sentry client checks in, in time."""


class CheckState(StrEnum):
    """Where a check stands."""

    UP = "up"
    SLOW = "slow"
    DOWN = "down"
    PAUSED = "paused"
    UNKNOWN = "unknown"
    """It has no result yet."""


class Check(OrganizationScoped, Model):
    """What is looked at, how often, and where it stands."""

    __tablename__ = "uptime_check"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id", "slug", "environment"),
        # The checks of a kind whose next try is due, the longest waiting first.
        Index("uptime_check_by_due_time", "organization_id", "kind", "next_due"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    kind: Mapped[CheckKind] = mapped_column(default=CheckKind.HTTP)
    slug: Mapped[str] = mapped_column(String(LONGEST_SLUG))
    """What metrics call it. It never changes, as rules name it."""
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    environment: Mapped[str] = mapped_column(String(64), default="")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What its kind needs to know; of HTTP checks `probe.Request.document`."""
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """What nobody may read in the database, sealed; of HTTP checks the headers."""
    interval_seconds: Mapped[int] = mapped_column(default=60)
    failures_needed: Mapped[int] = mapped_column(default=1)
    """So many tries in a row must fail until it counts as down."""
    successes_needed: Mapped[int] = mapped_column(default=1)
    """So many tries in a row must succeed until it is no longer down."""
    state: Mapped[CheckState] = mapped_column(default=CheckState.UNKNOWN)
    since: Mapped[datetime] = mapped_column(default=clock.now)
    """Since when it has been in its state."""
    failures: Mapped[int] = mapped_column(default=0)
    successes: Mapped[int] = mapped_column(default=0)
    """How many tries failed, or succeeded, in a row up to now."""
    next_due: Mapped[datetime | None] = mapped_column(default=clock.now)
    """When the next result is expected; None while it is paused."""
    claim: Mapped[str] = mapped_column(String(32), default="")
    claimed_until: Mapped[datetime | None]
    """A process is trying it, and has until then to say what came of it."""
    last_at: Mapped[datetime | None]
    last_outcome: Mapped[str] = mapped_column(String(20), default="")
    last_why: Mapped[str] = mapped_column(String(LONGEST_WHY), default="")
    certificate_until: Mapped[datetime | None]
    domain_until: Mapped[datetime | None]
    domain_asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    @property
    def address(self) -> str:
        """What it asks, as everybody may see it; "" for the checks of jobs."""
        return openly(self.settings.get("url", ""))

    @property
    def certificate_days(self) -> float | None:
        """In how many days its certificate expires; below 0 once it has."""
        return _days_until(self.certificate_until)

    @property
    def domain_days(self) -> float | None:
        """In how many days the registration of its domain expires."""
        return _days_until(self.domain_until)


def _days_until(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - clock.now()).total_seconds() / 86_400


class Outage(OrganizationScoped, Model):
    """A time in which a check was down; `ended_at` is None while it lasts."""

    __tablename__ = "outage"
    __table_args__ = (
        belongs_to("uptime_check", "check_id"),
        UniqueConstraint("organization_id", "check_id", "began_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    check_id: Mapped[int]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(String(LONGEST_WHY), default="")
    maintenance: Mapped[bool] = mapped_column(default=False)
    """It began while the check was maintained."""


class CheckClosing(OrganizationScoped, Model):
    """Notes that nobody looks at a check any more, or that its job was heard of again.

    Rules that fire for a check keep their state while it has no results: some more end that, one a
    minute, so that a rule's next window has one and no failure.
    """

    __tablename__ = "check_closing"
    __table_args__ = (belongs_to("project", "project_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    check_id: Mapped[int]
    """Not a key: the check may be deleted."""
    slug: Mapped[str] = mapped_column(String(LONGEST_SLUG))
    kind: Mapped[CheckKind]
    environment: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    """When the next of these results is known."""
    until: Mapped[datetime]


class MaintenanceWindow(OrganizationScoped, Model):
    """A time in which failures are expected, of one check or of all checks of a project."""

    __tablename__ = "maintenance_window"
    __table_args__ = (
        belongs_to("project", "project_id"),
        belongs_to("uptime_check", "check_id"),
        # The windows that touch a time.
        Index("maintenance_window_by_end", "organization_id", "project_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    check_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    @property
    def is_running(self) -> bool:
        """Whether it is maintenance time now."""
        return self.starts_at <= clock.now() < self.ends_at

    def covers(self, check_id: int, at: datetime) -> bool:
        """Whether a check is maintained at a moment."""
        return self.check_id in {None, check_id} and self.starts_at <= at < self.ends_at


class MaintenanceChange(OrganizationScoped, Model):
    """Notes that the results of a time are to be marked, as a window was added or deleted."""

    __tablename__ = "maintenance_change"
    __table_args__ = (belongs_to("project", "project_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class StatusPage(OrganizationScoped, Model):
    """A page about a choice of checks that whoever has its link may see."""

    __tablename__ = "status_page"
    __bearer__ = "hash"
    __table_args__ = (belongs_to("project", "project_id"), UniqueConstraint("hash"))

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    title: Mapped[str] = mapped_column(String(100))
    hash: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The token of its link, sealed, to be shown to members again."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))


class StatusPageCheck(OrganizationScoped, Model):
    """A check that a status page shows."""

    __tablename__ = "status_page_check"
    __table_args__ = (
        belongs_to("status_page", "page_id"),
        belongs_to("uptime_check", "check_id"),
        UniqueConstraint("organization_id", "page_id", "check_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int]
    check_id: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    """Its place on the page, from 0."""


class CheckRun(OrganizationScoped, Model):
    """A run of a job that began and has not ended yet, or has just ended."""

    __tablename__ = "check_run"
    __table_args__ = (
        belongs_to("uptime_check", "check_id"),
        UniqueConstraint("organization_id", "check_id", "run"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    check_id: Mapped[int]
    run: Mapped[str] = mapped_column(String(32))
    """What its check-ins share; "" where they name no run."""
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """Kept for a while, as the word that it began may come after the word that it ended."""
    expires_at: Mapped[datetime]
    """From then on it has taken too long; or, once it has ended, it is forgotten."""


class WaitingCheckIn(OrganizationScoped, Model):
    """What a job said of itself, until its check has been moved by it."""

    __tablename__ = "waiting_check_in"
    __table_args__ = (belongs_to("uptime_check", "check_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    check_id: Mapped[int]
    run: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    release: Mapped[str] = mapped_column(String(200), default="")
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(String(LONGEST_WHY), default="")
    """What the job said about a failure."""


class Heartbeat(OrganizationScoped, Model):
    """The address of a heartbeat: whoever knows it speaks for the job."""

    __tablename__ = "heartbeat"
    __bearer__ = "hash"
    __table_args__ = (
        belongs_to("uptime_check", "check_id"),
        UniqueConstraint("hash"),
        UniqueConstraint("organization_id", "check_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    check_id: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The token, sealed, to be shown to members again."""
