"""What comes back: buttons in Slack and events of PagerDuty, signed, once, and never a 500."""

import hmac
import json
import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from console.accounts.models import Organization
from console.alerting import incidents
from console.alerting.chronicle import Actor
from console.alerting.decide import State
from console.alerting.delivery import channels, pagerduty_in
from console.alerting.delivery.models import MessageLink, ReceivedEvent, SlackAccount
from console.alerting.delivery.threads import thread_of
from console.alerting.models import Incident, IncidentEvent, IncidentState, Rule
from console.channels import outgoing
from console.channels.registry import KINDS
from console.core import clock as console_clock
from console.core.crypto import hash_of
from console.core.db import db
from tests.alerting.deliveries import add_incident
from tests.fakes.peer import plain
from tests.support.factories import the_person
from tests.support.scheduled import perform

MOMENT = timedelta(microseconds=1)
SECRET, FORMER = "8f742231b10e8888abcd99yyyzzz85a5", "former-secret-of-the-webhook"


@pytest.fixture
def settings(settings, peer):
    return replace(settings, private_addresses=True, slack_url=peer.url())


@pytest.fixture
def incident(make_rule, acme, inside):
    rule_id = make_rule(acme)
    with inside(acme):
        rule = db.session.get_one(Rule, rule_id)
        own = incidents.add(rule, "", console_clock.now(), State.CRITICAL)
        db.session.commit()
        return own.id


@pytest.fixture
def thread(acme, incident):
    return thread_of(acme.organization, incident)


@pytest.fixture
def hook(inside, acme):
    """The path at which a new channel's service reports back."""

    def hook(kind: str, **values: str) -> str:
        with inside(acme):
            channel = channels.create(KINDS[kind], kind, values)
            db.session.commit()
            url = channels.hook_url(channel, kind)
            return url[url.index("/hooks/") :]

    return hook


@pytest.fixture
def slack(hook):
    return hook("slack", token="xoxb-1", channel="#ops", signing_secret=SECRET)


@pytest.fixture
def pagerduty(hook):
    return hook("pagerduty", routing_key="a" * 32, webhook_secrets=f"{FORMER}\n{SECRET}")


@pytest.fixture
def linked(inside, acme, slack):
    with inside(acme):
        channel = channels.channels()[0]
        for name, email in (("UALICE", "alice@acme.test"), ("UVIC", "vic@acme.test")):
            user_id = the_person(email).id
            own = {"app": hash_of(SECRET), "channel_id": channel.id, "user_id": user_id}
            db.session.add(SlackAccount(team="T1", slack_user=name, **own))
        db.session.commit()


@pytest.fixture
def state(inside, acme, incident):
    def state() -> tuple[str, str, str]:
        with inside(acme):
            own = db.session.get_one(Incident, incident)
            by = own.acknowledged_by.email if own.acknowledged_by else ""
            return own.state.value, by, own.acknowledged_via

    return state


@pytest.fixture
def press(client, slack, thread, peer):
    """Press a button in Slack; what a person would see of it."""
    peer.answers["/answer"] = plain(b"ok")

    def press(user="UALICE", action="acknowledge", value="", *, at=0.0, secret=SECRET, **changes):
        payload = {
            "type": "block_actions",
            "trigger_id": str(console_clock.monotonic()),
            "team": {"id": "T1"},
            "user": {"id": user},
            "response_url": peer.url("/answer"),
            "actions": [{"action_id": action, "value": value or thread}],
            **changes,
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return client.post(slack, data=body, headers=slack_signed(body, secret, at))

    return press


PRESSED = (
    b'payload={"type":"block_actions","actions":[{"action_id":"resolve","value":"x"}],'
    b'"team":{"id":"T1"},"user":{"id":"U1"}}'
)


def slack_signed(body: bytes, secret: str = SECRET, at: float = 0.0) -> dict[str, str]:
    stamp = str(int(at or console_clock.now().timestamp()))
    signature = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signature}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


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


@pytest.fixture
def elsewhere(acme, incident):
    """The thread of an incident whose ids are the same in another console."""
    twin = Organization(id=acme.organization_id, created_at=acme.organization.created_at + MOMENT)
    return thread_of(twin, incident)


STRANGE = {
    "another organization": lambda thread: re.sub(r"-\d+-", "-999-", thread),
    "no incident": lambda thread: re.sub(r"\d+$", "999999999", thread),
    "too many digits": lambda thread: thread + "9" * 40,
    "no number": lambda thread: thread + "x",
    "no thread": lambda _thread: "'; --",
}


@pytest.mark.parametrize("changed", STRANGE.values(), ids=STRANGE)
def test_a_thread_of_another_organization_or_of_nothing_changes_nothing(
    press, linked, state, app, peer, thread, changed
):
    assert press(value=changed(thread)).status_code == 200
    assert state()[0] == "open"
    assert private_answers(app, peer) == ["Pharos has no such incident any more."]


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


@pytest.mark.parametrize(
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


@pytest.fixture
def event(client, pagerduty, thread):
    """Send an event of PagerDuty; its answer's status."""

    def event(kind="acknowledged", *, secret=SECRET, id_="01", agent=PERSON, key="", at="") -> int:
        document = {
            "event": {
                "id": id_,
                "event_type": f"incident.{kind}",
                "resource_type": "incident",
                "occurred_at": at or console_clock.now().isoformat(),
                "agent": agent,
                "data": {
                    "id": "PGR0VU2",
                    "type": "incident",
                    "incident_key": key or thread,
                },
            }
        }
        return send(client, pagerduty, json.dumps(document).encode(), secret).status_code

    return event


PERSON = {"id": "PLH1HKV", "type": "user_reference", "summary": "Alice"}


def send(client, pagerduty, body, secret=SECRET):
    signature = hmac.new(secret.encode(), body, sha256).hexdigest()
    headers = {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={signature}"}
    return client.post(pagerduty, data=body, headers=headers)


@pytest.fixture
def received(inside, acme):
    def received() -> list[tuple[bool, str]]:
        with inside(acme):
            rows = db.session.scalars(select(ReceivedEvent).order_by(ReceivedEvent.id))
            return [(row.done_at is not None, row.error) for row in rows]

    return received


@pytest.mark.usefixtures("both_databases")
def test_who_acknowledges_in_pagerduty_does_so_here(event, state, received):
    assert event(agent={**PERSON, "summary": "alice@acme.test"}) == 202
    assert state() == ("acknowledged", "alice@acme.test", "pagerduty")
    assert event("resolved", id_="02") == 202
    assert state()[0] == "resolved"
    assert received() == [(True, ""), (True, "")]


def test_each_of_several_secrets_is_good(event, state):
    assert event(secret=FORMER) == 202
    assert state()[0] == "acknowledged"


def test_somebody_who_is_no_member_is_named(event, state, inside, acme):
    event(agent={**PERSON, "summary": "Tenex Engineer"})
    assert state() == ("acknowledged", "", "")
    with inside(acme):
        history = db.session.scalars(select(IncidentEvent)).all()
        assert history[-1].details["script"] == "Tenex Engineer in PagerDuty"


@pytest.mark.usefixtures("both_databases")
def test_an_event_that_comes_twice_counts_once(event, state, received, inside, acme, incident):
    event()
    with inside(acme):
        db.session.get_one(Incident, incident).state = IncidentState.OPEN
        db.session.commit()
    assert event() == 202
    assert state()[0] == "open"
    assert len(received()) == 1


def test_an_acknowledgement_that_is_taken_back_there_is_taken_back_here(event, state):
    event()
    assert event("unacknowledged", id_="02", agent=None) == 202
    assert state()[0] == "open"


def test_a_group_is_taken_back_there_with_all_its_members(event, state, inside, acme, incident):
    with inside(acme):
        db.session.get_one(Incident, incident).is_group = True
        member = add_incident(acme, "API is slow: GET /a", parent_id=incident)
        db.session.commit()
        member_id = member.id
    event()
    event("unacknowledged", id_="02")
    assert state()[0] == "open"
    with inside(acme):
        assert db.session.get_one(Incident, member_id).state is IncidentState.OPEN
        events = select(IncidentEvent.verb).where(IncidentEvent.incident_id == member_id)
        assert db.session.scalars(events).all() == ["acknowledged", "unacknowledged"]


def test_echoes_of_what_the_console_did_are_left_out(
    event, state, received, inside, acme, incident
):
    service = {"type": "events_api_v2_inbound_integration_reference", "summary": "Pharos"}
    assert event(agent=service) == 202
    assert event("resolved", id_="02", agent=None) == 202
    assert state()[0] == "open"
    with inside(acme):
        own = db.session.get_one(Incident, incident)
        incidents.acknowledge(own, by=Actor(user=the_person("alice@acme.test")))
        db.session.commit()
    assert event(id_="03") == 202
    assert state() == ("acknowledged", "alice@acme.test", "console")
    assert received()[-1] == (True, "It was so already.")


@pytest.mark.parametrize("changed", STRANGE.values(), ids=STRANGE)
def test_a_genuine_event_is_taken_whatever_it_is_about(
    client, pagerduty, state, received, thread, changed
):
    own = {"id": "9", "event_type": "incident.resolved", "agent": PERSON}
    document = {"event": {**own, "data": {"incident_key": changed(thread)}}}
    assert send(client, pagerduty, json.dumps(document).encode()).status_code == 202
    assert state()[0] == "open"
    assert received()[0][0]
    assert received()[0][1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\x00",
        b'{"event": null}',
        b'{"event": {"id": 7, "event_type": [], "data": {}}}',
        b'{"event": {"id": "7", "event_type": "service.updated", "data": {"incident_key": {}}}}',
        b'{"event": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    ],
)
def test_a_genuine_body_that_makes_no_sense_is_taken_too(client, pagerduty, received, body):
    assert send(client, pagerduty, body).status_code == 202
    assert received() == [(True, "It is no event of an incident.")]


def test_an_event_that_is_older_than_the_incident_is_left_out(event, state):
    assert event(at="2020-01-01T00:00:00Z") == 202
    assert state()[0] == "open"


def test_what_pagerduty_did_not_sign_is_refused_and_not_kept(event, client, pagerduty, received):
    assert event(secret="guessed") == 401
    assert client.post(pagerduty, data=b"{}").status_code == 401
    for header in ("v1=", "v1=" + "é" * 9, ",".join(["v1=0"] * 500)):
        sent = client.post(
            pagerduty,
            data=b"{}",
            headers={"X-PagerDuty-Signature": header.encode().decode("latin1")},
        )
        assert sent.status_code == 401
    assert received() == []


def test_secrets_that_cannot_be_read_now_let_pagerduty_try_again(hook, client, monkeypatch):
    url = hook("pagerduty", routing_key="a" * 32, webhook_secrets="env:PHAROS_CHANNEL_1_PAGER")
    assert send(client, url, b"{}").status_code == 503
    monkeypatch.setenv("PHAROS_CHANNEL_1_PAGER", SECRET)
    assert send(client, url, b"{}").status_code == 202


def test_an_event_that_was_kept_and_not_done_is_done_by_its_job(
    app, pagerduty, state, received, inside, acme, thread
):
    own = {"id": "01", "event_type": "incident.acknowledged", "agent": PERSON}
    body = json.dumps({"event": {**own, "data": {"incident_key": thread}}}).encode()
    assert pagerduty
    with inside(acme):  # and then the process was killed
        pagerduty_in.keep(channels.channels()[0], body)
    assert received() == [(False, "")]
    with app.app_context():
        perform("settle-received-events")
    assert state()[0] == "acknowledged"
    assert received() == [(True, "")]


def test_old_events_are_deleted(event, received, clock, inside, acme):
    event()
    clock.move(seconds=31 * 86_400)
    with inside(acme):
        pagerduty_in.forget_old(acme.organization_id)
    assert received() == []
