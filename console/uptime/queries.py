"""Checks, outages and maintenance windows as pages and scripts list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import abort
from sqlalchemy import case, func, or_, select, tuple_

from console.accounts.models import Project
from console.core import absences, clock
from console.core.db import db
from console.telemetry import checks as telemetry
from console.telemetry.metric import Metric, Reading
from console.telemetry.scope import Owned, Scope
from console.uptime.models import Check, CheckKind, CheckState, MaintenanceWindow, Outage
from console.web.paging import Numbered, first_row

WORST_FIRST = (
    CheckState.DOWN, CheckState.SLOW, CheckState.UNKNOWN, CheckState.UP, CheckState.PAUSED
)  # fmt: skip
PERIODS = {"24 h": timedelta(days=1), "7 d": timedelta(days=7)}
PERIODS |= {"30 d": timedelta(days=30), "90 d": timedelta(days=90)}


def checks(project: Owned) -> Sequence[Check]:
    """The project's checks by name."""
    own = select(Check).where(Check.project_id == project.id)
    return db.session.scalars(own.order_by(Check.name, Check.id)).all()


def listed_checks(project: Project, page_size: int) -> Numbered[Check]:
    """The page of the project's checks that the address asks for, the ones that are down first."""
    own = select(Check).where(Check.project_id == project.id)
    count = db.session.scalar(select(func.count()).select_from(own.subquery())) or 0
    number = min(first_row(page_size) // page_size + 1, max(1, -(-count // page_size)))
    rank = case({state: place for place, state in enumerate(WORST_FIRST)}, value=Check.state)
    ordered = own.order_by(rank, Check.name, Check.id)
    rows = db.session.scalars(ordered.offset((number - 1) * page_size).limit(page_size)).all()
    return Numbered(rows, number, count, page_size)


def named(project: Project, check_id: int) -> Check | None:
    """The check of the project with this id, None if it has none."""
    own = select(Check).where(Check.project_id == project.id, Check.id == check_id)
    return db.session.scalar(own)


def check_or_404(project: Project, check_id: int) -> Check:
    return named(project, check_id) or abort(404)


def is_taken(project: Project, name: str, *, by_other_than: Check | None = None) -> bool:
    """Whether another check of the project has this name."""
    own = select(Check.id).where(Check.project_id == project.id, Check.name == name)
    if by_other_than is not None:
        own = own.where(Check.id != by_other_than.id)
    return db.session.scalar(own.limit(1)) is not None


def count(project: Project) -> int:
    """How many checks people have made in a project."""
    own = select(func.count(Check.id)).where(
        Check.project_id == project.id, Check.kind != CheckKind.MONITOR
    )
    return db.session.scalar(own) or 0


def checks_down(project: Project) -> int:
    """How many checks of the project are down and not maintained."""
    now = clock.now()
    window = select(MaintenanceWindow.id).where(
        MaintenanceWindow.project_id == project.id,
        or_(MaintenanceWindow.check_id.is_(None), MaintenanceWindow.check_id == Check.id),
        MaintenanceWindow.starts_at <= now,
        MaintenanceWindow.ends_at > now,
    )
    own = select(func.count(Check.id)).where(
        Check.project_id == project.id, Check.state == CheckState.DOWN, ~window.exists()
    )
    return db.session.scalar(own) or 0


@dataclass(frozen=True, slots=True)
class Lasting:
    """An outage, and for how much of it nobody looked."""

    outage: Outage
    length: timedelta | None
    """None while it lasts."""
    away: timedelta


def outages(check: Check, limit: int) -> Sequence[Lasting]:
    """The outages of a check, the latest first."""
    own = select(Outage).where(Outage.check_id == check.id)
    rows = db.session.scalars(own.order_by(Outage.began_at.desc()).limit(limit)).all()
    now = clock.now()
    away = absences.between(rows[-1].began_at, now) if rows else []
    return [
        Lasting(
            outage=row,
            length=row.ended_at - row.began_at if row.ended_at else None,
            away=absences.overlap(away, row.began_at, row.ended_at or now),
        )
        for row in rows
    ]


def strips(
    scope: Scope, seconds: int, checks: Sequence[Check]
) -> Mapping[str, Sequence[telemetry.Cell]]:
    """The past of checks by slug, in cells of so many seconds that say when nobody looked."""
    away = absences.between(scope.since, scope.until)
    return telemetry.strips(scope, seconds, [check.slug for check in checks], away)


def windows(
    project: Project, check: Check | None, limit: int, *, older_than: int = 0
) -> Sequence[MaintenanceWindow]:
    """The maintenance windows of a project, or the ones that a check is in; the last first.

    `older_than` is the id of a window: the list goes on after it.
    """
    own = select(MaintenanceWindow).where(MaintenanceWindow.project_id == project.id)
    if check is not None:
        mine = or_(MaintenanceWindow.check_id.is_(None), MaintenanceWindow.check_id == check.id)
        own = own.where(mine)
    place = tuple_(MaintenanceWindow.starts_at, MaintenanceWindow.id)
    if older_than:
        last = select(MaintenanceWindow.starts_at).where(MaintenanceWindow.id == older_than)
        own = own.where(place < tuple_(last.scalar_subquery(), older_than))
    order = (MaintenanceWindow.starts_at.desc(), MaintenanceWindow.id.desc())
    return db.session.scalars(own.order_by(*order).limit(limit)).all()


def window_or_404(project: Project, window_id: int) -> MaintenanceWindow:
    own = select(MaintenanceWindow).where(
        MaintenanceWindow.project_id == project.id, MaintenanceWindow.id == window_id
    )
    return db.session.scalar(own) or abort(404)


def lately(project: Project, period: timedelta, until: datetime | None = None) -> Scope:
    """A project's scope that ends now, in all environments."""
    end = until or clock.now()
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=end - period,
        until=end,
    )


def by_check(metric: Metric, scope: Scope, checks: Sequence[Check]) -> Mapping[str, Reading]:
    """What a metric says of each of some checks, by slug; the ones without results are left out."""
    slugs = [check.slug for check in checks]
    if not slugs:
        return {}
    return metric.value(scope, "check", where={"check": slugs}, limit=len(slugs)).by_value
