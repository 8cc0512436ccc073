"""The groups of events that come first in an order, with their totals, in one question."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, func, literal, select, true

from console.telemetry.dialect import Hex128, UtcTimestamp
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

    Users are counted for these alone, since that takes four times as long as counting events. What
    the scope wants of events is looked at once.
    """
    asked = scope.earlier(scope.length) if order == TREND else scope
    whole = scope.between(asked.since, scope.until)
    event, since = _matching(whole), scope.since if order == TREND else None
    counted = _counted(event, order, since)
    if most is not None:
        counted = counted.having(func.count().filter(_is_now(event, since)) <= most)
    first = counted.limit(limit).subquery()
    met = (
        select(
            event.c.group_key,
            func.any_value(event.c.grouping_hash, type_=Hex128).label("hash"),
            func.count(event.c.user_key.distinct()).label("users"),
        )
        .where(event.c.group_key.in_(select(first.c.group_key)), _is_now(event, since))
        .group_by(event.c.group_key)
        .subquery()
    )
    places = [column for column in first.c if column.name.startswith("place_")]
    totals = [first.c.events, met.c.users, first.c.first, first.c.last, first.c.before]
    query = (
        select(met.c.hash, *totals, *places)
        .join_from(first, met, met.c.group_key == first.c.group_key)
        .order_by(*(place.desc() for place in places), first.c.group_key)
    )
    return [
        Leader(hash_, Totals(*counts), tuple(place))
        for hash_, *counts, place in ((*row[:6], row[6:]) for row in ask(whole, query))
    ]


def _matching(scope: Scope) -> CTE:
    event = error_event.c
    columns = (event.group_key, event.grouping_hash, event.timestamp, event.user_key)
    return select(*columns).where(within(error_event, scope)).cte("matching")


def _counted(event: CTE, order: str, since: datetime | None) -> Select[Any]:
    """Each group with its counts since a moment, and before it, in an order."""
    at, is_now = event.c.timestamp, _is_now(event, since)
    events = func.count().filter(is_now)
    before = func.count().filter(~is_now) if since else literal(0)
    orders: dict[str, list[ColumnElement[Any]]] = {
        "users": [func.count(event.c.user_key), events],
        "events": [events],
        "last_seen": [func.max(at)],
        "first_seen": [func.min(at)],
        TREND: [events - before, events],
    }
    # Of equal ones the latest comes first: there may be ten thousand with a single event.
    place = [*orders[order], func.max(at).filter(is_now)]
    places = [column.label(f"place_{number}") for number, column in enumerate(place)]
    return (
        select(
            event.c.group_key,
            events.label("events"),
            func.min(at).filter(is_now).label("first"),
            func.max(at).filter(is_now).label("last"),
            before.label("before"),
            *places,
        )
        .group_by(event.c.group_key)
        .having(events > 0)
        .order_by(*(place.desc() for place in places), event.c.group_key)
    )


def _is_now(event: CTE, since: datetime | None) -> ColumnElement[bool]:
    return event.c.timestamp >= literal(since, UtcTimestamp) if since else true()
