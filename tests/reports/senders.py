"""Processes that make editions and deliver them, to be killed while they do."""

from __future__ import annotations

import random
from typing import Any

from console.alerting.delivery import sending
from console.app import create_app
from console.core.config import Config
from console.core.db import db
from console.reports import editions
from console.reports.models import Report
from tests.support.factories import inside
from tests.support.forks import FORKS

LONGEST_LIFE = 2.5
BEGIN = 90


def send_one(settings: Config, organization_id: int, report_id: int, began: Any) -> None:
    """Send a report by hand, make it and deliver it."""
    app = create_app(settings)
    with inside(app, organization_id):
        editions.send_now(db.session.get_one(Report, report_id))
        db.session.commit()
        began.set()
        editions.send_due(organization_id)
        sending.drain(organization_id, 30)


def send_beside(settings: Config, organization_id: int, begin: Any) -> None:
    """Make what is due and deliver it as another process of the console."""
    app = create_app(settings)
    with inside(app, organization_id):
        begin.wait(BEGIN)
        editions.send_due(organization_id)
        sending.drain(organization_id, 30)


def kill_while_it_sends(
    settings: Config, organization_id: int, report_id: int, longest: float = LONGEST_LIFE
) -> None:
    """Start a process that sends a report, and kill it within so many seconds."""
    began = FORKS.Event()
    given = (settings, organization_id, report_id, began)
    process = FORKS.Process(target=send_one, args=given, daemon=True)
    process.start()
    assert began.wait(BEGIN)
    process.join(random.uniform(0, longest))
    process.kill()
    process.join()
