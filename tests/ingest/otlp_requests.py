"""Requests of OTLP, written as JSON and put into either encoding."""

import base64
import json
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from console.ingest.otlp.encodings import JSON, PROTOBUF
from console.ingest.otlp.spans import decode
from console.telemetry.records import Span
from tests.ingest.corpus.reading import context

TRACE, SERVER, QUERY = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
AT = 1_795_461_600_000_000_000
START = datetime(2026, 11, 23, 19, 20, tzinfo=UTC)  # which is the same
MILLISECOND = 1_000_000
TYPES = {JSON: "application/json", PROTOBUF: "application/x-protobuf"}
_TYPES = {
    bool: "boolValue",
    bytes: "bytesValue",
    float: "doubleValue",
    int: "intValue",
    str: "stringValue",
}
RESOURCE: dict[str, Any] = {
    "service.name": "shop",
    "service.version": "shop@1.2",
    "deployment.environment.name": "production",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.version": "2.1.0",
    "host.name": "web-1",
}


ODD: dict[str, Any] = {
    "text": "ü☃",
    "yes": True,
    "no": False,
    "large": 2**63 - 1,
    "small": -(2**63),
    "half": 0.5,
    "bytes": b"\x00\xff",
    "list": ["a", 1, True, 0.25],
    "nested": {"a": {"b": [1, "x"]}},
    "deep": {"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [1]}]}]}]}]}]}]}]},
    "empty": "",
    "user.id": "17",
}


def any_value(value: Any) -> dict[str, Any]:
    """A value as OTLP/JSON types it."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    written = {
        bytes: lambda: base64.b64encode(value).decode(),
        float: lambda: value if isfinite(value) else "NaN",
        int: lambda: str(value),
    }
    return {_TYPES[type(value)]: written.get(type(value), lambda: value)()}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP lists them."""
    return [{"key": name, "value": any_value(value)} for name, value in attributes.items()]


def server_span(attributes: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A request of 30 ms that was answered, as today's conventions have it."""
    known = {
        "http.request.method": "GET",
        "http.route": "/books/:id",
        "url.path": "/books/17",
        "http.response.status_code": 200,
    }
    return {
        "traceId": TRACE,
        "spanId": SERVER,
        "name": "GET /books/:id",
        "kind": 2,
        "startTimeUnixNano": str(AT),
        "endTimeUnixNano": str(AT + 30 * MILLISECOND),
        "attributes": pairs(known if attributes is None else attributes),
        **fields,
    }


def query_span(attributes: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A query of 4 ms in that request."""
    known = {"db.system.name": "postgresql", "db.query.text": "SELECT * FROM book WHERE id = 17"}
    return {
        "traceId": TRACE,
        "spanId": QUERY,
        "parentSpanId": SERVER,
        "name": "SELECT book",
        "kind": "SPAN_KIND_CLIENT",
        "startTimeUnixNano": str(AT + MILLISECOND),
        "endTimeUnixNano": str(AT + 5 * MILLISECOND),
        "attributes": pairs(known if attributes is None else attributes),
        **fields,
    }


def request(*spans: Any, resource: dict[str, Any] | None = None) -> dict[str, Any]:
    """An ExportTraceServiceRequest around the spans."""
    told = RESOURCE if resource is None else resource
    scoped = {"scope": {"name": "instrumentation"}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": {"attributes": pairs(told)}, "scopeSpans": [scoped]}]}


def body(content: dict[str, Any], kind: str) -> bytes:
    """The request in an encoding; protobuf's by protobuf's own reader of JSON."""
    if kind == JSON:
        return json.dumps(content).encode()
    message = ParseDict(_with_bytes(content), ExportTraceServiceRequest())
    return message.SerializeToString()


def _with_bytes(value: Any) -> Any:
    """The content with ids as protobuf's JSON has them: base64, not hex."""
    if isinstance(value, list):
        return [_with_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(bytes.fromhex(one)).decode()
        if name in {"traceId", "spanId", "parentSpanId"}
        else _with_bytes(one)
        for name, one in value.items()
    }


def spans_of(content: dict[str, Any], kind: str = JSON, **rules: Any) -> list[Span]:
    """What the request brings a second after its spans, when nothing of it is invalid."""
    found = decode(body(content, kind), kind, context(**rules))
    assert found.counts == []
    return list(found.spans)
