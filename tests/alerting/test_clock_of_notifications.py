"""The clock is set back by a day: steps, snoozes and messages go on from there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from console.alerting import incidents
from console.alerting.chronicle import Actor
from console.alerting.delivery.models import MessageState
from console.alerting.escalation.advance import advance
from console.alerting.models import Incident
from console.core.db import db
from tests.alerting.deliveries import add_incident, by_mail, deliver, messages, owe
from tests.alerting.escalations import (
    OWNERS,
    acknowledge,
    gets_worse,
    opened,
    owed,
    person,
    policy,
    standing,
    step,
)
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")
ADA, ALICE = "ada@acme.test", "alice@acme.test"
JOB = "put-notifications-right"


@pytest.fixture
def settings(settings, smtp):
    """The console sends mail to the tests' own server."""
    return replace(settings, smtp_url=smtp.url, base_url="http://pharos.test")


def test_the_next_step_comes_after_its_delay(app, acme, inside, clock):
    clock.set(NOON + timedelta(days=1))
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=5)
        incident_id = opened(acme, policy(*steps))
        calm = opened(acme, policy(step(person(ALICE)), stale_minutes=30))
        acknowledge(calm)
        incidents.snooze(
            db.session.get_one(Incident, calm),
            NOON + timedelta(days=1, hours=1),
            by=Actor(name="ci"),
        )
        db.session.commit()
    clock.jump(days=-1)
    with app.app_context():
        perform(JOB)
    with inside(acme):
        assert standing(incident_id).next_at == NOON + timedelta(minutes=5)
        assert standing(calm).next_at == NOON + timedelta(minutes=30)
        snoozed = db.session.get_one(Incident, calm).snoozed_until
        assert snoozed == NOON + timedelta(hours=1)
    with app.app_context():
        assert perform(JOB).startswith("0 incidents"), "it is put right once"
    clock.move(minutes=6)
    with inside(acme):
        advance(acme.organization_id)
        assert len(owed(incident_id)) == 2


def test_messages_that_wait_and_were_sent_hold_nothing_back(app, acme, inside, clock, smtp):
    clock.set(NOON + timedelta(days=1))
    with inside(acme):
        for number in range(12):
            owe(add_incident(acme, f"Storm {number}"), by_mail(ADA))
        deliver(acme)
        smtp.refusal = "451 later"
        owe(add_incident(acme), by_mail(ALICE))
        deliver(acme)
        owe(add_incident(acme, "Left by a dead process"), by_mail(ALICE))
        leased = messages()[-1]
        leased.lease, leased.leased_until = "dead-1", clock.now() + timedelta(seconds=40)
        db.session.commit()
    smtp.refusal = ""
    before = len(smtp.messages)
    clock.jump(days=-1)
    with app.app_context():
        perform(JOB)
    clock.move(minutes=2)
    with inside(acme):
        owe(add_incident(acme, "New"), by_mail(ADA))
        deliver(acme)
        clock.move(minutes=2)
        deliver(acme)
        assert {row.state for row in messages()} <= {MessageState.SENT, MessageState.MERGED}
    assert len(smtp.messages) == before + 3


def test_a_downtime_of_days_gives_no_message_up(acme, inside, clock, smtp):
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        clock.move(days=3)
        smtp.refusal = "451 later"
        deliver(acme)
        assert messages()[0].state is MessageState.WAITING
        smtp.refusal = ""
        clock.move(minutes=1)
        deliver(acme)
        assert messages()[0].state is MessageState.SENT


def test_a_step_that_waits_for_its_hours_waits_for_those_of_the_right_clock(
    app, acme, inside, clock
):
    """The clock shows the evening for a while, and is set back into the hours of the step."""
    clock.set(NOON)
    hours = {"zone": "UTC", "days": list(range(7)), "since": "09:00", "until": "17:00"}
    with inside(acme):
        later = step(OWNERS, after=10, hours=hours, otherwise="wait")
        incident_id = opened(acme, policy(step(person(ALICE)), later))
        clock.jump(hours=8)
        advance(acme.organization_id)
        assert standing(incident_id).next_at == NOON + timedelta(hours=21)
        clock.jump(hours=-8)
    with app.app_context():
        perform(JOB)
    with inside(acme):
        advance(acme.organization_id)
        assert len(owed(incident_id)) == 1, "its delay is not over"
    clock.move(minutes=11)
    with app.app_context():
        perform(JOB)
    with inside(acme):
        advance(acme.organization_id)
        assert len(owed(incident_id)) == 2
        assert standing(incident_id).due_at is None


def test_a_wait_that_began_on_a_later_clock_begins_anew(app, acme, inside, clock):
    """Opened in the evening of a clock that was ahead: by the right one its hours hold now."""
    clock.set(NOON + timedelta(hours=8))
    hours = {"zone": "UTC", "days": list(range(7)), "since": "09:00", "until": "17:00"}
    with inside(acme):
        incident_id = opened(acme, policy(step(OWNERS, hours=hours, otherwise="wait")))
        gets_worse(incident_id)
        assert owed(incident_id) == []
    clock.jump(hours=-8)
    with app.app_context():
        perform(JOB)
    with inside(acme):
        advance(acme.organization_id)
        assert len(owed(incident_id)) == 1
