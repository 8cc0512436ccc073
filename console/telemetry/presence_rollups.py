"""Counts who was there on past days, so that people of a month are not looked for in its records.

Over 10 M error events, 10 M spans and 1 M page loads of 30 days, that took 0.8 s.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, literal, select, union_all

from console.telemetry.days import DAY
from console.telemetry.dialect import UtcTimestamp, hour_bit
from console.telemetry.presences import NAMES, SOURCES, counted_before
from console.telemetry.store import current
from console.telemetry.tables import presence, presence_day

FURTHEST = timedelta(days=400)
"""How long ago a day may be: who asks for more has the records read."""


def roll_up(organization_id: int) -> int:
    """Count each day of an organization that is over and not counted yet; return how many."""
    store, before = current(), counted_before()
    if not store.holds(organization_id):
        return 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            _drop_unfinished(connection, before)
            days = list(_uncounted(connection, before))
        for project_id, day in days:  # one transaction each, since the digest waits for it
            with database.transaction() as connection:
                _count(connection, organization_id, project_id, day)
    return len(days)


def _drop_unfinished(connection: Connection, before: datetime) -> None:
    """Drop what a clock that was ahead has counted too soon: new records were not added to it."""
    for table in (presence, presence_day):
        connection.execute(delete(table).where(table.c.timestamp >= before))


def _uncounted(connection: Connection, before: datetime) -> Iterator[tuple[int, datetime]]:
    """The days between the oldest record and `before`, empty ones too, that are not counted.

    The oldest day is left out: retention deletes it hour by hour.
    """
    oldest: dict[int, datetime] = {}
    for table in SOURCES.values():
        at = func.date_trunc("day", table.c.timestamp, type_=UtcTimestamp).label("day")
        first = select(table.c.project_id, func.min(at)).group_by(table.c.project_id)
        for project_id, day in connection.execute(first):
            oldest[project_id] = min(day, oldest.get(project_id, day))
    counted = defaultdict[int, set[datetime]](set)
    for project_id, day in connection.execute(
        select(presence_day.c.project_id, presence_day.c.timestamp)
    ):
        counted[project_id].add(day)
    for project_id, day in sorted(oldest.items()):
        following = max(day + DAY, before - FURTHEST)
        while following < before:
            if following not in counted[project_id]:
                yield project_id, following
            following += DAY


def _count(connection: Connection, organization_id: int, project_id: int, day: datetime) -> None:
    counted = {"organization_id": organization_id, "project_id": project_id, "timestamp": day}
    people = insert(presence).from_select(NAMES, _people(organization_id, project_id, day))
    connection.execute(people)
    connection.execute(insert(presence_day).values(**counted))


def _people(organization_id: int, project_id: int, day: datetime) -> Select[Any]:
    """The rows of a day, in the order of the table's columns."""
    begins, ends = literal(day, UtcTimestamp), literal(day + DAY, UtcTimestamp)
    named = union_all(
        *(
            select(
                table.c.environment, table.c.user_key, hour_bit(table.c.timestamp).label("hour")
            ).where(
                table.c.project_id == project_id,
                and_(table.c.timestamp >= begins, table.c.timestamp < ends),
                table.c.user_key.is_not(None),
            )
            for table in SOURCES.values()
        )
    ).subquery()
    key = (named.c.environment, named.c.user_key)
    return (
        select(
            literal(organization_id),
            literal(project_id),
            begins,
            *key,
            func.bit_or(named.c.hour),
        )
        .group_by(*key)
        .order_by(*key)
    )
