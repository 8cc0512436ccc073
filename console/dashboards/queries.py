"""What pages of dashboards ask of the state database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import abort
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import defer, joinedload

from console.accounts.models import Project
from console.core.db import db
from console.dashboards.models import Dashboard, DashboardFavourite, DashboardVersion
from console.intake.models import Outcome

A_SITTING = timedelta(minutes=15)
"""Saves of a person that follow each other so closely are one change."""


def dashboards(project: Project | None) -> Sequence[Dashboard]:
    """The dashboards of a project, or of the organization itself, by title; without documents."""
    own = select(Dashboard).where(_of(project)).options(defer(Dashboard.document))
    return db.session.scalars(own.order_by(Dashboard.title, Dashboard.id)).all()


def count(project: Project | None) -> int:
    own = select(func.count()).select_from(Dashboard).where(_of(project))
    return db.session.scalar(own) or 0


def versions(dashboard: Dashboard) -> Sequence[DashboardVersion]:
    """What was saved, the latest first, with who did it; without documents."""
    own = (
        select(DashboardVersion)
        .where(DashboardVersion.dashboard_id == dashboard.id)
        .order_by(DashboardVersion.number.desc())
        .options(defer(DashboardVersion.document), joinedload(DashboardVersion.saved_by))
    )
    return db.session.scalars(own).all()


@dataclass(frozen=True, slots=True)
class Sitting:
    """What one person saved in one go: every button of the editor saves, so that nothing is lost.

    Lists show it as the version that it ended with; the others are kept for a day.
    """

    version: DashboardVersion
    saves: int
    first: int
    """The number of its first save."""


def sittings(versions: Sequence[DashboardVersion]) -> list[Sitting]:
    """The versions of a dashboard, the latest first, as their people made them."""
    listed: list[Sitting] = []
    newer: DashboardVersion | None = None
    for own in versions:
        if newer is not None and is_followed(own, newer):
            last = listed.pop()
            listed.append(replace(last, saves=last.saves + 1, first=own.number))
        else:
            listed.append(Sitting(own, 1, own.number))
        newer = own
    return listed


def is_followed(own: DashboardVersion, newer: DashboardVersion) -> bool:
    """Whether the person who saved a version soon saved the next one as well."""
    is_same = own.saved_by_id is not None and own.saved_by_id == newer.saved_by_id
    return is_same and newer.saved_at - own.saved_at <= A_SITTING


def version_before(dashboard: Dashboard, number: int) -> DashboardVersion | None:
    """The version that is kept from before another one."""
    own = (
        select(DashboardVersion)
        .where(DashboardVersion.dashboard_id == dashboard.id, DashboardVersion.number < number)
        .order_by(DashboardVersion.number.desc())
        .options(joinedload(DashboardVersion.saved_by))
    )
    return db.session.scalar(own.limit(1))


def version(dashboard: Dashboard, number: int) -> DashboardVersion | None:
    """A version with its document, if it is kept."""
    own = (
        select(DashboardVersion)
        .where(DashboardVersion.dashboard_id == dashboard.id, DashboardVersion.number == number)
        .options(joinedload(DashboardVersion.saved_by))
    )
    return db.session.scalar(own)


def version_or_404(dashboard: Dashboard, number: int) -> DashboardVersion:
    return version(dashboard, number) or abort(404)


def projects_of_organization() -> Sequence[Project]:
    """The projects whose figures stand on a dashboard of the organization, by name."""
    own = select(Project).where(Project.builtin.is_(False))
    return db.session.scalars(own.order_by(Project.name, Project.id)).all()


def dashboard_or_404(project: Project | None, dashboard_id: int) -> Dashboard:
    own = select(Dashboard).where(_of(project), Dashboard.id == dashboard_id)
    return db.session.scalar(own) or abort(404)


def dashboard_to_change_or_404(project: Project | None, dashboard_id: int) -> Dashboard:
    """A dashboard that nobody else saves before the transaction ends."""
    own = select(Dashboard).where(_of(project), Dashboard.id == dashboard_id).with_for_update()
    return db.session.scalar(own) or abort(404)


def home(project: Project) -> Dashboard | None:
    """The dashboard that a project opens with: the operational one, else its first."""
    own = select(Dashboard).where(_of(project))
    is_first = (Dashboard.template == "operational").desc()
    return db.session.scalar(own.order_by(is_first, Dashboard.id).limit(1))


def is_without_data(project: Project) -> bool:
    """Whether nothing has arrived of a project, nor been refused, so that no tile can show any."""
    own = select(Outcome.id).where(Outcome.project_id == project.id).limit(1)
    return db.session.scalar(own) is None


def favourites(user_id: int) -> set[int]:
    """The ids of the dashboards that a person likes."""
    own = select(DashboardFavourite.dashboard_id).where(DashboardFavourite.user_id == user_id)
    return set(db.session.scalars(own))


def _of(project: Project | None) -> ColumnElement[bool]:
    return Dashboard.project_id == (project.id if project else None)
