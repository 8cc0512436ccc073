"""Writes records to their table: each once, however often a client sends it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Insert,
    Table,
    and_,
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

    def insertion(self) -> Insert:
        """The INSERT of all rows that are registered as `batch`."""
        columns = list(self.table.columns)
        batch = table("batch", *[column(field.name) for field in columns])
        incoming = select(*[unpacked(field) for field in columns]).select_from(batch)
        return insert(self.table).from_select([field.name for field in columns], incoming)


def sent_at(record: Any) -> datetime:
    """The client's time as it was sent, which a resend repeats."""
    at: datetime = record.client_timestamp or record.timestamp
    return at


def store(
    connection: Connection, shelf: Shelf, records: Sequence[Record], reached: int
) -> frozenset[Key]:
    """Insert new records; return the keys whose stored row has the position of these records.

    The table has a column `client_timestamp`. Records up to the position that an earlier write
    reached are never stored again (a replay).
    """
    if not records:
        return frozenset()
    first = shelf.by_key(records)
    stored = _stored_positions(connection, shelf, list(first.values()))
    fresh = {k: r for k, r in first.items() if k not in stored and r.position > reached}
    if fresh:
        insert_all(connection, shelf, list(fresh.values()))
        stored |= {key: record.position for key, record in fresh.items()}
    return frozenset(key for key, record in first.items() if stored.get(key) == record.position)


def insert_all(connection: Connection, shelf: Shelf, records: Sequence[Record]) -> None:
    """Insert the records without looking for duplicates."""
    register(connection, "batch", shelf.arrow(list(shelf.table.columns), records))
    connection.execute(shelf.insertion())


def withdraw(connection: Connection, shelf: Shelf, position: int) -> None:
    """Delete the records of one position."""
    connection.execute(delete(shelf.table).where(shelf.table.c.position == position))


def _stored_positions(
    connection: Connection, shelf: Shelf, records: Sequence[Record]
) -> dict[Key, int]:
    """The position of each record that is already stored, by key.

    The client's time is part of the join, so that only row groups around these times are read.
    """
    stored = shelf.table.c
    named = [stored[name] for name in (*shelf.key, "client_timestamp")]
    register(connection, "keys", shelf.arrow(named, records))
    keys = select(*[unpacked(key) for key in named]).select_from(table("keys")).subquery()
    match = and_(*[stored[key.name] == keys.c[key.name] for key in named])
    ranges = [stored.client_timestamp.between(*period) for period in _time_ranges(records)]
    query = select(*[stored[name] for name in shelf.key], stored.position).join_from(
        shelf.table, keys, match
    )
    rows = connection.execute(query.where(or_(*ranges)))
    return {tuple(row[:-1]): row[-1] for row in rows}


def _time_ranges(records: Sequence[Record]) -> Iterator[tuple[datetime, datetime]]:
    """A few time ranges that contain all records, so that a single old record costs little."""
    times = sorted(map(sent_at, records))
    gaps = sorted(range(1, len(times)), key=lambda i: times[i - 1] - times[i])
    cuts = sorted(i for i in gaps[: MOST_RANGES - 1] if times[i] - times[i - 1] > NEARBY)
    for start, end in zip([0, *cuts], [*cuts, len(times)], strict=True):
        yield times[start], times[end - 1]
