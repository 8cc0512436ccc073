"""What is older than its project keeps is counted, instead of stored and deleted soon."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from console.accounts.models import MonitoringConfig
from console.core import clock as time
from console.core.db import db
from console.ingest.otlp.encodings import JSON
from console.telemetry.tables import error_event
from tests.ingest.envelopes import envelope, event, item
from tests.ingest.otlp_requests import AT, START, TYPES, body, query_span, request, server_span

EXPIRED = "older than is kept"
DAY_IN_NANOSECONDS = 86_400 * 10**9


@pytest.fixture(autouse=True)
def month(inside, acme):
    """The project keeps what it gets for 30 days."""
    with inside(acme):
        db.session.execute(update(MonitoringConfig).values(retention_days=30))
        db.session.commit()


def ago(**age: float) -> float:
    return (time.now() - timedelta(**age)).timestamp()


def transaction(began: float) -> dict[str, object]:
    trace = {"trace_id": "a" * 32, "span_id": "b" * 16, "op": "pageload"}
    return {
        "type": "transaction", "event_id": "c" * 32, "transaction": "/cart",
        "start_timestamp": began, "timestamp": began + 1, "contexts": {"trace": trace},
        "measurements": {"lcp": {"value": 900, "unit": "millisecond"}},
    }  # fmt: skip


def test_errors_of_before_are_counted_and_make_no_issue(send, digest, stored, acme):
    """A queue of a client that was offline for long: the rest of it is stored."""
    old, young = event(timestamp=ago(days=30, minutes=1)), event(timestamp=ago(days=29, hours=23))
    assert send(envelope(item("event", old), item("event", young))).status_code == 200
    digest.drain()
    assert stored(acme).events() == [young["event_id"]]
    assert list(stored(acme).issues().values()) == [1]
    assert stored(acme).ledger() == {("event", "stored", ""): 1, ("event", "ignored", EXPIRED): 1}


def test_spans_of_before_are_counted_and_make_no_page_load(send, digest, stored, acme):
    assert send(envelope(item("transaction", transaction(ago(days=31))))).status_code == 200
    digest.drain()
    assert stored(acme).spans() == 0
    assert stored(acme).ledger() == {("span", "ignored", EXPIRED): 1}


def test_spans_of_opentelemetry_likewise(client, key, clock, digest, stored, acme):
    """pydantic/logfire#2242."""
    clock.set(START + timedelta(seconds=2))
    long_ago = AT - 31 * DAY_IN_NANOSECONDS
    old = query_span(startTimeUnixNano=str(long_ago), endTimeUnixNano=str(long_ago + 10**6))
    headers = {"Content-Type": TYPES[JSON], "Authorization": f"Bearer {key}"}
    content = body(request(server_span(), old), JSON)
    assert client.post("/v1/traces", data=content, headers=headers).status_code == 200
    digest.drain()
    assert stored(acme).spans() == 1
    assert stored(acme).ledger() == {("span", "stored", ""): 1, ("span", "ignored", EXPIRED): 1}


def test_what_an_offline_device_sends_late_keeps_its_time(send, digest, stored, acme):
    """Its clock is right, as `sent_at` shows: nothing is moved, to neither side of what is kept."""
    happened = ago(days=20)
    sent_at = time.now().isoformat()
    content = envelope(item("event", event(timestamp=happened)), sent_at=sent_at)
    assert send(content).status_code == 200
    digest.drain()
    (row,) = stored(acme).rows(error_event)
    assert row.timestamp.timestamp() == pytest.approx(happened, abs=0.001)
    assert (row.received_at - row.timestamp).days == 20
    assert stored(acme).ledger() == {("event", "stored", ""): 1}


def test_an_event_of_two_years_ago_is_not_said_to_be_stored(send, digest, stored, acme):
    old = event(message="from a queue that waited", timestamp="2024-09-17T07:34:05Z")
    send(envelope(item("event", old)))
    digest.drain()
    assert stored(acme).issues() == {}
    assert stored(acme).ledger() == {("event", "ignored", EXPIRED): 1}
