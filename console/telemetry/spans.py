"""Questions about spans: a trace, assembled on read from rows of any origin and order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from console.telemetry.errors import EventRow, errors_of_trace
from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import span


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A stored span; what each field means is said at `records.Span`."""

    trace_id: str
    span_id: str
    parent_span_id: str
    segment_id: str
    is_segment: bool
    timestamp: datetime
    duration_us: int
    op: str
    name: str
    segment_name: str
    source: str
    origin: str
    status: str
    kind: str
    category: str
    endpoint: str
    fingerprint: str
    http_method: str
    http_route: str
    http_status: int | None
    environment: str
    release: str
    platform: str
    sdk: str
    server_name: str
    user_key: str
    sample_rate: float
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is stored of a trace: its spans by start, and the error events that name it."""

    trace_id: str
    spans: Sequence[SpanRow]
    errors: Sequence[EventRow]


ROW = [span.c[name] for name in SpanRow.__dataclass_fields__]


def trace(scope: Scope, trace_id: str, limit: int = 10_000) -> Trace:
    """A trace of the project; a scope of a few hours around it answers many times as fast."""
    query = (
        select(*ROW)
        .where(within(span, scope), span.c.trace_id == trace_id)
        .order_by(span.c.timestamp, span.c.span_id)
        .limit(limit)
    )
    spans = [SpanRow(*row) for row in ask(scope, query)]
    return Trace(trace_id, spans, errors_of_trace(scope, trace_id))


def spans_of_segments(
    scope: Scope, segment_ids: Sequence[str], limit: int = 20_000
) -> dict[str, list[SpanRow]]:
    """The spans of some segments, the segments themselves included, by segment id."""
    query = (
        select(*ROW)
        .where(within(span, scope), span.c.segment_id.in_(list(segment_ids)))
        .order_by(span.c.timestamp, span.c.span_id)
        .limit(limit)
    )
    found: dict[str, list[SpanRow]] = {}
    for row in ask(scope, query):
        one = SpanRow(*row)
        found.setdefault(one.segment_id, []).append(one)
    return found
