"""Slack shows a message once, whatever became of the answer to its first try."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from console.alerting.delivery import channels
from console.alerting.delivery.models import DeliveryAttempt, MessageState, MessageThread
from console.alerting.delivery.outbox import Recipient
from console.channels.registry import KINDS
from console.core.db import db
from tests.alerting.deliveries import add_incident, deliver, messages, owe
from tests.fakes import slack
from tests.fakes.web import Answer

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def server():
    with slack.serving() as server:
        server.scopes.add("channels:history")
        yield server


@pytest.fixture
def settings(settings, server):
    return replace(settings, slack_url=server.api, private_addresses=True)


def owed(acme):
    given = {"token": slack.TOKEN, "channel": "C0000OPS"}
    channel = channels.create(KINDS["slack"], "slack", given)
    db.session.commit()
    recipient = Recipient(f"channel-{channel.id}", "slack", channel_id=channel.id)
    return owe(add_incident(acme), recipient)


def test_an_answer_that_was_lost(acme, inside, server, clock):
    with inside(acme):
        owed(acme)
        server.answers(Answer(drops=True))
        deliver(acme)
        clock.move(minutes=1)
        deliver(acme)
        [message] = messages()
        assert (message.state, message.attempts) == (MessageState.SENT, 2)
        assert message.receipt == server.messages[0]["ts"]
    assert len(server.messages) == 1


def test_a_process_that_was_killed_before_it_wrote_down_the_answer(acme, inside, server, clock):
    with inside(acme):
        message = owed(acme)
        deliver(acme)
        db.session.rollback()
        db.session.execute(delete(DeliveryAttempt))
        db.session.execute(delete(MessageThread))
        message.state, message.attempts, message.sent_at = MessageState.WAITING, 0, None
        message.lease, message.leased_until = "killed-1", message.next_at + timedelta(seconds=1)
        db.session.commit()
        clock.move(minutes=1)
        deliver(acme)
        assert [(row.state, row.attempts) for row in messages()] == [(MessageState.SENT, 1)]
    assert len(server.messages) == 1
