"""Spans of transactions, streamed containers and single items: same request, same rows."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from console.core.cpu_limit import check_cpu
from console.core.urls import split_url
from console.ingest.arrival import Arrival, hex_id, parse_time, sdk_text, text
from console.ingest.attributes import (
    ENVIRONMENT,
    PROCESS,
    RELEASE,
    SEGMENT_NAME,
    flatten,
    headers,
    measured,
    query_text,
    split_method,
    storable,
)
from console.performance.describe import described
from console.telemetry.records import Span

NAME_LENGTH = 4096  # an SQL statement; the store compresses what repeats
LATE_CHILD = "sentry.parent_span_already_sent"
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
_MICROSECOND = timedelta(microseconds=1)


class NotASpan(ValueError):
    """What was sent as a span lacks what makes one; the message says what."""


def from_transaction(
    event: Mapping[str, Any], arrival: Arrival
) -> tuple[list[Span], list[NotASpan]]:
    """The segment and the children of a scrubbed transaction event, and what is wrong with others.

    Raises NotASpan if the segment is none.
    """
    trace = _mapping(_mapping(event.get("contexts")).get("trace"))
    late = LATE_CHILD in _mapping(trace.get("data"))
    attributes = {**_of_event(event), **flatten(trace.get("data"))}
    attributes |= measured(event.get("measurements"))
    name = text(event.get("transaction"), NAME_LENGTH) or text(
        trace.get("description"), NAME_LENGTH
    )
    attributes.setdefault(
        "sentry.segment.name.source", _mapping(event.get("transaction_info")).get("source")
    )
    segment = span_row(
        arrival,
        {**trace, "start_timestamp": event.get("start_timestamp"), "name": name},
        attributes,
        end=event.get("timestamp"),
        is_segment=not late,
        shared=_shared(event, arrival),
    )
    segment_id = "" if late else segment.span_id
    shared = {
        "segment_id": segment_id,
        "segment_name": "" if late else segment.name,
        "trace_id": segment.trace_id,
        "sample_rate": segment.sample_rate,
        **_shared(event, arrival),
    }
    spans, flaws = [segment], []
    children = event.get("spans")
    for child in children if isinstance(children, list) else ():
        try:
            spans.append(_child(child, arrival, shared))
        except NotASpan as flaw:
            flaws.append(flaw)
    return spans, flaws


def _child(child: Any, arrival: Arrival, shared: Mapping[str, Any]) -> Span:
    if not isinstance(child, dict):
        raise NotASpan("a span is no JSON object")
    trace_id = child.get("trace_id") or shared["trace_id"]
    return span_row(
        arrival,
        {**child, "trace_id": trace_id, "name": text(child.get("description"), NAME_LENGTH)},
        flatten(child.get("data")) | measured(child.get("measurements")),
        end=child.get("timestamp"),
        is_segment=False,
        shared=shared,
    )


def from_v2(item: Any, arrival: Arrival) -> Span:
    """One element of a streamed container, still unscrubbed. Raises NotASpan."""
    if not isinstance(item, dict):
        raise NotASpan("a span is no JSON object")
    attributes = flatten(item.get("attributes"))
    attributes.pop("sentry.sdk.integrations", None)  # long, and the same on every span
    fields = arrival.context.scrubber.scrub({**item, "attributes": attributes})
    attributes = fields["attributes"]
    is_segment = fields.get("is_segment") is True
    sdk = {
        "name": attributes.get("sentry.sdk.name"),
        "version": attributes.get("sentry.sdk.version"),
    }
    platform = text(attributes.get("sentry.platform"), 40) or _platform(sdk["name"])
    shared = {
        "environment": text(attributes.get(ENVIRONMENT), 64),
        "release": text(attributes.get(RELEASE)),
        "platform": platform,
        "sdk": sdk_text(sdk) or arrival.sdk,
        "segment_name": text(attributes.get(SEGMENT_NAME), NAME_LENGTH),
        "segment_id": hex_id(attributes.get("sentry.segment.id"), 16),
    }
    if platform == "python":  # there the SDK's server_name travels under this name
        shared["server_name"] = text(attributes.pop("server.address", ""))
    if not is_segment:
        attributes = {k: v for k, v in attributes.items() if not k.startswith((*PROCESS, "user."))}
    named = {**fields, "name": text(fields.get("name"), NAME_LENGTH)}
    shared["user_key"] = user_key_of_attributes(fields["attributes"])
    return span_row(
        arrival,
        named,
        attributes,
        end=fields.get("end_timestamp"),
        is_segment=is_segment,
        shared=shared,
    )


def from_v1(item: Mapping[str, Any], arrival: Arrival) -> Span:
    """A single scrubbed span, as browsers before 11 send for interactions. Raises NotASpan."""
    attributes = flatten(item.get("data"))
    own = {
        name: text(attributes.pop(name, None) or attributes.get(canonical), length)
        for name, canonical, length in (
            ("environment", ENVIRONMENT, 64),
            ("release", RELEASE, 200),
            ("transaction", SEGMENT_NAME, NAME_LENGTH),
        )
    }
    attributes |= measured(item.get("measurements"))
    shared = {
        "environment": own["environment"] or text(arrival.trace.get("environment"), 64),
        "release": own["release"] or text(arrival.trace.get("release")),
        "platform": text(item.get("platform"), 40) or _platform(arrival.sdk),
        "sdk": arrival.sdk,
        "segment_id": hex_id(item.get("segment_id"), 16),
        "segment_name": own["transaction"],
        "user_key": user_key_of_attributes(attributes),
    }
    name = text(item.get("description"), NAME_LENGTH)
    return span_row(
        arrival,
        {**item, "name": name},
        attributes,
        end=item.get("timestamp"),
        is_segment=item.get("is_segment") is True,
        shared=shared,
    )


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
        columns |= {"segment_id": span_id, "segment_name": fields["name"]}
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
            client_timestamp=arrival.said(began),
            duration_us=_duration(parse_time(began), parse_time(end)),
            received_at=context.received_at,
            attributes=storable(attributes),
            **columns,
        )
    )


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


def _shared(event: Mapping[str, Any], arrival: Arrival) -> dict[str, Any]:
    """What all spans of a transaction have in common."""
    return {
        "environment": text(event.get("environment"), 64),
        "release": text(event.get("release")),
        "platform": text(event.get("platform"), 40),
        "sdk": sdk_text(event.get("sdk")) or arrival.sdk,
        "server_name": text(event.get("server_name")),
        "user_key": user_key(event.get("user")),
    }


def _of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that a streamed segment has and a transaction spells in other places."""
    contexts, request, user = (_mapping(event.get(k)) for k in ("contexts", "request", "user"))
    runtime = _mapping(contexts.get("runtime"))
    found: dict[str, Any] = {
        "process.runtime.name": runtime.get("name"),
        "process.runtime.version": runtime.get("version"),
        "http.response.status_code": _mapping(contexts.get("response")).get("status_code"),
        "http.request.method": request.get("method"),
        "user.id": user.get("id"),
        "user.email": user.get("email"),
        "user.name": user.get("username") or user.get("name"),
        "user.ip_address": user.get("ip_address"),
        "client.address": _mapping(request.get("env")).get("REMOTE_ADDR"),
    }
    for name, value in headers(request.get("headers")):
        found[f"http.request.header.{name.lower()}"] = value
    found["user_agent.original"] = found.get("http.request.header.user-agent")
    found |= _address(
        text(request.get("url"), NAME_LENGTH), query_text(request.get("query_string"))
    )
    for name, value in headers(event.get("tags")):
        found.setdefault(name, value)
    if "http.status_code" in found:
        found.setdefault("http.response.status_code", found["http.status_code"])
        del found["http.status_code"]
    return {name: value for name, value in found.items() if value is not None}


def _address(url: str, query: str) -> dict[str, Any]:
    if not url:
        return {}
    try:
        parts = split_url(url)
    except ValueError:
        return {"url.full": url}
    full = f"{url}?{query}" if query and not parts.query else url
    return {
        "url.full": full,
        "url.path": parts.path or None,
        "url.query": query or parts.query or None,
        "url.scheme": parts.scheme or None,
    }


def user_key(user: Any) -> str:
    """16 hex digits of the best id that a user object has; "" for nobody."""
    fields = _mapping(user)
    for name in ("id", "email", "username", "name", "ip_address"):
        value = text(fields.get(name))
        if value and value != "{{auto}}":
            kind = "username" if name == "name" else name
            return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()[:16]
    return ""


def user_key_of_attributes(attributes: Mapping[str, Any]) -> str:
    """The same key from a span's attributes."""
    names = ("id", "email", "name", "ip_address")
    return user_key({name: attributes.get(f"user.{name}") for name in names})


def _platform(sdk: Any) -> str:
    name = text(sdk)
    if name.startswith("sentry.javascript"):
        server = ("node", "bun", "deno", "nestjs", "aws", "google-cloud", "cloudflare")
        return (
            "node"
            if name.split("/", maxsplit=1)[0].split(".")[-1].startswith(server)
            else "javascript"
        )
    return name.split(".")[1].split("/")[0] if name.startswith("sentry.") else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
