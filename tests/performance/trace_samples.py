"""Spans and traces with plain values, of which a test names those that it is about."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask

from console.accounts.models import Project
from console.performance.describe import fingerprint_of
from console.telemetry.errors import EventRow
from console.telemetry.records import Batch, Span
from console.telemetry.spans import SpanRow
from console.telemetry.store import EXTENSION

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
    plain: dict[str, Any] = {
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
    plain: dict[str, Any] = {
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
    plain: dict[str, Any] = {
        "op": "db",
        "category": "db",
        "name": f"SELECT * FROM line WHERE order_id = {name}",
        "fingerprint": fingerprint_of("db", statement),
    }
    return row(name, parent, at=at, ms=ms, **(plain | fields))


def error(span: int | str, **fields: Any) -> EventRow:
    """An error event that names a span."""
    plain: dict[str, Any] = {
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


def keep(app: Flask, project: Project, rows: Iterable[SpanRow], position: int = 1) -> None:
    """Store spans of a project as digest does."""
    owner = project.organization_id
    spans = [
        Span(
            organization_id=owner,
            project_id=project.id,
            position=position,
            received_at=one.timestamp,
            **asdict(one),
        )
        for one in rows
    ]
    app.extensions[EXTENSION].write(owner, Batch(spans=spans), position)


def of_trace(rows: Iterable[SpanRow], trace_id: str) -> list[SpanRow]:
    """The same spans as those of another trace."""
    return [replace(one, trace_id=trace_id) for one in rows]


def checkout() -> list[SpanRow]:
    """A slow request: middleware, an N+1, a cache, a call that fails, a gap, a template."""
    source: dict[str, Any] = {"code.file.path": "shop/orders.py", "code.line.number": 42,
              "code.function.name": "lines_of", "db.system.name": "postgresql"}  # fmt: skip
    call = "POST https://pay.example/v2/charges/8812"
    return [
        request(1, ms=1240, name="POST /checkout", endpoint="POST /checkout", http_method="POST",
                http_status=500, status="internal_error"),
        *(row(n, n - 1, at=n, ms=1240 - 2 * n, op="middleware.django",
              name=f"django.middleware.{name}")
          for n, name in ((2, "security"), (3, "sessions"), (4, "csrf"), (5, "auth"))),
        row(6, 5, at=9, ms=1218, op="view.render", category="render", name="shop.views.checkout"),
        row(7, 6, at=12, ms=3, op="cache.get", category="cache", name="cart:91c2",
            attributes={"cache.hit": True}),
        row(8, 6, at=16, ms=14, op="db", category="db", fingerprint="1" * 16,
            name="SELECT o.id, o.placed_at, c.email FROM orders o"
                 " JOIN customer c ON c.id = o.customer_id WHERE o.id = 8812"
                 " AND o.state IN ('open', 'paid') ORDER BY o.placed_at LIMIT 1",
            attributes=source),
        *(query(100 + n, 6, at=34 + n * 24, ms=19 + n % 4, attributes=source) for n in range(14)),
        row(9, 6, at=380, ms=190, op="http.client", category="http", name=call,
            fingerprint="2" * 16, http_method="POST", http_status=502, status="unavailable",
            attributes={"server.address": "pay.example", "http.request.method": "POST"}),
        request(30, 9, at=-9_600, ms=150, name="POST /v2/charges/:id", op="http.server",
                endpoint="POST /v2/charges/:id", http_status=502, status="unavailable",
                server_name="pay-3"),
        row(31, 30, at=-9_590, ms=60, op="db.redis", category="cache", name="GET idempotency:8812",
            server_name="pay-3"),
        row(10, 6, at=900, ms=120, op="template.render", category="render",
            name="checkout/receipt.html"),
        row(11, 10, at=915, ms=70, op="template.render", category="render", name="_line.html"),
        row(12, 6, at=1030, ms=150, op="queue.publish", category="queue", name="mail.receipt"),
        row(13, 77, at=1190, ms=20, op="function", name="audit.write", segment_id=span_id(1)),
    ]  # fmt: skip


def page_load() -> list[SpanRow]:
    """A page with a late image, its resources, and the request behind one of its calls."""
    browser: dict[str, Any] = {
        "platform": "javascript",
        "server_name": "",
        "sdk": "sentry.javascript.react/11",
    }
    vitals = {f"browser.web_vital.{n}.value": v for n, v in
              (("ttfb", 182.0), ("fcp", 640.0), ("lcp", 1710.0))}  # fmt: skip
    began = NOON.timestamp()

    def timed(at: float, wait: float, load: float) -> dict[str, float]:
        moments = {"fetch_start": 0, "domain_lookup_start": 4, "domain_lookup_end": 22,
                   "connect_start": 22, "connection_end": 60, "request_start": 62,
                   "response_start": 62 + wait, "response_end": 62 + wait + load}  # fmt: skip
        return {f"http.request.{n}": began + (at + m) / 1000 for n, m in moments.items()}

    return [
        request(1, ms=2300, op="pageload", category="page", name="/books/:id",
                endpoint="/books/:id", attributes=vitals, **browser),
        row(2, 1, at=0, ms=182, op="browser.request", name="https://shop.test/books/7", **browser),
        row(3, 1, at=240, ms=210, op="resource.script", category="resource", name="/assets/app.js",
            attributes=timed(240, 80, 60), **browser),
        row(4, 1, at=250, ms=150, op="resource.css", category="resource", name="/assets/app.css",
            attributes=timed(250, 40, 40), **browser),
        row(5, 1, at=700, ms=980, op="resource.img", category="resource", name="/media/cover-7.jpg",
            attributes=timed(700, 240, 670), **browser),
        row(6, 1, at=520, ms=420, op="http.client", category="http", name="GET /api/books/7",
            fingerprint="3" * 16, http_method="GET", http_status=200, **browser),
        request(7, 6, at=560, ms=330, name="GET /api/books/:id", endpoint="GET /api/books/:id"),
        query(8, 7, at=580, ms=40),
        query(9, 7, at=640, ms=210),
        row(10, 1, at=955, ms=120, op="ui.react.render", category="render", name="<BookPage>",
            **browser),
        row(11, 1, at=1075, ms=180, op="ui.long-task", category="render",
            name="Main UI thread blocked", **browser),
    ]  # fmt: skip
