"""Calls that are rightly made again and again: each carries much, costs nothing, or has to be."""

import re
from typing import Any

from console.performance.findings import vocabulary as named
from console.performance.findings.addresses import (
    OPERATION,
    host_words,
    operation_of,
    pairs_of,
    path_of,
    verb,
    words,
)
from console.telemetry.spans import SpanRow

# A body of which no list of ids would make fewer: many rows, or the content of a file.
MUCH_SENT, MUCH_READ = 16 << 10, 256 << 10
# Faster than any network: from the memory of a browser or an app, or its service worker.
IN_MEMORY_US, IN_STORE_US = 1000, 5000
_SIZE = re.compile(r"[0-9]{1,15}")
_TRUE = (True, "true", "True", 1)
_CACHED = ("cached", "cache.hit", "http.cached", "http.from_cache", "http.response.from_cache")
_DELIVERY = ("http.response_delivery_type", "browser.response.delivery_type")
# Tiles of a map are asked for by their level, column and row; dates begin with a higher number.
_TILE = re.compile(r"/(?:1?\d|2[0-4])/-?\d++/-?\d++(?:@\dx)?$")
# A file of a site by its name: of an id it would be an answer of an API.
_NAMED_FILE = re.compile(r"\D+\.(?:json|xml|txt|html)", re.IGNORECASE)
_NUMBERED_FILE = re.compile(r"/[a-z_-]*[a-z][-_.]?\d+\.[a-z][\w.]*$", re.IGNORECASE)


def is_by_itself(span: SpanRow, *, shown: bool) -> bool:
    """Whether a call is for a file, a report, a message or many things; `shown` to a person."""
    path, query = path_of(span), {name.lower() for name, _ in pairs_of(span)}
    is_read = span.http_method in {"GET", "HEAD", ""}
    return (
        _is_fetched_ahead(span)
        or _is_file(span, path, query)
        or _brings_several(span, path)
        or ((shown or not is_read) and named.REPORTED_TO.search(path + "/") is not None)
        or (shown and _is_shown(path, query))
        or (is_read and not named.HEALTH.isdisjoint(words(verb(path))))
        or (not is_read and _is_sent_alone(path, shown=shown))
    )


def is_cached(span: SpanRow) -> bool:
    """Whether a client says that it answered from a cache of its own."""
    attributes = span.attributes
    return any(attributes.get(name) in _TRUE for name in _CACHED)


def _is_fetched_ahead(span: SpanRow) -> bool:
    """Whether a page fetched something before anybody wanted it, as its client or headers say."""
    attributes = span.attributes
    if span.op.endswith("prefetch") or attributes.get("http.request.prefetch") in _TRUE:
        return True
    headers = (attributes.get(f"http.request.header.{name}") for name in named.OF_PREFETCH)
    is_named = any("prefetch" in _first(header) for header in headers)
    return is_named or bool(attributes.get(named.ROUTER_PREFETCH))


def is_from_store(span: SpanRow) -> bool:
    """Whether a browser or an app answered a call from what it keeps, without any network."""
    attributes = span.attributes
    if any(attributes.get(name) == "cache" for name in _DELIVERY):
        return True
    is_empty = _first(attributes.get("http.response.size")) == "0"
    decoded = _first(attributes.get("http.response.body.decoded_size"))
    is_kept = is_empty and decoded not in {"", "0"}
    limit = IN_STORE_US if is_empty else IN_MEMORY_US
    return is_kept or 0 < span.duration_us < limit


def _is_file(span: SpanRow, path: str, query: set[str]) -> bool:
    attributes = span.attributes
    if named.FILE.search(path) or _NUMBERED_FILE.search(path):
        return True
    is_signed = any(names <= query for names in named.SIGNED)
    if is_signed or not named.FETCHED_AHEAD.isdisjoint(query):
        return True
    types = (attributes.get(f"http.{side}.header.content-type") for side in ("request", "response"))
    if any(named.FILE_TYPE.match(_first(sent)) for sent in types):
        return True
    ranges = ("http.request.header.range", "http.request.header.content-range")
    return any(map(attributes.get, ranges)) or _carries_much(span)


def _first(header: Any) -> str:
    """The value of a header, which some clients send as a list."""
    value = next(iter(header), "") if isinstance(header, list | tuple) else header
    return "" if value is None else str(value)


def _carries_much(span: SpanRow) -> bool:
    return _size(span, "request") >= MUCH_SENT or _size(span, "response") >= MUCH_READ


def _size(span: SpanRow, side: str) -> int:
    """The size of a body, as far as a client says it."""
    names = (f"http.{side}.body.size", f"http.{side}.header.content-length", f"http.{side}.size")
    sizes = (_first(span.attributes.get(name)) for name in names)
    return max((int(size) for size in sizes if _SIZE.fullmatch(size)), default=0)


def _brings_several(span: SpanRow, path: str) -> bool:
    """Whether a call brings several things, as its address or its operation says."""
    operation = operation_of(span)
    if not named.SEVERAL.isdisjoint({*words(verb(path)), *words(operation)}):
        return True
    if span.attributes.get("graphql.operation.name") or OPERATION.search(span.name):
        return not named.LISTS.isdisjoint(words(operation))
    is_aws = span.attributes.get("rpc.service") or span.name.startswith("aws.")
    return bool(is_aws and named.OF_AWS.fullmatch(operation))


def _is_shown(path: str, query: set[str]) -> bool:
    """Whether a page shows what it asks for: a tile of a map, a picture, a file by its name."""
    last = path.rpartition("/")[2]
    is_picture = named.PICTURE.search(path) or not named.OF_PICTURES.isdisjoint(query)
    is_tile = _TILE.search(path) or any(names <= query for names in named.OF_TILES)
    return bool(is_picture or is_tile or _NAMED_FILE.fullmatch(last))


def _is_sent_alone(path: str, *, shown: bool) -> bool:
    """Whether what is sent is a report, a piece of a thing that goes on, a message or a turn."""
    if named.REPORTS.search(path) or (shown and named.EVENTS.search(path)):
        return True
    last = set(words(verb(path)))
    if last & (named.PIECES | named.UPLOAD | named.SEVERAL_SENT) or named.CONTENT.search(path):
        return True
    if named.MESSAGE.search(path) or named.THOUGHT.search(path):
        return True
    hosts = host_words(path)
    is_of_host = any(named.OF_HOSTS[word].search(path) for word in hosts & named.OF_HOSTS.keys())
    return is_of_host or not named.OF_MESSAGES.isdisjoint(hosts)


def is_of_model(op: str) -> bool:
    """Whether what is below a span of this operation is a turn of a talk with a language model."""
    is_model = op.startswith(("gen_ai.", "ai.")) and "tool" not in op and "agent" not in op
    return is_model and "embed" not in op
