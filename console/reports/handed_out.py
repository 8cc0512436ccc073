"""Reports that a member made: offered for pausing when they leave."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask
from sqlalchemy import and_, func, select

from console.accounts.handed_out import Item, Kind, provide_kind
from console.accounts.models import Project
from console.core.db import db
from console.reports import keeping
from console.reports.models import Report, ReportEdition


def init_app(app: Flask) -> None:
    """Let the page on which a member is removed list their reports."""
    provide_kind(app, KIND)


def made_by(user_id: int) -> Sequence[Item]:
    """The reports of a person that go out."""
    of_project = and_(
        Project.id == Report.project_id, Project.organization_id == Report.organization_id
    )
    editions = and_(
        ReportEdition.report_id == Report.id,
        ReportEdition.organization_id == Report.organization_id,
    )
    own = (
        select(Report.id, Report.name, Project.name, func.max(ReportEdition.made_at))
        .join(Project, of_project)
        .outerjoin(ReportEdition, editions)
        .where(Report.created_by_id == user_id, Report.enabled)
        .group_by(Report.id, Report.name, Project.name)
        .order_by(Report.id.desc())
    )
    return [Item(*row) for row in db.session.execute(own)]


def _end(report_id: int, because: str) -> None:
    keeping.switch(db.session.get_one(Report, report_id), enabled=False, because=because)


KIND = Kind(
    name="reports",
    title="Reports",
    worked="sent",
    note="A report goes on to its recipients without its maker. Choose those to pause: "
    "anybody who may change reports can resume them.",
    made_by=made_by,
    end=_end,
)
