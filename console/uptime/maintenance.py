"""Maintenance: times in which failures are expected, planned or marked afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update

from console.accounts.models import Project, User
from console.core import audit, clock
from console.core.db import db, reading, writing
from console.telemetry import checks
from console.uptime.models import Check, MaintenanceChange, MaintenanceWindow, Outage

MOST = 500
"""Windows of a project that have not ended: each result looks through them."""
FULL = (
    f"A project has at most {MOST} windows that have not ended, and {2 * MOST} a day. Delete some."
)


def is_full(project: Project) -> bool:
    """Whether a project has so many windows that it gets no more now."""
    own = select(func.count(MaintenanceWindow.id)).where(MaintenanceWindow.project_id == project.id)
    lasting = own.where(MaintenanceWindow.ends_at > clock.now())
    lately = own.where(MaintenanceWindow.created_at > clock.now() - timedelta(days=1))
    return (db.session.scalar(lasting) or 0) >= MOST or (db.session.scalar(lately) or 0) >= 2 * MOST


def windows_since(moment: datetime) -> Sequence[MaintenanceWindow]:
    """The windows of the Session's organization that end after a moment."""
    own = select(MaintenanceWindow).where(MaintenanceWindow.ends_at > moment)
    return db.session.scalars(own).all()


def maintained(project_id: int, checks: Sequence[Check]) -> frozenset[int]:
    """The ids of the checks of a project that are maintained now."""
    now = clock.now()
    windows = [w for w in windows_since(now) if w.project_id == project_id]
    return frozenset(
        check.id for check in checks if any(window.covers(check.id, now) for window in windows)
    )


def plan(
    project: Project, check: Check | None, starts_at: datetime, ends_at: datetime, reason: str,
    by: User | None,
) -> MaintenanceWindow:  # fmt: skip
    """Add a maintenance window of a check, or of all checks; results of the past are marked."""
    window = MaintenanceWindow(
        project_id=project.id,
        check_id=check.id if check else None,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        created_by_id=by.id if by else None,
    )
    db.session.add(window)
    db.session.flush()
    audit.record("maintenance.planned", reason, actor=by.email if by else "")
    _note(window)
    _mark_outages(window)
    return window


def cancel(window: MaintenanceWindow, by: User | None) -> None:
    """Delete a maintenance window; results of the past count again."""
    audit.record("maintenance.cancelled", window.reason, actor=by.email if by else "")
    _note(window)
    db.session.delete(window)
    db.session.flush()
    _mark_outages(window)


def end(window: MaintenanceWindow, by: User | None) -> bool:
    """Let a window that runs end now: what comes next counts; False if it does not run."""
    if not window.is_running:
        return False
    audit.record("maintenance.ended", window.reason, actor=by.email if by else "")
    _note(window)  # what came in this very moment
    window.ends_at = clock.now()
    return True


def mark_results(organization_id: int) -> Mapping[str, int]:
    """Mark the results of windows that were added or deleted after their results came. Commits.

    A crash in between marks them again, which changes nothing.
    """
    with reading():
        notes = db.session.scalars(select(MaintenanceChange)).all()
        changes = [(note.id, note.project_id, note.starts_at, note.ends_at) for note in notes]
        covered = {project_id: _covered(project_id) for _, project_id, *_ in changes}
        db.session.rollback()
    for _, project_id, since, until in changes:
        checks.mark_maintenance(organization_id, project_id, since, until, covered[project_id])
    if changes:
        ids = [change_id for change_id, *_ in changes]
        with writing():
            db.session.execute(delete(MaintenanceChange).where(MaintenanceChange.id.in_(ids)))
            db.session.commit()
    return {"maintenance windows marked": len(changes)}


def _covered(project_id: int) -> Sequence[tuple[int | None, datetime, datetime]]:
    own = select(
        MaintenanceWindow.check_id, MaintenanceWindow.starts_at, MaintenanceWindow.ends_at
    ).where(MaintenanceWindow.project_id == project_id)
    return [(check_id, starts, ends) for check_id, starts, ends in db.session.execute(own)]


def _note(window: MaintenanceWindow) -> None:
    """Let a job mark the results that came before: only jobs write telemetry."""
    if window.starts_at <= clock.now():
        note = MaintenanceChange(
            project_id=window.project_id, starts_at=window.starts_at, ends_at=window.ends_at
        )
        db.session.add(note)


def _mark_outages(window: MaintenanceWindow) -> None:
    """Say anew which outages began while their check was maintained, where a window changed."""
    covering = select(MaintenanceWindow.id).where(
        MaintenanceWindow.project_id == window.project_id,
        or_(MaintenanceWindow.check_id.is_(None), MaintenanceWindow.check_id == Outage.check_id),
        MaintenanceWindow.starts_at <= Outage.began_at,
        MaintenanceWindow.ends_at > Outage.began_at,
    )
    own = select(Check.id).where(Check.project_id == window.project_id)
    marking = update(Outage).where(
        Outage.check_id.in_(own),
        Outage.began_at >= window.starts_at,
        Outage.began_at < window.ends_at,
    )
    db.session.execute(
        marking.values(maintenance=covering.exists()),
        execution_options={"synchronize_session": False},
    )
