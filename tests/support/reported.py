"""A report with an edition, for organizations that have something in every table."""

from datetime import timedelta

from sqlalchemy import select

from console.accounts.models import Project
from console.core import clock
from console.core.crypto import hash_of
from console.core.db import db
from console.dashboards.models import Dashboard
from console.reports.content import Frozen
from console.reports.models import (
    EditionState,
    LinkPurpose,
    Report,
    ReportContent,
    ReportEdition,
    ReportFile,
    ReportLink,
    ReportRecipient,
    StandardReports,
)


def reported(project: Project, marker: str) -> None:
    """Give the project a report that an address outside gets, and an edition of it."""
    of_project = select(Dashboard.id).where(Dashboard.project_id == project.id).limit(1)
    dashboard_id = db.session.scalars(of_project).one()
    now = clock.now()
    report = Report(
        project_id=project.id, name=f"Report of {marker}", dashboard_id=dashboard_id,
        cron="0 8 * * 1", next_at=now + timedelta(days=1), enabled=False,
    )  # fmt: skip
    db.session.add_all([report, StandardReports(project_id=project.id)])
    db.session.flush()
    address = f"out@{marker}.test"
    recipient = ReportRecipient(
        report_id=report.id, contact=f"address-{address}", address=address, confirmed_at=now
    )
    edition = ReportEdition(
        report_id=report.id, due_at=now, state=EditionState.MADE, made_at=now,
        sentence=f"sentence of {marker}",
    )  # fmt: skip
    db.session.add_all([recipient, edition])
    db.session.flush()
    frozen = Frozen(
        title=marker, place=f"place of {marker}", sentence=f"sentence of {marker}", since=now,
        until=now, zone="UTC", made_at=now,
    )  # fmt: skip
    content = ReportContent(edition_id=edition.id, variant=marker, document=frozen.document)
    db.session.add(content)
    db.session.flush()
    link = ReportLink(
        hash=hash_of(f"report {marker}"), purpose=LinkPurpose.OPEN, recipient_id=recipient.id,
        content_id=content.id, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    file = ReportFile(content_id=content.id, name="report.csv", body=marker.encode())
    db.session.add_all([link, file])
    db.session.commit()
