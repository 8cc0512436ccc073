"""Writes records to their table: each once, however often a client sends it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Delete,
    Executable,
    Insert,
    Select,
    Table,
    and_,
    bindparam,
    column,
    delete,
    insert,
    or_,
    select,
    table,
)

from console.telemetry.batches import ArrowBatch, register, unpacked
from console.telemetry.records import Key, Record

NEARBY = timedelta(minutes=10)
MOST_RANGES = 8
BATCH = "batch"  # the name under which the records of a statement are registered


@dataclass(frozen=True, slots=True)
class Shelf:
    """A table for records, and the key that makes each unique within its organization."""

    table: Table
    key: tuple[str, ...]
    """The fields that are the same when a client sends a record again; the first counts."""
    derived: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """How to make the columns that are not fields of the record."""

    def key_of(self, record: Record) -> Key:
        key: Key = attrgetter(*self.key)(record)
        return key

    def by_key(self, records: Sequence[Record]) -> dict[Key, Any]:
        """The records by key, without duplicates."""
        first: dict[Key, Any] = {}
        for key, record in zip(map(attrgetter(*self.key), records), records, strict=True):
            first.setdefault(key, record)
        return first

    def arrow(self, columns: Sequence[Column[Any]], records: Sequence[Record]) -> ArrowBatch:
        values = (self.derived.get(column.name) or attrgetter(column.name) for column in columns)
        return ArrowBatch(columns, [list(map(value, records)) for value in values])


def sent_at(record: Any) -> datetime:
    """The client's time as it was sent, which a resend repeats."""
    at: datetime = record.client_timestamp or record.timestamp
    return at


def store(
    connection: Connection,
    shelf: Shelf,
    records: Sequence[Record],
    reached: int,
    *,
    also: Executable | None = None,
) -> frozenset[Key]:
    """Insert new records; return the keys whose stored row has the position of these records.

    `also` is run after that, if any is new: it finds them by `registered`.

    The table has a column `client_timestamp`. Records up to the position that an earlier write
    reached are never stored again (a replay).
    """
    if not records:
        return frozenset()
    first = shelf.by_key(records)
    sent = list(first.values())
    # Nearly always all are new: then what the look for duplicates has read is what is inserted.
    _register(connection, shelf, sent)
    stored = _stored_positions(connection, shelf, sent)
    fresh = {k: r for k, r in first.items() if k not in stored and r.position > reached}
    if fresh:
        if len(fresh) < len(sent):
            _register(connection, shelf, list(fresh.values()))
        connection.execute(_insertion(shelf.table))
        if also is not None:
            connection.execute(also)
        stored |= {key: record.position for key, record in fresh.items()}
    return frozenset(key for key, record in first.items() if stored.get(key) == record.position)


def insert_all(connection: Connection, shelf: Shelf, records: Sequence[Record]) -> None:
    """Insert the records without looking for duplicates."""
    _register(connection, shelf, records)
    connection.execute(_insertion(shelf.table))


def withdraw(connection: Connection, shelf: Shelf, position: int) -> None:
    """Delete the records of one position."""
    connection.execute(_withdrawal(shelf.table), {"withdrawn": position})


def _register(connection: Connection, shelf: Shelf, records: Sequence[Record]) -> None:
    register(connection, BATCH, shelf.arrow(list(shelf.table.columns), records))


def _stored_positions(
    connection: Connection, shelf: Shelf, records: Sequence[Record]
) -> dict[Key, int]:
    """The position of each registered record that is already stored, by key."""
    ranges = list(_time_ranges(records))
    periods = {
        f"{end}_{place}": at
        for place, period in enumerate(ranges)
        for end, at in zip(("since", "until"), period, strict=True)
    }
    rows = connection.execute(_duplicates(shelf.table, shelf.key, len(ranges)), periods)
    return {tuple(row[:-1]): row[-1] for row in rows}


def registered(of: Table) -> Select[Any]:
    """All rows that are registered for a table, with its columns."""
    columns = list(of.columns)
    batch = table(BATCH, *[column(field.name) for field in columns])
    return select(*[unpacked(field) for field in columns]).select_from(batch)


# Statements are built once: to build one and to find its compiled text takes SQLAlchemy as long as
# a small batch takes DuckDB.


@lru_cache
def _insertion(into: Table) -> Insert:
    """The INSERT of all rows that are registered."""
    return insert(into).from_select([field.name for field in into.columns], registered(into))


@lru_cache
def _withdrawal(of: Table) -> Delete:
    return delete(of).where(of.c.position == bindparam("withdrawn"))


@lru_cache
def _duplicates(among: Table, key: tuple[str, ...], ranges: int) -> Select[Any]:
    """The keys and positions of stored rows that are registered, in so many time ranges.

    The client's time is part of the join, so that only row groups around these times are read.
    """
    stored = among.c
    named = [stored[name] for name in (*key, "client_timestamp")]
    keys = select(*[unpacked(part) for part in named]).select_from(table(BATCH)).subquery()
    match = and_(*[stored[part.name] == keys.c[part.name] for part in named])
    near = [
        stored.client_timestamp.between(bindparam(f"since_{place}"), bindparam(f"until_{place}"))
        for place in range(ranges)
    ]
    query = select(*[stored[name] for name in key], stored.position)
    return query.join_from(among, keys, match).where(or_(*near))


def _time_ranges(records: Sequence[Record]) -> Iterator[tuple[datetime, datetime]]:
    """A few time ranges that contain all records, so that a single old record costs little."""
    times = sorted(map(sent_at, records))
    gaps = sorted(range(1, len(times)), key=lambda i: times[i - 1] - times[i])
    cuts = sorted(i for i in gaps[: MOST_RANGES - 1] if times[i] - times[i - 1] > NEARBY)
    for start, end in zip([0, *cuts], [*cuts, len(times)], strict=True):
        yield times[start], times[end - 1]
