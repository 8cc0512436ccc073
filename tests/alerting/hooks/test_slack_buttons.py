"""Buttons in Slack: signed, done once, and never a 500."""

import json

import pytest
from sqlalchemy import select

from console.alerting.delivery.models import MessageLink
from console.channels import outgoing
from console.core import clock as console_clock
from console.core.db import db
from tests.alerting.hooks.signing import STRANGE, slack_signed
from tests.support.at_once import at_once

PRESSED = (
    b'payload={"type":"block_actions","actions":[{"action_id":"resolve","value":"x"}],'
    b'"team":{"id":"T1"},"user":{"id":"U1"}}'
)


def private_answers(app, peer) -> list[str]:
    with app.app_context():
        outgoing.current().drain()
    return [json.loads(r.partition(b"\r\n\r\n")[2] or "{}").get("text", "") for r in peer.requests]


@pytest.mark.usefixtures("both_databases")
def test_a_button_acknowledges_and_resolves_as_the_linked_member(press, linked, state, app, peer):
    assert press().status_code == 200
    assert state() == ("acknowledged", "alice@acme.test", "slack")
    assert press(action="resolve").status_code == 200
    assert state()[0] == "resolved"
    assert private_answers(app, peer) == []
    assert press(action="resolve").status_code == 200
    assert private_answers(app, peer) == ["It is resolved already."]


@pytest.mark.usefixtures("both_databases")
def test_an_unknown_slack_user_is_asked_in_private_to_link_the_account(
    press, state, app, peer, inside, acme
):
    assert press("UNEW").status_code == 200
    assert state()[0] == "open"
    (answer,) = private_answers(app, peer)
    assert "Link your account: http" in answer
    assert "/slack/phn_" in answer
    with inside(acme):
        assert db.session.scalars(select(MessageLink)).one().details["slack_user"] == "UNEW"


def test_a_viewer_is_answered_in_private(press, linked, state, app, peer):
    press("UVIC")
    assert state()[0] == "open"
    assert private_answers(app, peer) == ["You are a viewer in Pharos: viewers change nothing."]


@pytest.mark.parametrize("changed", STRANGE.values(), ids=STRANGE)
def test_a_thread_of_another_organization_or_of_nothing_changes_nothing(
    press, linked, state, app, peer, thread, changed
):
    assert press(value=changed(thread)).status_code == 200
    assert state()[0] == "open"
    assert private_answers(app, peer) == ["Pharos no longer has this incident."]


def test_what_happens_to_an_incident_of_another_console_changes_nothing(
    press, event, linked, state, elsewhere
):
    assert press(value=elsewhere).status_code == 200
    assert event("resolved", key=elsewhere) == 202
    assert state()[0] == "open"


def test_a_request_that_slack_did_not_sign_is_refused(press, linked, state, client, slack):
    now = console_clock.now().timestamp()
    assert press(secret="guessed").status_code == 401
    assert press(at=now - 301).status_code == 401
    assert press(at=now + 360).status_code == 401
    for stamp in ("soon", "", "1e9", "9" * 400, "٣"):
        headers = {"X-Slack-Signature": "v0=x"} | (
            {"X-Slack-Request-Timestamp": stamp} if stamp.isascii() else {}
        )
        assert client.post(slack, data=b"payload={}", headers=headers).status_code == 401
    assert client.post("/hooks/slack/phk_x", data=b"").status_code == 404
    assert state()[0] == "open"


@at_once(
    "body",
    [
        b"",
        b"payload=",
        b"payload=%7B",
        b"payload=[]",
        b"payload={}",
        b"\xff\xfe",
        b"payload=" + b"[" * 5_000,
        b'payload={"type":"block_actions","actions":[]}',
        b'payload={"type":"block_actions","actions":[{"action_id":["a"]}]}',
        PRESSED.replace(b'"x"', b"7"),
        PRESSED.replace(b"U1", b"U1; DROP"),
        PRESSED.replace(b"T1", b"T" * 31),
        "&".join(f"a{n}=1" for n in range(100)).encode(),
    ],
)
def test_a_signed_request_that_makes_no_sense_is_a_400(client, slack, body):
    assert client.post(slack, data=body, headers=slack_signed(body)).status_code == 400


def test_a_body_that_is_too_large_is_refused(client, slack, pagerduty):
    body = b"payload=" + b"x" * (1 << 21)
    assert client.post(slack, data=body, headers=slack_signed(body)).status_code == 413
    assert client.post(pagerduty, data=body).status_code == 413


def test_a_button_that_only_opens_a_page_changes_nothing(press, linked, state):
    assert press(action="open-0").status_code == 200
    assert press(type="view_submission").status_code == 200
    assert state()[0] == "open"
