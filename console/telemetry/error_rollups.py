"""Copies the error events of past days by grouping hash, so that questions find them together.

Counts of 250 of 100,000 hashes over 30 days read 10 M events of which 1 in 20 counts; by hash they
read half a million rows and the events that count.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, literal, select

from console.core import clock
from console.telemetry.batches import EPOCH
from console.telemetry.days import DAY, day_of
from console.telemetry.dialect import UtcTimestamp, remainder, row_number_in_file
from console.telemetry.error_groups import COPIED, NAMES, QUIET, drop
from console.telemetry.store import current
from console.telemetry.tables import error_event, error_group, error_period

LENGTHS = (16, 4, 1)
"""The days of a period; it begins at a multiple of them. The longer, the fewer rows to read."""
MOST = 1_000_000
"""The events of a longer period at the most: the digest waits while it is copied (1 to 2 s)."""
MOST_OF_A_DAY = 4_000_000
"""A day with more is read from its events."""
SLICE = 250_000
"""About how many events are copied at a time, for the sake of memory."""
LONGEST_LIST = 32
"""About how many events a row has at the most: DuckDB reads the lists of 2,048 rows at once."""


@dataclass(frozen=True, slots=True)
class Period:
    """Some days of a project, and how many events they have."""

    project_id: int
    since: datetime
    until: datetime
    events: int


def roll_up(organization_id: int) -> int:
    """Copy what is over and not copied yet, or copied in pieces; return how many periods."""
    store, before = current(), day_of(clock.now() - QUIET)
    if not store.holds(organization_id):
        return 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            _drop_unfinished(connection, before)
            periods = _uncopied(connection, before)
        for period in periods:  # one transaction each, since the digest waits for it
            with database.transaction() as connection:
                _copy(connection, organization_id, period)
    return len(periods)


def periods_of(
    project_id: int, counts: Mapping[datetime, int], before: datetime
) -> Iterator[Period]:
    """How the days of a project become periods, given the events of each day that has some.

    The oldest day is left out: retention deletes it hour by hour.
    """
    since = min(counts) + DAY
    while since < before:
        length = next(
            DAY * days for days in LENGTHS if days == 1 or _fits(counts, since, DAY * days, before)
        )
        events = _events(counts, since, length)
        if 0 < events <= MOST_OF_A_DAY:
            yield Period(project_id, since, since + length, events)
        since += length


def _fits(
    counts: Mapping[datetime, int], since: datetime, length: timedelta, before: datetime
) -> bool:
    begins = (since - EPOCH) % length == timedelta(0)
    return begins and since + length <= before and _events(counts, since, length) <= MOST


def _events(counts: Mapping[datetime, int], since: datetime, length: timedelta) -> int:
    return sum(counts.get(since + DAY * day, 0) for day in range(length // DAY))


def _drop_unfinished(connection: Connection, before: datetime) -> None:
    """Drop what a clock that was ahead has copied too soon: new events were not added to it."""
    early = select(error_period.c.project_id, error_period.c.timestamp, error_period.c.until)
    for row in connection.execute(early.where(error_period.c.until > before)).all():
        drop(connection, *row)


def _uncopied(connection: Connection, before: datetime) -> list[Period]:
    day = func.date_trunc("day", error_event.c.timestamp, type_=UtcTimestamp).label("day")
    counted = (
        select(error_event.c.project_id, day, func.count())
        .where(error_event.c.timestamp < before)
        .group_by(error_event.c.project_id, "day")
    )
    counts: dict[int, dict[datetime, int]] = defaultdict(dict)
    for project_id, at, events in connection.execute(counted):
        counts[project_id][at] = events
    copied = select(error_period.c.project_id, error_period.c.timestamp, error_period.c.until)
    present = {tuple(row) for row in connection.execute(copied)}
    return [
        period
        for project_id, of_days in sorted(counts.items())
        for period in periods_of(project_id, of_days, before)
        if (project_id, period.since, period.until) not in present
    ]


def _copy(connection: Connection, organization_id: int, period: Period) -> None:
    drop(connection, period.project_id, period.since, period.until)
    slices = period.events // SLICE + 1
    for number in range(slices):
        rows = _rows(period, slices, number)
        connection.execute(insert(error_group).from_select(NAMES, rows))
    connection.execute(
        insert(error_period).values(
            organization_id=organization_id,
            project_id=period.project_id,
            timestamp=period.since,
            until=period.until,
        )
    )


def _rows(period: Period, slices: int, number: int) -> Select[Any]:
    """The rows of one slice of a period, in the order of the table's columns.

    The events of a frequent hash are dealt out to several rows, by their place in the file.
    """
    event = error_event.c
    mine = and_(
        event.project_id == period.project_id,
        event.timestamp >= literal(period.since, UtcTimestamp),
        event.timestamp < literal(period.until, UtcTimestamp),
        remainder(event.group_key, slices) == number,
    )
    hands = _hands(mine)
    hand = remainder(row_number_in_file(event.group_key), func.coalesce(hands.c.hands, 1))
    key = (event.environment, event.group_key)
    same = and_(*[column == hands.c[column.name] for column in key])
    return (
        select(
            event.organization_id,
            event.project_id,
            literal(period.since, UtcTimestamp),
            literal(period.until, UtcTimestamp),
            *key,
            *[func.list(event[name]) for name in COPIED],
        )
        .join_from(error_event, hands, same, isouter=True)
        .where(mine)
        .group_by(event.organization_id, event.project_id, *key, hand)
        .order_by(func.count().desc())
    )


def _hands(mine: ColumnElement[bool]) -> Any:
    """To how many rows the events of each hash are dealt out, of hashes with more than a row."""
    key = (error_event.c.environment, error_event.c.group_key)
    hands = (func.count() + LONGEST_LIST - 1) // LONGEST_LIST
    several = func.count() > LONGEST_LIST
    return select(*key, hands.label("hands")).where(mine).group_by(*key).having(several).subquery()
