"""Spans and traces with plain values, of which a test names those that it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from console.performance.digest import fingerprint_of
from console.telemetry.errors import EventRow
from console.telemetry.spans import SpanRow

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TRACE = "ab" * 16
ERROR = "cd" * 16


def span_id(name: int | str) -> str:
    """A span id for a short name: a number, or up to 16 letters that are no digits."""
    return f"{name:016x}" if isinstance(name, int) else name.encode().hex()[-16:].zfill(16)


def row(
    name: int | str, parent: int | str = "", /, at: float = 0, ms: float = 10, **fields: Any
) -> SpanRow:
    """A span that starts `at` milliseconds after noon and lasts `ms`."""
    plain = {
        "trace_id": TRACE,
        "span_id": span_id(name),
        "parent_span_id": span_id(parent) if parent != "" else "",
        "segment_id": "",
        "is_segment": False,
        "timestamp": NOON + timedelta(milliseconds=at),
        "duration_us": round(ms * 1000),
        "op": "function",
        "name": str(name),
        "segment_name": "GET /orders",
        "source": "route",
        "origin": "auto",
        "status": "ok",
        "kind": "",
        "category": "app",
        "endpoint": "",
        "fingerprint": "",
        "http_method": "",
        "http_route": "",
        "http_status": None,
        "environment": "production",
        "release": "shop@1.4.2",
        "platform": "python",
        "sdk": "sentry.python/2.75.0",
        "server_name": "web-1",
        "user_key": "",
        "sample_rate": 1.0,
        "attributes": {},
    }
    return SpanRow(**(plain | fields))


def request(
    name: int | str, parent: int | str = "", /, at: float = 0, ms: float = 1000, **fields: Any
) -> SpanRow:
    """A request, as a segment."""
    plain = {
        "op": "http.server",
        "category": "request",
        "name": "GET /orders",
        "endpoint": "GET /orders",
        "is_segment": True,
        "segment_id": span_id(name),
        "http_status": 200,
    }
    return row(name, parent, at=at, ms=ms, **(plain | fields))


def query(
    name: int | str, parent: int | str, /, at: float, ms: float = 2, **fields: Any
) -> SpanRow:
    """A look-up by id, with the id inline."""
    statement = "SELECT * FROM line WHERE order_id = ?"
    plain = {
        "op": "db",
        "category": "db",
        "name": f"SELECT * FROM line WHERE order_id = {name}",
        "fingerprint": fingerprint_of("db", statement),
    }
    return row(name, parent, at=at, ms=ms, **(plain | fields))


def error(span: int | str, **fields: Any) -> EventRow:
    """An error event that names a span."""
    plain = {
        "event_id": ERROR,
        "timestamp": NOON,
        "received_at": NOON,
        "grouping_hash": "a" * 32,
        "category": "error",
        "level": "error",
        "kind": "ValueError",
        "title": "ValueError: no price",
        "culprit": "",
        "message": "",
        "platform": "python",
        "environment": "production",
        "release": "shop@1.4.2",
        "transaction": "GET /orders",
        "user_key": "",
        "trace_id": TRACE,
        "span_id": span_id(span),
        "handled": False,
        "sdk": "",
        "tags": {},
    }
    return EventRow(**(plain | fields))
