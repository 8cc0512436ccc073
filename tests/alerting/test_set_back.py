"""The database's clock is set back: rules go on from there, with their states and incidents."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from console.alerting.decide import State
from console.alerting.models import Evaluation, Incident, IncidentState, RuleSeries
from console.core.db import db
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1)])
def test_a_rule_goes_on_and_its_incident_heals(
    app, acme, inside, live, clock, make_rule, counted_requests, back, both_databases
):
    make_rule(acme, window_seconds=60, pending_seconds=60)
    counted_requests(acme, lambda _: 2_000, minutes=10, since=NOON + back)
    counted_requests(acme, lambda _: 100, minutes=20, since=NOON)
    clock.set(NOON + back)
    live(4)
    with inside(acme):
        assert db.session.scalars(select(RuleSeries.state)).one() is State.CRITICAL
    clock.jump(seconds=-back.total_seconds())
    with app.app_context():
        perform("put-rules-right")
    live(4)
    with inside(acme):
        assert db.session.scalars(select(RuleSeries.state)).one() is State.OK
        incident = db.session.scalars(select(Incident)).one()
        assert incident.state is IncidentState.RESOLVED
        assert incident.resolved_at is not None
        assert incident.opened_at <= incident.resolved_at <= clock.now()
        assert db.session.scalars(select(func.max(Evaluation.at))).one() <= clock.now()
