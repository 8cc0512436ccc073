"""Events of PagerDuty: signed, kept, done once, and never a 500."""

import json

import pytest
from sqlalchemy import select

from console.alerting import incidents
from console.alerting.chronicle import Actor
from console.alerting.delivery import channels, pagerduty_in
from console.alerting.models import Incident, IncidentEvent, IncidentState
from console.core.db import db
from tests.alerting.deliveries import add_incident
from tests.alerting.hooks.signing import FORMER, PERSON, SECRET, STRANGE, send
from tests.support.factories import the_person
from tests.support.scheduled import perform


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


@pytest.mark.parametrize("name", ["Tenex Engineer", "Alice", "vic@acme.test", "eve@globex.test"])
def test_whoever_has_no_member_s_address_is_named_and_nobody_s_name_is_enough(
    event, state, inside, acme, name
):
    event(agent={**PERSON, "summary": name})
    assert state() == ("acknowledged", "", "pagerduty")
    with inside(acme):
        history = db.session.scalars(select(IncidentEvent)).all()
        assert history[-1].details["script"] == f"{name} in PagerDuty"


@pytest.mark.usefixtures("both_databases")
@pytest.mark.parametrize("kind", ["acknowledged", "resolved"])
@pytest.mark.parametrize("name", ["alice@acme.test", "Tenex Engineer"])
def test_an_answer_in_pagerduty_counts_and_is_no_member_s_own(event, as_alice, kind, name):
    event(kind, agent={**PERSON, "summary": name})
    times = "/acme/shop/alerts/response-times/"
    page = " ".join(as_alice.get(f"{times}?by=member").text.split())
    assert "Someone in PagerDuty" in page
    assert ">Alice</a>" not in page
    listed = as_alice.get(f"{times}incidents/?member=pagerduty&fate=answered").text
    assert "in PagerDuty" in listed
    assert "data-row" in listed
    assert ",pagerduty," in as_alice.get(f"{times}csv").text


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
