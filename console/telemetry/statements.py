"""Questions about database statements by fingerprint: how often, how slow, called from where."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, not_, select

from console.telemetry.dialect import (
    bucket,
    json_path,
    json_text,
    log_bucket,
    matches,
    quantiles,
    sampled,
)
from console.telemetry.latency import (
    COUNT,
    ESTIMATED,
    TOTAL_US,
    Latency,
    Moments,
    Tail,
    failed,
    latency_of,
    measures,
)
from console.telemetry.question import ORGANIZATION, PROJECT, SINCE, ask, buckets, within
from console.telemetry.scope import Scope
from console.telemetry.tables import span, statement
from console.telemetry.traces import STEPS

Span = span.c
MOST = 2_000
"""How many statements a list has: the ones with the most total time."""
MANY = 100_000
"""With more calls than this, their requests are counted in a sample."""
RARE = 100
"""Up to so many calls of a statement, all of its requests are counted."""
SAMPLE = 8
LOCATED = 1_000
"""For how many of the slowest calls the line of code is looked up."""
CODE = ("code.file.path", "code.line.number", "code.function.name")


@dataclass(frozen=True, slots=True)
class Statement:
    """The calls of a statement, or of all statements where `fingerprint` is ""."""

    fingerprint: str
    usage: Latency
    per_request: float
    """Calls in each request, task or page that makes any; 0 if all were made outside of these."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a fingerprint; `system` is the database's name, "" if not known."""

    text: str
    system: str
    first_seen: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsWanted:
    """Which statements: an empty filter passes everything."""

    text: str = ""
    """Part of the normalised text, in any case."""
    matching: str = ""
    """A regular expression that the text has a match for."""
    not_matching: str = ""
    over_us: float = 0
    """The smallest P95 in microseconds."""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """An endpoint that calls a statement; `requests` counts its requests that do."""

    endpoint: str
    category: str
    calls: float
    requests: int
    received: int
    total_us: float
    time_share: float
    """The share of the endpoint's total time; parallel calls may add up to more than 1."""
    estimated: bool

    @property
    def per_request(self) -> float:
        return self.received / self.requests


@dataclass(frozen=True, slots=True)
class Location:
    """A line of code that calls a statement, as the client says, and how many calls it made."""

    path: str
    line: str
    function: str
    calls: int
    slowest_us: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a statement, and the request that it was made in."""

    trace_id: str
    span_id: str
    timestamp: datetime
    duration_us: int
    name: str
    segment_name: str
    status: str
    environment: str
    release: str
    failed: bool


@dataclass(frozen=True, slots=True)
class InRelease:
    """The calls of a statement from one release; "" for calls without a release."""

    release: str
    received: int
    p95: float
    first_seen: datetime


def statements(scope: Scope, wanted: StatementsWanted) -> tuple[list[Statement], Statement | None]:
    """The statements of a scope by total time, at most MOST, and all of them as one.

    The second value is None without a call; every filter but `over_us` applies to it. With more
    than MANY calls, the calls per request of each statement come from one request in SAMPLE:
    counting distinct requests by statement takes more time than all other columns.
    """
    calls = and_(calls_within(scope), *_filters(scope, wanted))
    query = (
        select(Span.fingerprint, *measures())
        .where(calls)
        .group_by(Span.fingerprint)
        .order_by(TOTAL_US.desc())
        .limit(MOST)
    )
    usages = {fingerprint: latency_of(row) for fingerprint, *row in ask(scope, query)}
    if not usages:
        return [], None
    looked_at = calls
    if sum(usage.received for usage in usages.values()) > MANY:
        rare = [fingerprint for fingerprint, usage in usages.items() if usage.received <= RARE]
        sample = sampled(Span.segment_id, SAMPLE)
        # An empty list of fingerprints makes SQL that DuckDB cannot read.
        looked_at = and_(calls, sample | Span.fingerprint.in_(rare) if rare else sample)
    per_request = _per_request(scope, looked_at)
    called = [
        Statement(fingerprint, usages[fingerprint], per_request.get(fingerprint, 0.0))
        for fingerprint in usages
    ]
    kept = [statement for statement in called if statement.usage.p95 >= wanted.over_us]
    return kept, _total(scope, calls)


def statement_of(scope: Scope, fingerprint: str) -> Statement | None:
    """One statement; None if it was not called."""
    calls = calls_within(scope, fingerprint)
    (row,) = ask(scope, select(*measures()).where(calls))
    usage = latency_of(row)
    if not usage.received:
        return None
    per_request = _per_request(scope, calls).get(fingerprint, 0.0)
    return Statement(fingerprint, usage, per_request)


def total_us(scope: Scope) -> float:
    """The time of all calls of all statements together."""
    ((microseconds,),) = ask(scope, select(func.coalesce(TOTAL_US, 0.0)).where(calls_within(scope)))
    return float(microseconds)


def texts(scope: Scope, fingerprints: Iterable[str]) -> dict[str, Text]:
    """The texts of fingerprints of the project, whenever they were first seen."""
    columns = (func.min(statement.c.text), func.min(statement.c.system))
    query = (
        select(statement.c.fingerprint, *columns, func.min(statement.c.timestamp))
        .where(_texts(), statement.c.fingerprint.in_(list(fingerprints)))
        .group_by(statement.c.fingerprint)
    )
    return {fingerprint: Text(*row) for fingerprint, *row in ask(scope, query)}


def p95_of(scope: Scope, fingerprints: Iterable[str]) -> dict[str, Tail]:
    """How many calls of some statements were received, and their P95."""
    query = (
        select(Span.fingerprint, func.count(), quantiles(Span.duration_us, 0.95))
        .where(calls_within(scope), Span.fingerprint.in_(list(fingerprints)))
        .group_by(Span.fingerprint)
    )
    return {
        fingerprint: (count, percentiles[0])
        for fingerprint, count, percentiles in ask(scope, query)
    }


def p95_trends(
    scope: Scope, fingerprints: Iterable[str], seconds: int, *, sample: int = 1
) -> dict[str, list[float | None]]:
    """P95 per time bucket of each statement, for all sparklines of a list at once.

    `sample` reads one request in so many: enough for a sparkline over very many calls.
    """
    calls = calls_within(scope)
    if sample > 1:
        calls = and_(calls, sampled(Span.segment_id, sample))
    number = bucket(Span.timestamp, SINCE, seconds).label("number")
    query = (
        select(Span.fingerprint, number, quantiles(Span.duration_us, 0.95))
        .where(calls, Span.fingerprint.in_(list(fingerprints)))
        .group_by(Span.fingerprint, "number")
    )
    nothing: list[float | None] = [None] * len(buckets(scope, seconds))
    trends: dict[str, list[float | None]] = defaultdict(nothing.copy)
    for fingerprint, at, percentiles in ask(scope, query):
        trends[fingerprint][at] = percentiles[0]
    return trends


def moments(scope: Scope, seconds: int, fingerprint: str) -> Moments:
    """The calls of a statement per time bucket."""
    number = bucket(Span.timestamp, SINCE, seconds).label("number")
    query = select(number, *measures()).where(calls_within(scope, fingerprint)).group_by("number")
    starts = buckets(scope, seconds)
    latencies: list[Latency | None] = [None] * len(starts)
    for at, *row in ask(scope, query):
        latencies[at] = latency_of(row)
    return Moments(starts, latencies)


def durations(scope: Scope, fingerprint: str) -> dict[int, float]:
    """How many calls lasted from traces.edge(n) to edge(n + 1), by n; corrected for sampling."""
    number = log_bucket(Span.duration_us, STEPS).label("number")
    query = select(number, COUNT).where(calls_within(scope, fingerprint)).group_by("number")
    return {n: float(count) for n, count in ask(scope, query)}


def callers(scope: Scope, fingerprint: str, limit: int = 50) -> list[Caller]:
    """The endpoints whose requests call a statement, by the time spent in it."""
    made = (
        select(
            Span.segment_id,
            COUNT.label("calls"),
            func.count().label("received"),
            TOTAL_US.label("total_us"),
        )
        .where(calls_within(scope, fingerprint), not_(Span.is_segment))
        .group_by(Span.segment_id)
        .subquery()
    )
    spent_us = func.sum(made.c.total_us)
    query = (
        select(
            Span.endpoint,
            Span.category,
            func.sum(made.c.calls),
            func.count(made.c.segment_id),
            func.sum(made.c.received),
            spent_us,
            spent_us / func.greatest(TOTAL_US, 1),
            ESTIMATED,
        )
        .select_from(span.outerjoin(made, made.c.segment_id == Span.span_id))
        .where(within(span, scope), Span.endpoint != "")
        .group_by(Span.endpoint, Span.category)
        .having(func.count(made.c.segment_id) > 0)
        .order_by(spent_us.desc())
        .limit(limit)
    )
    return [Caller(*row) for row in ask(scope, query)]


def locations(scope: Scope, fingerprint: str, limit: int = 20) -> list[Location]:
    """The lines of code that made the slowest LOCATED calls, where clients send them.

    By default clients send them for slow calls alone.
    """
    slowest = (
        select(Span.duration_us, Span.attributes)
        .where(calls_within(scope, fingerprint))
        .order_by(Span.duration_us.desc())
        .limit(LOCATED)
        .subquery()
    )
    path, line, function = (
        func.coalesce(json_text(slowest.c.attributes, json_path(name)), "") for name in CODE
    )
    calls = func.count()
    query = (
        select(path.label("path"), line.label("line"), function.label("function"))
        .add_columns(calls, func.max(slowest.c.duration_us))
        .where(path != "")
        .group_by("path", "line", "function")
        .order_by(calls.desc(), "path", "line")
        .limit(limit)
    )
    return [Location(*row) for row in ask(scope, query)]


def slowest(scope: Scope, fingerprint: str, limit: int = 10) -> list[Call]:
    """The slowest calls of a statement."""
    names = [name for name in Call.__dataclass_fields__ if name != "failed"]
    query = (
        select(*[Span[name] for name in names], failed())
        .where(calls_within(scope, fingerprint))
        .order_by(Span.duration_us.desc(), Span.span_id)
        .limit(limit)
    )
    return [Call(*row) for row in ask(scope, query)]


def by_release(scope: Scope, fingerprint: str, limit: int = 10) -> list[InRelease]:
    """The releases that call a statement, the newest first."""
    first = func.min(Span.timestamp)
    query = (
        select(Span.release, func.count(), quantiles(Span.duration_us, 0.95), first)
        .where(calls_within(scope, fingerprint))
        .group_by(Span.release)
        .order_by(first.desc(), Span.release)
        .limit(limit)
    )
    return [InRelease(name, n, p95[0], at) for name, n, p95, at in ask(scope, query)]


def calls_within(scope: Scope, fingerprint: str = "") -> ColumnElement[bool]:
    """The database calls of a scope, of one statement or of all."""
    matches = Span.fingerprint == fingerprint if fingerprint else Span.fingerprint.is_not(None)
    return and_(within(span, scope), Span.category == "db", matches)


def _texts() -> ColumnElement[bool]:
    return and_(statement.c.organization_id == ORGANIZATION, statement.c.project_id == PROJECT)


def _filters(scope: Scope, wanted: StatementsWanted) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    about = []
    if wanted.text:
        about.append(statement.c.text.icontains(wanted.text, autoescape=True))
    if wanted.matching:
        about.append(matches(statement.c.text, wanted.matching))
    if wanted.not_matching:
        about.append(not_(matches(statement.c.text, wanted.not_matching)))
    if about:
        filters.append(
            Span.fingerprint.in_(select(statement.c.fingerprint).where(_texts(), *about))
        )
    if wanted.endpoint:
        requests = (
            select(Span.span_id)
            .where(within(span, scope), Span.endpoint == wanted.endpoint)
            .correlate(None)
        )
        filters.append(Span.segment_id.in_(requests))
    return filters


def _total(scope: Scope, calls: ColumnElement[bool]) -> Statement:
    """All calls as one, never from a sample: rules watch the same numbers in the catalogue."""
    requests = func.count(Span.segment_id.distinct()).filter(not_(Span.is_segment))
    ((of, *row),) = ask(scope, select(requests, *measures()).where(calls))
    total = latency_of(row)
    return Statement("", total, total.received / of if of else 0.0)


def _per_request(scope: Scope, calls: ColumnElement[bool]) -> dict[str, float]:
    """Calls per request of each statement that is called in requests."""
    requests = func.count(Span.segment_id.distinct()).filter(not_(Span.is_segment))
    query = select(Span.fingerprint, func.count(), requests).where(calls)
    rows = ask(scope, query.group_by(Span.fingerprint))
    return {fingerprint: received / of for fingerprint, received, of in rows if of}
