"""Spans that repeat another one of their request get the rows that they would get alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.ingest.otlp.encodings import ENCODINGS, JSON, PROTOBUF
from tests.ingest.otlp_requests import (
    AT,
    MILLISECOND,
    ODD,
    SERVER,
    query_span,
    request,
    server_span,
    spans_of,
)

SECRET: dict[str, Any] = {"password": "hunter2", "note": "Bearer abcdef0123456789", "card": "a"}
LOOKS: list[Any] = [
    server_span,
    query_span,
    lambda **fields: server_span(SECRET, **fields),
    lambda **fields: query_span(ODD, **fields),
    lambda **fields: server_span({}, flags=0x301, status={"code": 2, "message": "no"}, **fields),
    lambda **fields: query_span({**ODD, "half": 1.0, "yes": 1}, droppedAttributesCount=3, **fields),
    lambda **fields: query_span(links=[{}], events=[{"name": "exception"}], **fields),
    lambda **fields: query_span({"token": 1.0}, **fields),
    lambda **fields: query_span({"token": 1}, **fields),
]


@st.composite
def sent_spans(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Spans of few kinds, each with its own ids and times; parents are of other requests."""
    spans = []
    for number in range(draw(st.integers(2, 12))):
        start = AT + draw(st.integers(-50, 50)) * MILLISECOND
        own = {
            "traceId": f"{draw(st.integers(1, 3)):032x}",
            "spanId": f"{number + 1:016x}",
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + draw(st.integers(-2, 2)) * MILLISECOND),
        }
        if draw(st.booleans()):
            own["parentSpanId"] = f"{draw(st.integers(100, 103)):016x}"
        spans.append(draw(st.sampled_from(LOOKS))(**own))
    return spans


@given(sent_spans(), st.sampled_from(list(ENCODINGS)))
def test_the_row_of_a_span_is_the_same_beside_others(sent, kind):
    together = {span.span_id: span for span in spans_of(request(*sent), kind)}
    alone = [spans_of(request(span), kind)[0] for span in sent]
    assert [together[span.span_id] for span in alone] == alone


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_a_secret_is_hidden_in_every_span_that_has_it(kind):
    sent = [server_span(SECRET, spanId=f"{number:016x}") for number in range(1, 4)]
    spans = spans_of(request(*sent), kind)
    assert len(spans) == 3
    assert "hunter2" not in str(spans)
    assert "abcdef0123456789" not in str(spans)


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_equal_spans_of_two_processes_have_each_its_own(kind):
    content = request(server_span(), resource={"service.version": "shop@1"})
    content["resourceSpans"] += request(server_span(spanId="a" * 16), resource={})["resourceSpans"]
    assert [span.release for span in spans_of(content, kind)] == ["shop@1", ""]


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_equal_queries_of_two_requests_belong_each_to_its_own(kind):
    requests = [("1" * 32, "a" * 16, "GET /a"), ("2" * 32, "b" * 16, "GET /b")]
    sent = [server_span({}, traceId=t, spanId=s, name=name) for t, s, name in requests]
    sent += [
        query_span(traceId=t, parentSpanId=s, spanId=s[::-1][:15] + "c") for t, s, _ in requests
    ]
    sent.append(query_span(traceId="3" * 32, parentSpanId=SERVER, spanId="d" * 16))
    queries = [span for span in spans_of(request(*sent), kind) if span.category == "db"]
    belong = [(span.trace_id, span.segment_id, span.segment_name) for span in queries]
    assert belong == [*requests, ("3" * 32, "", "")]
    rows = [replace(span, trace_id="", span_id="", parent_span_id="") for span in queries]
    assert replace(rows[0], segment_id="", segment_name="") == rows[2]


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_values_that_are_equal_in_python_stay_apart(kind):
    sent = [
        query_span({"a": value}, spanId=f"{number:016x}")
        for number, value in enumerate((1, True, 1.0, "1", "true"), 1)
    ]
    kept = [span.attributes["a"] for span in spans_of(request(*sent), kind)]
    assert list(map(repr, kept)) == ["1", "True", "1.0", "'1'", "'true'"]
