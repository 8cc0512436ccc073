"""Questions about spans: a trace, assembled on read from rows of any origin and order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select

from console.telemetry.dialect import quantiles
from console.telemetry.errors import EventRow, errors_of_trace
from console.telemetry.question import ask, windows, within
from console.telemetry.scope import Scope
from console.telemetry.tables import span

AROUND = timedelta(hours=6)
"""How far around a hint, or around its first span, a trace is searched."""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A stored span; `records.Span` says what each field means."""

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


@dataclass(frozen=True, slots=True)
class Timing:
    """How many spans there were, and their p50 and p95 in microseconds."""

    count: int
    p50: float
    p95: float


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
    by_segment: dict[str, list[SpanRow]] = {}
    for row in ask(scope, query):
        span_row = SpanRow(*row)
        by_segment.setdefault(span_row.segment_id, []).append(span_row)
    return by_segment


def find(scope: Scope, trace_id: str, near: datetime | None, limit: int) -> Trace:
    """A trace anywhere in the scope; `near` is a time that a link may give as a hint.

    Without a hint the search goes back in widening windows, like the search for an event.
    """
    if near is not None:
        near_trace = trace(scope.around(near, AROUND), trace_id, limit)
        if near_trace.spans or near_trace.errors:
            return near_trace
    first = select(func.min(span.c.timestamp)).where(span.c.trace_id == trace_id)
    for window in windows(scope):
        ((began,),) = ask(scope, first.where(within(span, window)))
        if began is not None:
            return trace(scope.around(began, AROUND), trace_id, limit)
    return Trace(trace_id, (), errors_of_trace(scope, trace_id))


def size(scope: Scope, trace_id: str) -> int:
    """How many spans of a trace are stored."""
    query = select(func.count()).where(within(span, scope), span.c.trace_id == trace_id)
    ((count,),) = ask(scope, query)
    return int(count)


def timing(scope: Scope, like: SpanRow) -> Timing | None:
    """How long similar spans took; None if the scope has no such span.

    Similar spans share the endpoint, or the statement or call, or else operation and description.
    """
    if like.endpoint:
        same = and_(span.c.endpoint == like.endpoint, span.c.category == like.category)
    elif like.fingerprint:
        same = span.c.fingerprint == like.fingerprint
    else:
        same = and_(span.c.op == like.op, span.c.name == like.name)
    query = select(func.count(), quantiles(span.c.duration_us, 0.5, 0.95))
    ((count, percentiles),) = ask(scope, query.where(within(span, scope), same))
    return Timing(int(count), *percentiles) if count else None
