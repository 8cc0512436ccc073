"""The calls of a segment, each once: what wraps a call, repeats it or answers from a cache is none.

Clients send several spans for one call: an ORM's around the driver's, HTTP within the call of a
search engine, a span for each portion that a cursor reads.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from console.performance.describe import FURTHER
from console.performance.findings.finding import succeeded
from console.performance.findings.segment import Segment
from console.performance.names import CACHE, DB, HTTP
from console.telemetry.spans import SpanRow

_MAPPERS = frozenset({"mongoose"})
_TRUE = (True, "true", "True", 1)
# Files, which no list of ids can bring; prefetched pages; what measures and configures.
_NO_API = re.compile(
    r"\.(?:m?js|css|svg|png|jpe?g|gif|webp|avif|ico|mp3|mp4|webm|m3u8|ts|woff2?|ttf|otf|map|wasm|pdf|"
    r"pbf|mvt|zip|gz)(?:[?#]|$)"
    r"|^aws\..*\.(?:List\w+|UploadPart|Batch\w+|ReceiveMessage|Scan|GetRecords|Put(?:Records|LogEvents))$"
    r"|/_next/(?:data|static|image)|__nextjs|[?&]_rsc=|__data\.json|launchdarkly\.com"
    r"|__webpack|\.hot-update\.|/@vite|/_?(?:batch|bulk|mget|msearch)(?:[/?#]|$)",
    re.IGNORECASE,
)
# Addresses that say nothing of what is asked for: one for all questions.
_ONE_FOR_ALL = re.compile(
    r"(?:/(?:graphql|gql|jsonrpc|json-rpc|rpc|xmlrpc|soap)|://[^/]+)/?$", re.IGNORECASE
)
# What a page or a service reports of itself.
_REPORTS = re.compile(
    r"/(?:collect|track|beacons?|telemetry|analytics|envelope|metrics|traces|logs?|heartbeat|ping|"
    r"write|push)/?"
    r"(?:[?#]|$)",
    re.IGNORECASE,
)
_PAGING = re.compile(
    r"(?:page|p|offset|skip|start|cursor|after|before|from|since|until|(?:next_?)?page_?token|"
    r"next(?:_?token)?|starting_after|ending_before|continuation(?:_?token)?|marker|startat|"
    r"page\[(?:number|after|cursor|offset)\]|\$skip(?:token)?|start_?index|partnumber|range)",
    re.IGNORECASE,
)
_NUMBERED_PAGE = re.compile(r"/page/\d+/?$", re.IGNORECASE)
_HIDDEN = re.compile(r"Filtered")  # by scrubbing, as tokens of pages are
_MANY = re.compile(r"(?:%2C|,)", re.IGNORECASE)
_LIST_NAME = re.compile(r"(?:ids|keys)(?:\[\]|%5B%5D)?$|(?:\[\]|%5B%5D)$", re.IGNORECASE)


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
        is_cached = span.span_id in of_caches or _is_cached(span)
        if span.span_id in wrappers or is_twin or not succeeded(span) or is_cached:
            continue
        cursor = span.attributes.get("db.cursor"), span.fingerprint
        if span.attributes.get(FURTHER) is True or (cursor[0] and cursor in cursors):
            continue
        cursors.add(cursor)
        if not _is_batch(span):
            calls.append(span)
    return calls


def are_scattered(spans: Sequence[SpanRow]) -> bool:
    """Whether most calls go to a database of their own: one in each shard or each schema."""
    names = ("server.address", "server.port", "db.namespace")
    targets = {tuple(str(span.attributes.get(name)) for name in names) for span in spans}
    return len(targets) > len(spans) / 2


def http_calls(segment: Segment) -> list[SpanRow]:
    """The spans by which a segment asked other services over HTTP, by start."""
    spans = [span for span in segment.spans if span.category == HTTP and span.fingerprint]
    excluded = {span.parent_span_id for span in spans} | segment.below({DB, CACHE})
    return [
        span
        for span in spans
        if span.span_id not in excluded
        and succeeded(span)
        and not _is_transport(span)
        and not span.op.endswith(("prefetch", "stream"))
        and span.attributes.get("http.request.prefetch") not in _TRUE
        and not _resent(span)
        and not _NO_API.search(address(span))
        and not _is_one_for_all(span)
        and not (span.http_method == "POST" and _REPORTS.search(address(span)))
    ]


def address(span: SpanRow) -> str:
    """What an HTTP span asked for, with its query string as far as it was sent."""
    url = str(span.attributes.get("url.full") or span.name.rpartition(" ")[2])
    query = str(span.attributes.get("url.query") or "").removeprefix("?")
    return url if not query or "?" in url else f"{url}?{query}"


def is_paging(spans: Sequence[SpanRow]) -> bool:
    """Whether requests differ in the page that they ask for, and in nothing else."""
    queries = [_query(span) for span in spans]
    paths = {address(span).partition("?")[0] for span in spans}
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for name, value in (pair for query in queries for pair in query.items()):
        values[name][value] += 1
    different = [name for name, sent in values.items() if max(sent.values()) < len(spans)]
    different += [name for name in values if _HIDDEN.search(queries[0].get(name, ""))]
    if all(_NUMBERED_PAGE.search(path) for path in paths):
        return True
    return len(paths) == 1 and bool(different) and all(map(_PAGING.fullmatch, different))


def asks_for_many(span: SpanRow) -> bool:
    """Whether a request names several things in its query string, as a list of ids."""
    query = address(span).partition("?")[2]
    pairs = [pair.partition("=") for pair in query.split("&")]
    return any(_LIST_NAME.search(name) and value for name, _, value in pairs) or any(
        len(_MANY.split(value)) > 1 and re.search(r"id|key|code|symbol", name, re.IGNORECASE)
        for name, _, value in pairs
    )


def _query(span: SpanRow) -> dict[str, str]:
    pairs = unquote(address(span).partition("?")[2].partition("#")[0]).split("&")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs) if name}


def _is_cached(span: SpanRow) -> bool:
    attributes = span.attributes
    return attributes.get("cached") in _TRUE or attributes.get("cache.hit") in _TRUE


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
    named = span.attributes.get("graphql.operation.name") or span.attributes.get("graphql.document")
    is_read = span.http_method in {"GET", "HEAD"}
    return not (named or is_read) and bool(_ONE_FOR_ALL.search(address(span).partition("?")[0]))


def _system(span: SpanRow) -> str:
    return str(span.attributes.get("db.system.name") or "")


def _collection(span: SpanRow) -> str:
    return str(span.attributes.get("db.collection.name") or "")
