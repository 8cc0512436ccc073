"""Sessions of Sentry's clients, decoded: updates, counts by the minute, and odd ones."""

import pytest

from console.ingest.decoded import ItemCount
from console.ingest.sentry.items import decode
from console.telemetry.records import Session
from tests.ingest.corpus.reading import context, item

STARTED = "2026-11-23T19:21:00Z"
SID = "da71125d-3eb1-40a2-82a8-196e0650f1ab"
BROWSER = {
    "sid": SID,
    "init": True,
    "started": STARTED,
    "timestamp": "2026-11-23T19:21:05Z",
    "status": "crashed",
    "errors": 1,
    "duration": 5.25,
    "did": "ada",
    "attrs": {"release": "shop@1", "environment": "production", "ip_address": "{{auto}}"},
}
COUNTS = {
    "attrs": {"release": "shop@1"},
    "aggregates": [
        {"started": STARTED, "exited": 4, "errored": 2, "crashed": 1},
        {"started": "2026-11-23T19:22:00Z", "abnormal": 3, "did": "ada"},
    ],
}


def sessions(envelope) -> list[Session]:
    return list(decode(envelope, context()).of(Session))


def test_an_update_is_a_session():
    found = decode(item("session", BROWSER), context())
    (session,) = found.of(Session)
    assert session.session_id == SID.replace("-", "")
    assert (session.status, session.errors, session.seq) == ("crashed", 1, 0)
    assert (session.release, session.environment) == ("shop@1", "production")
    assert (session.duration_ms, session.quantity) == (5250, 1)
    assert session.user_key
    assert found.counts == [ItemCount("session", "stored", "", 1)]


@pytest.mark.parametrize(
    ("fields", "seq"),
    [
        ({"seq": 7}, 7),
        ({"init": False}, 1795461665000),
        ({"init": False, "seq": -1}, 1795461665000),
        ({"init": False, "seq": True, "timestamp": 1795461600.5}, 1795461600500),
    ],
)
def test_updates_are_numbered_by_the_client_or_by_their_time(fields, seq):
    assert [session.seq for session in sessions(item("session", BROWSER | fields))] == [seq]


def test_people_are_the_ones_of_error_events():
    (named,) = sessions(item("session", BROWSER))
    (same,) = sessions(item("session", BROWSER | {"sid": "a" * 32}))
    (other,) = sessions(item("session", BROWSER | {"did": 7}))
    (nobody,) = sessions(item("session", BROWSER | {"did": None, "attrs": {}}))
    assert named.user_key == same.user_key != other.user_key
    assert nobody.user_key == ""


def test_counts_are_rows_by_minute_and_status():
    found = sessions(item("sessions", COUNTS))
    assert [(row.timestamp.minute, row.status, row.quantity) for row in found] == [
        (21, "exited", 4),
        (21, "errored", 2),
        (21, "crashed", 1),
        (21, "abnormal", 3),  # nothing began after its arrival
    ]
    assert len({row.session_id for row in found}) == 4
    assert sessions(item("sessions", COUNTS)) == found


@pytest.mark.parametrize(
    "odd",
    [
        {"sid": "7"},
        {"sid": None},
        {"status": "asleep"},
        {"status": ["ok"]},
        {"started": None},
        {"started": "yesterday"},
    ],
)
def test_what_is_no_session_is_invalid(odd):
    (count,) = decode(item("session", BROWSER | odd), context()).counts
    assert (count.item_type, count.outcome) == ("session", "invalid")
    assert count.reason.startswith("a session")


def test_odd_values_are_left_out():
    odd = {"errors": -3, "duration": float("1e300"), "did": {"a": 1}, "attrs": [], "seq": "x"}
    (session,) = sessions(item("session", BROWSER | odd))
    assert (session.errors, session.duration_ms, session.user_key) == (0, None, "")
    bucket = {"started": STARTED, "exited": 10**12, "crashed": "many", "errored": True}
    (counted,) = sessions(item("sessions", {"aggregates": [7, {}, bucket]}))
    assert (counted.status, counted.quantity) == ("exited", 1_000_000)


def test_numbers_may_be_text_or_have_a_point():
    as_text = {"errors": "2", "duration": "4.5", "seq": "3", "init": False}
    (session,) = sessions(item("session", BROWSER | as_text))
    assert (session.errors, session.duration_ms, session.seq) == (2, 4500, 3)
    bucket = {"started": STARTED, "exited": "5", "errored": 2.0, "crashed": "1e9"}
    counted = sessions(item("sessions", {"aggregates": [bucket]}))
    assert [(row.status, row.quantity) for row in counted] == [("exited", 5), ("errored", 2)]


def test_counts_of_no_time_are_invalid_and_said():
    (count,) = decode(item("sessions", {"aggregates": [{"exited": 3}]}), context()).counts
    assert (count.item_type, count.outcome) == ("sessions", "invalid")
    assert count.reason == "counts of sessions without a start"


def test_counts_have_a_limit():
    many = [{"started": STARTED, "exited": 1}] * 1200
    found = decode(item("sessions", {"aggregates": many}), context())
    assert len(found.of(Session)) == 1000
    assert ("sessions", "invalid", 200) in [
        (count.item_type, count.outcome, count.quantity) for count in found.counts
    ]
