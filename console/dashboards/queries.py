"""What pages of dashboards ask of the state database."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort
from sqlalchemy import ColumnElement, select

from console.accounts.models import Project
from console.core.db import db
from console.dashboards.models import Dashboard, DashboardFavourite


def dashboards(project: Project | None) -> Sequence[Dashboard]:
    """The dashboards of a project, or of the organization itself, by title."""
    own = select(Dashboard).where(_of(project))
    return db.session.scalars(own.order_by(Dashboard.title, Dashboard.id)).all()


def dashboard_or_404(project: Project | None, dashboard_id: int) -> Dashboard:
    own = select(Dashboard).where(_of(project), Dashboard.id == dashboard_id)
    return db.session.scalar(own) or abort(404)


def home(project: Project) -> Dashboard | None:
    """The dashboard that a project opens with: the operational one, else its first."""
    own = select(Dashboard).where(_of(project))
    is_first = (Dashboard.template == "operational").desc()
    return db.session.scalar(own.order_by(is_first, Dashboard.id).limit(1))


def favourites(user_id: int) -> set[int]:
    """The ids of the dashboards that a person likes."""
    own = select(DashboardFavourite.dashboard_id).where(DashboardFavourite.user_id == user_id)
    return set(db.session.scalars(own))


def _of(project: Project | None) -> ColumnElement[bool]:
    return Dashboard.project_id == (project.id if project else None)
