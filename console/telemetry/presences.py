"""Keeps who was there on which past day true to the records that name people.

A presence holds nothing that the records do not: a day may be dropped at any time, and
`presence_rollups` counts it again. Until then questions read the records of that day themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Insert, and_, column, delete, func, insert, select, table

from console.core import clock
from console.telemetry.batches import ArrowBatch, register, unpacked
from console.telemetry.days import day_of
from console.telemetry.dialect import UtcTimestamp
from console.telemetry.records import ErrorEvent, Key, PageLoad, Session, Span
from console.telemetry.shelves import Shelf
from console.telemetry.tables import (
    error_event,
    page_load,
    presence,
    presence_day,
    session,
    span,
)

SOURCES = {"errors": error_event, "requests": span, "pages": page_load, "sessions": session}
"""The tables whose rows may name a person."""
QUIET = timedelta(hours=2)
"""How long after midnight a day is not counted yet: its last records are still arriving."""
NAMES = [stored.name for stored in presence.columns]
BATCH = "presences"  # the name under which presences are registered

Naming: TypeAlias = ErrorEvent | Span | PageLoad | Session
"""A record that may name a person."""
Place: TypeAlias = tuple[int, int, datetime, str, str]
"""An organization, a project, a day, an environment and a person."""


def counted_before() -> datetime:
    """The end of the last day that may be counted."""
    return day_of(clock.now() - QUIET)


def add(
    connection: Connection, shelf: Shelf, records: Sequence[Any], stored: AbstractSet[Key]
) -> None:
    """Note the people of records that came late and were stored: their day may be counted."""
    before = counted_before()
    if all(record.timestamp >= before for record in records):
        return
    first = shelf.by_key(records)
    _note(connection, places(record for key, record in first.items() if key in stored))


def change(connection: Connection, former: Iterable[Naming], records: Iterable[Naming]) -> None:
    """Note the people of rows that took the place of former ones.

    A day is dropped if somebody was there by a former row alone; another record may say so too.
    """
    was, now = places(former), places(records)
    lost = {place for place, hours in was.items() if hours & ~now.get(place, 0)}
    drop(connection, {(place[1], place[2]) for place in lost})
    _note(connection, {place: hours for place, hours in now.items() if hours & ~was.get(place, 0)})


def withdraw(connection: Connection, position: int) -> None:
    """Drop the days with a record of this position that names somebody."""
    for source in SOURCES.values():
        day = func.date_trunc("day", source.c.timestamp, type_=UtcTimestamp).label("day")
        mine = and_(source.c.position == position, source.c.user_key.is_not(None))
        touched = select(source.c.project_id, day).where(mine).distinct()
        drop(connection, {tuple(row) for row in connection.execute(touched)})


def drop(connection: Connection, days: Iterable[tuple[int, datetime]]) -> None:
    """Drop these days of projects; nothing happens for one that is not counted."""
    before = counted_before()
    for project_id, day in sorted(days):
        for kept in (presence, presence_day) if day < before else ():
            mine = and_(kept.c.project_id == project_id, kept.c.timestamp == day)
            connection.execute(delete(kept).where(mine))


def places(records: Iterable[Naming]) -> Mapping[Place, int]:
    """In which hours of each day people were there, bit by bit, on days that may be counted."""
    before, hours = counted_before(), defaultdict[Place, int](int)
    for record in records:
        if record.user_key and record.timestamp < before:
            own = (record.organization_id, record.project_id, day_of(record.timestamp))
            place = (*own, record.environment, record.user_key)
            hours[place] |= 1 << record.timestamp.astimezone(UTC).hour
    return hours


def _note(connection: Connection, hours: Mapping[Place, int]) -> None:
    if hours:
        rows = [(*place, bits) for place, bits in sorted(hours.items())]
        batch = ArrowBatch(list(presence.columns), list(zip(*rows, strict=True)))
        register(connection, BATCH, batch)
        connection.execute(_addition())


@lru_cache
def _addition() -> Insert:
    """The INSERT of the registered presences on days that are counted."""
    batch = table(BATCH, *[column(stored.name) for stored in presence.columns])
    came = select(*[unpacked(stored) for stored in presence.columns]).select_from(batch).subquery()
    same = and_(
        came.c.project_id == presence_day.c.project_id,
        came.c.timestamp == presence_day.c.timestamp,
    )
    return insert(presence).from_select(NAMES, select(*came.c).join_from(came, presence_day, same))
