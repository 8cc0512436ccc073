"""The reports that every project begins with, paused until somebody says who gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from console.accounts.models import Project
from console.alerting.apart import Apart
from console.core import clock
from console.core.cron import Cron
from console.core.db import db, reading, writing
from console.dashboards.models import Dashboard, StandardDashboards
from console.reports.models import Report, StandardReports, Subject

MONDAY = "0 8 * * 1"
EXECUTIVE, WORSE = "executive-weekly", "slightly-worse"
TEMPLATE = "executive"
"""The template of dashboards/catalogue/ that the weekly report sends."""


def keep_standard(organization_id: int) -> Mapping[str, int]:
    """Give each project the reports that it did not get before; a job. Commits."""
    del organization_id  # the Session is bound to it
    have = {own.project_id: own for own in db.session.scalars(select(StandardReports))}
    made = 0
    for project in db.session.scalars(select(Project).order_by(Project.id)):
        made += _ensure(project, have.get(project.id))
    db.session.commit()
    return {"reports added": made}


def keep_due_times(organization_id: int) -> Mapping[str, int]:
    """Put due times right where the rules of a time zone have changed since; a job. Commits."""
    del organization_id
    apart, now, moved = Apart("reports"), clock.now(), 0
    with reading():
        own = select(Report.id).where(Report.enabled, Report.next_at > now).order_by(Report.id)
        ids = db.session.scalars(own).all()
        db.session.rollback()
    for report_id in ids:
        with apart.row(f"report {report_id}"), writing():
            moved += _put_right(report_id, now)
            db.session.commit()
    apart.end()
    return {"due times moved": moved}


def _put_right(report_id: int, now: datetime) -> bool:
    """Put a report's due time right; whether it was wrong."""
    own = select(Report).where(Report.id == report_id, Report.enabled, Report.next_at > now)
    report = db.session.scalar(own.with_for_update(of=Report))
    at = next_at(report, now) if report else None
    if report is None or at == report.next_at:
        return False
    report.next_at = at
    return True


def next_at(report: Report, now: datetime) -> datetime | None:
    """When a report is due next; None while it is paused."""
    if not report.enabled:
        return None
    return next(iter(Cron(report.cron, report.zone).upcoming(now, 1)), None)


def _ensure(project: Project, note: StandardReports | None) -> int:
    had: Sequence[str] = note.templates if note else ()
    offered = {
        WORSE: Report(name="Slightly worse", subject=Subject.WORSE),
        EXECUTIVE: Report(name="Weekly report", subject=Subject.DASHBOARD),
    }
    dashboard_id = _dashboard_for_executives(project)
    if dashboard_id is None:  # its dashboard comes in a moment
        del offered[EXECUTIVE]
    else:
        offered[EXECUTIVE].dashboard_id = dashboard_id
    missing = [name for name in offered if name not in had]
    if not missing:
        return 0
    if note is None:
        note = StandardReports(project_id=project.id)
        db.session.add(note)
    note.templates = [*had, *missing]
    db.session.flush()  # two processes: the second one meets the unique key here
    for name in missing:
        report = offered[name]
        report.project_id, report.template, report.enabled = project.id, name, False
        report.cron, report.range = MONDAY, "7d"
        db.session.add(report)
    return len(missing)


def _dashboard_for_executives(project: Project) -> int | None:
    """The project's executive dashboard; where it has none, the one that it opens with.

    None until the project has got its first dashboards.
    """
    own = select(Dashboard.id).where(Dashboard.project_id == project.id)
    is_executive = (Dashboard.template == TEMPLATE).desc()
    is_first = (Dashboard.template == "operational").desc()
    had = select(StandardDashboards.id).where(StandardDashboards.project_id == project.id)
    if db.session.scalar(had) is None:
        return None
    return db.session.scalar(own.order_by(is_executive, is_first, Dashboard.id).limit(1))
