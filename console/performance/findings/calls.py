"""The calls of a segment, each once: what wraps a call, repeats it or answers from a cache is none.

Clients send several spans for one call: an ORM's around the driver's, HTTP within the call of a
search engine, a span for each portion that a cursor reads.
"""

import re
from collections.abc import Sequence
from typing import Any

from console.performance.describe import FURTHER
from console.performance.findings.addresses import OPERATION, address, operation_of
from console.performance.findings.alone import (
    is_by_itself,
    is_cached,
    is_from_store,
    is_of_model,
)
from console.performance.findings.finding import succeeded
from console.performance.findings.segment import Segment
from console.performance.findings.vocabulary import READS
from console.performance.names import CACHE, DB, HTTP, INTERFACES
from console.telemetry.spans import SpanRow

_MAPPERS = frozenset({"mongoose"})
_TRUE = (True, "true", "True", 1)
# Addresses that say nothing of what is asked for: one for all questions.
_ONE_FOR_ALL = re.compile(
    r"(?:/(?:graphql|gql|jsonrpc|json-rpc|rpc|xmlrpc|soap|mcp)|://[^/]+)/?$", re.IGNORECASE
)


def database_calls(segment: Segment) -> list[SpanRow]:
    """The spans by which a segment asked its databases, by start."""
    spans = [span for span in segment.spans if span.category == DB and span.fingerprint]
    wrappers = {span.parent_span_id for span in spans}
    driven = {_collection(span) for span in spans if _system(span) == "mongodb"}
    of_caches = segment.below({CACHE})
    cursors: set[tuple[Any, str]] = set()
    calls = []
    for span in spans:
        is_twin = _system(span) in _MAPPERS and _collection(span) in driven
        from_cache = span.span_id in of_caches or is_cached(span)
        if span.span_id in wrappers or is_twin or not succeeded(span) or from_cache:
            continue
        cursor = span.attributes.get("db.cursor"), span.fingerprint
        if span.attributes.get(FURTHER) is True or (cursor[0] and cursor in cursors):
            continue
        cursors.add(cursor)
        if not _is_batch(span):
            calls.append(span)
    return calls


def is_read(span: SpanRow) -> bool:
    """Whether a call only reads: by its method, or by the name of what it calls by POST."""
    if span.http_method in {"GET", "HEAD", ""}:
        return True
    return READS.fullmatch(operation_of(span)) is not None


def are_scattered(spans: Sequence[SpanRow]) -> bool:
    """Whether most calls go to a database of their own: one in each shard or each schema."""
    names = ("server.address", "server.port", "db.namespace")
    targets = {tuple(str(span.attributes.get(name)) for name in names) for span in spans}
    return len(targets) > len(spans) / 2


def http_calls(segment: Segment) -> list[SpanRow]:
    """The spans by which a segment asked other services over HTTP, by start."""
    spans = [span for span in segment.spans if span.category == HTTP and span.fingerprint]
    excluded = {span.parent_span_id for span in spans} | segment.below({DB, CACHE})
    shown = segment.root.category in INTERFACES
    return [
        span
        for span in spans
        if span.span_id not in excluded
        and succeeded(span)
        and not _is_transport(span)
        and not span.op.endswith("stream")
        and not _resent(span)
        and not _is_one_for_all(span)
        and not is_cached(span)
        and not (shown and is_from_store(span))
        and not is_of_model(segment.op_above(span))
        and not is_by_itself(span, shown=shown)
    ]


def _is_batch(span: SpanRow) -> bool:
    size = span.attributes.get("db.operation.batch.size")
    return span.attributes.get("db.executemany") in _TRUE or (isinstance(size, int) and size > 1)


def _is_transport(span: SpanRow) -> bool:
    """Whether a request is a step of another: a redirect, a preflight, a part of a file."""
    status = span.http_status or 0
    is_redirect = 300 <= status < 400 and status != 304
    return is_redirect or status == 206 or span.http_method in {"OPTIONS", "CONNECT", "TRACE"}


def _resent(span: SpanRow) -> bool:
    return bool(span.attributes.get("http.request.resend_count"))


def _is_one_for_all(span: SpanRow) -> bool:
    given = ("graphql.operation.name", "graphql.document", "rpc.method")
    named = any(map(span.attributes.get, given)) or OPERATION.search(span.name)
    is_read = span.http_method in {"GET", "HEAD"}
    return not (named or is_read) and bool(_ONE_FOR_ALL.search(address(span).partition("?")[0]))


def _system(span: SpanRow) -> str:
    return str(span.attributes.get("db.system.name") or "")


def _collection(span: SpanRow) -> str:
    return str(span.attributes.get("db.collection.name") or "")
