"""Requests with their look-ups as clients send them, in both lifecycles."""

from typing import Any
from uuid import uuid4

from console.core import clock
from tests.ingest.envelopes import envelope, item

LOOK_UP = "SELECT author.id, author.name FROM author WHERE author.id = ?"
BOOKS = "SELECT book.id, book.title, book.author_id FROM book"
STATIC, STREAM = "static", "stream"
V2 = "application/vnd.sentry.items.span.v2+json"


def request(
    look_ups: int = 16,
    *,
    lifecycle: str = STATIC,
    route: str = "/books",
    release: str = "shop@1",
    environment: str = "production",
    trace_id: str = "",
    user: str = "",
    look_up: str = LOOK_UP,
) -> bytes:
    """One GET with so many look-ups of 125 µs, one after the other, as one envelope."""
    make = _static if lifecycle == STATIC else _stream
    trace_id = trace_id or uuid4().hex
    sent = make(look_ups, route, release, environment, trace_id, user)
    return sent.replace(LOOK_UP.encode(), look_up.encode())


def late_look_ups(numbers: range, trace_id: str, *, seconds: float) -> bytes:
    """Streamed look-ups that come so long after the envelope of their segment."""
    start = clock.now().timestamp() - 1 - seconds
    spans = [_streamed_look_up(start, number, trace_id) for number in numbers]
    return _container(spans, trace_id)


def segment_id(trace_id: str) -> str:
    """The id of the request's own span."""
    return trace_id[:16]


def _static(
    look_ups: int, route: str, release: str, environment: str, trace_id: str, user: str
) -> bytes:
    start = clock.now().timestamp() - 1
    root = segment_id(trace_id)
    spans = [_child(start, BOOKS, 0, trace_id)]
    spans += [_child(start, LOOK_UP, number, trace_id) for number in range(1, look_ups + 1)]
    event: dict[str, Any] = {
        "type": "transaction",
        "event_id": uuid4().hex,
        "transaction": route,
        "transaction_info": {"source": "route"},
        "request": {"method": "GET", "url": f"https://shop.test{route}"},
        "platform": "python",
        "release": release,
        "environment": environment,
        "start_timestamp": start,
        "timestamp": start + 0.05,
        "contexts": {"trace": {"trace_id": trace_id, "span_id": root, "op": "http.server"}},
        "spans": spans,
    }
    if user:
        event["user"] = {"id": user}
    return envelope(item("transaction", event, length=False))


def _child(start: float, text: str, number: int, trace_id: str) -> dict[str, Any]:
    at = start + 0.001 + number * 0.0002
    return {
        "trace_id": trace_id,
        "span_id": f"{trace_id[:8]}{number:08x}",
        "parent_span_id": segment_id(trace_id),
        "op": "db",
        "description": text,
        "start_timestamp": at,
        "timestamp": at + 0.000125,
        "data": {"db.system": "sqlite"},
    }


def _stream(
    look_ups: int, route: str, release: str, environment: str, trace_id: str, user: str
) -> bytes:
    start = clock.now().timestamp() - 1
    spans = [_streamed_look_up(start, number, trace_id) for number in range(1, look_ups + 1)]
    attributes = {
        "sentry.op": "http.server",
        "http.request.method": "GET",
        "http.route": route,
        "sentry.segment.name.source": "route",
    }
    if user:
        attributes["user.id"] = user
    root = _streamed(route, start, 0.05, segment_id(trace_id), trace_id, attributes)
    for one in (*spans, root):
        one["attributes"] |= _typed({"sentry.release": release, "sentry.environment": environment})
    return _container([*spans, root | {"is_segment": True}], trace_id)


def _streamed_look_up(start: float, number: int, trace_id: str) -> dict[str, Any]:
    attributes = {"sentry.op": "db", "sentry.segment.id": segment_id(trace_id)}
    span_id = f"{trace_id[:8]}{number:08x}"
    one = _streamed(
        LOOK_UP, start + 0.001 + number * 0.0002, 0.000125, span_id, trace_id, attributes
    )
    return one | {"parent_span_id": segment_id(trace_id)}


def _streamed(
    name: str, start: float, seconds: float, span_id: str, trace_id: str, attributes: dict[str, str]
) -> dict[str, Any]:
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "name": name,
        "status": "ok",
        "is_segment": False,
        "start_timestamp": start,
        "end_timestamp": start + seconds,
        "attributes": _typed(attributes),
    }


def _typed(attributes: dict[str, str]) -> dict[str, Any]:
    return {name: {"value": value, "type": "string"} for name, value in attributes.items()}


def _container(spans: list[dict[str, Any]], trace_id: str) -> bytes:
    content = {"version": 2, "items": spans}
    sent = item("span", content, length=False, content_type=V2, item_count=len(spans))
    return envelope(sent, trace={"trace_id": trace_id})
