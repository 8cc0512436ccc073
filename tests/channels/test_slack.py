"""An incident in Slack is one message that is kept up to date, and its thread."""

import json
from dataclasses import replace

import pytest

from console.channels import slack
from console.channels.kinds import NotDelivered
from console.channels.message import Fact, Verb
from tests.channels.messages import (
    ACKNOWLEDGE,
    DIGEST,
    ESCALATE,
    RESOLVE,
    TEST,
    TRIGGER,
    WAY,
    delivered,
    picture,
)
from tests.fakes import slack as slack_server
from tests.fakes.slack import TOKEN, blocks_of, buttons_of, elements_of
from tests.fakes.web import Answer

GIVEN = {"token": TOKEN, "channel": "#ops", "signing_secret": "the signing secret"}


@pytest.fixture
def server():
    with slack_server.serving() as server:
        yield server


@pytest.fixture
def way(server):
    return replace(WAY, slack_url=server.api, allow_private=False)


def test_an_incident_is_one_message_with_a_thread(server, way):
    first = delivered(slack.KIND, GIVEN, TRIGGER, way)
    root = first.reference
    assert buttons_of(server.message(root)) == ["Acknowledge", "Resolve", "See the failed requests"]
    assert server.message(root)["attachments"][0]["color"] == "#cd2e3b"

    later = delivered(slack.KIND, GIVEN, ACKNOWLEDGE, way, first.thread)
    assert buttons_of(server.message(root)) == ["Resolve", "See the failed requests"]
    assert server.message(root)["attachments"][0]["color"] == "#4a78e6"

    later = delivered(slack.KIND, GIVEN, ESCALATE, way, later.thread)
    assert buttons_of(server.message(root))[0] == "Acknowledge"

    delivered(slack.KIND, GIVEN, RESOLVE, way, later.thread)
    assert buttons_of(server.message(root)) == ["See the failed requests"]
    assert server.message(root)["attachments"][0]["color"] == "#2c9a57"
    assert server.message(root)["text"].startswith("*Resolved:* <https://pharos.acme.test/")

    replies = server.thread(root)
    assert [reply.get("reply_broadcast", False) for reply in replies] == [False, True, False]
    assert "Acknowledged: by Alice" in replies[0]["text"]
    assert "Step 2 of the policy" in replies[1]["text"]
    assert len(server.messages) == 4


def test_everybody_sees_that_it_got_critical_or_began_again(server, way):
    warning = replace(TRIGGER, level="warning")
    thread = delivered(slack.KIND, GIVEN, warning, way).thread
    joined = replace(TRIGGER, verb=Verb.UPDATE)
    for message in (replace(joined, level="warning"), joined, joined, RESOLVE, TRIGGER):
        thread = delivered(slack.KIND, GIVEN, message, way, thread).thread
    loud = [reply.get("reply_broadcast", False) for reply in server.thread(thread["ts"])]
    assert loud == [False, True, False, False, True]


def test_the_buttons_name_their_thread(server, way):
    receipt = delivered(slack.KIND, GIVEN, TRIGGER, way)
    acknowledge, resolve, evidence = elements_of(server.message(receipt.reference))
    assert (acknowledge["action_id"], resolve["action_id"]) == ("acknowledge", "resolve")
    assert acknowledge["value"] == resolve["value"] == TRIGGER.thread
    assert evidence["url"] == "https://pharos.acme.test/acme/shop/endpoints/4"


def test_without_a_signing_secret_the_buttons_open_pages(server, way):
    receipt = delivered(slack.KIND, {**GIVEN, "signing_secret": ""}, TRIGGER, way)
    urls = [button.get("url") for button in elements_of(server.message(receipt.reference))]
    assert urls == [
        "https://pharos.acme.test/acme/shop/endpoints/4",
        "https://pharos.acme.test/a/pha_token",
    ]


def test_the_message_goes_out_first_and_then_shows_its_picture(server, way):
    receipt = delivered(slack.KIND, GIVEN, replace(TRIGGER, picture=picture()), way)
    message = server.message(receipt.reference)
    image = next(block for block in blocks_of(message) if block["type"] == "image")
    assert server.files[image["slack_file"]["id"]] == picture().png
    assert image["alt_text"] == picture().alt
    calls = [request.path.rpartition("/")[2] for request in server.requests]
    assert calls[0] == "chat.postMessage"
    later = delivered(slack.KIND, GIVEN, replace(RESOLVE, picture=picture()), way, receipt.thread)
    assert any(block["type"] == "image" for block in blocks_of(server.message(receipt.reference)))
    assert later.thread == receipt.thread  # the same message, and the same file
    assert len(server.files) == 1


def test_a_picture_that_slack_is_not_ready_with_is_shown_a_moment_later(server, way, monkeypatch):
    monkeypatch.setattr(slack, "PAUSE", 0.01)
    server.unready = 2
    receipt = delivered(slack.KIND, GIVEN, replace(TRIGGER, picture=picture()), way)
    assert any(block["type"] == "image" for block in blocks_of(server.message(receipt.reference)))


def test_without_the_scope_for_files_the_message_has_no_picture(server, way):
    server.scopes = {"chat:write"}
    receipt = delivered(slack.KIND, GIVEN, replace(TRIGGER, picture=picture()), way)
    assert "lacks the scope files:write" in receipt.answer
    assert [block["type"] for block in blocks_of(server.messages[0])].count("image") == 0
    assert len(server.messages) == 1


def test_a_picture_that_was_deleted_keeps_no_resolve_back(server, way):
    receipt = delivered(slack.KIND, GIVEN, replace(TRIGGER, picture=picture()), way)
    server.files.clear()
    delivered(slack.KIND, GIVEN, replace(RESOLVE, picture=picture()), way, receipt.thread)
    assert server.message(receipt.reference)["text"].startswith("*Resolved:*")


@pytest.mark.parametrize(
    "gone", [{"channel": "C0000OPS", "ts": "1.1"}, {"channel": "C0000OLD", "ts": "1.1"}]
)
def test_a_first_message_that_is_gone_is_written_anew(server, way, gone):
    receipt = delivered(slack.KIND, GIVEN, RESOLVE, way, gone)
    assert server.messages[0]["text"].startswith("*Resolved:*")
    assert receipt.thread["ts"] == server.messages[0]["ts"]


def test_a_person_gets_a_direct_message_that_is_updated_too(server, way):
    given = {**GIVEN, "channel": "U0000ADA"}
    receipt = delivered(slack.KIND, given, TRIGGER, way)
    delivered(slack.KIND, given, RESOLVE, way, receipt.thread)
    assert receipt.thread["channel"] == "D0000ADA"
    assert server.message(receipt.reference)["text"].startswith("*Resolved:*")


def test_each_message_carries_its_key(server, way):
    receipt = delivered(slack.KIND, GIVEN, TRIGGER, way)
    delivered(slack.KIND, GIVEN, RESOLVE, way, receipt.thread)
    first, reply = server.messages
    assert first["metadata"]["event_payload"]["key"] == TRIGGER.key
    assert reply["metadata"]["event_payload"]["key"] == RESOLVE.key


@pytest.mark.parametrize(
    ("answer", "sentence", "permanent"),
    [
        ({"error": "invalid_auth"}, "does not accept the token", True),
        ({"error": "channel_not_found"}, "no channel #ops", True),
        ({"error": "not_in_channel"}, "invite it there", True),
        ({"error": "missing_scope", "needed": "chat:write"}, "scope chat:write", True),
        ({"error": "something_new"}, "something_new", True),
        ({"error": "internal_error"}, "internal_error", False),
        ({"error": "ratelimited"}, "fewer messages", False),
        ({}, "unknown", True),
    ],
)
def test_an_error_says_what_to_do(server, way, answer, sentence, permanent):
    server.answers(Answer(200, {"ok": False, **answer}))
    with pytest.raises(NotDelivered, match=sentence) as error:
        delivered(slack.KIND, GIVEN, TRIGGER, way)
    assert error.value.permanent is permanent
    assert json.loads(error.value.answer)["ok"] is False


def test_slack_says_how_long_to_wait(server, way):
    server.answers(Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "17"}))
    with pytest.raises(NotDelivered, match="fewer messages") as error:
        delivered(slack.KIND, GIVEN, TRIGGER, way)
    assert (error.value.permanent, error.value.retry_after) == (False, 17)


@pytest.mark.parametrize(
    "answer", [Answer(500, "oops"), Answer(200, "not JSON"), Answer(200, "[]")]
)
def test_a_slack_that_is_broken_is_tried_again(server, way, answer):
    server.answers(answer)
    with pytest.raises(NotDelivered) as error:
        delivered(slack.KIND, GIVEN, TRIGGER, way)
    assert not error.value.permanent


def test_an_answer_that_is_lost_may_have_arrived(server, way):
    server.answers(Answer(drops=True))
    with pytest.raises(NotDelivered) as error:
        delivered(slack.KIND, GIVEN, TRIGGER, way)
    assert error.value.may_have_arrived
    assert len(server.messages) == 1


def test_the_token_stands_in_no_answer(server, way):
    server.answers(Answer(200, {"ok": False, "error": TOKEN, "echo": f"Bearer {TOKEN}"}))
    with pytest.raises(NotDelivered) as error:
        delivered(slack.KIND, GIVEN, TRIGGER, way)
    assert TOKEN not in str(error.value) + error.value.answer + repr(error.value.__cause__)


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("hostile", [False, True])
def test_slacks_models_take_every_message(server, way, verb, hostile):
    text = "<!channel> <@U1> & *bold* \x00\r\n\u202e" + "é" * 4_000 if hostile else "text"
    message = replace(
        TRIGGER,
        verb=verb,
        headline=text,
        title=text,
        hits=text,
        why=text,
        changes=[Fact(text, text, f"https://acme.test/?{text}")] * (40 if hostile else 1),
        facts=[Fact(text, text, "javascript:alert(1)")] * (40 if hostile else 1),
        picture=picture(),
        delayed_minutes=7,
        entries=[TRIGGER] * (100 if hostile else 1),
    )
    receipt = delivered(slack.KIND, GIVEN, message, way)
    written = json.dumps(server.message(receipt.reference))
    assert "<!channel>" not in written
    assert "<@U1>" not in written
    assert "javascript:" not in written
    assert len(blocks_of(server.message(receipt.reference))) <= 50
    if verb is not Verb.RESOLVE:
        assert "See the failed requests" in buttons_of(server.message(receipt.reference))


def test_a_test_and_a_digest_offer_nothing_to_acknowledge(server, way):
    for message in (TEST, DIGEST):
        receipt = delivered(slack.KIND, GIVEN, message, way)
        assert buttons_of(server.message(receipt.reference)) == []
    assert json.dumps(server.messages[1]).count(TRIGGER.incident_url) >= 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"token": ""}, "token"),
        ({"token": "xoxb-ü"}, "token"),
        ({"token": "secret"}, "token"),
        ({"token": "xoxb-1\r\nX: y"}, "token"),
        ({"channel": ""}, "channel"),
        ({"channel": "#a, #b"}, "channel"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(server, way, given, field):
    assert set(slack.KIND.faults({**GIVEN, **given}, way)) == {field}
    with pytest.raises(NotDelivered) as error:
        delivered(slack.KIND, {**GIVEN, **given}, TRIGGER, way)
    assert error.value.permanent
    assert server.requests == []
