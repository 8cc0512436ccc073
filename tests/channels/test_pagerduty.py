"""Every incident is one of PagerDuty's, by events that its schema and its guards take."""

from dataclasses import replace

import pytest

from console.channels.kinds import NotDelivered
from console.channels.message import Button, Fact, Message, Verb
from console.channels.pagerduty import EU, KIND, _server, guard
from tests.channels.messages import (
    ACKNOWLEDGE,
    AT,
    ESCALATE,
    RESOLVE,
    TEST,
    TRIGGER,
    WAY,
    delivered,
    picture,
)
from tests.fakes import pagerduty as pagerduty_server
from tests.fakes.pagerduty import ROUTING_KEY
from tests.fakes.web import Answer

GIVEN = {"routing_key": ROUTING_KEY, "region": "us", "webhook_secrets": ""}
KEY = TRIGGER.thread


@pytest.fixture
def server():
    with pagerduty_server.serving() as server:
        yield server


@pytest.fixture
def way(server):
    return replace(WAY, pagerduty_url=server.url, allow_private=False)


def test_an_incident_is_triggered_acknowledged_and_resolved(server, way):
    thread = delivered(KIND, GIVEN, TRIGGER, way).thread
    thread = delivered(KIND, GIVEN, ESCALATE, way, thread).thread
    assert server.incidents == {KEY: "triggered"}
    thread = delivered(KIND, GIVEN, ACKNOWLEDGE, way, thread).thread
    assert server.incidents == {KEY: "acknowledged"}
    receipt = delivered(KIND, GIVEN, RESOLVE, way, thread)
    assert server.incidents == {KEY: "resolved"}
    assert server.dropped == []
    assert [event["event_action"] for event in server.events] == [
        "trigger",
        "trigger",
        "acknowledge",
        "resolve",
    ]
    assert (receipt.status, receipt.reference) == (202, KEY)
    assert "Event processed" in receipt.answer


@pytest.mark.parametrize("message", [ACKNOWLEDGE, RESOLVE])
def test_a_trigger_goes_before_what_it_has_not_heard_of(server, way, message):
    delivered(KIND, GIVEN, message, way)
    assert server.events[0]["event_action"] == "trigger"
    assert (
        server.incidents[KEY]
        == {"acknowledge": "acknowledged", "resolve": "resolved"}[message.verb]
    )
    assert server.dropped == []


def test_what_opens_again_is_triggered_again_before_it_is_acknowledged(server, way):
    thread = delivered(KIND, GIVEN, RESOLVE, way).thread
    delivered(KIND, GIVEN, ACKNOWLEDGE, way, thread)
    assert server.incidents == {KEY: "acknowledged"}
    assert server.dropped == []


def test_an_event_says_what_is_wrong_and_leads_to_the_evidence(server, way):
    delivered(KIND, GIVEN, replace(TRIGGER, picture=picture()), way)
    event = server.events[0]
    assert event["payload"]["summary"] == TRIGGER.headline
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["timestamp"] == "2026-11-27T13:58:00+00:00"
    assert event["payload"]["custom_details"]["Affected"] == TRIGGER.hits
    assert event["payload"]["custom_details"]["Chart"] == picture().alt
    assert event["client_url"] == TRIGGER.incident_url
    assert [link["text"] for link in event["links"]] == [
        "Open the incident",
        "See the failed requests",
        "Acknowledge",
    ]


def test_changes_of_the_same_minute_are_all_there(server, way):
    changes = [Fact("9 minutes before", "Release 2.4.1"), Fact("9 minutes before", "Rule 7")]
    delivered(KIND, GIVEN, replace(TRIGGER, changes=changes), way)
    details = server.events[0]["payload"]["custom_details"]
    assert details["Changed 9 minutes before"] == "Release 2.4.1; Rule 7"


def test_a_test_leaves_nothing_open(server, way):
    delivered(KIND, GIVEN, TEST, way)
    assert server.incidents == {TEST.thread: "resolved"}
    assert server.events[0]["payload"]["severity"] == "info"


@pytest.mark.parametrize("verb", sorted(KIND.takes))
@pytest.mark.parametrize("text", ["", "text", "é\x00\r\n<b>\u202e" * 2_000])
def test_the_schema_and_the_guards_take_every_message(server, way, verb, text):
    message = replace(
        TRIGGER,
        verb=verb,
        headline=text,
        title=text or "Title",
        project=text,
        hits=text,
        since=None,
        changes=[Fact(text, text, text)] * 50,
    )
    receipt = delivered(KIND, GIVEN, message, way)
    assert receipt.status == 202
    taken = server.changes if verb is Verb.DEPLOY else server.events
    assert len(taken[0]["payload"]["summary"]) <= 1_024


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dedup_key": ""}, "without a key"),
        ({"dedup_key": "k" * 256}, "255"),
        ({"payload": {}}, "without a summary"),
        ({"payload": {"summary": "s" * 1_025}}, "1,024"),
        ({"payload": {"summary": "s", "custom_details": {"a": "é" * 300_000}}}, "512 KB"),
    ],
)
def test_the_guards_refuse_what_the_schema_takes(change, sentence):
    event = {"event_action": "trigger", "dedup_key": "k", "payload": {"summary": "s"}}
    assert guard(event) == ""
    assert sentence in guard({**event, **change})


def test_a_key_that_is_too_long_is_refused_before_it_is_sent(server, way):
    with pytest.raises(NotDelivered, match="255"):
        delivered(KIND, GIVEN, replace(TRIGGER, thread="k" * 300), way)
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "permanent", "wait"),
    [
        (Answer(400, {"status": "invalid event", "errors": ["no"]}), True, None),
        (Answer(429, "", {"Retry-After": "30"}), False, 30),
        (Answer(500, ""), False, None),
        (Answer(503, ""), False, None),
        (Answer(302, "", {"Location": "http://127.0.0.1:1/"}), True, None),
    ],
)
def test_a_refusal_is_tried_again_as_pagerduty_wants(server, way, answer, permanent, wait):
    server.answers(answer)
    with pytest.raises(NotDelivered) as error:
        delivered(KIND, GIVEN, TRIGGER, way)
    assert (error.value.permanent, error.value.retry_after) == (permanent, wait)
    assert error.value.status == answer.status


def test_a_wrong_key_says_what_to_do_and_stands_in_no_answer(server, way):
    given = {**GIVEN, "routing_key": "a" * 32}
    with pytest.raises(NotDelivered, match="check the integration key") as error:
        delivered(KIND, given, TRIGGER, way)
    assert error.value.permanent
    assert "Invalid routing key" in error.value.answer
    assert "a" * 32 not in str(error.value) + error.value.answer


def test_a_deploy_is_a_change(server, way):
    deploy = Message(
        key="deploy-1-channel-3",
        thread="deploy-1-channel-3",
        verb=Verb.DEPLOY,
        at=AT,
        title="Release 2.4.1",
        headline="shop 2.4.1 was seen first " + "é" * 2_000,
        project="shop",
        facts=[Fact("Environment", "production")],
        evidence=Button("Release", "https://pharos.acme.test/acme/shop/endpoints"),
    )
    assert delivered(KIND, GIVEN, deploy, way).status == 202
    assert server.changes[0]["payload"]["custom_details"] == {"Environment": "production"}
    assert server.events == []


def test_the_region_is_the_channels_unless_the_operator_says_otherwise():
    usual = replace(WAY, pagerduty_url="https://events.pagerduty.com")
    assert _server({"region": "eu"}, usual) == EU
    assert _server({"region": "us"}, usual) == usual.pagerduty_url
    own = replace(WAY, pagerduty_url="http://127.0.0.1:9")
    assert _server({"region": "eu"}, own) == own.pagerduty_url


@pytest.mark.parametrize(
    ("given", "field"),
    [({"routing_key": ""}, "routing_key"), ({"routing_key": "short"}, "routing_key"),
     ({"region": "mars"}, "region")],
)  # fmt: skip
def test_settings_that_cannot_be_right_are_refused(way, given, field):
    assert set(KIND.faults({**GIVEN, **given}, way)) == {field}


def test_a_digest_pages_nobody():
    assert Verb.DIGEST not in KIND.takes
