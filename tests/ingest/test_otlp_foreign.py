"""Spans as clients outside the rules of OTLP send them: what can be meant one way is taken so."""

import base64
import json
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from console.ingest.content_encodings import Undecodable
from console.ingest.otlp.encodings import JSON, PROTOBUF, survey
from console.ingest.otlp.spans import decode
from tests.ingest.corpus.reading import context
from tests.ingest.otlp_requests import (
    AT,
    MILLISECOND,
    QUERY,
    SERVER,
    TRACE,
    body,
    query_span,
    request,
    server_span,
    spans_of,
)


def of_bytes(digits: str) -> str:
    """An id in base64, as protobuf's rules for JSON have it."""
    return base64.b64encode(bytes.fromhex(digits)).decode()


def of_digits(digits: str) -> str:
    """An id's hex digits in base64."""
    return base64.b64encode(digits.encode()).decode()


@pytest.mark.parametrize("written", [of_bytes, of_digits])
def test_ids_in_base64_are_the_same_ids(written):
    """open-telemetry/opentelemetry-collector#8720, open-telemetry/opentelemetry-swift#537."""
    content = request(
        server_span(traceId=written(TRACE), spanId=written(SERVER)),
        query_span(
            traceId=written(TRACE), spanId=written(QUERY), parentSpanId=written(SERVER)
        ),
    )  # fmt: skip
    assert survey(body(content, JSON), JSON).faults == {}
    segment, query = spans_of(content)
    assert (segment.trace_id, segment.span_id) == (TRACE, SERVER)
    assert (query.span_id, query.parent_span_id, query.segment_id) == (QUERY, SERVER, SERVER)


@pytest.mark.parametrize(
    "id_",
    [of_bytes("0" * 32), of_digits("0" * 32), of_bytes("ab" * 15), "=" * 24, "é" * 24, "A" * 1000],
)
def test_what_is_no_id_in_base64_either_is_counted(id_):
    decoded = decode(body(request(server_span(traceId=id_)), JSON), JSON, context())
    assert [count.reason for count in decoded.counts] == ["a span has no trace id or span id"]


def halves(nanoseconds: int) -> dict[str, int]:
    """As JavaScript's longs have it: the lower half with a sign."""
    low = nanoseconds & 0xFFFFFFFF
    return {"low": low - (low >> 31 << 32), "high": nanoseconds >> 32}


@pytest.mark.parametrize("written", [int, str, float, halves, lambda at: list(divmod(at, 10**9))])
def test_a_time_is_read_in_every_form_that_scripts_have_for_it(written):
    start, end = AT, AT + 5 * MILLISECOND
    sent = server_span(startTimeUnixNano=written(start), endTimeUnixNano=written(end))
    assert survey(body(request(sent), JSON), JSON).faults == {}
    (span,) = spans_of(request(sent))
    assert abs(span.timestamp.timestamp() - start / 1e9) < 1e-5
    assert abs(span.duration_us - 5_000) <= 1


@pytest.mark.parametrize("written", [{}, {"low": "x"}, {"low": 1, "high": 2**70}, [1], 1e300])
def test_what_is_no_time_in_any_form_is_counted(written):
    content = request(server_span(startTimeUnixNano=written))
    decoded = decode(body(content, JSON), JSON, context())
    assert not decoded.spans
    assert [count.quantity for count in decoded.counts] == [1]


def digits_for_bytes(content: dict[str, Any]) -> bytes:
    """A request in protobuf whose ids are their hex digits."""
    message = ExportTraceServiceRequest.FromString(body(content, PROTOBUF))
    for span in message.resource_spans[0].scope_spans[0].spans:
        for name in ("trace_id", "span_id", "parent_span_id"):
            setattr(span, name, getattr(span, name).hex().encode())
    return message.SerializeToString()


def test_hex_digits_in_the_place_of_bytes_are_the_same_ids():
    """Logflare/logflare#3683."""
    raw = digits_for_bytes(request(server_span(), query_span()))
    assert survey(raw, PROTOBUF).faults == {}
    segment, query = decode(raw, PROTOBUF, context()).spans
    assert (segment.trace_id, segment.span_id) == (TRACE, SERVER)
    assert (query.span_id, query.parent_span_id, query.segment_id) == (QUERY, SERVER, SERVER)


def test_hex_digits_of_zeros_are_no_id():
    raw = digits_for_bytes(request(server_span(spanId="0" * 16)))
    assert not decode(raw, PROTOBUF, context()).spans


LIBRARIES = ("instrumentationLibrarySpans", "instrumentationLibrary")


@pytest.mark.parametrize(
    ("spans", "library"),
    [LIBRARIES, ("instrumentation_library_spans", "instrumentation_library")],
)
def test_clients_before_scopes_were_named_so(spans, library):
    """open-telemetry/opentelemetry-collector#3195; the JavaScript exporter 0.27 sends this."""
    content = request(server_span())
    (sent,) = content["resourceSpans"]
    (scoped,) = sent.pop("scopeSpans")
    sent[spans] = [{library: scoped["scope"], "spans": scoped["spans"]}]
    assert survey(body(content, JSON), JSON).spans == 1
    (segment,) = spans_of(content)
    assert (segment.span_id, segment.origin) == (SERVER, "instrumentation")


def test_a_request_with_both_names_brings_its_spans_once():
    content = request(server_span())
    (sent,) = content["resourceSpans"]
    sent[LIBRARIES[0]] = [{"spans": scoped["spans"]} for scoped in sent["scopeSpans"]]
    assert survey(body(content, JSON), JSON).spans == 1


@pytest.mark.parametrize("content", [{"resourceLogs": []}, {"spans": [server_span()]}])
def test_json_that_is_no_request_of_traces_is_the_senders_fault(content):
    with pytest.raises(Undecodable, match="no resourceSpans"):
        survey(json.dumps(content).encode(), JSON)
