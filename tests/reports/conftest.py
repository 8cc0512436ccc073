"""A project with figures, its dashboards, and a report of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.dashboards import making
from console.dashboards.document import Document, Section, Tab, Tile
from console.reports import recipients, standard
from console.reports.models import Report, ReportRecipient
from tests.support.counted import Stored


@pytest.fixture
def settings(settings, smtp):
    """The settings of a console that sends its mails to the test."""
    return replace(settings, smtp_url=smtp.url, base_url="http://pharos.test")


@pytest.fixture
def stored(app, acme, inside):
    """Figures of every kind."""
    with inside(acme):
        return Stored(app, acme)


@pytest.fixture
def make_report(acme, inside) -> Callable[..., int]:
    """`make_report(user, …)`: a report of a dashboard with four tiles, due at eight; its id."""

    def tile(kind: str, title: str, metric: str, **settings: str) -> Tile:
        asked = {"queries": [{"metric": metric}], **settings}
        return Tile(id="", kind=kind, title=title, settings=asked)

    tiles = (
        tile("number", "Requests", "requests.count"),
        tile("number", "P95", "requests.p95"),
        tile("line", "P95 by endpoint", "requests.p95", by="endpoint"),
        tile("bar", "Error events", "errors.events"),
    )
    document = Document(title="Morning", tabs=(Tab(sections=(Section(tiles=tiles),)),))
    with inside(acme):
        dashboard_id = making.create(acme, document).id
        db.session.commit()

    def make_report(
        *users: Any, address: str = "", variables: dict[str, str] | None = None, **columns: Any
    ) -> int:
        with inside(acme):
            given = {
                "dashboard_id": dashboard_id,
                "enabled": True,
                "name": "Morning",
                "cron": "0 8 * * *",
                "range": "30d",
                "skip_empty": False,
            }
            report = Report(
                project_id=acme.id,
                **given | columns,
            )
            db.session.add(report)
            db.session.flush()
            report.next_at = standard.next_at(report, clock.now())
            for user in users:
                recipients.add(report, user=user, variables=variables)
            if address:
                recipients.add(report, address=address, variables=variables)
            db.session.commit()
            return report.id

    return make_report


@pytest.fixture
def agree(acme, inside) -> Callable[[], None]:
    """Let every outsider have agreed."""

    def agree() -> None:
        with inside(acme):
            for row in db.session.scalars(select(ReportRecipient)):
                recipients.agree(row)
            db.session.commit()

    return agree
