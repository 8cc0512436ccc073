"""The row of a span, whichever protocol brought it: same work, same rows."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from console.core.cpu_limit import check_cpu
from console.ingest.arrival import Arrival, hex_id, parse_time, text
from console.ingest.attributes import SEGMENT_NAME, split_method, storable
from console.performance.describe import described
from console.performance.names import is_vital
from console.telemetry.records import Span

NAME_LENGTH = 4096  # an SQL statement; the store compresses what repeats
# By their number in gRPC, where OpenTelemetry's spans have it.
GRPC_STATUSES = (
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal_error",
    "unavailable",
    "data_loss",
    "unauthenticated",
)
STATUSES = frozenset({*GRPC_STATUSES, "unknown_error", "error"})
_OF_STATUS_CODE = {
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "already_exists",
    413: "failed_precondition",
    429: "resource_exhausted",
    499: "cancelled",
    501: "unimplemented",
    503: "unavailable",
    504: "deadline_exceeded",
}
# What spans do not share that differ in ids and times alone.
_OWN = frozenset(
    {
        "organization_id",
        "project_id",
        "position",
        "received_at",
        "trace_id",
        "span_id",
        "parent_span_id",
        "segment_id",
        "segment_name",
        "timestamp",
        "client_timestamp",
        "duration_us",
    }
)
_NAMES = [field.name for field in dataclasses.fields(Span) if field.name not in _OWN]
_VALUES_OF = attrgetter(*_NAMES)
_SHARED = [getattr(Span, name).__set__ for name in _NAMES]
_MICROSECOND = timedelta(microseconds=1)


class NotASpan(ValueError):
    """What was sent as a span lacks what makes one; the message says what."""


def span_row(
    arrival: Arrival,
    fields: Mapping[str, Any],
    attributes: dict[str, Any],
    *,
    end: Any,
    is_segment: bool,
    shared: Mapping[str, Any],
) -> Span:
    """The row of one span; `shared` overrides what the span says of itself. Raises NotASpan."""
    check_cpu()
    trace_id, span_id = hex_id(fields.get("trace_id"), 32), hex_id(fields.get("span_id"), 16)
    if not trace_id or not span_id:
        raise NotASpan("a span has no trace id or span id")
    began = fields.get("start_timestamp")
    start = arrival.time(began)
    if start is None:
        raise NotASpan("a span has no start")
    columns = {**_described(fields, attributes, arrival), **shared, "trace_id": trace_id}
    if is_segment:
        # A vital of its own names the page that it was measured on.
        page = text(attributes.get(SEGMENT_NAME), NAME_LENGTH) if is_vital(columns["op"]) else ""
        columns |= {"segment_id": span_id, "segment_name": page or fields["name"]}
    context = arrival.context
    return described(
        Span(
            organization_id=context.organization_id,
            project_id=context.project_id,
            position=context.position,
            span_id=span_id,
            parent_span_id=hex_id(fields.get("parent_span_id"), 16),
            is_segment=is_segment,
            timestamp=start,
            client_timestamp=arrival.stated(began),
            duration_us=_duration(parse_time(began), parse_time(end)),
            received_at=context.received_at,
            attributes=storable(attributes),
            **columns,
        )
    )


def repeated(
    row: Span,
    arrival: Arrival,
    ids: tuple[str, str, str],
    segment: tuple[str, str],
    times: tuple[datetime, datetime],
) -> Span:
    """The row of a span that repeats another one in all but ids and times.

    `ids` has the ids of trace, span and parent, `segment` the id and the name of the segment, and
    `times` start and end by the client's clock.
    """
    check_cpu()
    start, end = times
    context = arrival.context
    again: Span = object.__new__(Span)  # `dataclasses.replace` takes five times as long
    for place, value in zip(_SHARED, _VALUES_OF(row), strict=True):
        place(again, value)
    again.organization_id, again.project_id = context.organization_id, context.project_id
    again.position, again.received_at = context.position, context.received_at
    again.trace_id, again.span_id, again.parent_span_id = ids
    again.segment_id, again.segment_name = segment
    again.timestamp = arrival.corrected(start)
    again.client_timestamp = arrival.stated(start)
    again.duration_us = _duration(start, end)
    return again


def _described(
    fields: Mapping[str, Any], attributes: dict[str, Any], arrival: Arrival
) -> dict[str, Any]:
    """The columns that say what the span did, from its fields and attributes."""
    op = text(fields.get("op") or attributes.get("sentry.op"), 100)
    method, rest = split_method(fields["name"])
    status_code = _status_code(attributes.get("http.response.status_code"))
    source = text(attributes.get("sentry.segment.name.source"), 20)
    return {
        "op": op,
        "name": fields["name"],
        "origin": text(fields.get("origin") or attributes.get("sentry.origin"), 100),
        "kind": text(attributes.get("sentry.kind"), 20).lower(),
        "http_method": text(attributes.get("http.request.method"), 20).upper() or method,
        "http_route": _route(attributes, rest, op, source),
        "http_status": status_code,
        "status": _status(fields.get("status"), attributes, status_code),
        "sample_rate": arrival.sample_rate(attributes.get("sentry.sample_rate")),
        "source": source,
    }


def _duration(start: datetime | None, end: datetime | None) -> int:
    """Whole microseconds by the client's own clock, whatever the correction makes of its times."""
    return max((end - start) // _MICROSECOND, 0) if start and end else 0


def _status(status: Any, attributes: dict[str, Any], code: int | None) -> str:
    """Streamed spans only say ok or error: the precise status is what static ones would give."""
    message = attributes.pop("sentry.status.message", None)
    known = text(status, 40).lower() or "ok"
    if known != "error":
        return known if known in STATUSES else "unknown"
    if message in STATUSES:
        return str(message)
    if message:
        attributes["sentry.status.message"] = message
    if code is not None and code >= 400:
        return _OF_STATUS_CODE.get(code, "invalid_argument" if code < 500 else "internal_error")
    return "internal_error"


def _status_code(value: Any) -> int | None:
    try:
        code = int(value)
    except (TypeError, ValueError):
        return None
    return code if 100 <= code <= 999 else None


def _route(attributes: Mapping[str, Any], rest: str, op: str, source: str) -> str:
    """The matched route: an attribute, else the segment's name where that is a route."""
    route = text(attributes.get("http.route"), 500)
    if route or op != "http.server" or source != "route":
        return route
    return rest[:500] if rest.startswith("/") else ""
