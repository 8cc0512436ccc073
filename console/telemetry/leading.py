"""The groups of events that come first in an order, with their totals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select

from console.telemetry.dialect import Hex64, Hex128, ListOf, UtcTimestamp
from console.telemetry.errors import Totals
from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import error_event

TREND = "trend"
"""The order by how many events more there are than in the time of the same length before."""


@dataclass(frozen=True, slots=True)
class Leader:
    """A grouping hash with its totals, and its place in an order; equal ones by last seen.

    In the order by users, `place` has an upper bound of them: the events that name one.
    """

    hash: str
    totals: Totals
    place: tuple[Any, ...]


def leading(scope: Scope, order: str, limit: int, *, most: int | None = None) -> list[Leader]:
    """The first groups by "users", "events", "last_seen", "first_seen" or TREND, highest first.

    With `most`, groups with more events are left out.

    Users are counted for these alone, since that takes four times as long as counting events: a
    second question, in the same state of the file, reads no more than their events.
    """
    since = scope.since if order == TREND else None
    whole = scope.earlier(scope.length) if since else scope
    whole = whole.between(whole.since, scope.until)
    first: list[Any] = []

    def of_first(rows: Sequence[Any]) -> Select[Any]:
        first.extend(rows)
        return _met(whole, [row[0] for row in rows], since)

    met = {
        key: (hash_, users)
        for key, hash_, users in ask(whole, _first(whole, order, since, limit, most), of_first)
    }
    return [
        Leader(met[key][0], Totals(events, met[key][1], earliest, latest, before), (*place, latest))
        for key, events, earliest, latest, before, *place in first
    ]


def _first(
    scope: Scope, order: str, since: datetime | None, limit: int, most: int | None
) -> Select[Any]:
    """The first groups of an order with their counts since a moment, and before it."""
    event = error_event.c
    at = event.timestamp
    # An aggregate with a filter, even one that is true, takes longer than without.
    events: ColumnElement[int] = func.count()
    earliest: ColumnElement[Any] = func.min(at)
    latest: ColumnElement[Any] = func.max(at)
    before: ColumnElement[int] = literal(0)
    if since is not None:
        is_now = at >= literal(since, UtcTimestamp)
        events, before = func.count().filter(is_now), func.count().filter(~is_now)
        earliest, latest = func.min(at).filter(is_now), func.max(at).filter(is_now)
    orders: dict[str, list[ColumnElement[Any]]] = {
        "users": [func.count(event.user_key), events],
        "events": [events],
        "last_seen": [latest],
        "first_seen": [earliest],
        TREND: [events - before, events],
    }
    columns = [column.label(f"place_{number}") for number, column in enumerate(orders[order])]
    # Of equal ones the latest comes first: there may be ten thousand with a single event.
    places = [*columns, latest]
    query = (
        select(event.group_key, events, earliest, latest, before, *columns)
        .where(within(error_event, scope))
        .group_by(event.group_key)
        .order_by(*(place.desc() for place in places), event.group_key)
        .limit(limit)
    )
    if since is not None:
        query = query.having(events > 0)
    return query if most is None else query.having(events <= most)


def _met(scope: Scope, keys: Sequence[str], since: datetime | None) -> Select[Any]:
    """The hash of each of some groups, and how many users its events name since a moment."""
    event = error_event.c
    listed = select(func.unnest(literal(keys, ListOf(Hex64)))) if keys else [""]
    now = [event.timestamp >= literal(since, UtcTimestamp)] if since else []
    return (
        select(
            event.group_key,
            func.any_value(event.grouping_hash, type_=Hex128),
            func.count(event.user_key.distinct()),
        )
        .where(within(error_event, scope), event.group_key.in_(listed), *now)
        .group_by(event.group_key)
    )
