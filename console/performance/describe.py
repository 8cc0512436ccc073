"""Adds to a span, when it is decoded, what performance derives from it."""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from console.performance.names import (
    DB,
    HTTP,
    TASK,
    Named,
    category_of,
    category_of_segment,
    collapsed_path,
    endpoint_of,
)
from console.performance.statements import normal as sql
from console.telemetry.records import Span

if TYPE_CHECKING:  # decoding loads no database
    from console.telemetry.spans import SpanRow

LONGEST_HOST = 100
LONGEST_QUERY = 4096
# Django's "connect", Node's "pg.connect" and "pg-pool.connect": they run no statement.
_CONNECT = re.compile(r"(?:[\w-]+\.)?connect", re.IGNORECASE)


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


def _category(span: Span) -> str:
    if not span.is_segment:
        return category_of(span.op, is_segment=False)
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
    if not span.name or _CONNECT.fullmatch(span.name):
        return ""
    return _normalised_sql(span.name)


@lru_cache(maxsize=4096)
def _normalised_sql(text: str) -> str:
    return sql.normalise(text)


def _call(span: "Span | SpanRow") -> str:
    """An outgoing request as method, host and path without variable parts."""
    url = str(span.attributes.get("url.full") or "")
    _, rest = (span.name.partition(" ")[::2]) if " " in span.name else ("", span.name)
    host, _, path = (url or rest).partition("://")[2].partition("/")
    host = host.rpartition("@")[2] or str(span.attributes.get("server.address") or "")
    if not host and not path:
        return ""
    return f"{span.http_method} {host[:LONGEST_HOST]}{collapsed_path('/' + path)}".strip()


_NORMALISED: "dict[str, Callable[[Span | SpanRow], str]]" = {DB: _query, HTTP: _call}
