"""Queries of detection: which segments are finished and suspicious, and their spans.

Detection reads the spans of an organization in the order of their spool positions, which grow with
time and which digest commits in order: no row is added below a position that was committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import CTE, Subquery, and_, case, func, or_, select

from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.spans import ROW, SpanRow
from console.telemetry.tables import span

Span = span.c
EARLIER = timedelta(seconds=60)
"""How far before a window other spans of its segments are searched, to pick segments.

Clients flush every few seconds. A segment that is picked is read whole.
"""
MOST_SPANS = 5_000
"""How many spans of one segment are read: enough to see what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The spans of a project that came after one position and up to another."""

    spans: int
    since: datetime
    """When the first of them came."""
    fresh_from: int | None
    """The first position whose spans came too recently."""


@dataclass(frozen=True, slots=True)
class Window:
    """Spans that came after one position and up to another, `since` at the earliest.

    A segment with spans between `upto` and `horizon` is not finished; it comes again with these.
    Spans after `horizon` are left out, so that a window always gives the same answer.
    """

    after: int
    upto: int
    horizon: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What makes a segment worth reading, and how many of them are read."""

    repeats: int
    """How many spans with one fingerprint make it suspicious."""
    slow_us: int
    """The duration from which a database span is suspicious."""
    long_us: int
    """The duration from which a segment may hide a gap."""
    per_group: int
    """How many segments are read per endpoint, environment and release."""


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """A segment to read."""

    trace_id: str
    segment_id: str
    began: datetime
    """The start of its first span, as far as the window shows."""
    is_new: bool
    """Whether the span of the segment itself came in the window."""


@dataclass(frozen=True, slots=True)
class Examined:
    """The finished segments of an endpoint in one environment and release.

    `endpoint` is None for late spans, whose segment itself came long before them.
    """

    endpoint: str | None
    environment: str
    release: str
    clean: int
    """How many new requests have nothing suspicious."""
    suspicious: Sequence[SegmentKey]
    """The segments to read, the most repeated and the longest first."""
    left_out: int
    """How many suspicious segments are not read, beyond `Suspicion.per_group`."""
    first_at: datetime
    last_at: datetime


def waiting(scope: Scope, after: int, upto: int, quiet_since: datetime) -> Waiting | None:
    """The spans of a project after one position and up to another; None if there are none."""
    fresh = func.min(Span.position).filter(Span.received_at >= quiet_since)
    query = select(func.count(), func.min(Span.received_at), fresh)
    (counts,) = ask(scope, query.where(within(span, scope), _between(after, upto)))
    return Waiting(*counts) if counts[0] else None


def end_of(scope: Scope, after: int, upto: int, most: int) -> int:
    """The position of the span after the first `most` ones, or `upto` if there are fewer."""
    query = (
        select(Span.position)
        .where(within(span, scope), _between(after, upto))
        .order_by(Span.position)
        .offset(most)
        .limit(1)
    )
    rows = ask(scope, query)
    return int(rows[0][0]) if rows else upto


def examined(scope: Scope, window: Window, by: Suspicion) -> list[Examined]:
    """The finished segments with spans in the window, by endpoint, environment and release.

    A clean request is counted once: when the span of the request itself comes.
    """
    segment = _segments(scope, window)
    suspicious = or_(
        func.coalesce(segment.c.repeats, 0) >= by.repeats,
        func.coalesce(segment.c.slowest, 0) >= by.slow_us,
        func.coalesce(segment.c.lasted, 0) >= by.long_us,
        segment.c.endpoint.is_(None),
    )
    group = [segment.c.endpoint, segment.c.environment, segment.c.release, suspicious]
    worst = [segment.c.repeats.desc().nulls_last(), segment.c.lasted.desc().nulls_last()]
    order = [*worst, segment.c.trace_id, segment.c.segment_id]
    ranked = select(
        segment,
        suspicious.label("suspicious"),
        func.row_number().over(partition_by=group, order_by=order).label("place"),
        func.count().over(partition_by=group).label("alike"),
        func.count().filter(segment.c.is_new).over(partition_by=group).label("new"),
        func.min(segment.c.began).over(partition_by=group).label("first_at"),
        func.max(segment.c.began).over(partition_by=group).label("last_at"),
    ).subquery()
    most = case((ranked.c.suspicious, by.per_group), else_=1)
    group = [ranked.c.endpoint, ranked.c.environment, ranked.c.release]
    query = select(ranked).where(ranked.c.place <= most).order_by(*group, ranked.c.place)
    rows = groupby(ask(scope, query), key=lambda row: (row.endpoint, row.environment, row.release))
    return [_gathered(list(group), by) for _, group in rows]


def spans_of(scope: Scope, keys: Iterable[SegmentKey]) -> dict[SegmentKey, list[SpanRow]]:
    """The spans of some segments, at most MOST_SPANS of each, by start.

    They began within the scope's time range.
    """
    by_id = {(key.trace_id, key.segment_id): key for key in keys}
    number = func.row_number().over(
        partition_by=[Span.trace_id, Span.segment_id],
        order_by=[Span.is_segment.desc(), Span.timestamp, Span.span_id],
    )
    numbered = (
        select(*ROW, number.label("number"))
        .where(
            within(span, scope),
            Span.trace_id.in_({trace_id for trace_id, _ in by_id}),
            Span.segment_id.in_({segment_id for _, segment_id in by_id}),
        )
        .subquery()
    )
    rows = numbered.c
    query = (
        select(*(rows[column.key] for column in ROW))
        .where(rows.number <= MOST_SPANS)
        .order_by(rows.timestamp, rows.span_id)
    )
    by_segment: dict[SegmentKey, list[SpanRow]] = {key: [] for key in by_id.values()}
    for values in ask(scope, query):
        row = SpanRow(*values)
        if (key := by_id.get((row.trace_id, row.segment_id))) is not None:
            by_segment[key].append(row)
    return by_segment


def _between(after: int, upto: int) -> Any:
    return and_(Span.position > after, Span.position <= upto)


def _segments(scope: Scope, window: Window) -> Subquery:
    """One row per finished segment of the window, with what makes it suspicious or clean."""
    parts = _parts(scope, window)
    part = parts.c
    endpoint = func.max(part.endpoint)
    began = func.min(part.began)
    # A segment that has just begun is waited for; one that began long ago has come before.
    is_late = and_(endpoint.is_(None), began < window.since - EARLIER)
    return (
        select(
            part.trace_id,
            part.segment_id,
            endpoint.label("endpoint"),
            func.max(part.environment).label("environment"),
            func.max(part.release).label("release"),
            func.max(part.times).filter(part.fingerprint.is_not(None)).label("repeats"),
            func.max(part.slowest).label("slowest"),
            func.max(part.lasted).label("lasted"),
            began.label("began"),
            func.bool_or(part.is_new).label("is_new"),
        )
        .group_by(part.trace_id, part.segment_id)
        .having(func.max(part.newest) <= window.upto, or_(endpoint != "", is_late))
        .subquery()
    )


def _parts(scope: Scope, window: Window) -> CTE:
    """The spans of each fingerprint in each segment that received any in the window."""
    mine = within(span, scope)
    touched = (
        select(Span.trace_id, Span.segment_id)
        .where(mine, _between(window.after, window.upto), Span.segment_id.is_not(None))
        .distinct()
        .cte("touched")
    )
    same = and_(Span.trace_id == touched.c.trace_id, Span.segment_id == touched.c.segment_id)
    is_query = and_(Span.category == "db", Span.fingerprint.is_not(None))
    return (
        select(
            Span.trace_id,
            Span.segment_id,
            Span.fingerprint,
            func.count().label("times"),
            func.max(Span.duration_us).filter(is_query).label("slowest"),
            func.max(Span.duration_us).filter(Span.is_segment).label("lasted"),
            func.max(Span.endpoint).filter(Span.is_segment).label("endpoint"),
            func.max(Span.environment).label("environment"),
            func.max(Span.release).label("release"),
            func.max(Span.position).label("newest"),
            func.min(Span.timestamp).label("began"),
            func.bool_or(and_(Span.is_segment, Span.position > window.after)).label("is_new"),
        )
        .join_from(span, touched, same)
        .where(mine, Span.received_at >= window.since - EARLIER, Span.position <= window.horizon)
        .group_by(Span.trace_id, Span.segment_id, Span.fingerprint)
        .cte("part")
    )


def _gathered(rows: Sequence[Any], by: Suspicion) -> Examined:
    """One endpoint's rows as a value: a row for its clean segments, one for each suspicious."""
    read = [row for row in rows if row.suspicious]
    first = rows[0]
    return Examined(
        endpoint=first.endpoint,
        environment=first.environment,
        release=first.release,
        clean=next((row.new for row in rows if not row.suspicious), 0),
        suspicious=[SegmentKey(r.trace_id, r.segment_id, r.began, r.is_new) for r in read],
        left_out=max(read[0].alike - by.per_group, 0) if read else 0,
        first_at=min(row.first_at for row in rows),
        last_at=max(row.last_at for row in rows),
    )
