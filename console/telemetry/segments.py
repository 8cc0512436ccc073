"""Questions of detection: which segments are finished and suspicious, and their spans.

Detection goes through the spans of an organization by the position that they came with, which grows
with time and which digest commits in order: what is stored up to a position stays as it is.
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
"""How long before a window the other spans of its segments are looked for, to pick segments.

Clients flush every few seconds. A segment that is picked is read whole.
"""
MOST_SPANS = 5_000
"""Spans that are read of one segment: enough to tell what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The spans of a project that came after one position and up to another."""

    spans: int
    since: datetime
    """When the first of them came."""
    fresh_from: int | None
    """The first position of those that came too lately."""


@dataclass(frozen=True, slots=True)
class Window:
    """Spans that came after one position and up to another, `since` at the earliest.

    A segment with spans between `upto` and `horizon` is not finished; it comes again with these.
    What came after `horizon` is not known, so that the window shows the same whenever it is asked.
    """

    after: int
    upto: int
    horizon: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What makes a segment worth reading, and how many of them are read."""

    repeats: int
    """Spans with one fingerprint."""
    slow_us: int
    """The duration of a database span."""
    long_us: int
    """The duration of the segment, which may hide a gap."""
    each: int
    """Segments that are read of one endpoint in one environment and release."""


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """A segment to read."""

    trace_id: str
    segment_id: str
    began: datetime
    """The start of the first span that is known of it."""
    is_new: bool
    """Whether its own span came in the window."""


@dataclass(frozen=True, slots=True)
class Examined:
    """The finished segments of an endpoint in one environment and release.

    `endpoint` is None for late spans, whose segment itself came long before them.
    """

    endpoint: str | None
    environment: str
    release: str
    clean: int
    """New requests in which nothing is suspicious."""
    suspicious: Sequence[SegmentKey]
    """Those to read, the most repeated and the longest first."""
    left_out: int
    """Suspicious ones that are too many to read."""
    first_at: datetime
    last_at: datetime


def waiting(scope: Scope, after: int, upto: int, quiet_since: datetime) -> Waiting | None:
    """What of a project came after a position and up to another; None if nothing did."""
    fresh = func.min(Span.position).filter(Span.received_at >= quiet_since)
    query = select(func.count(), func.min(Span.received_at), fresh)
    (found,) = ask(scope, query.where(within(span, scope), _between(after, upto)))
    return Waiting(*found) if found[0] else None


def end_of(scope: Scope, after: int, upto: int, most: int) -> int:
    """The position up to which no more spans of a project came than `most` and one position's."""
    query = (
        select(Span.position)
        .where(within(span, scope), _between(after, upto))
        .order_by(Span.position)
        .offset(most)
        .limit(1)
    )
    found = ask(scope, query)
    return int(found[0][0]) if found else upto


def examined(scope: Scope, window: Window, by: Suspicion) -> list[Examined]:
    """The finished segments with spans in the window, by endpoint, environment and release.

    Clean requests are counted once: when their own span comes.
    """
    one = _segments(scope, window)
    suspicious = or_(
        func.coalesce(one.c.repeats, 0) >= by.repeats,
        func.coalesce(one.c.slowest, 0) >= by.slow_us,
        func.coalesce(one.c.lasted, 0) >= by.long_us,
        one.c.endpoint.is_(None),
    )
    group = [one.c.endpoint, one.c.environment, one.c.release, suspicious]
    worst = [one.c.repeats.desc().nulls_last(), one.c.lasted.desc().nulls_last()]
    order = [*worst, one.c.trace_id, one.c.segment_id]
    ranked = select(
        one,
        suspicious.label("suspicious"),
        func.row_number().over(partition_by=group, order_by=order).label("place"),
        func.count().over(partition_by=group).label("alike"),
        func.count().filter(one.c.is_new).over(partition_by=group).label("new"),
        func.min(one.c.began).over(partition_by=group).label("first_at"),
        func.max(one.c.began).over(partition_by=group).label("last_at"),
    ).subquery()
    most = case((ranked.c.suspicious, by.each), else_=1)
    group = [ranked.c.endpoint, ranked.c.environment, ranked.c.release]
    query = select(ranked).where(ranked.c.place <= most).order_by(*group, ranked.c.place)
    rows = groupby(ask(scope, query), key=lambda row: (row.endpoint, row.environment, row.release))
    return [_gathered(list(some), by) for _, some in rows]


def spans_of(scope: Scope, keys: Iterable[SegmentKey]) -> dict[SegmentKey, list[SpanRow]]:
    """The spans of some segments, at most MOST_SPANS of each, by start.

    The scope says how long ago they began at the earliest.
    """
    by_id = {(key.trace_id, key.segment_id): key for key in keys}
    number = func.row_number().over(
        partition_by=[Span.trace_id, Span.segment_id],
        order_by=[Span.is_segment.desc(), Span.timestamp, Span.span_id],
    )
    query = (
        select(*ROW, number.label("number"))
        .where(
            within(span, scope),
            Span.trace_id.in_({trace_id for trace_id, _ in by_id}),
            Span.segment_id.in_({segment_id for _, segment_id in by_id}),
        )
        .order_by(Span.timestamp, Span.span_id)
    )
    found: dict[SegmentKey, list[SpanRow]] = {key: [] for key in by_id.values()}
    for *values, place in ask(scope, query):
        row = SpanRow(*values)
        key = by_id.get((row.trace_id, row.segment_id))
        if key is not None and place <= MOST_SPANS:
            found[key].append(row)
    return found


def _between(after: int, upto: int) -> Any:
    return and_(Span.position > after, Span.position <= upto)


def _segments(scope: Scope, window: Window) -> Subquery:
    """One row per finished segment of the window: what is suspicious or not about it."""
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
    """The one row of the clean segments, if there are any, and those of the suspicious ones."""
    read = [row for row in rows if row.suspicious]
    first = rows[0]
    return Examined(
        endpoint=first.endpoint,
        environment=first.environment,
        release=first.release,
        clean=next((row.new for row in rows if not row.suspicious), 0),
        suspicious=[SegmentKey(r.trace_id, r.segment_id, r.began, r.is_new) for r in read],
        left_out=max(read[0].alike - by.each, 0) if read else 0,
        first_at=min(row.first_at for row in rows),
        last_at=max(row.last_at for row in rows),
    )
