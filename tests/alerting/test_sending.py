"""Messages are delivered in order, once, and nothing is lost."""

import time
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console.accounts.models import Membership, User
from console.alerting.delivery import sending
from console.alerting.delivery.models import (
    AttemptOutcome,
    DeliveryAttempt,
    MessageState,
)
from console.alerting.models import Incident
from console.channels.message import Verb
from console.core.db import db
from console.core.persons import person_scope
from tests.alerting.deliveries import add_incident, by_mail, deliver, messages, owe

ADA, ALICE = "ada@acme.test", "alice@acme.test"


@pytest.fixture
def settings(settings, smtp):
    """The console sends mail to the tests' own server."""
    return replace(settings, smtp_url=smtp.url, base_url="http://pharos.test")


def states():
    return [message.state for message in messages()]


@pytest.mark.usefixtures("both_databases")
def test_a_message_is_handed_over_and_its_incident_knows_when(acme, inside, smtp):
    with inside(acme):
        incident = add_incident(acme)
        owe(incident, by_mail(ADA))
        assert deliver(acme) == 1
        (message,) = messages()
        assert (message.state, message.attempts, message.lease) == (MessageState.SENT, 1, "")
        attempt = db.session.scalars(select(DeliveryAttempt)).one()
        assert (attempt.number, attempt.outcome) == (1, AttemptOutcome.SENT)
        assert db.session.scalars(select(Incident.notified_at)).one() == message.sent_at
        assert deliver(acme) == 0
    (mail,) = smtp.messages
    assert mail["To"] == ADA
    assert "API is slow: 2 s, above 1 s" in mail["Subject"]


@pytest.mark.usefixtures("both_databases")
def test_what_is_refused_for_a_time_is_tried_again_later_and_later(acme, inside, smtp, clock):
    smtp.refusal = "451 come back later"
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        waits = []
        for tries in range(1, 5):
            assert deliver(acme) == 1
            (message,) = messages()
            assert (message.state, message.attempts) == (MessageState.WAITING, tries)
            assert "451" in message.error
            waits.append((message.next_at - clock.now()).total_seconds())
            assert deliver(acme) == 0, "it is left alone meanwhile"
            clock.move(seconds=waits[-1] + 1)
        for number, wait in enumerate(waits):
            assert 0.7 * 5 * 2**number <= wait <= 1.3 * 5 * 2**number
        smtp.refusal = ""
        assert deliver(acme) == 1
        assert states() == [MessageState.SENT]
    assert len(smtp.messages) == 1


def test_a_message_that_is_refused_for_good_goes_to_the_owners(acme, inside, smtp):
    smtp.refusal = "550 no such mailbox"
    with inside(acme):
        owe(add_incident(acme), by_mail(ALICE))
        assert deliver(acme) == 2
        first, second = messages()
        assert (first.state, second.state) == (MessageState.FAILED, MessageState.FAILED)
        assert second.fallback_of_id == first.id
        assert second.user
        assert second.user.email == ADA
        assert len(messages()) == 2, "nobody is left, and nothing goes round in circles"


def test_what_cannot_be_delivered_for_a_day_is_given_up(acme, inside, smtp, clock):
    smtp.refusal = "451 come back later"
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        deliver(acme)
        clock.move(hours=23)
        deliver(acme)
        assert states() == [MessageState.WAITING]
        clock.move(hours=2)
        deliver(acme)
        assert states() == [MessageState.FAILED]


@pytest.mark.usefixtures("both_databases")
def test_what_began_and_ended_while_nobody_could_be_reached_is_one_message(
    acme, inside, smtp, clock
):
    smtp.refusal = "451 come back later"
    with inside(acme):
        incident = add_incident(acme)
        owe(incident, by_mail(ADA))
        deliver(acme)
        owe(incident, by_mail(ADA), Verb.UPDATE)
        clock.move(minutes=40)
        owe(incident, by_mail(ADA), Verb.RESOLVE)
        smtp.refusal = ""
        deliver(acme)
        *merged, last = messages()
        assert last.state is MessageState.SENT
        assert [row.merged_into_id for row in merged] == [last.id, last.id]
        assert {row.state for row in merged} == {MessageState.MERGED}
    (mail,) = smtp.messages
    assert "it began and recovered within 41 min" in " ".join(mail["Subject"].split())
    assert "delayed 40 min" in " ".join(mail["Subject"].split())


def test_unsent_updates_become_the_latest(acme, inside, smtp):
    with inside(acme):
        incident = add_incident(acme)
        owe(incident, by_mail(ADA))
        deliver(acme)
        for number in range(3):
            owe(incident, by_mail(ADA), Verb.UPDATE, why=f"{number} s > 1 s (critical)")
        deliver(acme)
        assert states() == [MessageState.SENT, *[MessageState.MERGED] * 2, MessageState.SENT]
    assert [("2 s" in mail["Subject"]) for mail in smtp.messages] == [True, True]


def test_a_resolve_waits_for_the_fate_of_its_trigger(acme, inside):
    with inside(acme):
        incident = add_incident(acme)
        trigger = owe(incident, by_mail(ADA))
        trigger.lease, trigger.leased_until = "somebody", trigger.next_at + timedelta(minutes=1)
        owe(incident, by_mail(ADA), Verb.RESOLVE)
        assert deliver(acme) == 0
        assert states() == [MessageState.WAITING, MessageState.WAITING]


@pytest.mark.usefixtures("both_databases")
def test_a_storm_is_few_messages_and_leaves_nobody_out(acme, inside, smtp):
    with inside(acme):
        for number in range(60):
            owe(add_incident(acme, f"Rule {number}"), by_mail(ADA))
        deliver(acme)
        *merged, digest = messages()
        assert digest.verb is Verb.DIGEST
        assert {row.merged_into_id for row in merged} == {digest.id}
        assert digest.state is MessageState.SENT
        unnoticed = select(Incident.id).where(Incident.notified_at.is_(None))
        assert db.session.scalars(unnoticed).all() == []
    (mail,) = smtp.messages
    assert "60 incidents" in mail["Subject"]
    text = mail.get_body(("plain",)).get_content()
    assert "Rule 0" in text
    assert "40 more incidents" in text


def test_people_who_have_left_are_no_reason_to_lose_a_message(acme, inside, smtp):
    with inside(acme):
        owe(add_incident(acme), by_mail(ALICE))
        user_id = db.session.scalars(select(User.id).where(User.email == ALICE)).one()
        gone = select(Membership).where(Membership.user_id == user_id)
        db.session.delete(db.session.scalars(gone).one())
        db.session.commit()
        deliver(acme)
        first, second = messages()
        assert first.error == "The person has left the organization."
        assert (first.state, second.state) == (MessageState.FAILED, MessageState.SENT)
    assert [mail["To"] for mail in smtp.messages] == [ADA]


def test_a_try_whose_lease_was_lost_changes_nothing(acme, inside, smtp):
    smtp.delay = 1.0
    with inside(acme):
        message = owe(add_incident(acme), by_mail(ADA))
        assert sending.deliver_due(acme.organization_id) == {"messages tried": 1}
        db.session.refresh(message)
        message.lease = "another"
        db.session.commit()
        assert sending.current().settled(20)
        (message,) = messages()
        assert (message.lease, message.state) == ("another", MessageState.WAITING)
        assert db.session.scalars(select(DeliveryAttempt)).all() == []
    assert len(smtp.messages) == 1


def test_a_console_that_starts_again_tries_at_once_what_it_was_trying(acme, inside, smtp):
    with inside(acme):
        sending.take_over("this instance")
    with inside(acme):
        sender = sending.current()
        message = owe(add_incident(acme), by_mail(ADA))
        foreign = owe(add_incident(acme), by_mail(ALICE))
        for row, name in ((message, sender.name), (foreign, "another")):
            row.lease, row.leased_until = f"{name}-1", row.next_at + timedelta(minutes=1)
        db.session.commit()
        assert deliver(acme) == 0
    with inside(acme):
        sending.take_over("this instance")
    with inside(acme):
        assert deliver(acme) == 1
        assert states() == [MessageState.SENT, MessageState.WAITING]


def test_a_console_that_stops_waits_for_its_tries_but_not_for_ever(acme, inside, smtp):
    smtp.hangs = True
    with inside(acme):
        owe(add_incident(acme), by_mail(ADA))
        sending.deliver_due(acme.organization_id)
        began = time.monotonic()
        sending.current().stop(1.0)
        assert 0.9 < time.monotonic() - began < 4
        (message,) = messages()
        assert (message.state, message.attempts) == (MessageState.WAITING, 0)
        assert message.leased_until


def test_a_list_of_incidents_names_its_own_organization(acme, globex, inside, smtp):
    with inside(globex):
        for number in range(20):
            owe(add_incident(globex, f"Rule {number}"), by_mail("eve@globex.test"))
        deliver(globex)
    assert acme
    (mail,) = smtp.messages
    text = mail.get_body(("plain",)).get_content()
    assert "Globex" in text
    assert "Acme" not in text


def test_a_person_reads_times_in_their_own_zone(acme, inside, smtp):
    with inside(acme):
        ada = db.session.scalars(select(User).where(User.email == ADA)).one()
        with person_scope(ada.id):
            ada.zone = "Asia/Tokyo"
            db.session.commit()
        incident = add_incident(acme)
        owe(incident, by_mail(ADA))
        owe(incident, by_mail(ALICE))
        deliver(acme)
        since = incident.opened_at
    texts = {mail["To"]: mail.get_body(("plain",)).get_content() for mail in smtp.messages}
    assert f"{since.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M} JST" in texts[ADA]
    assert f"{since:%H:%M} UTC" in texts[ALICE]
