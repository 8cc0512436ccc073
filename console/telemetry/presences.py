"""Keeps who was there in which past period true to the records that name people.

A presence holds nothing that the records do not: a period may be dropped at any time, and
`presence_rollups` counts it again. Until then questions read the records of that time themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    Select,
    and_,
    case,
    column,
    delete,
    exists,
    func,
    insert,
    select,
    table,
    update,
)

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
    presence_period,
    session,
    span,
)

SOURCES = {"errors": error_event, "requests": span, "pages": page_load, "sessions": session}
"""The tables whose rows may name a person."""
QUIET = timedelta(hours=2)
"""How long after midnight a day is not counted yet: its last records are still arriving."""
NAMES = [stored.name for stored in presence.columns]
PERIOD = ("project_id", "timestamp", "until")
PERSON = (*PERIOD, "user_key")
SENT = [presence.c[name] for name in NAMES if name not in {"until", "everywhere"}]
BATCH = "presences"  # the name under which the presences of days are registered

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
    """Drop the periods of projects that these days lie in, if any of them is counted."""
    before = counted_before()
    for project_id, day in sorted(days):
        for kept in (presence, presence_period) if day < before else ():
            mine = and_(kept.c.project_id == project_id, kept.c.timestamp <= day)
            connection.execute(delete(kept).where(mine, kept.c.until > day))


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
        register(connection, BATCH, ArrowBatch(SENT, list(zip(*rows, strict=True))))
        for statement in _notes():
            connection.execute(statement)


@lru_cache
def _notes() -> Sequence[Executable]:
    """The statements that add the registered presences to the periods that are counted.

    Questions count rows: who is there already gets these hours too, and no second row.
    """
    came = _registered().subquery()
    person = [came.c[name] for name in PERSON]
    all_of_them = select(*person, func.bit_or(came.c.hours).label("hours")).group_by(*person)
    everywhere = all_of_them.subquery()
    again = and_(_same(presence, came), presence.c.environment == came.c.environment)
    first = func.row_number().over(partition_by=person, order_by=came.c.environment) == 1
    is_known = exists().where(_same(presence, came)).correlate(came)
    together = func.bit_or(came.c.hours).over(partition_by=person)
    new = select(*came.c, case((and_(first, ~is_known), together), else_=0))
    return (
        update(presence).values(hours=presence.c.hours.bitwise_or(came.c.hours)).where(again),
        update(presence)
        .values(everywhere=presence.c.everywhere.bitwise_or(everywhere.c.hours))
        .where(_same(presence, everywhere), presence.c.everywhere != 0),
        insert(presence).from_select(NAMES, new.where(~exists().where(again).correlate(came))),
    )


def _registered() -> Select[Any]:
    """The registered presences, in each period that their day lies in."""
    batch = table(BATCH, *[column(sent.name) for sent in SENT])
    day = select(*[unpacked(sent) for sent in SENT]).select_from(batch).subquery()
    inside = and_(
        day.c.project_id == presence_period.c.project_id,
        day.c.timestamp >= presence_period.c.timestamp,
        day.c.timestamp < presence_period.c.until,
    )
    period = [presence_period.c[name] for name in PERIOD]
    key = (day.c.organization_id, *period, day.c.environment, day.c.user_key)
    hours = func.bit_or(day.c.hours).label("hours")
    return select(*key, hours).join_from(day, presence_period, inside).group_by(*key)


def _same(kept: FromClause, came: FromClause) -> ColumnElement[bool]:
    """Whether both are of one person in one period."""
    return and_(*[kept.c[name] == came.c[name] for name in PERSON])
