"""Messages by an incoming webhook: one way, with buttons that open pages."""

from dataclasses import replace

import pytest

from console.channels.kinds import NotDelivered
from console.channels.slack_webhook import KIND
from tests.channels.messages import RESOLVE, TRIGGER, WAY, delivered
from tests.fakes import slack as slack_server
from tests.fakes.slack import HOOK, elements_of
from tests.fakes.web import Answer


@pytest.fixture
def server():
    with slack_server.serving() as server:
        yield server


def test_every_message_stands_for_itself(server):
    given = {"url": server.webhook}
    receipt = delivered(KIND, given, TRIGGER)
    delivered(KIND, given, RESOLVE, thread=receipt.thread)
    assert receipt.answer == "ok"
    assert [message["text"].partition(":")[0] for message in server.messages] == [
        "*Critical",
        "*Resolved",
    ]
    assert all("url" in button for message in server.messages for button in elements_of(message))


@pytest.mark.parametrize(
    ("answer", "sentence", "permanent"),
    [
        (Answer(404, "no_service"), "no longer has this webhook", True),
        (Answer(403, "invalid_token"), "was revoked", True),
        (Answer(410, "channel_is_archived"), "archived", True),
        (Answer(400, "invalid_payload"), "answered 400", True),
        (Answer(429, "", {"Retry-After": "9"}), "fewer messages", False),
        (Answer(500, ""), "answered 500", False),
    ],
)
def test_a_refusal_says_what_to_do(server, answer, sentence, permanent):
    server.answers(answer)
    with pytest.raises(NotDelivered, match=sentence) as error:
        delivered(KIND, {"url": server.webhook}, TRIGGER)
    assert error.value.permanent is permanent
    assert error.value.retry_after == (9 if answer.status == 429 else None)


def test_the_address_is_a_secret_that_stands_in_no_answer(server):
    server.answers(Answer(404, f"no {server.webhook} and no {HOOK}"))
    with pytest.raises(NotDelivered) as error:
        delivered(KIND, {"url": server.webhook}, TRIGGER)
    assert "the-secret-of-the-webhook" not in str(error.value) + error.value.answer


@pytest.mark.parametrize("url", ["", "ftp://hooks.test", "http://127.0.0.1/x", "https://[::1]/"])
def test_an_address_that_cannot_be_called_is_refused(url):
    way = replace(WAY, allow_private=False)
    assert set(KIND.faults({"url": url}, way)) == {"url"}
    with pytest.raises(NotDelivered) as error:
        delivered(KIND, {"url": url}, TRIGGER, way)
    assert error.value.permanent
