"""What clients send, with texts in it that are made to take long."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from console.ingest.beacon.protocol import BEACON
from console.ingest.otlp.encodings import JSON
from console.ingest.sentry.envelope import parse_envelope
from tests.ingest import otlp_requests
from tests.ingest.corpus.reading import bodies

SIZE = 64 << 10
UNITS = (
    *("a", "0", "A1", "a0", " ", "\n", "/", "\\", "'", '"', "(", "[", "{", "=", "a ", "a.", "0-"),
    *("/*a", "--", "://", "//a@", "a@", "/a0", "%00", "%s", "{0}", ", [a", ", (", "IN (\n", "'\\"),
    *("android ", "async ", "ORDER BY a ", 'FROM "', "VALUES (a), ", "SELECT ", "WITH a AS ("),
    *("-----BEGIN PRIVATE KEY-----", "-eyJ", "token=(", "password='", "HTTP  "),
    *("\u0301\u0316", "😀"),
)  # fmt: skip
PLAIN = {  # without these a record would be none, or of another kind
    *("event_id", "trace_id", "span_id", "parent_span_id", "segment_id", "timestamp", "type", "op"),
    *("start_timestamp", "end_timestamp", "sentry.op", "sentry.segment.id", "spanId", "traceId"),
    *("parentSpanId", "startTimeUnixNano", "endTimeUnixNano", "key", "level", "kind", "db.system"),
    *("db.system.name", "http.request.method"),
}  # fmt: skip
METHODS = {"GET", "POST"}
STATEMENT = "SELECT a FROM b WHERE c = 1 AND d IN ("


def text(unit: str, lead: str = "") -> str:
    return lead + unit * ((SIZE - len(lead)) // len(unit)) + "\x01!"


def envelopes(unit: str) -> Iterator[bytes]:
    """Envelopes of Sentry's clients, every text of each once 64 kB of the unit."""
    seen: set[Any] = set()
    for client in ("flask-static", "express-static", "express-stream"):
        for envelope in map(parse_envelope, bodies(client)):
            for item in envelope.items:
                if item.type in {"event", "transaction", "span"}:
                    for content in spoiled(json.loads(item.payload), unit, seen):
                        yield _envelope(envelope.header, item.header, content)


def _envelope(header: Any, item: Any, content: Any) -> bytes:
    payload = json.dumps(content, ensure_ascii=False).encode()
    lines = (json.dumps(header), json.dumps({**item, "length": len(payload)}))
    return b"\n".join([*(line.encode() for line in lines), payload])


def otlp(unit: str) -> Iterator[bytes]:
    """Requests of OpenTelemetry in the same way."""
    server = otlp_requests.server_span(
        {
            "http.request.method": "GET",
            "url.full": "http://shop.test/books/17",
            "url.path": "/books/17",
            "user_agent.original": "agent",
            "exception.stacktrace": "at shop",
        },
        name="GET",  # no route, so that the path is the endpoint's name
        traceState="ot=th:8",
        events=[{"name": "exception", "attributes": otlp_requests.pairs({"exception.type": "E"})}],
    )
    sent = otlp_requests.request(server, otlp_requests.query_span())
    for content in spoiled(sent, unit, set()):
        yield otlp_requests.body(content, JSON)


def beacons(unit: str) -> Iterator[bytes]:
    """A beacon, which is refused beyond 16 kB."""
    words = text(unit)[:1000]
    page = {"id": "0123456789abcdef", "route": words, "path": f"/{words}"}
    causes = {"target": words, "url": f"http://{words}", "scriptUrl": words}
    metrics = [{"n": name, "v": 0.1, "id": words, "a": causes} for name in ("LCP", "INP", "CLS")]
    body = {
        "v": 1,
        "key": "k",
        "page": page,
        "nav": words,
        "rel": words,
        "env": words,
        "m": metrics,
    }
    yield json.dumps(body).encode()


def spoiled(content: Any, unit: str, seen: set[Any], room: int = 50) -> Iterator[Any]:
    """The content with a hostile text for each of its texts; some at a time, as an event is 4 MB.

    Texts in places that were `seen` stay, as do those of further elements of a list.
    """
    places = [place for place in dict.fromkeys(_places(content)) if place not in seen]
    seen.update(places)
    for start in range(0, len(places), room):
        chosen = dict.fromkeys(places[start : start + room], False)
        yield _replaced(content, (), chosen, unit)


def _places(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, one in value.items():
            if name not in PLAIN:
                yield from _places(one, (*path, name))
    elif isinstance(value, list):
        for one in value:
            yield from _places(one, (*path, _element(one)))
    elif isinstance(value, str) and value not in METHODS:
        yield path


def _element(value: Any) -> str:
    """The name of a list's element: OpenTelemetry lists attributes by their keys."""
    return str(value.get("key", "[]")) if isinstance(value, dict) else "[]"


def _replaced(value: Any, path: tuple[str, ...], chosen: dict[Any, bool], unit: str) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(one, (*path, name), chosen, unit) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, (*path, _element(one)), chosen, unit) for one in value]
    if not isinstance(value, str) or value in METHODS or chosen.get(path, True):
        return value
    chosen[path] = True
    return text(unit, _lead(value))


def _lead(value: str) -> str:
    """What the text begins with, where that decides how it is read."""
    for lead in ("http://", "https://", "SELECT ", "GET ", "/"):
        if value.startswith(lead):
            return STATEMENT if lead == "SELECT " else lead
    return ""


KINDS: dict[str, Callable[[str], Iterator[bytes]]] = {
    "sentry.envelope": envelopes,
    JSON: otlp,
    BEACON.name: beacons,
}
