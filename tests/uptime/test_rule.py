"""The rule "Check down" that every project begins with: one incident for each check."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerting.evaluation import evaluate
from console.alerting.models import Incident
from console.alerting.rules import keep_standard
from console.core.db import db
from console.uptime import checks, maintenance
from console.uptime.models import Check
from tests.fakes.peer import plain
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

BROKEN = plain(b"", "500 Broken")


@pytest.fixture
def pass_minutes(acme, inside, clock, try_all, app):
    """Let so many minutes go by, in which checks are tried and rules evaluated."""

    def pass_minutes(number: int) -> None:
        for _ in range(number * 2):
            clock.move(seconds=30)
            try_all()
            with app.app_context():
                perform("close-checks")
            with inside(acme):
                evaluate(acme.organization_id)

    clock.set(NOON)
    with inside(acme):
        keep_standard(acme.organization_id)
    return pass_minutes


@pytest.fixture
def incidents(acme, inside):
    def incidents() -> list[tuple[str, str]]:
        with inside(acme):
            rows = db.session.scalars(select(Incident).order_by(Incident.id)).all()
            return [(row.value, row.state.value) for row in rows]

    return incidents


def test_an_incident_lasts_until_the_check_is_up_again(
    acme, peer, make_check, pass_minutes, incidents
):
    """Also where a check is tried less often than the rule is evaluated."""
    make_check(acme, peer.url("/slow"), slug="cart", interval_seconds=420)
    make_check(acme, peer.url(), slug="shop", interval_seconds=30)
    peer.answers |= {"/slow": BROKEN, "/": BROKEN}
    pass_minutes(3)
    assert sorted(incidents()) == [("cart", "open"), ("shop", "open")]
    del peer.answers["/"], peer.answers["/slow"]
    pass_minutes(3)
    assert sorted(incidents()) == [("cart", "open"), ("shop", "resolved")]
    pass_minutes(5)
    assert sorted(incidents()) == [("cart", "resolved"), ("shop", "resolved")]


@pytest.mark.parametrize("act", [checks.pause, checks.delete])
def test_a_check_that_nobody_looks_at_any_more_has_no_open_incident(
    acme, peer, make_check, pass_minutes, incidents, inside, act
):
    check_id = make_check(acme, peer.url(), interval_seconds=30)
    peer.answers["/"] = BROKEN
    pass_minutes(3)
    assert incidents() == [("shop", "open")]
    with inside(acme):
        act(db.session.get_one(Check, check_id))
        db.session.commit()
    pass_minutes(3)
    assert incidents() == [("shop", "resolved")]


def test_maintenance_opens_no_incident(acme, peer, make_check, pass_minutes, incidents, inside):
    check_id = make_check(acme, peer.url(), interval_seconds=30)
    with inside(acme):
        check = db.session.get_one(Check, check_id)
        maintenance.plan(acme, check, NOON, NOON + timedelta(minutes=4), "", None)
        db.session.commit()
    peer.answers["/"] = BROKEN
    pass_minutes(3)
    assert incidents() == []
    pass_minutes(4)
    assert incidents() == [("shop", "open")]
