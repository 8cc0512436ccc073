"""OTLP's addresses: who may send, what is answered, and what becomes durable."""

import gzip
import json
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from sqlalchemy import update

from console.accounts.models import Key
from console.core import clock as time
from console.core.db import db
from console.ingest.otlp.encodings import JSON, PROTOBUF
from console.telemetry.tables import span
from tests.ingest.envelopes import ENCODE
from tests.ingest.full import filled
from tests.ingest.otlp_requests import (
    AT,
    QUERY,
    SERVER,
    START,
    TYPES,
    body,
    query_span,
    request,
    server_span,
)

KINDS = (PROTOBUF, JSON)
TRACES = "/v1/traces"


@pytest.fixture
def export(client, waiting, key, clock):
    """`export(request(…), JSON)` sends as an exporter does, a moment after the spans."""
    clock.set(START)
    clock.move(seconds=2)

    def post(content: Any, kind: str = PROTOBUF, *, path: str = TRACES, **headers: str):
        sent = content if isinstance(content, bytes) else body(content, kind)
        known = {"Content-Type": TYPES[kind], "Authorization": f"Bearer {key}"}
        return client.post(path, data=sent, headers=known | headers)

    return post


def told(answer: Any) -> tuple[int, str]:
    """Code and message of the google.rpc.Status in an answer."""
    if answer.content_type == TYPES[JSON]:
        return answer.json["code"], answer.json["message"]
    status = Status.FromString(answer.data)
    return status.code, status.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ENCODE)
def test_a_request_in_every_encoding_is_durable_and_digested(
    client, waiting, acme, key, clock, digest, stored, kind, encoding
):
    clock.set(START)
    sent = ENCODE[encoding](body(request(query_span(), server_span()), kind))
    headers = {"Content-Type": TYPES[kind], "Authorization": f"Bearer {key}"}
    answer = client.post(TRACES, data=sent, headers=headers | {"Content-Encoding": encoding})
    assert (answer.status_code, answer.content_type) == (200, TYPES[kind])
    assert answer.data == (b"{}" if kind == JSON else b"")
    (row,) = waiting.read()
    assert (row.body, row.encoding, row.kind, row.project_id) == (sent, encoding, kind, acme.id)
    digest.drain()
    assert {row.span_id for row in stored(acme).rows(span)} == {SERVER, QUERY}
    assert stored(acme).ledger() == {("span", "stored", ""): 2}


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/traces/", "/i/v1/traces"])
def test_the_key_names_the_project(export, waiting, acme, path):
    assert export(request(server_span()), path=path).status_code == 200
    assert [row.project_id for row in waiting.read()] == [acme.id]


@pytest.mark.parametrize("way", ["integration/otlp/v1/traces", "otlp/v1/traces/"])
def test_sentrys_address_for_opentelemetry_names_the_project_too(
    export, waiting, acme, globex, key, way
):
    credentials = {"Authorization": "", "X-Sentry-Auth": f"Sentry sentry_key={key}"}
    path = f"/api/{acme.id}/{way}"
    assert export(request(server_span()), path=path, **credentials).status_code == 200
    assert len(waiting.read()) == 1
    other = path.replace(str(acme.id), str(globex.id), 1)
    assert export(request(server_span()), path=other, **credentials).status_code == 403


@pytest.mark.parametrize(
    "form", ["Bearer {}", "bearer {}", "Bearer phc_{}", "Sentry sentry_key={}", "Bearer  {} "]
)
def test_forms_of_the_key(export, waiting, key, form):
    assert export(request(server_span()), Authorization=form.format(key)).status_code == 200
    assert len(waiting.read()) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [("", 401, 16), ("Bearer short", 403, 7), ("Bearer " + "0" * 32, 403, 7)],
)
def test_a_wrong_key_is_told_in_the_requests_encoding(
    export, waiting, kind, authorization, status, code
):
    answer = export(request(server_span()), kind, Authorization=authorization)
    assert (answer.status_code, answer.content_type) == (status, TYPES[kind])
    assert told(answer)[0] == code
    assert told(answer)[1] == answer.headers["X-Sentry-Error"] != ""
    assert waiting.read() == []


def test_a_disabled_key_is_refused_and_counted(export, ledger, inside, acme):
    with inside(acme):
        db.session.execute(update(Key).values(disabled_at=time.now()))
        db.session.commit()
    assert export(request(server_span())).status_code == 403
    (count,) = ledger()
    assert (count.project_id, count.item_type) == (acme.id, "traces")
    assert (count.outcome, count.reason) == ("refused", "disabled key")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"\xff\xff nonsense", b"[1]"])
def test_what_cannot_be_read_is_the_senders_fault(export, waiting, ledger, kind, content):
    answer = export(content, kind)
    assert (answer.status_code, told(answer)[0]) == (400, 3)
    assert waiting.read() == []
    (count,) = ledger()
    assert (count.item_type, count.outcome, count.reason) == ("traces", "invalid", "undecodable")


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_request_succeeds_and_stores_nothing(export, waiting, kind):
    assert export({}, kind).status_code == 200
    assert export(request(), kind).status_code == 200
    assert waiting.read() == []


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-ndjson"])
def test_a_body_of_another_type_is_refused_and_counted(export, ledger, content_type):
    answer = export(request(server_span()), JSON, **{"Content-Type": content_type})
    assert answer.status_code == 415
    assert "application/x-protobuf" in told(answer)[1]
    assert [count.reason for count in ledger()] == ["content type"]


def test_a_content_type_may_have_parameters(export):
    types = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert export(request(server_span()), JSON, **types).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_spans_that_are_none_are_told_and_counted_and_the_rest_stored(
    export, digest, stored, acme, kind
):
    content = request(
        server_span(), server_span(spanId="0" * 16), server_span(traceId="0" * 32),
        query_span(startTimeUnixNano="0"),
    )  # fmt: skip
    answer = export(content, kind)
    assert answer.status_code == 200
    if kind == JSON:
        partial = answer.json["partialSuccess"]
        rejected, message = int(partial["rejectedSpans"]), partial["errorMessage"]
    else:
        response = ExportTraceServiceResponse.FromString(answer.data).partial_success
        rejected, message = response.rejected_spans, response.error_message
    assert rejected == 3
    assert message == "a span has no trace id or span id (2); a span has no start (1)"
    digest.drain()
    assert [row.span_id for row in stored(acme).rows(span)] == [SERVER]
    assert stored(acme).ledger() == {
        ("span", "stored", ""): 1,
        ("span", "invalid", "undecodable"): 3,
    }


def test_the_spans_of_a_minute_are_counted_against_the_quota(export, waiting, ledger, inside, acme):
    with inside(acme):
        db.session.execute(update(Key).values(quota_per_minute=3))
        db.session.commit()
    statuses = [export(request(query_span(), server_span())).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    answer = export(request(server_span()), JSON)
    assert (answer.status_code, told(answer)[0]) == (429, 8)
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert len(waiting.read()) == 2
    (count,) = ledger()
    assert (count.item_type, count.reason, count.quantity) == ("span", "over quota", 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused(export, waiting, kind):
    zeros = gzip.compress(b"\0" * (30 << 20))
    answer = export(zeros, kind, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, told(answer)[0]) == (413, 8)
    spaces = gzip.compress(b'{"resourceSpans":[' + b" " * (13 << 20) + b"]}")
    assert export(spaces, kind, **{"Content-Encoding": "gzip"}).status_code in {400, 413}
    assert waiting.read() == []


def test_a_batch_with_too_many_spans_is_told_to_be_split(export, waiting):
    content = json.dumps(request(*[{}] * 20_001)).encode()
    answer = export(content, JSON)
    assert answer.status_code == 413
    assert told(answer)[1] == "more than 20,000 spans in one request"
    assert waiting.read() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_spool_says_when_to_come_again(export, ledger, waiting, kind):
    with filled(waiting):
        answer = export(request(server_span(), query_span()), kind)
    assert (answer.status_code, told(answer)[0]) == (503, 14)
    assert answer.headers["Retry-After"] == "30"
    assert [(count.reason, count.quantity) for count in ledger()] == [("storage full", 2)]


def test_a_resend_is_a_duplicate(export, digest, stored, acme):
    for kind in KINDS:
        assert export(request(query_span(), server_span()), kind).status_code == 200
    digest.drain()
    assert len(stored(acme).rows(span)) == 2
    assert stored(acme).ledger() == {("span", "stored", ""): 2, ("span", "duplicate", ""): 2}


def test_a_query_that_comes_before_its_request_is_found_under_it(export, digest, stored, acme):
    for one in (query_span(), server_span()):
        export(request(one))
        digest.drain()
    query, segment = sorted(stored(acme).rows(span), key=lambda row: row.is_segment)
    assert query.segment_id == segment.span_id
    assert query.segment_name == segment.segment_name == "GET /books/:id"


def test_a_page_of_any_origin_may_send(client, export):
    preflight = client.options(TRACES, headers={"Origin": "https://shop.example"})
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    answer = export(request(server_span()), JSON, Origin="https://shop.example")
    for allowed in (preflight, answer):
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert allowed.headers["Access-Control-Allow-Credentials"] == "true"


def test_other_signals_are_not_taken(client, acme):
    assert client.post("/v1/logs", data=b"{}").status_code == 404


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)
@given(content=st.binary(), kind=st.sampled_from(KINDS), encoding=st.sampled_from(list(ENCODE)))
def test_no_body_is_an_error_of_ours(export, content, kind, encoding):
    assert export(content, kind, **{"Content-Encoding": encoding}).status_code < 500
    whole = ENCODE[encoding](content)
    assert export(whole, kind, **{"Content-Encoding": encoding}).status_code < 500


def test_times_are_those_of_the_spans(export, digest, stored, acme):
    export(request(server_span()))
    digest.drain()
    (row,) = stored(acme).rows(span)
    assert int(row.timestamp.timestamp() * 1_000_000) == AT // 1000
