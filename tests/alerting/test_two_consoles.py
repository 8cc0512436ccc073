"""Two consoles write to the same receivers, and have the same ids of their own."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from console.accounts.models import Organization
from console.alerting.delivery import channels
from console.alerting.delivery.models import MessageState, MessageThread, OutboxMessage
from console.alerting.delivery.outbox import Recipient
from console.channels.message import Verb
from console.channels.registry import KINDS
from console.core.db import db
from tests.alerting.deliveries import add_incident, deliver, owe
from tests.fakes import hook, pagerduty
from tests.telemetry.samples import NOON as NOW

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def service():
    with pagerduty.serving() as service:
        yield service


@pytest.fixture
def receiver():
    with hook.serving() as receiver:
        yield receiver


@pytest.fixture
def settings(settings, service):
    return replace(settings, private_addresses=True, pagerduty_url=service.url)


def channel(kind, **given):
    own = channels.create(KINDS[kind], kind, given)
    db.session.commit()
    return Recipient(f"channel-{own.id}", kind, channel_id=own.id)


@pytest.mark.usefixtures("both_databases")
def test_an_incident_of_one_console_is_none_of_the_next_with_the_same_ids(
    acme, inside, service, receiver
):
    with inside(acme):
        recipients = [
            channel("pagerduty", routing_key=pagerduty.ROUTING_KEY),
            channel("webhook", url=receiver.url),
        ]
        incident = add_incident(acme)
        for recipient in recipients:
            owe(incident, recipient)
        deliver(acme)
        [first] = service.incidents
        # What the next console has is the same, but its organization was made a moment later.
        db.session.get_one(Organization, acme.organization_id).created_at += MOMENT
        db.session.execute(delete(MessageThread))
        db.session.execute(update(OutboxMessage).values(state=MessageState.WAITING, next_at=NOW))
        db.session.commit()
        deliver(acme)
        [second] = service.incidents.keys() - {first}
        db.session.execute(update(OutboxMessage).values(state=MessageState.WAITING, next_at=NOW))
        owe(incident, recipients[0], Verb.RESOLVE)
        deliver(acme)
    assert (service.incidents[first], service.incidents[second]) == ("triggered", "resolved")
    assert list(receiver.by_key.values()) == [1, 2], "only what is sent again has the same key"
    assert [message["thread"] for message in receiver.messages] == [first, second, second]
