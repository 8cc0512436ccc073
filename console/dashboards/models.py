"""Dashboards with their versions, who likes them, and notes on the time axis."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.accounts.models import Project, User
from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to

LONGEST_TITLE, LONGEST_NOTE = 100, 300


class Dashboard(OrganizationScoped, Model):
    """Tiles on a grid: of a project, or of the organization where it belongs to none.

    Title and tags stand in the document, and here for lists.
    """

    __tablename__ = "dashboard"
    __table_args__ = (
        belongs_to("project", "project_id"),
        Index("dashboard_of_project", "organization_id", "project_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None]
    title: Mapped[str] = mapped_column(String(LONGEST_TITLE))
    tags: Mapped[list[str]] = mapped_column(default=list)
    template: Mapped[str] = mapped_column(String(40), default="")
    """The file of the template catalogue that it was made from, "" if by hand."""
    document: Mapped[dict[str, Any]]
    """What it consists of (`document.py` reads it)."""
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    project: Mapped[Project | None] = relationship(viewonly=True)


class DashboardVersion(OrganizationScoped, Model):
    """A dashboard as it was saved once."""

    __tablename__ = "dashboard_version"
    __table_args__ = (
        belongs_to("dashboard", "dashboard_id"),
        UniqueConstraint("organization_id", "dashboard_id", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int]
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime] = mapped_column(default=clock.now)
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    script: Mapped[str] = mapped_column(String(100), default="")
    """The label of the API token that saved it, "" for a person and for the console itself."""
    saved_by: Mapped[User | None] = relationship(viewonly=True)


class DashboardFavourite(OrganizationScoped, Model):
    """A dashboard that a person wants at the top of the list."""

    __tablename__ = "dashboard_favourite"
    __table_args__ = (
        belongs_to("dashboard", "dashboard_id"),
        UniqueConstraint("organization_id", "dashboard_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))


class StandardDashboards(OrganizationScoped, Model):
    """A project that got the dashboards of the template catalogue; a deleted one stays deleted."""

    __tablename__ = "standard_dashboards"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    templates: Mapped[list[str]] = mapped_column(default=list)
    """The files that were used; a template that comes with a later version is added then."""


class Annotation(OrganizationScoped, Model):
    """What a person wrote at a moment of the time axis: it stands in every chart of its project."""

    __tablename__ = "annotation"
    __table_args__ = (
        belongs_to("project", "project_id"),
        Index("annotation_by_time", "organization_id", "project_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    at: Mapped[datetime]
    environment: Mapped[str] = mapped_column(String(64), default="")
    """Where it happened; "" for all of them."""
    text: Mapped[str] = mapped_column(String(LONGEST_NOTE))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_by: Mapped[User | None] = relationship(viewonly=True)
