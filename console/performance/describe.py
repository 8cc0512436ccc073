"""Adds to a span, when it is decoded, what performance derives from it."""

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from console.performance.names import (
    DB,
    HTTP,
    TASK,
    Named,
    called_path,
    category_of,
    category_of_segment,
    endpoint_of,
)
from console.performance.statements import normal as sql
from console.performance.statements.commands import command, is_aws_call
from console.telemetry.records import Span

if TYPE_CHECKING:  # decoding loads no database
    from console.telemetry.spans import SpanRow

LONGEST_HOST = 100
LONGEST_QUERY = 4096
# Django's "connect", Node's "pg.connect" and "pg-pool.connect": they run no statement.
_CONNECT = re.compile(r"(?:[\w-]+\.)?connect", re.IGNORECASE)
# What clients time beside the statements: compiling, preparing, connecting.
_BESIDE = re.compile(r"db\..*\b(?:compile|prepare|connection|connect)")
# Names of this machine and of private networks.
_PRIVATE = re.compile(
    r"localhost|127\.[\d.]+|0\.0\.0\.0|10\.[\d.]+|192\.168\.[\d.]+|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+"
    r"|\[(?:::1|f[cd][\da-f]{2}:[\da-f:]+|fe80:[\da-f:]+)\]|host\.docker\.internal",
    re.IGNORECASE,
)
_SERVICE = re.compile(r"/?[\w-]+(?:[./][\w-]+)+")  # aws.s3.GetObject, shop.Stock/GetItem
_OPERATION = re.compile(r"\((query|mutation|subscription)(?: (\w+))?\)\s*$")
_OPERATION_NAME = re.compile(r"(?:(?:query|mutation|subscription) )?\w+")
# A further portion of rows, by asyncpg's cursors and others.
FURTHER = "db.cursor.further"


def described(span: Span) -> Span:
    """The same span with its category, endpoint, fingerprint and statement.

    A database span is named by its statement, whatever the client calls it.
    """
    category = span.category = _category(span)
    if category == DB:
        span.name = _statement_or_name(span)
    elif category == TASK:
        # In a request's own process a task inherits what the request says of HTTP.
        span.http_method = span.http_route = ""
        span.http_status = None
    span.endpoint = endpoint_of(category, _named(span)) if span.is_segment else ""
    span.statement = statement_of(category, span)
    span.fingerprint = fingerprint_of(category, span.statement) if span.statement else ""
    return span


def mark_portions(spans: Iterable[Span]) -> None:
    """Of spans that read one cursor in portions, count the first as the call of its statement.

    Each later portion is a FETCH, as it is where a driver sends that as a statement.
    """
    by_cursor: dict[tuple[str, str, str], list[Span]] = {}
    for span in spans:
        cursor = span.attributes.get("db.cursor")
        if cursor and span.fingerprint:
            key = span.parent_span_id, str(cursor), span.fingerprint
            by_cursor.setdefault(key, []).append(span)
    for portions in by_cursor.values():
        for span in sorted(portions, key=lambda span: span.timestamp)[1:]:
            span.attributes = {**span.attributes, FURTHER: True}
            span.statement = statement_of(span.category, span)
            span.fingerprint = fingerprint_of(span.category, span.statement)


def _category(span: Span) -> str:
    if not span.is_segment:
        category = category_of(span.op, is_segment=False)
        is_database = category == HTTP and is_aws_call(span.attributes, span.name)
        return DB if is_database else category
    answers = bool(span.http_route) or span.http_status is not None
    return category_of_segment(
        span.op, kind=span.kind, answers_http=bool(span.http_method) and answers
    )


def _statement_or_name(span: Span) -> str:
    """Node streams, and OTLP, name a query by a summary, "SELECT book", and add its text."""
    query = span.attributes.get("db.query.text")
    return query[:LONGEST_QUERY] if isinstance(query, str) and query.strip() else span.name


@lru_cache(maxsize=4096)
def fingerprint_of(category: str, statement: str) -> str:
    """16 hex digits of a normalised statement."""
    text = f"{category}\0{statement}".encode(errors="replace")
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def _named(span: Span) -> Named:
    return Named(
        name=span.name,
        source=span.source,
        method=span.http_method,
        route=span.http_route if span.source != "component" else "",
        path=str(span.attributes.get("url.path") or ""),
        status=span.http_status,
    )


def statement_of(category: str, span: "Span | SpanRow") -> str:
    """The normalised text that a span is counted under; "" if it has none."""
    normalise = _NORMALISED.get(category)
    return normalise(span) if normalise else ""


def _query(span: "Span | SpanRow") -> str:
    if _CONNECT.fullmatch(span.name) or _BESIDE.fullmatch(span.op):
        return ""
    statement = command(span.name, span.op, span.attributes) or _normalised_sql(span.name)
    is_further = statement and span.attributes.get(FURTHER) is True
    return f"FETCH ({statement})" if is_further else statement


@lru_cache(maxsize=4096)
def _normalised_sql(text: str) -> str:
    return sql.normalise(text)


def _call(span: "Span | SpanRow") -> str:
    """An outgoing request as method, host and path without variable parts.

    A request of GraphQL has its operation too, since all of them go to one address.
    """
    attributes = span.attributes
    if attributes.get("rpc.method") and _SERVICE.fullmatch(span.name):
        return _named_call(span)  # clients of AWS send most operations of a service to one address
    _, rest = (span.name.partition(" ")[::2]) if " " in span.name else ("", span.name)
    url = str(attributes.get("url.full") or rest).partition(" ")[0]
    if "/" not in url:
        url = str(attributes.get("url.path") or url)
    _, is_absolute, after = url.partition("://")
    host, _, path = after.partition("/") if is_absolute else ("", "", url.removeprefix("/"))
    if not is_absolute and not url.startswith("/"):
        return _named_call(span)
    host = host.rpartition("@")[2] or str(attributes.get("server.address") or "")
    template = str(attributes.get("url.template") or "")
    path = template or called_path("/" + path)
    called = f"{span.http_method} {_host(host)}{path}".strip()
    return f"{called} {_graphql(span)}".strip()


def _named_call(span: "Span | SpanRow") -> str:
    """A call of a service by its name, as clients of AWS, of gRPC and of GraphQL send it."""
    if "graphql" in span.op:
        return span.name[:LONGEST_HOST] if _OPERATION_NAME.fullmatch(span.name) else ""
    name = span.name.rpartition(" ")[2] if "rpc" in span.op else span.name
    return name[:LONGEST_HOST] if _SERVICE.fullmatch(name) else ""


def _host(host: str) -> str:
    """A host; the port of a test or a forwarding, which was free by chance, is left out."""
    name, _, port = host[:LONGEST_HOST].rpartition(":")
    is_chance = port.isdecimal() and int(port) >= 1024 and _PRIVATE.fullmatch(name)
    return f"{name}:{{port}}" if is_chance else host[:LONGEST_HOST]


def _graphql(span: "Span | SpanRow") -> str:
    name = str(span.attributes.get("graphql.operation.name") or "")
    document = str(span.attributes.get("graphql.document") or "")
    if name:
        kind = str(span.attributes.get("graphql.operation.type") or "")
        return f"{kind} {name}".strip()[:LONGEST_HOST]
    if document:
        return _normalised_sql(document)[:LONGEST_QUERY]
    named = _OPERATION.search(span.name)
    return f"{named[1]} {named[2] or ''}".strip() if named else ""


_NORMALISED: "dict[str, Callable[[Span | SpanRow], str]]" = {DB: _query, HTTP: _call}
