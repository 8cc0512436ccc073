"""Processes that evaluate rules, to be killed or frozen while they do."""

import time
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import func, select

from console import ticker as machinery
from console.alerting import evaluation
from console.alerting.models import Rule
from console.app import create_app
from console.core import clock
from console.core.config import Config
from console.core.db import db
from console.ticker import Job, Ticker
from tests.support.factories import inside

LEASE_SECONDS, RENEW_SECONDS = 2, 1


def evaluate_from_where_it_ended(
    settings: Config, organization_id: int, until: datetime, began: Any
) -> None:
    """Evaluate on a clock of its own, 20 seconds a step, from the rules' positions on."""
    app = create_app(settings)
    with inside(app, organization_id):
        clock.freeze(db.session.scalars(select(func.min(Rule.evaluated_until))).one())
        db.session.rollback()
        began.set()
        for _ in range(ceil((until - clock.now()) / timedelta(seconds=20))):
            clock.move(timedelta(seconds=20))
            evaluation.evaluate(organization_id)


def evaluate_while_it_leads(settings: Config, began: Any) -> None:
    """Run the job as a served console does, with a short lease."""
    machinery.LEASE_SECONDS, machinery.RENEW_SECONDS = LEASE_SECONDS, RENEW_SECONDS
    app = create_app(settings)
    job = Job("evaluate", timedelta(seconds=1), per_organization=evaluation.evaluate)
    Ticker(app, [job]).start()
    began.set()
    time.sleep(120)
