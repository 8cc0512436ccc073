"""What one way does not deliver, another does: never the broken one, and not in circles."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from console.accounts.models import Project, User
from console.alerting.delivery import channels, preferences
from console.alerting.delivery.models import Channel, MessageState
from console.alerting.models import IncidentEvent, IncidentVerb
from console.channels.registry import KINDS
from console.core.db import db
from tests.alerting.breakers import add_hook, break_it, heal, notify, open_incident
from tests.alerting.deliveries import add_incident, by_mail, deliver, messages, owe
from tests.fakes import hook, pagerduty
from tests.fakes.web import Answer

ADA, GONE = "ada@acme.test", Answer(410, "gone")


@pytest.fixture
def duty():
    """PagerDuty on this machine."""
    with pagerduty.serving() as service:
        yield service


@pytest.fixture
def settings(settings, smtp, duty):
    """The console may call this machine, and sends mail to the tests' own server."""
    return replace(
        settings,
        smtp_url=smtp.url,
        pagerduty_url=duty.url,
        private_addresses=True,
        base_url="http://pharos.test",
    )


@pytest.fixture
def gone():
    """A receiver that takes nothing any more."""
    with hook.serving() as service:
        service.answers(GONE, always=True)
        yield service


@pytest.fixture
def good():
    """A receiver that takes everything."""
    with hook.serving() as service:
        yield service


def project_of(acme):
    return db.session.get_one(Project, acme.id)


def fates():
    return {message.recipient: message.state for message in messages()}


@pytest.fixture
def broken():
    """A receiver that fails, and may work again."""
    with hook.serving() as service:
        service.answers(Answer(503, "not now"), always=True)
        yield service


def try_for(acme, clock, minutes):
    """Let the job look every few minutes for so long."""
    for _ in range(minutes // 4):
        clock.move(minutes=4)
        deliver(acme)


@pytest.mark.usefixtures("both_databases")
def test_what_a_channel_does_not_take_for_long_goes_by_its_fallback_too(
    acme, inside, broken, good, clock
):
    with inside(acme):
        second = add_hook("Second", good.url)
        first = add_hook("First", broken.url, fallback_id=second)
        notify(project_of(acme), [first])
        incident = break_it(project_of(acme), "API is slow")
        deliver(acme)
        try_for(acme, clock, 12)
        assert good.messages == []
        try_for(acme, clock, 8)
        assert [body["verb"] for body in good.messages] == ["trigger"]
        late = break_it(project_of(acme), "DB is slow")
        deliver(acme)
        assert [body["verb"] for body in good.messages] == ["trigger"] * 2, "it waits for nothing"
        broken.behaves()
        try_for(acme, clock, 60)
        assert {message.state for message in messages()} == {MessageState.SENT}
        heal(incident)
        deliver(acme)
        own = select(IncidentEvent.text).where(IncidentEvent.verb == IncidentVerb.NOTED)
        assert db.session.scalars(own.where(IncidentEvent.incident_id == incident.id)).all() == [
            "First has taken no message for a while: Second gets it too."
        ]
        assert late.id
    for service in (broken, good):
        assert [body["verb"] for body in service.messages] == ["trigger", "trigger", "resolve"]
        assert set(service.by_key.values()) == {1}


def test_mail_that_fails_for_long_goes_by_a_channel_that_works(acme, inside, good, smtp, clock):
    smtp.refusal = "451 later"
    with inside(acme):
        add_hook("Ops", good.url)
        owe(add_incident(acme), by_mail(ADA))
        deliver(acme)
        try_for(acme, clock, 20)
        assert len(good.messages) == 1
        smtp.refusal = "550 no such mailbox"
        try_for(acme, clock, 60)
        assert len(good.messages) == 1, "the refusal for good sends nothing again"


def test_an_end_that_waits_takes_no_other_way(acme, inside, broken, good, clock):
    """Nobody is woken by another way to hear that all is well."""
    with inside(acme):
        second = add_hook("Second", good.url)
        notify(project_of(acme), [add_hook("First", broken.url, fallback_id=second)])
        incident = break_it(project_of(acme), "API is slow")
        deliver(acme)
        heal(incident)
        try_for(acme, clock, 40)
        assert good.messages == []


@pytest.mark.usefixtures("both_databases")
def test_the_fallback_gets_what_a_channel_does_not_deliver(acme, inside, gone, good, smtp):
    with inside(acme):
        second = add_hook("Second", good.url)
        first = add_hook("First", gone.url, fallback_id=second)
        notify(project_of(acme), [first])
        break_it(project_of(acme), "API is slow")
        deliver(acme)
        failed, sent = messages()
        assert (failed.state, sent.state) == (MessageState.FAILED, MessageState.SENT)
        assert (sent.channel_id, sent.fallback_of_id) == (second, failed.id)
        channel = db.session.get_one(Channel, first)
        assert (channel.failures, channel.failing_since is None) == (1, False)
        assert channel.last_error
        assert db.session.get_one(Channel, second).last_sent_at == sent.sent_at
    (body,) = good.messages
    assert "The channel First did not deliver it" in str(body)
    assert smtp.messages == []


def test_channels_that_stand_in_for_each_other_do_not_go_round_in_circles(acme, inside, gone, smtp):
    with inside(acme):
        first = add_hook("First", gone.url)
        second = add_hook("Second", gone.url, fallback_id=first)
        db.session.get_one(Channel, first).fallback_id = second
        notify(project_of(acme), [first])
        break_it(project_of(acme), "API is slow")
        deliver(acme)
        assert [message.state for message in messages()] == [
            MessageState.FAILED, MessageState.FAILED, MessageState.SENT,
        ]  # fmt: skip
    assert [mail["To"] for mail in smtp.messages] == [ADA]


def test_mail_that_is_given_up_goes_to_a_channel_that_works(acme, inside, good, smtp, clock):
    smtp.refusal = "451 come back later"
    with inside(acme):
        add_hook("Ops", good.url)
        owe(add_incident(acme), by_mail(ADA))
        deliver(acme)
        assert good.messages == []
        clock.move(hours=25)
        deliver(acme)
        assert list(fates().values()) == [MessageState.FAILED, MessageState.SENT]
    assert len(good.messages) == 1


@pytest.mark.parametrize("how", ["switched off", "deleted"])
def test_a_channel_that_is_gone_by_then_loses_no_message(acme, inside, good, smtp, how):
    with inside(acme):
        channel_id = add_hook("Ops", good.url)
        notify(project_of(acme), [channel_id])
        break_it(project_of(acme), "API is slow")
        channel = db.session.get_one(Channel, channel_id)
        if how == "deleted":
            channels.delete(channel)
        else:
            channel.enabled = False
        db.session.commit()
        deliver(acme)
        failed, sent = messages()
        assert how in failed.error
        assert (failed.state, sent.state) == (MessageState.FAILED, MessageState.SENT)
    assert [mail["To"] for mail in smtp.messages] == [ADA]
    assert good.messages == []


def test_owners_who_have_unsubscribed_get_no_mail_in_place_of_others(acme, inside, gone, smtp):
    with inside(acme):
        ada = db.session.scalars(select(User.id).where(User.email == ADA)).one()
        preferences.unsubscribe(ada)
        notify(project_of(acme), [add_hook("Ops", gone.url)])
        break_it(project_of(acme), "API is slow")
        deliver(acme)
        assert [message.state for message in messages()] == [MessageState.FAILED]
    assert smtp.messages == []


def test_a_list_goes_only_to_owners_who_do_not_have_it(acme, inside, gone, smtp):
    with inside(acme):
        notify(project_of(acme), [add_hook("Ops", gone.url)], owners=True)
        for number in range(20):
            open_incident(project_of(acme), f"Rule {number}")
        db.session.commit()
        deliver(acme)
        assert MessageState.FAILED in fates().values()
    assert len(smtp.messages) == 1


@pytest.mark.usefixtures("both_databases")
def test_pagerduty_gets_one_event_for_each_incident_and_no_end_without_a_beginning(
    acme, inside, duty, clock
):
    given = {"routing_key": pagerduty.ROUTING_KEY}
    with inside(acme):
        channel_id = channels.create(KINDS["pagerduty"], "Duty", given).id
        notify(project_of(acme), [channel_id])
        for number in range(12):
            open_incident(project_of(acme), f"Rule {number}")
        db.session.commit()
        deliver(acme, 30)
        assert len({event["dedup_key"] for event in duty.events}) == 12
        duty.answers(Answer(429, "slow down", {"Retry-After": "120"}))
        incident = break_it(project_of(acme), "API is slow")
        deliver(acme)
        waiting = messages()[-1]
        assert 110 < (waiting.next_at - clock.now()).total_seconds() <= 120
        heal(incident)
        clock.move(minutes=3)
        deliver(acme)
        assert {message.state for message in messages()} == {
            MessageState.SENT,
            MessageState.MERGED,
        }
    assert [event["event_action"] for event in duty.events[12:]] == ["trigger", "resolve"]
    assert duty.events[12]["dedup_key"] == duty.events[13]["dedup_key"]
