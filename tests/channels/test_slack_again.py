"""A message whose answer from Slack was lost is looked for before it is sent a second time."""

from dataclasses import replace

import pytest

from console.channels import slack
from console.channels.kinds import NotDelivered
from tests.channels.messages import ACKNOWLEDGE, RESOLVE, TRIGGER, WAY, delivered, picture
from tests.fakes import slack as slack_server
from tests.fakes.slack import TOKEN
from tests.fakes.web import Answer

GIVEN = {"token": TOKEN, "channel": "C0000OPS"}


@pytest.fixture
def server():
    with slack_server.serving() as server:
        server.scopes.add("channels:history")
        yield server


@pytest.fixture
def way(server):
    return replace(WAY, slack_url=server.api, allow_private=False)


@pytest.fixture
def lost(server, way):
    """Send a message whose answer is lost, and send it again; the receipt of that."""

    def lost(message, given=GIVEN, thread=None, *, answers=()):
        server.answers(*answers, Answer(drops=True))
        with pytest.raises(NotDelivered) as error:
            delivered(slack.KIND, given, message, way, thread)
        assert error.value.may_have_arrived
        server.answers()
        return delivered(slack.KIND, given, replace(message, again=True), way, thread)

    return lost


def test_the_first_message_is_there_once(server, way, lost):
    receipt = lost(replace(TRIGGER, picture=picture()))
    [message] = server.messages
    assert (receipt.reference, receipt.thread["ts"]) == (message["ts"], message["ts"])
    assert len(server.files) == 1
    delivered(slack.KIND, GIVEN, RESOLVE, way, receipt.thread)
    assert server.message(message["ts"])["text"].startswith("*Resolved:*")


def test_an_answer_in_the_thread_is_there_once(server, way, lost):
    first = delivered(slack.KIND, GIVEN, TRIGGER, way)
    updated = Answer(200, {"ok": True})
    receipt = lost(ACKNOWLEDGE, thread=first.thread, answers=[updated])
    [reply] = server.thread(first.reference)
    assert receipt.reference == reply["ts"]
    assert receipt.thread["ts"] == first.reference


@pytest.mark.parametrize("scopes", [{"chat:write"}, {"chat:write", "channels:history"}])
def test_a_message_that_never_arrived_is_sent(server, way, scopes):
    server.scopes = scopes
    delivered(slack.KIND, GIVEN, ACKNOWLEDGE, way)
    delivered(slack.KIND, GIVEN, replace(TRIGGER, again=True), way)
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    ("given", "scope"), [(GIVEN, "files:write"), (GIVEN | {"channel": "#ops"}, "channels:history")]
)
def test_it_comes_twice_rather_than_never_where_the_app_may_not_look(server, lost, given, scope):
    server.scopes = {"chat:write", scope}
    lost(TRIGGER, given)
    keys = [message["metadata"]["event_payload"]["key"] for message in server.messages]
    assert keys == [TRIGGER.key] * 2
