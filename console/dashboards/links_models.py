"""Links that show a dashboard to whoever has them, their keys for signed embeds, and their log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.accounts.models import User
from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to

LONGEST_NAME = 100


class Visit(StrEnum):
    """How somebody looked at a dashboard by a link."""

    PAGE = "page"
    EMBED = "embed"
    SIGNED = "signed"


class ShareLink(OrganizationScoped, Model):
    """A link that shows a dashboard, and nothing else, to whoever has it.

    It belongs to the organization, not to who made it: it outlives their membership.
    """

    __tablename__ = "share_link"
    __bearer__ = "hash"
    __table_args__ = (
        belongs_to("dashboard", "dashboard_id"),
        UniqueConstraint("hash"),
        Index("share_link_of_dashboard", "organization_id", "dashboard_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    hash: Mapped[str] = mapped_column(String(64))
    suffix: Mapped[str] = mapped_column(String(6))
    """The end of the token, by which people tell links apart."""
    password: Mapped[str] = mapped_column(String(200), default="")
    """Its hash; "" for a link that asks for none."""
    expires_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    locked: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Values of variables that nobody who looks can change, by name."""
    opened: Mapped[list[str]] = mapped_column(default=list)
    """The variables that whoever looks may change; all others have their defaults."""
    range: Mapped[str] = mapped_column(String(8), default="")
    """The time range, of RANGES; "" for that of the dashboard."""
    is_range_open: Mapped[bool] = mapped_column(default=False)
    environment: Mapped[str] = mapped_column(String(64), default="")
    """Whose figures it shows; "" for all of them."""
    has_markers: Mapped[bool] = mapped_column(default=False)
    """Whether charts name releases, incidents and notes."""
    theme: Mapped[str] = mapped_column(String(8), default="")
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    origins: Mapped[list[str]] = mapped_column(default=list)
    """The sites that may embed it; none may if it is empty."""
    views: Mapped[int] = mapped_column(default=0)
    last_viewed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_by: Mapped[User | None] = relationship(viewonly=True)

    @property
    def state(self) -> str:
        """Active, paused, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= clock.now():
            return "expired"
        return "paused" if self.paused_at else "active"


class EmbedKey(OrganizationScoped, Model):
    """The secret by which a site signs what its visitors may see of a link."""

    __tablename__ = "embed_key"
    __bearer__ = "name"
    __table_args__ = (
        belongs_to("share_link", "link_id"),
        UniqueConstraint("name"),
        UniqueConstraint("organization_id", "link_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    link_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(32))
    """Stands in signed tokens as `kid`."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ShareVisit(OrganizationScoped, Model):
    """One look at a dashboard by a link: when and how, but not who."""

    __tablename__ = "share_visit"
    __table_args__ = (
        belongs_to("share_link", "link_id"),
        Index("share_visit_of_link", "organization_id", "link_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    link_id: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    way: Mapped[Visit]
    browser: Mapped[str] = mapped_column(String(30), default="")
    """The family of the browser, such as Firefox."""
