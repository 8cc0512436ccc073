"""People are counted by a key that is made before anything is scrubbed; only the key is stored."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from console.accounts.models import IpPolicy, MonitoringConfig
from console.core.db import db
from console.errors.models import Issue
from console.ingest.people import People, people_of
from console.ingest.sentry.items import decode
from console.telemetry.records import Session
from console.telemetry.tables import error_event as error_event_table
from tests.ingest.corpus.reading import context, item
from tests.ingest.envelopes import event

HERE, BESIDE = "203.0.113.7", "203.0.113.8"
AUTO = "{{auto}}"
SPAN = {
    "trace_id": "a" * 32,
    "span_id": "b" * 16,
    "start_timestamp": "2026-11-23T19:20:58Z",
    "end_timestamp": "2026-11-23T19:20:59Z",
    "name": "GET /",
    "status": "ok",
    "is_segment": True,
}
SESSION = {"sid": "c" * 32, "started": "2026-11-23T19:20:58Z", "init": True}
INTERACTION = {
    "trace_id": "a" * 32,
    "span_id": "b" * 16,
    "start_timestamp": 1795461658.0,
    "timestamp": 1795461659.0,
    "op": "ui.interaction.click",
    "description": "main > button",
}


def _event(address, sent):
    return item("event", {"message": "checkout failed", "user": {"ip_address": sent}})


def _transaction(address, sent):
    trace = {"trace_id": "a" * 32, "span_id": "b" * 16}
    return item("transaction", {
        "type": "transaction", "transaction": "GET /", "contexts": {"trace": trace},
        "start_timestamp": 1795461658.0, "timestamp": 1795461659.0, "user": {"ip_address": sent},
    })  # fmt: skip


def _streamed(address, sent):
    attributes = {"user.ip_address": {"type": "string", "value": sent}}
    return item("span", {"items": [{**SPAN, "attributes": attributes}]})


def _inferred(address, sent):
    settings = {"infer_ip": "auto"}
    return item("span", {"ingest_settings": settings, "items": [{**SPAN, "attributes": {}}]})


def _interaction(address, sent):
    return item("span", {**INTERACTION, "data": {"client.address": sent}})


def _session(address, sent):
    return item("session", {**SESSION, "attrs": {"ip_address": sent}})


FORMS = [_event, _transaction, _streamed, _inferred, _interaction, _session]


def keys(sent, address, **rules):
    """The keys of all that is decoded of an envelope that came from an address."""
    sender = replace(context(**rules), address=address, people=People(b"secret"))
    decoded = decode(sent, sender)
    reported = [error.user_key for error in decoded.errors]
    spans = {span.user_key for span in decoded.spans}
    return {*reported, *spans, *(session.user_key for session in decoded.of(Session))}


@pytest.mark.parametrize("policy", ["keep", "truncate", "remove"])
@pytest.mark.parametrize("form", FORMS)
def test_visitors_of_one_network_are_several_people_in_whatever_they_send(form, policy):
    for sent in (True, False):  # the address is the client's word, or left to the server
        made = [
            keys(form(address, address if sent else AUTO), address, ip=policy)
            for address in (HERE, BESIDE, HERE)
        ]
        assert made[0] == made[2] != made[1]
        assert "" not in made[0] | made[1]


@pytest.mark.parametrize("form", FORMS)
def test_one_visitor_has_one_key_in_whatever_it_sends(form):
    assert keys(form(HERE, HERE), HERE) == {People(b"secret").key_of({"ip_address": HERE})}


@pytest.mark.parametrize("policy", ["truncate", "remove"])
@pytest.mark.parametrize("form", FORMS)
def test_no_whole_address_is_in_what_is_kept(form, policy):
    sender = replace(context(ip=policy), address=HERE)
    decoded = decode(form(HERE, AUTO), sender)
    kept = [*decoded.events, *decoded.spans, *decoded.of(Session)]
    assert kept
    assert HERE not in repr(kept)


def test_the_first_field_that_there_is_counts_in_the_order_of_sentry():
    people = People(b"secret")
    fields = {"id": "7", "username": "ada", "email": "ada@example.com", "ip_address": HERE}
    order = list(fields)
    for place, name in enumerate(order):
        rest = {later: fields[later] for later in order[place:]}
        assert people.key_of(rest) == people.key_of({name: fields[name]})
    assert len({people.key_of({name: fields[name]}) for name in order}) == len(order)
    assert people.key_of({"id": 7}) == people.key_of({"id": "7"})
    assert people.key_of({"ip_address": AUTO}) == people.key_of({}) == people.key_of(None) == ""


def test_spans_name_the_username_as_their_conventions_do():
    people = People(b"secret")
    attributes = {"user.name": "ada", "user.email": "ada@example.com"}
    assert people.key_of_attributes(attributes) == people.key_of({"username": "ada"})


@pytest.mark.parametrize("user", [{"id": "7"}, {"email": "ada@example.com"}])
def test_a_session_and_an_error_of_one_person_have_one_key(user):
    did = next(iter(user.values()))
    error = keys(item("event", {"message": "it broke", "user": user}), HERE)
    session = keys(item("session", {**SESSION, "did": did, "attrs": {"ip_address": HERE}}), HERE)
    interaction = keys(item("span", {**INTERACTION, "data": {"user": did}}), HERE)
    assert error == session == interaction


def test_a_person_whose_e_mail_a_project_blanks_is_counted_all_the_same():
    def key(email):
        sent = item("event", {"message": "it broke", "user": {"email": email}})
        (decoded,) = decode(sent, context(names=("email",))).errors
        assert email not in repr(decoded.event.content)
        return decoded.user_key

    assert key("ada@example.com") != key("bob@example.com")


def test_a_key_can_be_made_by_nobody_who_lacks_the_secret():
    by_secret = {people_of(secret, 1).key_of({"ip_address": HERE}) for secret in ("a", "b")}
    assert len(by_secret | {People().key_of({"ip_address": HERE})}) == 3


def test_people_of_two_organizations_cannot_be_compared():
    assert len({people_of("a", number).key_of({"id": "7"}) for number in (1, 2)}) == 2


@pytest.mark.parametrize("policy", list(IpPolicy))
def test_five_visitors_of_one_network_are_five_affected_users(
    acme, inside, accepted, digest, stored, policy
):
    with inside(acme):
        db.session.execute(update(MonitoringConfig).values(ip_policy=policy))
        db.session.commit()
    for number in range(1, 6):
        accepted(acme, event(user={"ip_address": f"203.0.113.{number}"}))
    digest.drain()
    with inside(acme):
        assert db.session.execute(select(Issue.events, Issue.users)).all() == [(5, 5)]
    assert len({row.user_key for row in stored(acme).rows(error_event_table)}) == 5
