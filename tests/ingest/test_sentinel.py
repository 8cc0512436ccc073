"""A secret planted in every place of everything that clients send reaches nothing that is kept."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from console.core.crypto import Token, new_token
from console.errors.grouping import group
from console.ingest.client_json import load_json
from console.ingest.scrub import Scrubber
from console.ingest.scrub_preview import preview
from console.ingest.scrub_rules import ScrubRules
from console.ingest.sentry.envelope import Envelope, Item, parse_envelope
from console.ingest.sentry.items import decode
from tests.ingest.corpus.reading import CLIENTS, bodies, context

SENTINEL = "xK9sentinel7Qz"
# Their texts steer the decoding: changed, the item would only be invalid, which proves nothing.
STEERING = frozenset({
    "end_timestamp", "event_id", "in_app", "is_segment", "op", "parent_span_id", "sent_at",
    "sentry.op", "sentry.segment.id", "sid", "span_id", "start_timestamp", "started", "status",
    "timestamp", "trace_id", "type", "version",
})  # fmt: skip
SOURCE = frozenset({"pre_context", "context_line", "post_context"})


SOURCE_LINES = [f"    password = '{SENTINEL}'"]
LISTED = [
    ["Cookie", f"sid={SENTINEL}"],
    {"name": "token", "value": SENTINEL},
    f"?secret={SENTINEL}",
]
NAMED = {
    "api_key": SENTINEL,
    "X-Auth-Token": [SENTINEL],
    "db_password": {"nested": SENTINEL},
    "note": f"Authorization: Bearer {SENTINEL}",
}


def planted(value, name=""):
    """The value with a secret in each text, each list and each object, in several disguises."""
    if name in STEERING:
        return value
    if isinstance(value, dict):
        return planted_object(value)
    if isinstance(value, list):
        grown = [planted(child, name) for child in value]
        return grown + (SOURCE_LINES if name in SOURCE else LISTED)
    if isinstance(value, str) and name in SOURCE:
        return value + f" # token = '{SENTINEL}'"
    if isinstance(value, str):
        return f"{value} {{'password': '{SENTINEL}'}} https://u:{SENTINEL}@h/?token={SENTINEL}&a=1"
    return value


def planted_object(value):
    grown = {key: planted(child, key) for key, child in value.items()}
    if grown.keys() <= {"value", "type", "unit"}:
        return grown  # a typed attribute
    return grown | NAMED


def kept(envelope):
    found = decode(envelope, context())
    texts = [json.dumps(one) for one in found.events]
    texts += [repr(asdict(group(one))) for one in found.events]
    texts += [repr(asdict(one)) for one in found.spans]
    texts += [repr(found.counts)]
    return found, "\n".join(texts)


@pytest.mark.parametrize("client", CLIENTS)
def test_no_captured_item_keeps_what_is_planted_in_it(client):
    events = spans = 0
    for body in bodies(client):
        envelope = parse_envelope(body)
        items = [
            Item(one.type, json.dumps(planted(load_json(one.payload))).encode(), one.header)
            for one in envelope.items
        ]
        found, texts = kept(Envelope(planted(dict(envelope.header)), items))
        events, spans = events + len(found.events), spans + len(found.spans)
        assert SENTINEL not in texts
    assert events == 2
    assert spans >= 6


EVENT: dict[str, Any] = {
    "message": "m",
    "logentry": {"message": "card %s", "params": ["p", SENTINEL], "formatted": "f"},
    "exception": {
        "values": [
            {
                "type": "E",
                "value": "v",
                "mechanism": {"data": {"d": "x"}},
                "stacktrace": {
                    "frames": [
                        {
                            "function": "f",
                            "filename": "a.py",
                            "vars": {"v": "x"},
                            "context_line": "c",
                            "pre_context": ["p"],
                            "post_context": ["q"],
                        }
                    ]
                },
            }
        ]
    },
    "threads": {
        "values": [{"id": 1, "name": "t", "stacktrace": {"frames": [{"vars": {"v": "x"}}]}}]
    },
    "breadcrumbs": {"values": [{"message": "select 1", "category": "query", "data": {"d": "x"}}]},
    "request": {
        "url": "http://h/p",
        "query_string": [["q", "x"]],
        "data": "a=b",
        "cookies": [["c", "x"]],
        "headers": [["H", "x"]],
        "env": {"E": "x"},
    },
    "user": {"id": "7", "data": {"d": "x"}},
    "contexts": {"c": {"d": "x"}},
    "extra": {"e": "x"},
    "tags": [["t", "x"]],
    "fingerprint": ["f", "g"],
    "transaction": "t",
    "server_name": "s",
    "release": "r",
    "environment": "e",
    "dist": "d",
    "logger": "l",
    "culprit": "c",
    "modules": {"m": "x"},
    "sdk": {"name": "s"},
    "_meta": {"m": {"": {"rem": []}}},
    "debug_meta": {"images": [{"code_file": "x"}]},
    "unknown": {"u": ["x"]},
}
OTHERS: dict[str, dict[str, Any]] = {
    "session": {
        "sid": "c" * 32,
        "status": "ok",
        "did": "d",
        "started": "2026-11-23T19:00:00Z",
        "attrs": {"release": "r", "environment": "e", "user_agent": "u"},
    },
    "sessions": {
        "attrs": {"release": "r", "environment": "e"},
        "aggregates": [{"started": "2026-11-23T19:00:00Z", "did": "d", "exited": 1}],
    },
    "log": {"items": [{"body": "b", "attributes": {"a": {"value": "x", "type": "string"}}}]},
    "feedback": {"contexts": {"feedback": {"message": "m"}}},
    "user_report": {"name": "n", "comments": "c"},
    "check_in": {
        "check_in_id": "d" * 32,
        "monitor_slug": "m",
        "status": "ok",
        "environment": "e",
        "monitor_config": {"schedule": {"type": "crontab", "value": "0 * * * *"}},
    },
    "client_report": {"discarded_events": [{"reason": "r", "category": "c", "quantity": 1}]},
    "span": {
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "start_timestamp": 1795461600,
        "description": "d",
        "op": "db",
        "data": {"db.statement": "select 1", "url": "http://h"},
        "tags": {"t": "x"},
    },
}


def test_no_part_of_an_event_keeps_what_is_planted_in_it():
    events, texts = kept(Envelope({}, [Item("event", json.dumps(planted(EVENT)).encode())]))
    assert len(events.events) == 1
    assert SENTINEL not in texts
    # One place is left: the parameter of a log message, whose name nobody knows.
    entry = {"logentry": {"message": "card %s", "params": [SENTINEL]}}
    _, texts = kept(Envelope({}, [Item("event", json.dumps(entry).encode())]))
    assert '"card xK9sentinel7Qz"' in texts


@pytest.mark.parametrize(
    "entry",
    [
        {"message": "login with password=%s", "params": [SENTINEL]},
        {"message": "password=%(it)s and %(n)d", "params": {"it": SENTINEL, "n": 7}},
        {"message": "password={}", "params": [SENTINEL], "formatted": f"password={SENTINEL}"},
        {"message": "https://bob:%s@shop.test/", "params": [f"{SENTINEL}"]},
    ],
)
def test_a_message_keeps_no_secret_that_its_template_names(entry):
    """Neither the template nor the parameter is one alone."""
    found, texts = kept(Envelope({}, [Item("event", json.dumps({"logentry": entry}).encode())]))
    assert SENTINEL not in texts
    assert "[Filtered]" in found.events[0]["logentry"]["formatted"]


def test_parameters_that_are_no_secret_stay_beside_one():
    entry = {"message": "%s: token=%s, %d", "params": ["ann", SENTINEL, 7]}
    found, _ = kept(Envelope({}, [Item("event", json.dumps({"logentry": entry}).encode())]))
    assert found.events[0]["logentry"]["params"] == ["ann", "[Filtered]", 7]


@pytest.mark.parametrize("kind", OTHERS)
def test_no_other_item_keeps_what_is_planted_in_it(kind):
    content = planted(OTHERS[kind])
    header = planted(
        {"sdk": {"name": "n", "version": "1"}, "trace": {"release": "r", "environment": "e"}}
    )
    _, texts = kept(Envelope(header, [Item(kind, json.dumps(content).encode())]))
    assert SENTINEL not in texts


DISGUISES = (
    "{}",
    "Bad token: {}.",
    "https://pharos.test/invite/{}?next=1",
    "https://pharos.test/login?next=%2Finvite%2F{}",
    "https://pharos.test/login?next=%252Finvite%252F{}",
    "b'\\n{}'",
    "cut_off/{:.40}",
)


@pytest.mark.parametrize("kind", Token)
def test_no_token_of_this_console_is_kept_wherever_it_stands(kind):
    """Under names that say nothing, and in the middle of texts."""
    token, _ = new_token(kind)
    planted = json.dumps(EVENT | {"message": "m"})
    for place in ('"x"', '"m"', '"v"', '"f"', '"c"', '"http://h/p"', '"select 1"', '"t"'):
        texts = [disguise.format(token) for disguise in DISGUISES]
        planted = planted.replace(place, json.dumps("  ".join(texts)))
    assert planted.count(token) > 100
    found, texts = kept(Envelope({}, [Item("event", planted.encode())]))
    assert len(found.events) == 1
    assert f"{kind.value}_" not in texts


def test_names_in_programs_are_no_tokens():
    for name in ("phi_of_the_normal_distribution", "graphs_between_two_nodes_of_trees"):
        assert Scrubber().text(name) == name


def test_an_sql_span_keeps_its_statement_and_loses_the_secret():
    statement = f"UPDATE account SET password = '{SENTINEL}' WHERE id = %s"
    span = OTHERS["span"] | {"description": statement, "data": {"db.statement": statement}}
    found, texts = kept(Envelope({}, [Item("span", json.dumps(span).encode())]))
    assert SENTINEL not in texts
    assert found.spans[0].name == "UPDATE account SET password = '[Filtered]' WHERE id = %s"


def test_preview_finds_every_planted_place():
    sample = planted(EVENT["request"])
    found = preview(ScrubRules(), sample)
    assert sum(SENTINEL in one.before for one in found) == len(found)
    assert len(found) > 25
    assert not any(SENTINEL in one.after for one in found)
