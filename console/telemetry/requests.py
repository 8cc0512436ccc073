"""Questions about endpoints: how often each request, task or screen is called, how slow it is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select

from console.telemetry.dialect import bucket, json_path, json_text, quantiles
from console.telemetry.latency import (
    COUNT,
    TOTAL_US,
    Latency,
    Moments,
    Tail,
    failed,
    latency_of,
    measures,
)
from console.telemetry.question import SINCE, ask, buckets, within
from console.telemetry.scope import Scope
from console.telemetry.tables import span

Span = span.c
SERVED = ("request", "task", "screen")
"""What endpoints are: a browser's pages have lists of their own, with their vitals."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint in a list."""

    name: str
    category: str
    latency: Latency
    share: float
    """Of the time that all requests of the scope took together, 0 to 1."""


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many requests ended with a status; `http_status` is None where there was none."""

    http_status: int | None
    status: str
    requests: float
    failed: bool
    category: str


def requests_within(scope: Scope, categories: Sequence[str] = SERVED) -> ColumnElement[bool]:
    """The requests, tasks, screens or pages of a scope that match its filters."""
    filters = [within(span, scope), Span.endpoint != "", Span.category.in_(categories)]
    if scope.status_class:
        lowest = int(scope.status_class) * 100
        filters.append(Span.http_status.between(lowest, lowest + 99))
    if scope.text:
        filters.append(Span.endpoint.icontains(scope.text, autoescape=True))
    filters += [
        json_text(Span.attributes, json_path(name)) == value for name, value in scope.attributes
    ]
    return and_(*filters)


def endpoints(scope: Scope, limit: int = 500) -> list[Endpoint]:
    """Every endpoint with its latency and its share of the time, the largest share first."""
    share = TOTAL_US / func.sum(TOTAL_US).over()
    query = (
        select(Span.endpoint, Span.category, share, *measures())
        .where(requests_within(scope))
        .group_by(Span.endpoint, Span.category)
        .order_by(TOTAL_US.desc(), Span.endpoint)
        .limit(limit)
    )
    return [
        Endpoint(name, category, latency_of(row), share or 0.0)
        for name, category, share, *row in ask(scope, query)
    ]


def p95_by_endpoint(scope: Scope, names: Iterable[str]) -> dict[str, Tail]:
    """How many requests of some endpoints were received, and their P95."""
    query = (
        select(Span.endpoint, func.count(), quantiles(Span.duration_us, 0.95))
        .where(requests_within(scope), Span.endpoint.in_(list(names)))
        .group_by(Span.endpoint)
    )
    return {name: (count, percentiles[0]) for name, count, percentiles in ask(scope, query)}


def p95_by_release(scope: Scope, releases: Sequence[str]) -> dict[tuple[str, str], Tail]:
    """The same by endpoint and release, for these releases."""
    query = (
        select(Span.endpoint, Span.release, func.count(), quantiles(Span.duration_us, 0.95))
        .where(requests_within(scope), Span.release.in_(list(releases)))
        .group_by(Span.endpoint, Span.release)
    )
    return {
        (name, release): (n, percentiles[0]) for name, release, n, percentiles in ask(scope, query)
    }


def p95_trends(scope: Scope, names: Iterable[str], seconds: int) -> dict[str, list[float | None]]:
    """P95 per time bucket of each endpoint, for all sparklines of a list at once."""
    number = bucket(Span.timestamp, SINCE, seconds).label("number")
    query = (
        select(Span.endpoint, number, quantiles(Span.duration_us, 0.95))
        .where(requests_within(scope), Span.endpoint.in_(list(names)))
        .group_by(Span.endpoint, "number")
    )
    nothing: list[float | None] = [None] * len(buckets(scope, seconds))
    trends: dict[str, list[float | None]] = defaultdict(nothing.copy)
    for name, at, percentiles in ask(scope, query):
        trends[name][at] = percentiles[0]
    return trends


def moments(scope: Scope, seconds: int, name: str = "") -> Moments:
    """Latency per time bucket, of one endpoint or of all requests."""
    number = bucket(Span.timestamp, SINCE, seconds).label("number")
    kinds = [func.bool_or(Span.category == category) for category in SERVED]
    query = select(number, *kinds, *measures()).where(requests_within(scope)).group_by("number")
    if name:
        query = query.where(Span.endpoint == name)
    starts = buckets(scope, seconds)
    latencies: list[Latency | None] = [None] * len(starts)
    categories: set[str] = set()
    for at, *row in ask(scope, query):
        categories.update(category for category, has in zip(SERVED, row, strict=False) if has)
        latencies[at] = latency_of(row[len(SERVED) :])
    return Moments(starts, latencies, categories)


def overall(scope: Scope, name: str = "") -> Latency | None:
    """Latency over the whole scope, of one endpoint or of all; None if there was no request."""
    query = select(*measures()).where(requests_within(scope))
    if name:
        query = query.where(Span.endpoint == name)
    (row,) = ask(scope, query)
    return latency_of(row) if row[1] else None


def statuses(scope: Scope, name: str) -> list[StatusCount]:
    """How an endpoint's requests ended, the most frequent first."""
    query = (
        select(
            Span.http_status,
            Span.status,
            COUNT.label("requests"),
            func.bool_or(failed()),
            func.min(Span.category),
        )
        .where(requests_within(scope), Span.endpoint == name)
        .group_by(Span.http_status, Span.status)
        .order_by(COUNT.desc())
    )
    return [StatusCount(*row) for row in ask(scope, query)]
