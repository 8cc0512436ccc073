"""Writes error events, and keeps the copies of past ones by grouping hash true to them.

A copy holds nothing that the events do not: it may be dropped at any time, and `error_rollups`
makes it again. Until then questions read the events of its period themselves.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select

from console.core import clock
from console.telemetry import presences, shelves
from console.telemetry.records import ErrorEvent, Key
from console.telemetry.shelves import Shelf
from console.telemetry.tables import error_event, error_group, error_period, group_key

COPIED = ("timestamp", "user_key", "release")
"""What is kept of each event, in the order of the lists of `error_group`."""
QUIET = timedelta(hours=2)
"""How long after its end a period is not copied yet: its last events are still arriving."""
NAMES = [column.name for column in error_group.columns]


def store(
    connection: Connection, shelf: Shelf, errors: Sequence[ErrorEvent], reached: int
) -> frozenset[Key]:
    """Store new events; the ones that came late are added to the copies of their periods too."""
    oldest = min((error.timestamp for error in errors), default=None)
    is_late = oldest is not None and oldest < clock.now() - QUIET
    stored = shelves.store(connection, shelf, errors, reached, also=LATE if is_late else None)
    presences.add(connection, shelf, errors, stored)
    return stored


def withdraw(connection: Connection, shelf: Shelf, position: int) -> None:
    """Delete the events of one position, and the copies of the periods that they lie in."""
    touched = (
        select(error_period.c.project_id, error_period.c.timestamp, error_period.c.until)
        .join_from(error_period, error_event, _inside(error_event.c))
        .where(error_event.c.position == position)
        .distinct()
    )
    for project_id, since, until in connection.execute(touched).all():
        drop(connection, project_id, since, until)
    shelves.withdraw(connection, shelf, position)


def erase(
    connection: Connection, project_id: int, hashes: Sequence[str], upto: int, run: int
) -> int:
    """Delete a project's events of some hashes up to a position and an own run; return how many.

    Copies of periods that hold later events of these hashes are dropped; others lose these hashes.
    """
    event, keys = error_event.c, [group_key(hash_) for hash_ in hashes]
    theirs = and_(event.project_id == project_id, event.group_key.in_(keys))
    counted = or_(event.position.between(1, upto), event.position.between(-run, -1))
    erased = connection.execute(
        delete(error_event).where(theirs, event.grouping_hash.in_(hashes), counted)
    ).rowcount
    since, until = func.min(event.timestamp), func.max(event.timestamp)
    for first, last in connection.execute(select(since, until).where(theirs)).all():
        if first is not None:
            drop(connection, project_id, first, last + timedelta(microseconds=1))
    copies = and_(error_group.c.project_id == project_id, error_group.c.group_key.in_(keys))
    connection.execute(delete(error_group).where(copies))
    return erased


def drop(connection: Connection, project_id: int, since: datetime, until: datetime) -> None:
    """Drop the copies of a project's periods that reach into a time range."""
    for table in (error_group, error_period):
        mine = and_(table.c.project_id == project_id, table.c.timestamp < until)
        connection.execute(delete(table).where(mine, table.c.until > since))


def _late() -> Select[Any]:
    """The registered events that lie in a period, as rows of `error_group`."""
    event = shelves.registered(error_event).subquery()
    key = (
        event.c.organization_id,
        event.c.project_id,
        error_period.c.timestamp,
        error_period.c.until,
        event.c.environment,
        event.c.group_key,
    )
    lists = [func.list(event.c[name]) for name in COPIED]
    return select(*key, *lists).join_from(event, error_period, _inside(event.c)).group_by(*key)


def _inside(event: Any) -> Any:
    """Whether an event lies in a period."""
    return and_(
        event.project_id == error_period.c.project_id,
        event.timestamp >= error_period.c.timestamp,
        event.timestamp < error_period.c.until,
    )


LATE = insert(error_group).from_select(NAMES, _late())
