"""What does not go out is an incident, and what begins with a project."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from console.accounts.models import User
from console.alerting.models import Incident
from console.core.db import db
from console.dashboards.models import Dashboard, StandardDashboards
from console.reports import editions, standard
from console.reports.content import in_format
from console.reports.models import EditionState, Report, ReportEdition
from tests.support.scheduled import perform


@pytest.fixture
def report_id(make_report, acme, inside) -> int:
    with inside(acme):
        user = db.session.scalars(select(User).where(User.email == "alice@acme.test")).one()
    made: int = make_report(user)
    return made


# New York, Cairo and Berlin leap in spring, and show an hour twice in autumn.
@pytest.mark.parametrize(
    ("zone", "cron", "now", "due"),
    [
        ("America/New_York", "30 2 * * *", "2026-03-08T05:00", "2026-03-08T07:00"),
        ("America/New_York", "30 1 * * *", "2026-11-01T04:00", "2026-11-01T05:30"),
        ("America/New_York", "30 1 * * *", "2026-11-01T05:30", "2026-11-02T06:30"),
        ("Africa/Cairo", "0 0 * * *", "2026-04-23T12:00", "2026-04-23T22:00"),
        ("Europe/Berlin", "0 8 * * 1", "2026-10-20T00:00", "2026-10-26T07:00"),
        ("Europe/Berlin", "0 9 1 * *", "2026-03-02T00:00", "2026-04-01T07:00"),
    ],
)
def test_due_times_where_clocks_change(zone, cron, now, due):
    report = Report(cron=cron, zone=zone, enabled=True)
    at = standard.next_at(report, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert at == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_many_missed_due_times_are_one_edition(acme, inside, report_id, clock):
    clock.move(days=9)
    with inside(acme):
        editions.send_due(acme.organization_id)
        (edition,) = db.session.scalars(select(ReportEdition)).all()
        report = db.session.get_one(Report, report_id)
        assert report.next_at is not None
        assert (report.next_at - edition.due_at).days == 1


def test_an_edition_that_fails_three_times_is_an_incident(
    app, acme, inside, report_id, clock, monkeypatch
):
    def fail(_edition: ReportEdition) -> None:
        raise RuntimeError("no ink")

    clock.move(days=1)
    monkeypatch.setattr(editions, "make", fail)
    for _ in range(3):
        with inside(acme), pytest.raises(Exception, match="reports failed"):
            editions.send_due(acme.organization_id)
        clock.move(minutes=2)
    with inside(acme):
        assert db.session.scalars(select(ReportEdition.state)).all() == [EditionState.FAILED]
    with app.app_context():
        perform("watch-alerting")
    with inside(acme):
        (incident,) = db.session.scalars(select(Incident).where(Incident.watch == "reports"))
        assert "Morning (It was not made: RuntimeError)" in (incident.why or "")


@pytest.mark.parametrize("template", ["executive", "operational", ""])
def test_a_project_begins_with_two_reports_that_are_paused(app, acme, inside, template):
    """The weekly one is of the executive dashboard, or of another where there is none."""
    with inside(acme):
        document = {"title": "First", "tabs": []}
        own = {"project_id": acme.id, "document": document}
        db.session.add(Dashboard(title="Notes", **own))
        first = Dashboard(title="First", template=template, **own)
        db.session.add_all([first, StandardDashboards(project_id=acme.id)])
        db.session.commit()
        first_id = first.id
    for _ in range(2):
        with app.app_context():
            perform("keep-standard-reports")
    with inside(acme):
        weekly = db.session.scalars(select(Report).where(Report.name == "Weekly report")).one()
        assert (weekly.dashboard_id == first_id) is bool(template)
        reports = db.session.scalars(select(Report).order_by(Report.name)).all()
        assert [(own.name, own.enabled, own.next_at) for own in reports] == [
            ("Slightly worse", False, None),
            ("Weekly report", False, None),
        ]


def test_a_large_number_is_plain_text():
    assert in_format(1_234_567.0, "number") == "1.23M"
