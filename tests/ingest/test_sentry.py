"""Envelopes into events, spans and counts: real ones, old ones, odd ones."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors.grouping import group
from console.ingest.decoded import ItemCount
from console.ingest.sentry.envelope import Envelope, Item, parse_envelope
from console.ingest.sentry.items import decode
from tests.ingest.corpus.reading import CLIENTS, bodies, context, decoded, event, item

STACK = {"frames": [{"function": "f", "filename": "a.py", "in_app": True}]}
RECEIVED = context().received_at


def counts(envelope):
    return decode(envelope, context()).counts


@pytest.mark.parametrize("client", CLIENTS)
def test_everything_that_a_client_sent_is_stored_or_counted(client):
    sent = Counter(one.type for body in bodies(client) for one in parse_envelope(body).items)
    found = decoded(client)
    fates: Counter[tuple[str, str]] = Counter()
    for count in found.counts:
        fates[count.item_type, count.outcome] += count.quantity
    assert len(found.events) == sent["event"] == 2
    assert fates["sessions", "stored"] == sent["sessions"] == 1
    assert fates["client_report", "stored"] == sent["client_report"]
    assert not [count for count in found.counts if count.outcome == "invalid"]
    segments = [span for span in found.spans if span.is_segment and span.op == "http.server"]
    assert len(segments) == {"flask": 5, "express": 4}[client.split("-")[0]] - (
        client == "express-static"  # there the client drops its 404 itself, and reports it
    )


def test_what_the_client_dropped_is_counted_with_reason_and_category():
    report = {
        "discarded_events": [
            {"reason": "sample_rate", "category": "transaction", "quantity": 4},
            {"reason": "network_error", "category": "error", "quantity": 1},
            {"reason": "password=hunter2", "category": "<b>", "quantity": 1},
            {"reason": "odd", "category": "error", "quantity": -1},
            None,
        ]
    }
    assert counts(item("client_report", report)) == [
        ItemCount("transaction", "lost_by_client", "sample_rate", 4),
        ItemCount("error", "lost_by_client", "network_error", 1),
        ItemCount("unknown", "lost_by_client", "password=[Filtered]", 1),
        ItemCount("client_report", "stored", "", 1),
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "feedback",
        "user_report",
        "log",
        "attachment",
        "profile",
        "profile_chunk",
        "replay_event",
        "replay_recording",
        "trace_metric",
        "statsd",
    ],
)
def test_items_that_wait_for_their_feature_are_counted(kind):
    assert counts(item(kind, b"\x00\xff")) == [ItemCount(kind, "ignored", "not stored yet", 1)]


def test_a_container_is_counted_by_what_it_holds():
    (count,) = counts(item("log", {"items": []}, item_count=40))
    assert count.quantity == 40
    (count,) = counts(item("log", {"items": []}, item_count=True))
    assert count.quantity == 1


@pytest.mark.parametrize(
    ("kind", "counted"), [("surprise", "surprise"), ("<script>", "unknown"), ("", "unknown")]
)
def test_unknown_items_are_counted(kind, counted):
    assert counts(item(kind, {})) == [ItemCount(counted, "ignored", "unknown type", 1)]


@pytest.mark.parametrize(
    "kind", ["event", "transaction", "span", "client_report", "session", "sessions", "check_in"]
)
@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"7", b"\xff"])
def test_broken_payloads_are_invalid_and_hurt_nobody_else(kind, payload):
    envelope = Envelope({}, [Item(kind, payload), Item("event", b'{"message":"fine"}')])
    found = decode(envelope, context())
    assert [one["logentry"]["message"] for one in found.events] == ["fine"]
    assert [(one.item_type, one.outcome) for one in found.counts] == [(kind, "invalid")]


def test_a_cut_is_counted():
    envelope = parse_envelope(
        b'{}\n{"type":"event"}\n{"message":"whole"}\n{"type":"event","length":9}\n{"'
    )
    found = decode(envelope, context())
    assert len(found.events) == 1
    assert found.counts == [ItemCount("envelope", "invalid", "item 2 is cut off: 2 of 9 bytes", 1)]


def test_an_event_without_content_is_invalid():
    (count,) = counts(item("event", {"event_id": "0" * 32}))
    assert (count.outcome, count.reason) == ("invalid", "an event without content")


def test_feedback_in_an_event_waits_too():
    (count,) = counts(
        item("event", {"type": "feedback", "contexts": {"feedback": {"message": "x"}}})
    )
    assert (count.outcome, count.reason) == ("ignored", "not stored yet")


def test_event_ids_are_normalised():
    dashed = "DA71125D-3EB1-40A2-82A8-196E0650F1AB"
    plain = "da71125d3eb140a282a8196e0650f1ab"
    assert event({"event_id": dashed, "message": "x"})["event_id"] == plain
    assert event({"message": "x"}, {"event_id": dashed})["event_id"] == plain
    assert event({"event_id": 7, "message": "x"}, {"event_id": dashed})["event_id"] == plain


def test_an_event_without_an_id_has_the_same_one_on_a_resend():
    first, again, other = ({"message": text} for text in ("x", "x", "y"))
    assert event(first)["event_id"] == event(again)["event_id"] != event(other)["event_id"]
    assert event(first)["client_timestamp"] == event(again)["client_timestamp"]


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-11-23T19:20:00Z",
        "2026-11-23T20:20:00.000+01:00",
        "2026-11-23T19:20:00",
        1795461600,
        1795461600.0,
        "1795461600",
        1795461600000,
        "2026-11-23t19:20:00z",
        "2026-11-23 19:20:00 UTC",
    ],
)
def test_times_in_all_spellings(timestamp):
    found = event({"message": "x", "timestamp": timestamp})
    assert found["timestamp"] == "2026-11-23T19:20:00Z"


@pytest.mark.parametrize(
    "timestamp",
    [None, "soon", [], True, 1e300, "9999-12-31T23:59:59-12:00", "2026-11-24T00:00:00Z", 5],
)
def test_times_that_cannot_be_are_those_of_arrival(timestamp):
    found = event({"message": "x", "timestamp": timestamp})
    assert found["timestamp"] == "2026-11-23T19:21:00Z"


@pytest.mark.parametrize(
    ("ahead", "corrected"),
    [
        (timedelta(hours=3), True),
        (timedelta(days=-2), True),
        (timedelta(seconds=45), True),
        (timedelta(seconds=-45), False),  # may have been on its way
    ],
)
def test_a_skewed_clock_is_corrected_by_sent_at(ahead, corrected):
    happened = datetime(2026, 11, 23, 19, 20, tzinfo=UTC)
    header = {"sent_at": (RECEIVED + ahead).isoformat()}
    found = event({"message": "x", "timestamp": (happened + ahead).isoformat()}, header)
    right = happened if corrected else happened + ahead
    assert datetime.fromisoformat(found["timestamp"]) == right
    assert datetime.fromisoformat(found["client_timestamp"]) == happened + ahead


@pytest.mark.parametrize(
    "exception",
    [
        [{"type": "E", "value": "v", "stacktrace": STACK}],
        {"values": [None, {"type": "E", "value": "v", "stacktrace": STACK}, None]},
        {"type": "E", "value": "v", "stacktrace": STACK},
    ],
)
def test_exceptions_in_all_shapes(exception):
    for name in ("exception", "sentry.interfaces.Exception"):
        (only,) = event({name: exception})["exception"]["values"]
        assert (only["type"], only["value"], only["module"]) == ("E", "v", "")
        assert only["stacktrace"]["frames"] == STACK["frames"]


def test_a_stack_beside_the_exception_is_the_exceptions():
    found = event({"exception": {"values": [{"type": "E"}]}, "stacktrace": STACK})
    assert found["exception"]["values"][0]["stacktrace"] == STACK
    assert "stacktrace" not in found


@pytest.mark.parametrize(
    ("fields", "entry"),
    [
        ({"message": "a b"}, {"message": "a b", "formatted": "a b"}),
        (
            {"message": {"message": "a %s", "params": ["b"]}},
            {"message": "a %s", "formatted": "a b", "params": ["b"]},
        ),
        (
            {"logentry": {"message": "a %(x)s", "params": {"x": 1}}},
            {"message": "a %(x)s", "formatted": "a 1", "params": {"x": 1}},
        ),
        ({"logentry": {"formatted": "a b"}}, {"message": "a b", "formatted": "a b"}),
        (
            {"logentry": {"message": "%99999d", "params": [1]}},
            {"message": "%99999d", "formatted": "1", "params": [1]},
        ),
        (
            {"logentry": {"message": "sold {0} to {1}", "params": ["rice", "Cy"]}},
            {
                "message": "sold {0} to {1}",
                "formatted": "sold rice to Cy",
                "params": ["rice", "Cy"],
            },
        ),
        (
            {"logentry": {"message": "100 %", "params": [1]}},
            {"message": "100 %", "formatted": "100 %", "params": [1]},
        ),
        ({"sentry.interfaces.Message": {"message": "a"}}, {"message": "a", "formatted": "a"}),
    ],
)
def test_messages_in_all_shapes(fields, entry):
    assert event(fields)["logentry"] == entry


def test_a_message_of_node_11_is_a_message():
    """Its captureMessage comes as an exception without a type, made up to carry the stack."""
    found = decoded("express-stream").events[-1]
    assert "exception" not in found
    assert found["logentry"]["formatted"] == "the shop closes"
    assert found["stacktrace"]["frames"]
    assert group(found).variant == "message"


@pytest.mark.parametrize(
    "tags", [{"a": "b", "n": 1, "none": None}, [["a", "b"], ["n", 1], ["none", None], 7]]
)
def test_tags_in_all_shapes(tags):
    assert event({"message": "x", "tags": tags})["tags"] == {"a": "b", "n": "1"}


@pytest.mark.parametrize("crumbs", [[{"message": "c"}, None], {"values": [None, {"message": "c"}]}])
def test_breadcrumbs_in_all_shapes(crumbs):
    assert event({"message": "x", "breadcrumbs": crumbs})["breadcrumbs"] == {
        "values": [{"message": "c"}]
    }


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("fatal", "fatal"),
        ("WARN", "warning"),
        ("critical", "fatal"),
        ("log", "info"),
        (40, "error"),
        (30, "warning"),
        (None, "error"),
        ("loud", "error"),
        ([], "error"),
    ],
)
def test_levels(level, kept):
    assert event({"message": "x", "level": level})["level"] == kept


def test_threads_request_user_and_trace_are_shaped():
    found = event(
        {
            "message": "x",
            "threads": {"values": [None, {"id": 1, "crashed": True, "stacktrace": STACK}]},
            "request": {
                "url": "http://a",
                "headers": [["Host", "a"], ["Accept", ["b", "c"]]],
                "cookies": {},
            },
            "user": {"id": 7, "ip_address": "{{auto}}", "email": None},
            "contexts": {
                "trace": {"trace_id": "DA71125D-3EB1-40A2-82A8-196E0650F1AB", "span_id": "x"},
                "odd": 1,
            },
            "_meta": {"user": {"": {"rem": []}}},
            "release": 7,
        }
    )
    assert found["threads"]["values"][0]["stacktrace"] == STACK
    assert found["request"] == {"url": "http://a", "headers": {"Host": "a", "Accept": "b, c"}}
    assert found["user"] == {"id": 7}
    assert found["contexts"]["trace"]["trace_id"] == "da71125d3eb140a282a8196e0650f1ab"
    assert found["contexts"]["trace"]["span_id"] == ""
    assert "_meta" not in found
    assert found["release"] == "7"


def test_a_real_flask_error_keeps_what_an_engineer_needs():
    found = decoded("flask-static").events[0]
    (error,) = found["exception"]["values"]
    frame = error["stacktrace"]["frames"][-1]
    assert (error["type"], error["value"]) == ("ZeroDivisionError", "division by zero")
    assert frame["context_line"].strip() == 'return {"average": cart["items"] / cart["total"]}'
    assert frame["vars"]["cart"] == {"total": "0", "items": "3"}
    assert found["request"]["method"] == "POST"
    assert found["request"]["data"]["card"] == "[Filtered]"
    assert found["user"]["email"] == "ada@example.com"
    assert found["environment"] == "staging"


FIELDS = st.sampled_from([
    "exception", "values", "stacktrace", "frames", "type", "value", "message", "logentry",
    "params", "tags", "contexts", "trace", "trace_id", "span_id", "data", "user", "request",
    "headers", "query_string", "url", "spans", "start_timestamp", "timestamp", "measurements",
    "lcp", "unit", "op", "transaction", "env", "items", "attributes", "name", "is_segment",
    "status", "breadcrumbs", "threads", "fingerprint", "level", "discarded_events", "quantity",
    "reason", "category", "vars", "pre_context", "release", "cookies",
])  # fmt: skip
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["0" * 32, "1" * 16, "2026-11-23T19:20:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)
@given(
    st.sampled_from(["event", "transaction", "span", "client_report", "session", "odd"]),
    st.dictionaries(FIELDS, ANY, max_size=6) | ANY,
    st.dictionaries(st.sampled_from(["sent_at", "trace", "sdk", "event_id"]), ANY, max_size=3),
)
def test_decoding_is_total(kind, content, header):
    payload = json.dumps(content).encode()
    found = decode(Envelope(header, [Item(kind, payload)]), context())
    for one in found.events:
        assert group(one).hash
    assert found.events or found.spans or found.counts or kind in {"span", "transaction"}


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_payload_decodes_or_is_counted(payload):
    found = decode(Envelope({}, [Item("event", payload)]), context())
    assert len(found.events) + sum(one.quantity for one in found.counts) == 1


def test_what_an_envelope_brings_is_bounded_before_it_fills_the_memory():
    """100 MB of JSON may come as 0.5 MB, and takes 2.5 GB to read."""
    now = RECEIVED.timestamp()
    times = {"start_timestamp": now, "end_timestamp": now, "name": "a", "status": "ok"}
    ids = [{"trace_id": f"{n:032x}", "span_id": f"{n:016x}"} for n in range(1, 6_001)]
    spans = item("span", {"items": [one | times for one in ids]}).items
    large = item("event", {"message": "x", "extra": {"a": "y" * 1_000_000}}).items
    found = decode(Envelope({}, [*spans, *spans, *large * 6]), context())
    assert (len(found.spans), len(found.events)) == (10_000, 4)
    assert found.counts == [
        ItemCount("span", "invalid", "more than 10,000 spans in one envelope", 2_000),
        ItemCount("event", "invalid", "more than 4,194,304 bytes of events in one envelope", 2),
    ]
