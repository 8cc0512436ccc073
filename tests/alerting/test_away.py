"""The console was away: no data of that time says nothing, in either direction."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from console.alerting.completeness import Completeness
from console.alerting.condition import Condition, Gap, Level, Verdict
from console.alerting.definition import Definition
from console.alerting.models import Evaluation, Incident
from console.core import absences
from console.core.db import db
from tests.telemetry.samples import NOON

BACK = NOON + timedelta(hours=3)
pytestmark = pytest.mark.usefixtures("both_databases")


def document(metric: str, **condition: Any) -> dict[str, Any]:
    return Definition(metric=metric, window_seconds=60, condition=Condition(**condition)).document


@pytest.mark.parametrize(
    "watched",
    [
        document("requests.p95", op=">", levels={Level.CRITICAL: 1000}, no_data=Gap.FIRING),
        document("requests.count", op="<", levels={Level.CRITICAL: 5}),
    ],
    ids=["no data", "too few"],
)
def test_a_downtime_of_the_console_opens_no_incident(
    app, acme, inside, live, clock, make_rule, counted_requests, watched
):
    make_rule(acme, **watched)
    counted_requests(acme, lambda _: 100, minutes=2)
    live(2)
    clock.set(BACK)
    with app.app_context():
        absences.add(NOON + timedelta(minutes=2), BACK)
    counted_requests(acme, lambda _: 100, minutes=10, since=BACK)
    live(10)
    with inside(acme):
        assert db.session.scalars(select(func.count(Incident.id))).one() == 0
        why = select(Evaluation.why).where(Evaluation.verdict == Verdict.INCONCLUSIVE)
        words = "the console was away from 12:02:00 to 15:00:00 UTC"
        assert set(db.session.scalars(why)) == {words}
    live(5)
    with inside(acme):
        assert db.session.scalars(select(func.count(Incident.id))).one() == 1


def state_with(away: absences.Away) -> Completeness:
    return Completeness(BACK, timedelta(seconds=30), BACK, [away])


def test_a_short_absence_spoils_no_long_window():
    whole = absences.Away(NOON, NOON + timedelta(minutes=2))
    state = state_with(whole)
    assert state.absent(NOON + timedelta(minutes=5), timedelta(minutes=5)) is whole
    assert state.absent(NOON + timedelta(hours=1), timedelta(hours=24)) is None
    assert state.absent(NOON, timedelta(hours=1)) is None
