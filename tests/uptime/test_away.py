"""The console was down, frozen or behind: what it did not hear is not missed."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from console.core import absences
from console.core.db import db
from console.telemetry.records import CheckOutcome
from console.uptime import heartbeats, taking_in
from console.uptime.expectation import Expectation
from console.uptime.models import Check, CheckKind, CheckRun, CheckState, Outage
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

BACK = NOON + timedelta(hours=3)
pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def jobs(app, acme, inside, clock):
    """Heartbeats every minute, ten minutes and by cron text, heard of until noon."""
    clock.set(NOON)
    minutely = Expectation(every_seconds=60, margin_seconds=60)
    often = Expectation(every_seconds=600, margin_seconds=60)
    hourly = Expectation(cron="0 * * * *", margin_seconds=300)
    with inside(acme):
        for name, expected in (("minutely", minutely), ("often", often), ("hourly", hourly)):
            check = heartbeats.create(acme, name, expected)
            check.state, check.next_due = CheckState.UP, expected.deadline_after(NOON)
            ends = NOON + timedelta(minutes=30)
            if name == "hourly":
                db.session.add(CheckRun(check_id=check.id, run="a", began_at=NOON, expires_at=ends))
        db.session.commit()
    clock.set(BACK)
    with app.app_context():
        absences.add(NOON + timedelta(seconds=20), BACK)


@pytest.fixture
def settle(app, acme, inside):
    """`settle()` lets the job run, and gives the state of each check by its name."""

    def settle():
        with app.app_context():
            perform("settle-check-ins")
        with inside(acme):
            return dict(db.session.execute(select(Check.name, Check.state)).all())

    return settle


@pytest.mark.usefixtures("jobs")
def test_what_could_not_be_heard_is_not_missed_and_a_turn_later_it_is(
    acme, clock, settle, results, inside
):
    assert set(settle().values()) == {CheckState.UP}
    told = [row for row in results(acme) if "the console was away from 12:00:20" in row.why]
    assert len(told) == 3
    assert not any(row.counts for row in results(acme))
    with inside(acme):
        assert db.session.scalars(select(func.count(Outage.id))).one() == 0
        due = dict(db.session.execute(select(Check.name, Check.next_due)).all())
        assert due["often"] == BACK + timedelta(minutes=11)
        assert due["hourly"] == BACK + timedelta(hours=1, minutes=5)
    clock.move(minutes=3)
    states = settle()
    assert states == {
        "minutely": CheckState.DOWN, "often": CheckState.UP, "hourly": CheckState.UP,
    }  # fmt: skip
    clock.move(minutes=63)
    assert set(settle().values()) == {CheckState.DOWN}


@pytest.mark.usefixtures("jobs")
def test_a_job_that_recovers_says_for_how_long_nobody_listened(acme, clock, settle, inside):
    with inside(acme):
        for check in db.session.scalars(select(Check)):
            check.state, check.since = CheckState.DOWN, NOON - timedelta(minutes=10)
        db.session.commit()
        token = heartbeats.address_of(check).rpartition("/")[2]
        assert heartbeats.hear(token, "ok")
    settle()
    with inside(acme):
        said = "Up again after 3 h 10 min, of which the console was away 2 h 59 min."
        assert said in set(db.session.scalars(select(Check.last_why)))


def test_what_waits_for_digest_is_not_missed(app, acme, inside, clock, settle, results):
    clock.set(NOON)
    expected = Expectation(every_seconds=600, margin_seconds=60)
    with inside(acme):
        check = Check(
            project_id=acme.id, kind=CheckKind.MONITOR, slug="nightly", name="nightly",
            settings=expected.document, state=CheckState.UP,
            next_due=expected.deadline_after(NOON),
        )  # fmt: skip
        db.session.add(check)
        db.session.commit()
    known = app.extensions[taking_in.EXTENSION]
    app.extensions[taking_in.EXTENSION] = lambda _organization, _project: (
        NOON + timedelta(minutes=9)
    )
    clock.move(minutes=30)
    try:
        assert settle() == {"nightly": CheckState.UP}
        assert results(acme) == []
    finally:
        app.extensions[taking_in.EXTENSION] = known
    assert settle() == {"nightly": CheckState.DOWN}
    assert {row.outcome for row in results(acme)} == {CheckOutcome.MISSED}
