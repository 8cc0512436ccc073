"""Queries for lists of traces: what each began with, how long it took, how it ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, literal, select, type_coerce

from console.telemetry.dialect import Hex64, UtcTimestamp, log_bucket, pair
from console.telemetry.latency import COUNT, failed
from console.telemetry.question import ask, within
from console.telemetry.requests import requests_within
from console.telemetry.scope import Scope
from console.telemetry.tables import span

Span = span.c
LOOKED_AT = 5_000
"""Requests that one page of the list looks at, at most."""
LONGEST = timedelta(hours=1)
"""How far apart the requests of a trace are looked for."""
STEPS = 8
"""Bars of a duration histogram per factor of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracesWanted:
    """Which traces: durations are microseconds, `over` included and `under` excluded."""

    categories: Sequence[str] = ("request", "task", "screen", "page")
    endpoint: str = ""
    over: float | None = None
    under: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Began:
    """A request, task, screen or page, and its trace."""

    trace_id: str
    span_id: str
    timestamp: datetime
    duration_us: int
    category: str
    endpoint: str
    status: str
    http_status: int | None
    failed: bool
    environment: str
    release: str
    user_key: str


@dataclass(frozen=True, slots=True)
class Content:
    """How much a trace holds."""

    spans: int
    statements: int


ROW = [
    failed().label("failed") if name == "failed" else Span[name]
    for name in Began.__dataclass_fields__
]


@dataclass(frozen=True, slots=True)
class TracesPage:
    """Some traces of a list in its order, and after which request the next page goes on."""

    rows: Sequence[Began]
    last: Began | None
    """None where the list ends."""


def traces(
    scope: Scope,
    wanted: TracesWanted,
    *,
    sort: str = "time",
    after: tuple[datetime, int, str] | None = None,
    limit: int = 50,
) -> TracesPage:
    """Traces, the newest or the slowest first, each by one request, task or page that is wanted.

    That is its first, or by duration its slowest. The next page starts after the last one's
    (timestamp, duration, span id). Requests are read until there are enough traces, at most
    `LOOKED_AT` of them: a page may be shorter where traces hold very many.
    """
    listed: list[Began] = []
    looked_at, count, last = 0, limit + 1, None
    while looked_at < LOOKED_AT:
        requests = _requests(scope, wanted, sort, after, count)
        leads = _leads(scope, wanted, sort, requests)
        listed += [request for request in requests if request.span_id in leads]
        if len(listed) > limit:
            return TracesPage(listed[:limit], listed[limit - 1])
        if len(requests) < count:
            return TracesPage(listed, None)
        last = requests[-1]
        after = (last.timestamp, last.duration_us, last.span_id)
        looked_at, count = looked_at + count, count * 4
    return TracesPage(listed, last)


def nearest(scope: Scope, endpoint: str, duration_us: float, limit: int = 5) -> list[Began]:
    """The requests of an endpoint nearest to a duration: its typical traces."""
    distance = func.abs(Span.duration_us - duration_us)
    query = (
        select(*ROW)
        .where(_matching(scope, TracesWanted(endpoint=endpoint)))
        .order_by(distance, Span.timestamp.desc(), Span.span_id)
        .limit(limit)
    )
    return [Began(*row) for row in ask(scope, query)]


def durations(scope: Scope, wanted: TracesWanted) -> dict[int, float]:
    """How many requests lasted from edge(n) to edge(n + 1), by n; corrected for sampling."""
    number = log_bucket(Span.duration_us, STEPS).label("number")
    query = select(number, COUNT).where(_matching(scope, wanted)).group_by("number")
    return {n: float(count) for n, count in ask(scope, query)}


def edge(number: int) -> float:
    """Where bar `number` of a duration histogram begins, in microseconds."""
    return float(10 ** (number / STEPS))


def contents(scope: Scope, trace_ids: Sequence[str]) -> dict[str, Content]:
    """How many spans and database calls each of some traces holds, within the scope's time."""
    query = (
        select(Span.trace_id, func.count(), func.count().filter(Span.category == "db"))
        .where(within(span, scope), Span.trace_id.in_(list(trace_ids)))
        .group_by(Span.trace_id)
    )
    return {trace_id: Content(spans, calls) for trace_id, spans, calls in ask(scope, query)}


def _requests(
    scope: Scope,
    wanted: TracesWanted,
    sort: str,
    after: tuple[datetime, int, str] | None,
    limit: int,
) -> list[Began]:
    query = select(*ROW).where(_matching(scope, wanted))
    place = Span.timestamp if sort == "time" else Span.duration_us
    if after is not None:
        at, duration, span_id = after
        mark = literal(at, UtcTimestamp) if sort == "time" else literal(duration)
        query = query.where(pair(place, Span.span_id) < pair(mark, literal(span_id, Hex64)))
    ordered = query.order_by(place.desc(), Span.span_id.desc()).limit(limit)
    return [Began(*row) for row in ask(scope, ordered)]


def _leads(
    scope: Scope, wanted: TracesWanted, sort: str, requests: Sequence[Began]
) -> Collection[str]:
    """The span ids of the requests that stand for their traces in the list."""
    if not requests:
        return ()
    times = [request.timestamp for request in requests]
    near = scope
    if sort == "time":  # a trace's requests are not far apart, and days need not be read
        near = scope.between(
            max(scope.since, min(times) - LONGEST), min(scope.until, max(times) + LONGEST)
        )
    first = func.arg_min(Span.span_id, pair(Span.timestamp, Span.span_id))
    slowest = func.arg_max(Span.span_id, pair(Span.duration_us, Span.span_id))
    lead = first if sort == "time" else slowest
    names = {request.trace_id for request in requests}
    query = (
        select(type_coerce(lead, Hex64))
        .where(_matching(near, wanted), Span.trace_id.in_(names))
        .group_by(Span.trace_id)
    )
    return {span_id for (span_id,) in ask(near, query)}


def _matching(scope: Scope, wanted: TracesWanted) -> ColumnElement[bool]:
    filters = [requests_within(scope, wanted.categories)]
    if wanted.endpoint:
        filters.append(Span.endpoint == wanted.endpoint)
    if wanted.over is not None:
        filters.append(Span.duration_us >= wanted.over)
    if wanted.under is not None:
        filters.append(Span.duration_us < wanted.under)
    if wanted.failed:
        filters.append(failed())
    return and_(*filters)
