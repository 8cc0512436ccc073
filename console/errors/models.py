"""Issues, the grouping hashes that lead to them, and what people did with them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from console.accounts.models import User
from console.core import clock
from console.core.db import BIG_ID, Model, OrganizationScoped, belongs_to
from console.core.folding import fold


class Status(StrEnum):
    """Where an issue stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    MUTED = "muted"


class Category(StrEnum):
    """What an issue is about: a failure, a performance problem, or what browsers report."""

    ERROR = "error"
    PERFORMANCE = "performance"
    REPORT = "report"


class Level(StrEnum):
    """Severity as the client said it, worst first."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


class Issue(OrganizationScoped, Model):
    """One bug: all the error events of a project that share a grouping hash."""

    __tablename__ = "issue"
    __table_args__ = (
        belongs_to("project", "project_id"),
        # The inbox, in each of its sort orders (the id breaks ties), and its filter by assignee.
        Index("issue_by_last_seen", "organization_id", "project_id", "status", "last_seen", "id"),
        Index("issue_by_first_seen", "organization_id", "project_id", "status", "first_seen", "id"),
        Index("issue_by_users", "organization_id", "project_id", "status", "users", "events", "id"),
        Index("issue_by_events", "organization_id", "project_id", "status", "events", "id"),
        # The rail's count of what came back after its fix.
        Index("issue_by_regression", "organization_id", "project_id", "status", "regressed_at"),
        Index("issue_by_assignee", "organization_id", "project_id", "assignee_id"),
        # The inbox's filter by category, for the one that few issues have.
        Index("issue_by_category", "organization_id", "project_id", "category", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    category: Mapped[Category] = mapped_column(default=Category.ERROR, server_default="error")
    title: Mapped[str] = mapped_column(String(200))
    culprit: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(120), default="")  # the exception's type
    level: Mapped[Level] = mapped_column(default=Level.ERROR)
    platform: Mapped[str] = mapped_column(String(20), default="")
    handled: Mapped[bool | None]  # whether the application caught the latest event
    status: Mapped[Status] = mapped_column(default=Status.OPEN)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    first_release: Mapped[str] = mapped_column(String(200), default="")
    last_release: Mapped[str] = mapped_column(String(200), default="")
    events: Mapped[int] = mapped_column(default=0)
    users: Mapped[int] = mapped_column(default=0)
    # Which stored events `events` counts: up to here in the spool, and in the console's own runs.
    counted_position: Mapped[int] = mapped_column(BIG_ID, default=0, server_default="0")
    counted_run: Mapped[int] = mapped_column(default=0, server_default="0")
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    fixed_in_next_release: Mapped[bool] = mapped_column(default=False)
    resolved_after: Mapped[str] = mapped_column(String(200), default="")  # the latest release then
    # The release whose traces no longer show it; the console resolved it for that.
    fixed_in_release: Mapped[str] = mapped_column(String(200), default="", server_default="")
    regressed_at: Mapped[datetime | None]  # a later event proved the fix wrong
    muted_until: Mapped[datetime | None]
    muted_until_events: Mapped[int | None]  # reopens when `events` reaches it
    muted_until_users: Mapped[int | None]  # reopens when `users` reaches it
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    assignee: Mapped[User | None] = relationship(foreign_keys=assignee_id, viewonly=True)
    resolved_by: Mapped[User | None] = relationship(foreign_keys=resolved_by_id, viewonly=True)
    # When its texts went with its last event: it stays as a number with its dates.
    forgotten_at: Mapped[datetime | None]
    # What a search reads: title, type and culprit; and the stack of its first event.
    folded: Mapped[str] = mapped_column(Text, default="", server_default="", deferred=True)
    searched: Mapped[str] = mapped_column(Text, default="", server_default="", deferred=True)

    @validates("title", "kind", "culprit")
    def _fold(self, name: str, text: str) -> str:
        if getattr(self, name) != text:
            texts = {own: getattr(self, own) or "" for own in ("title", "kind", "culprit")}
            self.folded = fold("\n".join((texts | {name: text}).values()))
        return text

    def resolve(self, *, by: User, in_next_release: bool = False, after: str = "") -> None:
        """Mark the bug as fixed; a later event will reopen it and mark the regression.

        With `in_next_release` the fix is not deployed yet: only events of later releases than all
        that the project has seen reopen it. `after` names the latest of these.
        """
        self._end_mute()
        self.status, self.resolved_at, self.resolved_by_id = Status.RESOLVED, clock.now(), by.id
        self.fixed_in_next_release, self.regressed_at = in_next_release, None
        self.resolved_after, self.fixed_in_release = after if in_next_release else "", ""

    def fixed(self, release: str) -> None:
        """Note that a release no longer shows it; events of it or of later releases reopen it."""
        self._end_mute()
        self.status, self.resolved_at, self.resolved_by_id = Status.RESOLVED, clock.now(), None
        self.fixed_in_next_release, self.regressed_at = True, None
        self.resolved_after, self.fixed_in_release = "", release

    def regressed_by(self, at: datetime, *, in_later_release: bool) -> bool:
        """Whether an event raised at `at` proves that the fix did not hold.

        Events that were raised before the resolution and arrive late prove nothing; but of what a
        release has fixed, every event of that release or a later one does.
        """
        is_later = self.resolved_at is None or at > self.resolved_at
        return (
            self.status is Status.RESOLVED
            and (is_later or bool(self.fixed_in_release))
            and (in_later_release or not self.fixed_in_next_release)
        )

    def reopen(self) -> None:
        """Put it back into the inbox."""
        self._end_mute()
        self.status, self.resolved_at, self.resolved_by_id = Status.OPEN, None, None
        self.resolved_after = self.fixed_in_release = ""

    def mute(
        self,
        *,
        duration: timedelta | None = None,
        more_events: int | None = None,
        more_users: int | None = None,
    ) -> None:
        """Silence it for a time or for N more events or users; without a bound, for good."""
        self.reopen()
        self.status = Status.MUTED
        self.muted_until = clock.now() + duration if duration else None
        self.muted_until_events = self.events + more_events if more_events else None
        self.muted_until_users = self.users + more_users if more_users else None

    def mute_ended(self, at: datetime) -> bool:
        """Whether one of the mute's bounds is reached at `at` with the present counters."""
        return self.status is Status.MUTED and (
            (self.muted_until is not None and at >= self.muted_until)
            or (self.muted_until_events is not None and self.events >= self.muted_until_events)
            or (self.muted_until_users is not None and self.users >= self.muted_until_users)
        )

    def _end_mute(self) -> None:
        self.muted_until = self.muted_until_events = self.muted_until_users = None


class IssueHash(OrganizationScoped, Model):
    """A grouping hash, the issue it leads to, and the variant and values that made it."""

    __tablename__ = "issue_hash"
    __table_args__ = (
        belongs_to("project", "project_id"),
        belongs_to("issue", "issue_id"),
        UniqueConstraint("organization_id", "project_id", "hash"),
        Index("issue_hash_of_issue", "organization_id", "issue_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    issue_id: Mapped[int]
    hash: Mapped[str] = mapped_column(String(32))
    variant: Mapped[str] = mapped_column(String(40))
    components: Mapped[list[Any]]  # [{"label": str, "values": [str, …]}, …]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class IssueErasure(OrganizationScoped, Model):
    """That an issue was deleted whose events telemetry still has: a job erases them."""

    __tablename__ = "issue_erasure"
    __table_args__ = (belongs_to("project", "project_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    issue_id: Mapped[int]
    hashes: Mapped[list[Any]]
    # Later events of the same hashes belong to a new issue.
    counted_position: Mapped[int] = mapped_column(BIG_ID, default=0)
    counted_run: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(default=clock.now)


class IssueUser(OrganizationScoped, Model):
    """That a user met an issue; what `Issue.users` counts."""

    __tablename__ = "issue_user"
    __table_args__ = (
        belongs_to("issue", "issue_id"),
        UniqueConstraint("organization_id", "issue_id", "user_key"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    issue_id: Mapped[int]
    user_key: Mapped[str] = mapped_column(String(16))


class IssueRelease(OrganizationScoped, Model):
    """An issue's events in one environment and release: what the inbox filters by."""

    __tablename__ = "issue_release"
    __table_args__ = (
        belongs_to("issue", "issue_id"),
        UniqueConstraint("organization_id", "issue_id", "environment", "release"),
        # Filters of the inbox: which issues occurred there.
        Index("issue_release_by_environment", "organization_id", "environment", "issue_id"),
        Index("issue_release_by_release", "organization_id", "release", "issue_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int]
    environment: Mapped[str] = mapped_column(String(64), default="")
    release: Mapped[str] = mapped_column(String(200), default="")
    events: Mapped[int] = mapped_column(default=0)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class Comment(OrganizationScoped, Model):
    """What a person wrote under an issue."""

    __tablename__ = "comment"
    __table_args__ = (
        belongs_to("issue", "issue_id"),
        Index("comment_of_issue", "organization_id", "issue_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    author: Mapped[User | None] = relationship(viewonly=True)


class SavedView(OrganizationScoped, Model):
    """Filters, order and range of the inbox under a name, of a person or of the whole project."""

    __tablename__ = "saved_view"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id", "user_id", "name"),
        Index(
            "saved_view_of_project",
            "organization_id",
            "project_id",
            "name",
            unique=True,
            sqlite_where=text("user_id IS NULL"),
            postgresql_where=text("user_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    # Whose it is; nobody's is the project's, and stays when who made it leaves.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text)  # of the address, as it is shown
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def is_shared(self) -> bool:
        """Whether everybody who sees the project sees it."""
        return self.user_id is None


class ChangeKind(StrEnum):
    """What may happen to an issue."""

    NEW = "new"
    REGRESSED = "regressed"
    UNMUTED = "unmuted"
    FIXED = "fixed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MUTED = "muted"
    ASSIGNED = "assigned"


class IssueChange(OrganizationScoped, Model):
    """A change in an issue's life, written in the transaction that made it (`changes.happened`)."""

    __tablename__ = "issue_change"
    __table_args__ = (
        belongs_to("project", "project_id"),
        belongs_to("issue", "issue_id"),
        Index("issue_change_of_issue", "organization_id", "issue_id", "at"),  # its page
        Index("issue_change_by_time", "organization_id", "at"),  # what is too old to be kept
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    issue_id: Mapped[int]
    kind: Mapped[ChangeKind]
    at: Mapped[datetime]
    event_id: Mapped[str] = mapped_column(String(32), default="")  # the error event that caused it
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    details: Mapped[dict[str, Any]]
    actor: Mapped[User | None] = relationship(viewonly=True)
