"""Spans of transactions, streamed containers and single items, all of them scrubbed before."""

from collections.abc import Mapping
from typing import Any

from console.core.urls import split_url
from console.ingest.arrival import Arrival, hex_id, label, sdk_text, text
from console.ingest.attributes import (
    ENVIRONMENT,
    PROCESS,
    RELEASE,
    SEGMENT_NAME,
    flatten,
    headers,
    measured,
    query_text,
)
from console.ingest.people import AUTO, BROWSER_ADDRESS, BROWSER_USER
from console.ingest.span_rows import (
    NAME_LENGTH,
    NotASpan,
    span_row,
)
from console.performance.describe import mark_portions
from console.telemetry.records import Span

LATE_CHILD = "sentry.parent_span_already_sent"


def from_transaction(
    event: Mapping[str, Any], arrival: Arrival, faults: list[NotASpan], user_key: str
) -> list[Span]:
    """The segment and the children of a scrubbed transaction event, which has its id.

    `user_key` is the person's, made before the event was scrubbed; `faults` is where it adds
    what is wrong with children; raises NotASpan if the segment is none.
    """
    trace = _with_ids(_mapping(_mapping(event.get("contexts")).get("trace")), event["event_id"])
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
        shared=_shared(event, arrival, user_key),
    )
    segment_id = "" if late else segment.span_id
    shared = {
        "segment_id": segment_id,
        "segment_name": "" if late else segment.name,
        "trace_id": segment.trace_id,
        "sample_rate": segment.sample_rate,
        **_shared(event, arrival, user_key),
    }
    spans = [segment]
    children = event.get("spans")
    for child in children if isinstance(children, list) else ():
        try:
            spans.append(_child(child, arrival, shared))
        except NotASpan as fault:
            faults.append(fault)
    mark_portions(spans)
    return spans


def _with_ids(trace: Mapping[str, Any], event_id: str) -> Mapping[str, Any]:
    """The trace of a transaction; one that is written by hand may name none, and is its own."""
    own = {"trace_id": event_id, "span_id": event_id[16:]}
    sent = {name: hex_id(trace.get(name), len(value)) for name, value in own.items()}
    return {**trace, **{name: value or own[name] for name, value in sent.items()}}


def _child(child: Any, arrival: Arrival, shared: Mapping[str, Any]) -> Span:
    if not isinstance(child, dict):
        raise NotASpan("a span is no JSON object")
    trace_id = child.get("trace_id") or shared["trace_id"]
    return span_row(
        arrival,
        {**child, "trace_id": trace_id, "name": text(child.get("description"), NAME_LENGTH)},
        _of_child(child),
        end=child.get("timestamp"),
        is_segment=False,
        shared=shared,
    )


def _of_child(child: Mapping[str, Any]) -> dict[str, Any]:
    """A child's attributes; Rails and Redis clients say in tags what others say in data."""
    attributes = flatten(child.get("data")) | measured(child.get("measurements"))
    if child.get("tags"):
        for name, value in flatten(dict(headers(child["tags"]))).items():
            attributes.setdefault(name, value)
    return attributes


def plain_v2(element: Any) -> dict[str, Any]:
    """One element of a streamed container, its attributes without their types. Raises NotASpan."""
    if not isinstance(element, dict):
        raise NotASpan("a span is no JSON object")
    attributes = flatten(element.get("attributes"))
    attributes.pop("sentry.sdk.integrations", None)  # long, and the same on every span
    return {**element, "attributes": attributes}


def from_v2(fields: Mapping[str, Any], arrival: Arrival, user_key: str) -> Span:
    """A scrubbed element of a streamed container, as `plain_v2` gave it. Raises NotASpan."""
    attributes = fields["attributes"]
    is_segment = fields.get("is_segment") is True
    sdk = {
        "name": attributes.get("sentry.sdk.name"),
        "version": attributes.get("sentry.sdk.version"),
    }
    platform = text(attributes.get("sentry.platform"), 40) or _platform(sdk["name"])
    shared = {
        "environment": label(attributes.get(ENVIRONMENT), 64),
        "release": label(attributes.get(RELEASE)),
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
    shared["user_key"] = user_key
    return span_row(
        arrival,
        named,
        attributes,
        end=fields.get("end_timestamp"),
        is_segment=is_segment,
        shared=shared,
    )


def user_key_of_v1(item: Mapping[str, Any], arrival: Arrival) -> str:
    """The key of the person whom a single span, not yet scrubbed, names in a form of its own."""
    attributes, people = flatten(item.get("data")), arrival.context.people
    address = attributes.get(BROWSER_ADDRESS)
    if address == AUTO:
        address = arrival.context.address
    named = attributes.get(BROWSER_USER)
    return people.key_of_attributes(attributes) or people.key_of_any(named, address)


def from_v1(item: Mapping[str, Any], arrival: Arrival, user_key: str) -> Span:
    """A single scrubbed span, as browsers before 11 send for interactions. Raises NotASpan."""
    attributes = flatten(item.get("data"))
    own = {
        name: label(attributes.pop(name, None) or attributes.get(canonical), length)
        for name, canonical, length in (
            ("environment", ENVIRONMENT, 64),
            ("release", RELEASE, 200),
            ("transaction", SEGMENT_NAME, NAME_LENGTH),
        )
    }
    attributes |= measured(item.get("measurements"))
    if not own["transaction"]:
        named = item.get("segment_name") or arrival.trace.get("transaction")
        own["transaction"] = text(named, NAME_LENGTH)
    if own["transaction"]:  # of an interaction, which is a segment of its own
        attributes[SEGMENT_NAME] = own["transaction"]
    shared = {
        "environment": own["environment"] or label(arrival.trace.get("environment"), 64),
        "release": own["release"] or label(arrival.trace.get("release")),
        "platform": text(item.get("platform"), 40) or _platform(arrival.sdk),
        "sdk": arrival.sdk,
        "segment_id": hex_id(item.get("segment_id"), 16),
        "segment_name": own["transaction"],
        "user_key": user_key,
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


def _shared(event: Mapping[str, Any], arrival: Arrival, user_key: str) -> dict[str, Any]:
    """What all spans of a transaction have in common."""
    return {
        "environment": label(event.get("environment"), 64),
        "release": label(event.get("release")),
        "platform": text(event.get("platform"), 40),
        "sdk": sdk_text(event.get("sdk")) or arrival.sdk,
        "server_name": text(event.get("server_name")),
        "user_key": user_key,
    }


def _of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that a streamed segment has and a transaction spells in other places."""
    contexts, request, user = (_mapping(event.get(k)) for k in ("contexts", "request", "user"))
    runtime = _mapping(contexts.get("runtime"))
    attributes: dict[str, Any] = {
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
        attributes[f"http.request.header.{name.lower()}"] = value
    attributes["user_agent.original"] = attributes.get("http.request.header.user-agent")
    attributes |= _address(
        text(request.get("url"), NAME_LENGTH), query_text(request.get("query_string"))
    )
    for name, value in headers(event.get("tags")):
        attributes.setdefault(name, value)
    if "http.status_code" in attributes:
        attributes.setdefault("http.response.status_code", attributes["http.status_code"])
        del attributes["http.status_code"]
    return {name: value for name, value in attributes.items() if value is not None}


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
