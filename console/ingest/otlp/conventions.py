"""Translates spans of OpenTelemetry to the words of Sentry's clients: the store has one vocabulary.

Names of attributes: opentelemetry.io, "Semantic conventions", the present ones and the ones from
before 1.21 (2023), which instrumentations still send.
"""

import re
from collections.abc import Mapping
from typing import Any

from console.core.urls import split_url
from console.ingest.arrival import text
from console.ingest.attributes import flatten, split_method
from console.ingest.otlp.wire import WireSpan
from console.ingest.span_rows import GRPC_STATUSES, NAME_LENGTH

# What sentry-conventions do not list: the user of OpenTelemetry, and PostHog's person.
_ALIASES = {
    "enduser.id": "user.id",
    "posthogDistinctId": "user.id",
    "posthog.distinct_id": "user.id",
    "sessionId": "session.id",
}
_METHOD, _ROUTE, _URL, _PATH = "http.request.method", "http.route", "url.full", "url.path"
_CACHES = frozenset({"memcached", "memcache"})
_IN_MEMORY = frozenset({"redis", "valkey"})
_THRESHOLD = re.compile(r"(?:^|,)\s*ot=[^,]*?\bth:([0-9a-f]{1,14})(?![0-9a-f])")
_PLATFORMS = {"nodejs": "node", "webjs": "javascript", "dotnet": "csharp"}


def canonical(span: WireSpan) -> dict[str, Any]:
    """The span's attributes by the names under which they are stored."""
    attributes = flatten(span.attributes)
    for alias, name in _ALIASES.items():
        if alias in attributes:
            attributes.setdefault(name, attributes.pop(alias))
    target = attributes.pop("http.target", None)
    if isinstance(target, str):
        path, _, query = target.partition("?")
        attributes.setdefault(_PATH, path)
        if query:
            attributes.setdefault("url.query", query)
    if span.kind == "client" and "net.peer.name" in attributes:
        attributes.setdefault("server.address", attributes.pop("net.peer.name"))
    if span.kind == "server" and _PATH not in attributes and isinstance(attributes.get(_URL), str):
        attributes[_PATH] = _path(attributes[_URL])
    return attributes


def operation(span: WireSpan, attributes: Mapping[str, Any]) -> str:
    """The `op` that a Sentry client gives to such work (`performance.names` sorts by it)."""
    op = text(attributes.get("sentry.op"), 100)
    return op or _of_protocol(span, attributes) or _of_kind(span, attributes)


def title(op: str, name: str, attributes: Mapping[str, Any]) -> str:
    """The span's name as a Sentry client gives it: the statement, the address, or the route."""
    method = text(attributes.get(_METHOD), 20).upper()
    if op.startswith("db"):
        return text(attributes.get("db.query.text"), NAME_LENGTH) or name[:NAME_LENGTH]
    if op == "http.client" and isinstance(attributes.get(_URL), str):
        return f"{method} {attributes[_URL].partition('?')[0]}"[:NAME_LENGTH]
    if op == "http.server" and method:
        route = text(attributes.get(_ROUTE), 500)
        nameless = name in {"", method, f"HTTP {method}"}
        if route or nameless:
            return f"{method} {route or text(attributes.get(_PATH), 500)}".strip()
    return name[:NAME_LENGTH]


def source(op: str, attributes: Mapping[str, Any]) -> str:
    """How a segment's name was found, in the words of Sentry's protocol."""
    if op in {"http.server", "websocket.server"}:
        return "route" if attributes.get(_ROUTE) else "url"
    return "task" if op == "queue.process" else "custom"


def status(span: WireSpan, attributes: Mapping[str, Any]) -> str:
    """ok, error, or gRPC's word for it; a server leaves the status of a 404 unset."""
    number = attributes.get("rpc.grpc.status_code")
    if isinstance(number, int) and 0 < number < len(GRPC_STATUSES):
        return GRPC_STATUSES[number]
    code = attributes.get("http.response.status_code")
    refused = isinstance(code, int) and code >= 400
    return "error" if span.status == "error" or (refused and span.status != "ok") else "ok"


def sample_rate(trace_state: str) -> float | None:
    """The share of traces that the client keeps, if its sampler says so in the trace state.

    `th` is the share that it rejects, in 56 bits without trailing zeros (opentelemetry.io,
    "TraceState: Probability Sampling").
    """
    match = _THRESHOLD.search(trace_state)
    return 1 - int(match[1].ljust(14, "0"), 16) / (1 << 56) if match else None


def platform(resource: Mapping[str, Any]) -> str:
    """The programming language of a resource, as Sentry's clients spell it."""
    language = text(resource.get("telemetry.sdk.language"), 40).lower()
    if not language:
        language = text(resource.get("telemetry.sdk.name"), 40).partition("posthog-")[2]
    return _PLATFORMS.get(language, language)


def _of_protocol(span: WireSpan, attributes: Mapping[str, Any]) -> str:
    if attributes.get("rpc.system") or attributes.get("rpc.system.name"):
        return "rpc.server" if span.kind == "server" else "rpc.client"
    if span.kind == "server" and str(attributes.get("url.scheme")).startswith("ws"):
        return "websocket.server"
    if attributes.get(_METHOD):
        return "http.server" if span.kind == "server" else "http.client"
    return _database(text(attributes.get("db.system.name")))


def _of_kind(span: WireSpan, attributes: Mapping[str, Any]) -> str:
    if span.kind == "producer":
        return "queue.publish"
    if span.kind == "consumer":
        return "queue.receive" if _only_receives(attributes) else "queue.process"
    named = span.is_segment and split_method(span.name)[1].startswith("/")
    if (named and span.kind != "client") or (span.kind == "server" and _ROUTE in attributes):
        return "http.server"
    return span.kind


def _database(system: str) -> str:
    if system in _CACHES:
        return "cache"
    if system in _IN_MEMORY:
        return "db.redis"
    return "db" if system else ""


def _only_receives(attributes: Mapping[str, Any]) -> bool:
    names = ("messaging.operation.type", "messaging.operation")
    return any(attributes.get(name) == "receive" for name in names)


def _path(url: str) -> str | None:
    try:
        return split_url(url).path or None
    except ValueError:
        return None
