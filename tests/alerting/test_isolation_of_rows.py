"""One escalation, message or receiver that fails does not stop the others."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from console.accounts.rounds import for_each_organization
from console.alerting import incidents, waking, watchdog
from console.alerting.apart import RowsFailed
from console.alerting.chronicle import Actor
from console.alerting.delivery import context, outcome, sending
from console.alerting.delivery.models import Channel, MessageState
from console.alerting.delivery.outbox import Recipient
from console.alerting.escalation.advance import advance
from console.alerting.models import Incident, Rule
from console.core import failures
from console.core.clock import now
from console.core.config import config
from console.core.crypto import seal
from console.core.db import db
from tests.alerting.deliveries import add_incident, by_mail, deliver, messages, owe
from tests.alerting.escalations import OWNERS, opened, owed, person, policy, standing, step

pytestmark = pytest.mark.usefixtures("both_databases")
ADA, ALICE = "ada@acme.test", "alice@acme.test"


@pytest.fixture
def settings(settings, smtp):
    """The console sends mail to the tests' own server."""
    return replace(settings, smtp_url=smtp.url, base_url="http://pharos.test")


def test_an_escalation_that_fails_stops_no_other_and_people_can_see_it(acme, inside, clock, caplog):
    with inside(acme):
        steps = policy(step(person(ALICE)), step(OWNERS, after=5))
        broken, sound = opened(acme, steps), opened(acme, steps)
        standing(broken).document = {"steps": "none"}
        db.session.commit()
    clock.move(minutes=6)
    with inside(acme):
        result = for_each_organization(advance, job="escalate", among=[acme.organization_id])
        assert result.failed == 1
    with inside(acme):
        assert len(owed(sound)) == 2
        assert len(owed(broken)) == 1
        (failure,) = failures.present()
        assert failure.cause.startswith("1 escalations failed, the last with ")
    assert f"incident {broken} of the escalations failed" in caplog.text


def test_what_fails_in_every_round_is_said_at_once_and_then_ever_less_often(
    acme, inside, clock, caplog
):
    with inside(acme):
        broken = opened(acme, policy(step(person(ALICE)), step(OWNERS, after=5)))
        document = standing(broken).document
        standing(broken).document = {"steps": "none"}
        db.session.commit()
    sentence = f"incident {broken} of the escalations failed"
    clock.move(minutes=6)
    for _ in range(40):  # ten minutes of rounds
        with inside(acme):
            for_each_organization(advance, job="escalate", among=[acme.organization_id])
        clock.move(seconds=15)
    lines = [line for line in caplog.messages if sentence in line]
    assert lines[0].endswith("in a row: 1")
    assert len(lines) == 4, "after one, three and seven minutes"
    caplog.clear()
    caplog.set_level("INFO")
    with inside(acme):
        standing(broken).document = document
        db.session.commit()
        assert advance(acme.organization_id) == {"steps of escalations": 1}
    assert f"incident {broken} of the escalations works again after 40 failures" in caplog.text


def test_a_message_that_cannot_be_composed_holds_up_no_other_and_blames_no_channel(
    acme, inside, smtp
):
    with inside(acme):
        owe(add_incident(acme, "Broken"), by_mail(ADA))
        payload = messages()[0].payload
        messages()[0].payload = {"owed_at": payload["at"]}
        db.session.commit()
        for number in range(3):
            owe(add_incident(acme, f"Sound {number}"), by_mail(ADA))
        assert deliver(acme) == 4
        broken, *sound = messages()
        assert {row.state for row in sound} == {MessageState.SENT}
        assert (broken.state, broken.attempts) == (MessageState.WAITING, 1)
        assert broken.error == "The console failed to compose it: KeyError."
        assert sending.current().failures((acme.organization_id, broken.recipient)) == 0
    assert len(smtp.messages) == 3


def test_messages_of_an_incident_that_cannot_be_merged_hold_up_no_other(acme, inside, smtp, caplog):
    with inside(acme):
        first = add_incident(acme, "Broken")
        owe(first, by_mail(ADA))
        owe(first, by_mail(ADA), owed_at="never")
        owe(add_incident(acme, "Sound"), by_mail(ADA))
        assert deliver(acme) == 1
        assert [row.state.value for row in messages()] == ["waiting", "waiting", "sent"]
    assert "were not merged" in caplog.text


def test_a_receiver_that_cannot_be_looked_up_holds_up_no_other(acme, inside, smtp):
    with inside(acme):
        channel = Channel(name="odd", kind="webhook", hook="x" * 64, settings=[1])
        db.session.add(channel)
        db.session.flush()
        to_channel = Recipient(f"channel-{channel.id}", "odd", channel_id=channel.id)
        channel.sealed = sealed_list()
        owe(add_incident(acme), to_channel)
        owe(add_incident(acme), by_mail(ADA))
        with pytest.raises(RowsFailed):
            sending.deliver_due(acme.organization_id)
        assert sending.current().settled(20)
        assert [row.state.value for row in messages()] == ["waiting", "sent"]


def sealed_list() -> bytes:
    """Secrets that are no names and values, under the right key."""
    return seal(config().secret_key, b'["hook"]')


def test_words_that_a_database_refuses_make_nothing_go_twice(acme, inside, smtp):
    smtp.refusal = "451 no\x00pe"
    with inside(acme):
        for number in range(3):
            owe(add_incident(acme, f"No {number}"), by_mail(ADA))
        deliver(acme)
        assert {row.attempts for row in messages()} <= {0, 1}
        assert "451 no" in messages()[0].error


def test_an_outcome_waits_for_a_database_that_fails(acme, inside, smtp, monkeypatch):
    fails = iter([True, True, False])
    store = outcome.store

    def flaky(*args):
        if next(fails, False):
            raise locked()
        store(*args)

    monkeypatch.setattr(outcome, "store", flaky)
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        sending.deliver_due(acme.organization_id)
        assert sending.current().settled(20)
        (message,) = messages()
        assert (message.state, message.attempts) == (MessageState.SENT, 1)
    assert len(smtp.messages) == 1


def locked() -> Exception:
    """What SQLAlchemy raises when another writer holds SQLite's file for too long."""
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorname = "SQLITE_BUSY"
    return OperationalError("UPDATE", {}, cause)


def test_a_picture_that_fails_holds_no_message_back(acme, inside, smtp, monkeypatch, make_rule):
    make_rule(acme)

    def breaks(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(context, "_picture", breaks)
    with inside(acme):
        rule = db.session.scalars(select(Rule)).one()
        owe(add_incident(acme, rule_id=rule.id), by_mail(ADA))
        assert deliver(acme) == 1
        assert messages()[0].state is MessageState.SENT
    assert len(smtp.messages) == 1


def test_a_snooze_that_cannot_end_stops_no_other(acme, inside, clock, monkeypatch):
    with inside(acme):
        steps = policy(step(person(ALICE)))
        broken, sound = opened(acme, steps), opened(acme, steps)
        for incident_id in (broken, sound):
            until = now() + timedelta(minutes=5)
            incidents.snooze(db.session.get_one(Incident, incident_id), until, by=Actor(name="ci"))
        db.session.commit()
    speak = waking._speak

    def breaks(incident, why):
        if incident.id == broken:
            raise ZeroDivisionError
        speak(incident, why)

    monkeypatch.setattr(waking, "_speak", breaks)
    clock.move(minutes=6)
    with inside(acme), pytest.raises(RowsFailed):
        waking.wake(acme.organization_id)
    with inside(acme):
        assert db.session.get_one(Incident, broken).snoozed_until is not None
        assert db.session.get_one(Incident, sound).snoozed_until is None
        assert len(owed(sound)) == 2


def test_a_look_of_the_watchdog_that_fails_stops_no_other(acme, inside, clock, monkeypatch):
    def breaks(_now):
        raise ZeroDivisionError

    first, *rest = watchdog.WATCHES
    monkeypatch.setattr(watchdog, "WATCHES", (replace(first, look=breaks), *rest))
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
    clock.move(minutes=15)
    with inside(acme), pytest.raises(RowsFailed):
        watchdog.watch(acme.organization_id)
    with inside(acme):
        own = select(Incident.watch).where(Incident.watch != "")
        assert db.session.scalars(own).all() == ["messages"]
