"""Spans of OTLP become the rows that Sentry's clients give, whichever encoding brings them."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from console.ingest.otlp.encodings import JSON, PROTOBUF
from console.ingest.people import People
from tests.ingest.otlp_requests import (
    AT,
    ODD,
    QUERY,
    SERVER,
    START,
    TRACE,
    any_value,
    pairs,
    query_span,
    request,
    server_span,
    spans_of,
)


def only(content: dict[str, Any], kind: str = JSON):
    (span,) = spans_of(content, kind)
    return span


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_a_request_with_its_query(kind):
    # Children end, and are sent, before their parents.
    segment, query = spans_of(request(query_span(), server_span()), kind)
    assert (segment.op, segment.name, segment.source) == ("http.server", "GET /books/:id", "route")
    assert (segment.trace_id, segment.span_id, segment.parent_span_id) == (TRACE, SERVER, "")
    assert (segment.is_segment, segment.segment_id) == (True, SERVER)
    assert (segment.timestamp, segment.duration_us) == (START, 30_000)
    assert (segment.category, segment.endpoint) == ("request", "GET /books/:id")
    assert (segment.http_method, segment.http_route, segment.http_status) == (
        "GET",
        "/books/:id",
        200,
    )
    assert (segment.status, segment.kind, segment.origin) == ("ok", "server", "instrumentation")
    assert (segment.release, segment.environment) == ("shop@1.2", "production")
    assert (segment.sdk, segment.platform) == ("opentelemetry/2.1.0", "node")
    assert segment.server_name == "web-1"
    assert segment.attributes["service.name"] == "shop"
    assert segment.attributes["url.path"] == "/books/17"
    assert (query.op, query.name) == ("db", "SELECT * FROM book WHERE id = 17")
    assert (query.parent_span_id, query.is_segment) == (SERVER, False)
    assert (query.segment_id, query.segment_name) == (SERVER, "GET /books/:id")
    assert (query.timestamp, query.duration_us) == (START + timedelta(milliseconds=1), 4_000)
    assert (query.category, query.endpoint, query.source) == ("db", "", "")
    assert query.fingerprint
    assert (query.release, query.environment) == ("shop@1.2", "production")
    assert "service.name" not in query.attributes


def test_any_value_has_every_type():
    """The requests of these tests use every kind of value that OTLP has."""
    kinds = {next(iter(any_value(value))) for value in ODD.values()}
    assert kinds == {
        "stringValue", "boolValue", "intValue", "doubleValue", "bytesValue", "arrayValue",
        "kvlistValue",
    }  # fmt: skip


def test_both_encodings_give_equal_rows():
    events = [
        {"name": "cache.miss", "timeUnixNano": str(AT), "attributes": pairs({"key": "a"})},
        {"name": "exception", "attributes": pairs({"exception.type": "KeyError"})},
    ]
    content = request(
        query_span(ODD, links=[{"traceId": TRACE, "spanId": SERVER}], droppedAttributesCount=3),
        server_span(ODD, events=events, flags=0x301, traceState="ot=th:8", parentSpanId=QUERY),
        server_span({}, spanId="a" * 16, status={"code": 2, "message": "out of books"}),
        server_span({}, spanId="b" * 16, kind=0, name="", endTimeUnixNano=str(AT - 1_000_000)),
        query_span({"doubles": [float("nan"), 1e300]}, spanId="c" * 16),
    )
    by_protobuf, by_json = spans_of(content, PROTOBUF), spans_of(content, JSON)
    assert [asdict(span) for span in by_protobuf] == [asdict(span) for span in by_json]
    assert len(by_json) == 5


def test_values_keep_their_types():
    attributes = only(request(server_span(ODD))).attributes
    for name in ("text", "yes", "no", "large", "small", "half", "list", "empty"):
        assert attributes[name] == ODD[name]
    assert attributes["bytes"] == "AP8="
    assert attributes["nested"] == '{"a":{"b":[1,"x"]}}'


@pytest.mark.parametrize(
    ("kind", "remote", "segment"),
    [
        ("SERVER", None, True),
        ("CONSUMER", None, True),
        ("INTERNAL", None, False),
        ("CLIENT", None, False),
        ("SERVER", False, False),
        ("INTERNAL", True, True),
    ],
)
def test_what_begins_a_segment(kind, remote, segment):
    flags = {None: 1, False: 0x101, True: 0x301}[remote]
    fields: dict[str, Any] = {"kind": f"SPAN_KIND_{kind}", "flags": flags, "parentSpanId": "d" * 16}
    for encoding in (PROTOBUF, JSON):
        span = only(request(server_span(**fields)), encoding)
        assert span.is_segment is segment
        assert span.segment_id == (SERVER if segment else "")


def test_a_span_finds_its_segment_through_its_ancestors():
    grandchild = query_span(spanId="1" * 16, parentSpanId=QUERY)
    other = server_span({}, traceId="9" * 32, name="POST /other")
    spans = {
        s.span_id: s for s in spans_of(request(grandchild, query_span(), other, server_span()))
    }
    assert spans["1" * 16].segment_name == "GET /books/:id"
    late = only(request(query_span()))
    assert (late.segment_id, late.segment_name, late.parent_span_id) == ("", "", SERVER)


def test_spans_that_are_each_others_parents_belong_to_no_segment():
    ids = [f"{number:016x}" for number in range(1, 4)]
    circle = [
        query_span(spanId=own, parentSpanId=parent)
        for own, parent in zip(ids, [*ids[1:], ids[0]], strict=True)
    ]
    hanging = query_span(spanId="f" * 16, parentSpanId=ids[0])
    itself = query_span(spanId="e" * 16, parentSpanId="e" * 16)
    spans = spans_of(request(*circle, hanging, itself))
    assert len(spans) == 5
    assert {span.segment_id for span in spans} == {""}


OPERATIONS = [
    (3, {"http.request.method": "POST", "url.full": "https://pay.example/a/7?x=1"}, "http.client"),
    (3, {"http.method": "GET", "http.url": "https://pay.example/a"}, "http.client"),
    (2, {"http.method": "GET", "http.target": "/a?b=1", "http.status_code": 200}, "http.server"),
    (3, {"db.system": "mysql", "db.statement": "SELECT 1"}, "db"),
    (3, {"db.system": "redis", "db.statement": "GET a"}, "db.redis"),
    (3, {"db.system.name": "memcached"}, "cache"),
    (4, {"messaging.system": "kafka"}, "queue.publish"),
    (5, {"messaging.system": "kafka", "messaging.operation.type": "process"}, "queue.process"),
    (5, {"messaging.system": "kafka", "messaging.operation.type": "receive"}, "queue.receive"),
    (2, {"rpc.system": "grpc", "rpc.method": "Buy"}, "rpc.server"),
    (3, {"rpc.system": "grpc", "rpc.method": "Buy"}, "rpc.client"),
    (2, {"url.scheme": "wss", "http.route": "/chat"}, "websocket.server"),
    (1, {}, "internal"),
    (0, {}, ""),
    (1, {"sentry.op": "function"}, "function"),
]


@pytest.mark.parametrize(("kind", "attributes", "op"), OPERATIONS)
def test_operations_are_named_as_sentrys_clients_name_them(kind, attributes, op):
    span = only(request(server_span(attributes, kind=kind, name="work")))
    assert span.op == op


@pytest.mark.parametrize(
    ("name", "attributes", "endpoint", "source"),
    [
        ("GET", {"http.request.method": "GET", "http.route": "/a/:b"}, "GET /a/:b", "route"),
        ("GET", {"http.request.method": "GET", "url.path": "/a/17"}, "GET /a/{id}", "url"),
        ("HTTP GET", {"http.method": "GET", "http.target": "/a/17?b=c"}, "GET /a/{id}", "url"),
        ("GET", {"http.method": "GET", "http.url": "http://shop/a/17"}, "GET /a/{id}", "url"),
        ("POST /checkout", {}, "POST /checkout", "url"),
    ],
)
def test_endpoints(name, attributes, endpoint, source):
    span = only(request(server_span(attributes, name=name)))
    assert (span.op, span.endpoint, span.source) == ("http.server", endpoint, source)


def test_a_span_of_posthog_that_is_named_like_a_request_is_one():
    span = only(request(server_span({}, name="GET /users/:id", kind=1)))
    assert (span.category, span.endpoint, span.http_method) == ("request", "GET /users/:id", "GET")
    child = only(request(query_span({}, name="GET /users/:id", kind=1)))
    assert (child.op, child.endpoint) == ("internal", "")


def test_a_task_and_an_outgoing_request():
    task = only(request(server_span({"messaging.system": "celery"}, kind=5, name="run/mail.send")))
    assert (task.category, task.endpoint, task.source) == ("task", "run/mail.send", "task")
    call = {"http.request.method": "get", "url.full": "https://pay.example/cards/7?token=1"}
    out = only(request(query_span(call)))
    assert (out.name, out.category) == ("GET https://pay.example/cards/7", "http")
    assert out.statement == "GET pay.example/cards/{id}"


@pytest.mark.parametrize(
    ("status", "attributes", "expected"),
    [
        ({}, {}, "ok"),
        ({"code": 1}, {}, "ok"),
        ({"code": 2}, {}, "internal_error"),
        ({"code": "STATUS_CODE_ERROR"}, {"http.response.status_code": 503}, "unavailable"),
        ({}, {"http.response.status_code": 404}, "not_found"),
        ({"code": 2, "message": "deadline_exceeded"}, {}, "deadline_exceeded"),
        ({"code": 2}, {"rpc.grpc.status_code": 16}, "unauthenticated"),
        ({"code": 7}, {}, "ok"),
    ],
)
def test_status(status, attributes, expected):
    for encoding in (PROTOBUF, JSON):
        span = only(request(server_span(attributes, status=status)), encoding)
        assert span.status == expected


def test_the_message_of_an_error_is_kept():
    span = only(request(server_span(status={"code": 2, "message": "the till is shut"})))
    assert span.attributes["sentry.status.message"] == "the till is shut"


def test_exceptions_are_kept_and_other_events_named():
    raised = {"exception.type": "KeyError", "exception.message": "'a'", "exception.stacktrace": "T"}
    events = [
        {"name": "retry", "attributes": pairs({"n": 1})},
        {"name": "exception", "attributes": pairs({"exception.type": "OSError"})},
        {"name": "exception", "attributes": pairs(raised)},
    ]
    links = [{"traceId": TRACE, "spanId": QUERY}] * 2
    attributes = only(request(server_span(events=events, links=links))).attributes
    assert {name: attributes[name] for name in raised} == raised
    assert attributes["otel.event_names"] == ["retry"]
    assert attributes["otel.links_count"] == 2


def test_sampling_is_read_from_the_trace_state():
    for state, rate in {
        "ot=th:c": 0.25, "vendor=1,ot=rv:9b8233f7e3a151;th:8": 0.5, "ot=th:0": 1.0, "": 1.0,
        "ot=th:xyz": 1.0, "other=th:8": 1.0,
    }.items():  # fmt: skip
        assert only(request(server_span(traceState=state))).sample_rate == rate


@pytest.mark.parametrize("name", ["user.id", "enduser.id", "posthogDistinctId"])
def test_the_user_is_known_by_each_name_that_clients_give(name):
    assert only(request(server_span({name: "17"}))).user_key == People().key_of({"id": "17"})


def test_spans_of_two_processes_keep_their_own_resource():
    content = request(server_span(spanId="1" * 16))
    python = {"telemetry.sdk.name": "posthog-python", "deployment.environment": "dev"}
    content["resourceSpans"] += request(server_span(), resource=python)["resourceSpans"]
    first, second = spans_of(content)
    assert (first.platform, first.environment) == ("node", "production")
    assert (second.platform, second.environment) == ("python", "dev")
