"""The machine's clock is set back: checks and jobs are looked at from then on, not hours later."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.core.db import db
from console.uptime import heartbeats
from console.uptime.expectation import Expectation
from console.uptime.models import Check, CheckState, Outage
from tests.fakes.peer import plain
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1)])
def test_a_check_is_tried_again_at_once(
    acme, peer, clock, make_check, try_all, stored, app, inside, back, both_databases
):
    clock.set(NOON + back)
    peer.answers["/"] = plain(b"", "500 Internal Server Error")
    check_id = make_check(acme, peer.url())
    try_all()
    assert stored(acme, check_id).state is CheckState.DOWN
    clock.jump(seconds=-back.total_seconds())
    with app.app_context():
        perform("put-checks-right")
    try_all()
    check = stored(acme, check_id)
    assert check.last_at == NOON
    assert check.next_due == NOON + timedelta(minutes=1)
    assert check.since == NOON
    with inside(acme):
        assert db.session.scalars(select(Outage.began_at)).one() == NOON


def test_a_job_is_expected_from_now_on(acme, clock, app, inside, stored):
    clock.set(NOON + timedelta(days=1))
    with inside(acme):
        check = heartbeats.create(acme, "Nightly", Expectation(every_seconds=600))
        check.next_due, check.last_at = clock.now() + timedelta(minutes=11), clock.now()
        check.state = CheckState.UP
        db.session.commit()
        check_id = check.id
    clock.jump(days=-1)
    with app.app_context():
        perform("put-checks-right")
        assert stored(acme, check_id).next_due == NOON + timedelta(minutes=11)
        clock.move(minutes=12)
        perform("settle-check-ins")
    with inside(acme):
        assert db.session.scalars(select(Check.state)).one() is CheckState.DOWN
