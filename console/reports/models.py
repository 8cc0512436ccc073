"""Scheduled reports, who gets them, and their editions with what they said."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.accounts.models import Project, User
from console.alerting.delivery.models import Channel
from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to
from console.dashboards.models import Dashboard

LONGEST_NAME, LONGEST_WHY, LONGEST_ADDRESS = 100, 300, 254


class Subject(StrEnum):
    """What a report is about."""

    DASHBOARD = "dashboard"
    """A dashboard, or one of its tiles."""
    WORSE = "worse"
    """What got slightly worse, and no rule fired for."""


class Report(OrganizationScoped, Model):
    """What goes out, on which schedule; its recipients have rows of their own."""

    __tablename__ = "report"
    __table_args__ = (
        belongs_to("project", "project_id"),
        belongs_to("dashboard", "dashboard_id"),
        Index("report_by_due_time", "organization_id", "enabled", "next_at"),
        Index("report_of_project", "organization_id", "project_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    subject: Mapped[Subject] = mapped_column(default=Subject.DASHBOARD)
    dashboard_id: Mapped[int | None]
    tile_id: Mapped[str] = mapped_column(String(12), default="")
    """The one tile that it consists of; "" for the whole dashboard."""
    cron: Mapped[str] = mapped_column(String(100))
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    range: Mapped[str] = mapped_column(String(10), default="7d")
    """The time that ends when it is due, of web/timerange.py."""
    environment: Mapped[str] = mapped_column(String(64), default="")
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What is chosen for the dashboard's variables, by their names."""
    pdf: Mapped[bool] = mapped_column(default=False)
    csv: Mapped[bool] = mapped_column(default=False)
    skip_empty: Mapped[bool] = mapped_column(default=True)
    metric: Mapped[str] = mapped_column(String(100), default="")
    """It goes out only if this metric is `above` or below the level; "" goes out always."""
    above: Mapped[bool] = mapped_column(default=True)
    level: Mapped[float | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    template: Mapped[str] = mapped_column(String(40), default="")
    """Which of the reports that every project begins with; "" for one that a person made."""
    next_at: Mapped[datetime | None]
    """When it is due; whoever moves it on makes the edition."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    project: Mapped[Project] = relationship(viewonly=True)
    dashboard: Mapped[Dashboard | None] = relationship(viewonly=True)

    @property
    def is_across(self) -> bool:
        """Whether it has the figures of all projects of the organization."""
        return self.dashboard is not None and self.dashboard.project_id is None


class ReportRecipient(OrganizationScoped, Model):
    """A member, a channel or an address outside that gets a report."""

    __tablename__ = "report_recipient"
    __table_args__ = (
        belongs_to("report", "report_id"),
        belongs_to("channel", "channel_id"),
        UniqueConstraint("organization_id", "report_id", "contact"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int]
    contact: Mapped[str] = mapped_column(String(270))
    """`user-7`, `channel-3`, `address-ada@example.com`."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    channel_id: Mapped[int | None]
    address: Mapped[str] = mapped_column(String(LONGEST_ADDRESS), default="")
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What they see instead of the report's own choices."""
    added_at: Mapped[datetime] = mapped_column(default=clock.now)
    confirmed_at: Mapped[datetime | None]
    """When whoever reads the address agreed; others agree by being members."""
    left_at: Mapped[datetime | None]
    """When they unsubscribed; the row stays, so that nobody adds them by mistake."""
    user: Mapped[User | None] = relationship(viewonly=True)
    channel: Mapped[Channel | None] = relationship(viewonly=True)


class EditionState(StrEnum):
    """Where an edition stands."""

    MAKING = "making"
    MADE = "made"
    SKIPPED = "skipped"
    FAILED = "failed"


class ReportEdition(OrganizationScoped, Model):
    """A report at one of its due times: made once, whoever makes it."""

    __tablename__ = "report_edition"
    __table_args__ = (
        belongs_to("report", "report_id"),
        UniqueConstraint("organization_id", "report_id", "due_at"),
        Index("report_edition_by_state", "organization_id", "state", "leased_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int]
    due_at: Mapped[datetime]
    state: Mapped[EditionState] = mapped_column(default=EditionState.MAKING)
    for_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    """The one person who gets it, where somebody sent it to themselves."""
    by_hand: Mapped[bool] = mapped_column(default=False)
    """Whether somebody sent it; then no condition holds it back."""
    sentence: Mapped[str] = mapped_column(String(500), default="")
    why: Mapped[str] = mapped_column(String(LONGEST_WHY), default="")
    """Why it was skipped, or failed."""
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str] = mapped_column(String(32), default="")
    leased_until: Mapped[datetime | None]
    """Until when nobody else makes it."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    made_at: Mapped[datetime | None]
    report: Mapped[Report] = relationship(viewonly=True)


class ReportContent(OrganizationScoped, Model):
    """What an edition says to everybody with the same choices, frozen."""

    __tablename__ = "report_content"
    __table_args__ = (
        belongs_to("report_edition", "edition_id"),
        UniqueConstraint("organization_id", "edition_id", "variant"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int]
    variant: Mapped[str] = mapped_column(String(64))
    """The hash of who reads it, members or outsiders, and what is chosen for the variables."""
    outside: Mapped[bool] = mapped_column(default=False)
    document: Mapped[dict[str, Any]]
    """`content.py` reads it."""


class ReportFile(OrganizationScoped, Model):
    """A picture or an attachment of a content."""

    __tablename__ = "report_file"
    __table_args__ = (
        belongs_to("report_content", "content_id"),
        UniqueConstraint("organization_id", "content_id", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    content_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    body: Mapped[bytes] = mapped_column(LargeBinary)


class LinkPurpose(StrEnum):
    """What a link in a report's mail does."""

    OPEN = "open"
    CONFIRM = "confirm"
    LEAVE = "leave"


class ReportLink(OrganizationScoped, Model):
    """A link with a token of one recipient."""

    __tablename__ = "report_link"
    __table_args__ = (
        belongs_to("report_recipient", "recipient_id"),
        belongs_to("report_content", "content_id"),
        UniqueConstraint("hash"),
        Index("report_link_by_end", "organization_id", "expires_at"),  # what retention deletes
    )
    __bearer__ = "hash"

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[LinkPurpose]
    recipient_id: Mapped[int]
    content_id: Mapped[int | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StandardReports(OrganizationScoped, Model):
    """A project that got the reports that every project begins with; a deleted one stays so."""

    __tablename__ = "standard_reports"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    templates: Mapped[list[str]] = mapped_column(default=list)
