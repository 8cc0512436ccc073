"""Whatever is sent as OTLP is stored as far as it makes sense, and counted where it makes none."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from console.ingest.attributes import ATTRIBUTE_LIMIT
from console.ingest.content_encodings import TooLarge, Undecodable
from console.ingest.decoded import ItemCount
from console.ingest.otlp import encodings
from console.ingest.otlp.encodings import JSON, PROTOBUF, survey
from console.ingest.otlp.spans import decode
from console.ingest.otlp.wire import SPAN_LIMIT
from tests.ingest.corpus.reading import context
from tests.ingest.otlp_requests import (
    AT,
    MILLISECOND,
    ODD,
    QUERY,
    SERVER,
    START,
    TRACE,
    body,
    pairs,
    query_span,
    request,
    server_span,
    spans_of,
)

SENTINEL = "xK9sentinel7Qz"
NO_ID = "a span has no trace id or span id"


def only(content: dict[str, Any], kind: str = JSON):
    (span,) = spans_of(content, kind)
    return span


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": "0" * 32}, NO_ID),
        ({"spanId": "0" * 16}, NO_ID),
        ({"traceId": "ab" * 15}, NO_ID),
        ({"spanId": ""}, NO_ID),
        ({"startTimeUnixNano": "0"}, "a span has no start"),
        ({"endTimeUnixNano": "0"}, "a span has no end"),
        ({"startTimeUnixNano": "1"}, "a span starts before 2000 or after 2100"),
        ({"startTimeUnixNano": str(2**64 - 1)}, "a span starts before 2000 or after 2100"),
        ({"endTimeUnixNano": str(2**64 - 1)}, "a span ends later than it came"),
        ({"startTimeUnixNano": str(AT + 10**15)}, "a span ends later than it came"),
    ],
)
def test_what_is_no_span_is_counted_and_the_rest_kept(kind, fields, reason):
    good = query_span()
    content = request(server_span(**fields), good)
    found = decode(body(content, kind), kind, context())
    assert [span.span_id for span in found.spans] == [QUERY]
    assert found.counts == [ItemCount("span", "invalid", reason, 1)]


def test_a_span_that_ends_before_it_starts_says_so():
    span = only(request(server_span(endTimeUnixNano=str(AT - 3 * MILLISECOND))))
    assert span.duration_us == 0
    assert span.attributes["otel.ended_before_start_us"] == 3000


def test_a_clock_that_is_ahead_is_put_right_and_lengths_are_kept():
    ahead = 3600 * 10**9
    spans = [
        make(startTimeUnixNano=str(AT + ahead), endTimeUnixNano=str(AT + ahead + length))
        for make, length in ((server_span, 30 * MILLISECOND), (query_span, 4 * MILLISECOND))
    ]
    segment, query = spans_of(request(*spans))
    received = context().received_at
    assert received - timedelta(seconds=1) < segment.timestamp == query.timestamp <= received
    assert (segment.duration_us, query.duration_us) == (30_000, 4_000)
    assert segment.client_timestamp == START + timedelta(hours=1)


def test_a_clock_that_is_behind_looks_like_a_late_request_and_is_left():
    span = only(request(server_span()))
    assert span.timestamp == span.client_timestamp == START


def stuffed(kind: str) -> bytes:
    """A request whose span has 50,000 attributes more."""
    span = server_span()
    if kind == JSON:
        span["attributes"] += pairs({f"attribute.{number}": "x" for number in range(50_000)})
        return body(request(span), kind)
    message = ExportTraceServiceRequest.FromString(body(request(span), kind))
    attributes = message.resource_spans[0].scope_spans[0].spans[0].attributes
    for number in range(50_000):
        attributes.add(key=f"attribute.{number}").value.string_value = "x"
    return message.SerializeToString()


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_50_000_attributes_are_bounded_and_the_rest_counted(kind):
    found = decode(stuffed(kind), kind, context())
    (segment,) = found.spans
    assert found.counts == []
    assert segment.endpoint == "GET /books/:id"
    assert len(segment.attributes) == ATTRIBUTE_LIMIT
    kept = sum(name.startswith("attribute.") for name in segment.attributes)
    assert segment.attributes["otel.dropped_attributes_count"] == 50_000 - kept


def test_more_spans_than_a_request_may_hold_are_refused_as_a_whole():
    content = request(*[{}] * (SPAN_LIMIT + 1))
    for kind in (JSON, PROTOBUF):
        with pytest.raises(TooLarge, match=r"more than 20,000 spans"):
            survey(body(content, kind), kind)
    assert survey(body(request(*[{}] * SPAN_LIMIT), PROTOBUF), PROTOBUF).spans == SPAN_LIMIT


def test_fields_around_the_spans_are_bounded():
    for raw in (b"\x0a\x00" * 60_001, b"\x10\x01" * 60_001):
        with pytest.raises(Undecodable, match=r"more than 60,000 fields"):
            survey(raw, PROTOBUF)
    too_many: tuple[dict[str, Any], ...] = (
        {"resourceSpans": [{}] * 60_001},
        {"resourceSpans": [{"scopeSpans": [{}] * 30_000}] * 2},
    )
    for content in too_many:
        with pytest.raises(Undecodable, match=r"more than 60,000 fields"):
            survey(body(content, JSON), JSON)


def test_a_large_resource_is_not_repeated_on_thousands_of_segments():
    spans = [server_span(spanId=f"{number + 1:016x}") for number in range(1_000)]
    large = {f"part.{number}": "x" * 10_000 for number in range(40)}
    content = request(*spans, resource={"service.name": "shop", **large, "host.name": "web-1"})
    found = decode(body(content, PROTOBUF), PROTOBUF, context()).spans
    assert sum(len(str(span.attributes)) for span in found) < 40 << 20
    for segment in (found[0], found[-1]):
        assert (segment.attributes["service.name"], segment.server_name) == ("shop", "web-1")
        assert segment.attributes["otel.dropped_attributes_count"] == 37
    alone = decode(body(request(spans[0], resource=large), JSON), JSON, context()).spans
    assert sum(name.startswith("part.") for name in alone[0].attributes) == 40


def test_values_in_values_end_somewhere():
    deep: Any = "end"
    for _ in range(200):
        deep = {"a": deep}
    span = only(request(server_span({"deep": deep})))
    assert "[nested too deeply]" in str(span.attributes["deep"])


def test_a_secret_is_stored_nowhere():
    secret = {
        "password": SENTINEL,
        "note": f"Authorization: Bearer {SENTINEL}",
        "nested": {"api_key": SENTINEL},
        "http.request.header.cookie": [f"sid={SENTINEL}"],
        "http.target": f"/a?token={SENTINEL}",
        "url.full": f"https://u:{SENTINEL}@h/?token={SENTINEL}",
        "db.query.text": f"UPDATE u SET password = '{SENTINEL}'",
    }
    text = f"login failed password='{SENTINEL}'"
    event = {"name": "exception", "attributes": pairs({"exception.stacktrace": text, **secret})}
    status = {"code": 2, "message": text}
    spans = [
        server_span(secret, name=text, status=status, events=[event, {"name": text}]),
        query_span({"db.system": "mysql", **secret}, name=text),
        query_span({"http.request.method": "GET", **secret}, spanId="1" * 16),
    ]
    content = request(*spans, resource={"process.command_line": f"run --token={SENTINEL}"})
    assert json.dumps(content).count(SENTINEL) > 20
    for kind in (JSON, PROTOBUF):
        assert SENTINEL not in repr([asdict(span) for span in spans_of(content, kind)])


LENIENT: dict[str, Any] = {
    "resource_spans": [
        {
            "scope_spans": [
                {
                    "spans": [
                        {
                            "trace_id": TRACE.upper(),
                            "span_id": SERVER,
                            "name": "GET",
                            "kind": "server",
                            "start_time_unix_nano": AT,
                            "end_time_unix_nano": AT + MILLISECOND,
                            "status": {"code": "error"},
                            "attributes": [
                                {"key": "http.method", "value": {"string_value": "GET"}},
                                {"key": "n", "value": {"int_value": 7}},
                                {"key": "d", "value": {"doubleValue": "Infinity"}},
                            ],
                            "a field of a later version": {},
                        }
                    ]
                }
            ]
        }
    ]
}


def test_json_is_read_as_its_many_writers_write_it():
    span = only(LENIENT)
    assert (span.trace_id, span.kind, span.status) == (TRACE, "server", "internal_error")
    assert (span.http_method, span.duration_us) == ("GET", 1000)
    assert span.attributes["n"] == 7
    assert "d" not in span.attributes


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"7", b"{", b"null and void", b'{"resourceSpans": {}}',
        b'{"resourceSpans": [7]}', b'{"resourceSpans": [{"scopeSpans": 1}]}',
        b'{"resourceSpans": [{"resource": []}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}',
    ],
)  # fmt: skip
def test_what_is_no_request_in_json_is_undecodable(raw):
    with pytest.raises(Undecodable):
        survey(raw, JSON)


@pytest.mark.parametrize(
    "raw", [b"{}", b"\xff", b"\x0a\x05a", b"\x0b", b"\x0a" + b"\xff" * 11, b"\x0a\x02\x0a\x05"]
)
def test_what_is_no_request_in_protobuf_is_undecodable(raw):
    with pytest.raises(Undecodable):
        survey(raw, PROTOBUF)


def test_unknown_fields_of_protobuf_are_passed_over():
    sent = body(request(server_span()), PROTOBUF)
    unknown = b"\x50\x01" + b"\x5a\x02ab" + b"\x61" + b"x" * 8 + b"\x6d" + b"y" * 4
    assert survey(unknown + sent + unknown, PROTOBUF).spans == 1


def agree(raw: bytes, kind: str) -> None:
    """Accept and digest read a body alike: what accept lets pass, digest stores or counts."""
    try:
        surveyed = survey(raw, kind)
    except Undecodable:
        return
    found = decode(raw, kind, context())
    assert len(found.spans) + sum(one.quantity for one in found.counts) == surveyed.spans
    for span in found.spans:
        assert len(span.trace_id) == 32
        assert len(span.span_id) == 16
        assert span.duration_us >= 0


VALID = request(
    query_span(ODD, links=[{}], flags=0x301),
    server_span(events=[{"name": "exception", "attributes": pairs(ODD)}]),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        names = value if isinstance(value, dict) else range(len(value))
        for name in names:
            found += places(value[name], (*path, name))
    return found


@given(st.sampled_from(places(VALID)), ANYTHING)
@example(("resourceSpans", 0, "scopeSpans", 0, "spans", 0, "startTimeUnixNano"), 2.0**70)
@example(("resourceSpans", 0, "scopeSpans", 0, "spans", 0, "name"), "\ud800\0")
def test_no_json_in_any_place_breaks_decoding(place, value):
    content = json.loads(json.dumps(VALID))
    inner = content
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    agree(json.dumps(content).encode(), JSON)


@given(st.data())
def test_no_bytes_break_decoding(data):
    valid = body(VALID, PROTOBUF)
    at = data.draw(st.integers(0, len(valid)))
    cut = data.draw(st.integers(0, 8))
    agree(valid[:at] + data.draw(st.binary(max_size=8)) + valid[at + cut :], PROTOBUF)
    agree(data.draw(st.binary()), data.draw(st.sampled_from(list(encodings.ENCODINGS))))
