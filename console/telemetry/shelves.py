"""How records that are sent once come into their table: each once, however often it is sent."""

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
    """Where records go, and what makes each unique within its organization."""

    table: Table
    key: tuple[str, ...]
    """The fields that are the same when a client sends a record again; the first counts."""
    derived: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """How columns come about that are no field of the record."""

    def key_of(self, record: Record) -> Key:
        key: Key = attrgetter(*self.key)(record)
        return key

    def by_key(self, records: Sequence[Record]) -> dict[Key, Any]:
        """The records without those that come again."""
        first: dict[Key, Any] = {}
        for key, record in zip(map(attrgetter(*self.key), records), records, strict=True):
            first.setdefault(key, record)
        return first

    def arrow(self, columns: Sequence[Column[Any]], records: Sequence[Record]) -> ArrowBatch:
        values = (self.derived.get(one.name) or attrgetter(one.name) for one in columns)
        return ArrowBatch(columns, [list(map(value, records)) for value in values])

    def insertion(self) -> Insert:
        """Everything that is registered as `batch`, into the table."""
        columns = list(self.table.columns)
        batch = table("batch", *[column(one.name) for one in columns])
        incoming = select(*[unpacked(one) for one in columns]).select_from(batch)
        return insert(self.table).from_select([one.name for one in columns], incoming)


def sent_at(record: Any) -> datetime:
    """The client's time as it was sent, which a resend repeats."""
    at: datetime = record.client_timestamp or record.timestamp
    return at


def store(
    connection: Connection, shelf: Shelf, records: Sequence[Record], reached: int
) -> frozenset[Key]:
    """Insert what is new and return the keys whose stored row is of these records' positions.

    The table has a column `client_timestamp`. Records up to the position that was reached before
    are never stored again (a replay).
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
    """Insert the records, whatever is there."""
    register(connection, "batch", shelf.arrow(list(shelf.table.columns), records))
    connection.execute(shelf.insertion())


def withdraw(connection: Connection, shelf: Shelf, position: int) -> None:
    """Delete what came from one position."""
    connection.execute(delete(shelf.table).where(shelf.table.c.position == position))


def _stored_positions(
    connection: Connection, shelf: Shelf, records: Sequence[Record]
) -> dict[Key, int]:
    """The position of each record that is already stored, by key.

    The client's time is part of the match, so that only row groups of these times are read.
    """
    stored = shelf.table.c
    named = [stored[name] for name in (*shelf.key, "client_timestamp")]
    register(connection, "keys", shelf.arrow(named, records))
    keys = select(*[unpacked(one) for one in named]).select_from(table("keys")).subquery()
    match = and_(*[stored[one.name] == keys.c[one.name] for one in named])
    ranges = [stored.client_timestamp.between(*one) for one in _time_ranges(records)]
    found = select(*[stored[name] for name in shelf.key], stored.position).join_from(
        shelf.table, keys, match
    )
    rows = connection.execute(found.where(or_(*ranges)))
    return {tuple(row[:-1]): row[-1] for row in rows}


def _time_ranges(records: Sequence[Record]) -> Iterator[tuple[datetime, datetime]]:
    """The few stretches of time that the records fall into, so that one old record costs little."""
    times = sorted(map(sent_at, records))
    gaps = sorted(range(1, len(times)), key=lambda i: times[i - 1] - times[i])
    cuts = sorted(i for i in gaps[: MOST_RANGES - 1] if times[i] - times[i - 1] > NEARBY)
    for start, end in zip([0, *cuts], [*cuts, len(times)], strict=True):
        yield times[start], times[end - 1]
