"""How a batch comes into an organization's file: each record once, however often it is sent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

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
    update,
)

from console.telemetry import page_loads
from console.telemetry.adoption import adopt
from console.telemetry.batches import ArrowBatch, register, unpacked
from console.telemetry.records import Batch, ErrorEvent, Span, Written
from console.telemetry.tables import applied, error_event, group_key, span, statement

NEARBY = timedelta(minutes=10)
MOST_RANGES = 8

R = TypeVar("R", ErrorEvent, Span)


def write(connection: Connection, batch: Batch, position: int) -> Written:
    """Store the records that are not there yet, and the position, in one transaction.

    Records up to the position that was reached before are never stored again (a replay).
    """
    reached = position_of(connection)
    errors = _store(connection, ERRORS, batch.errors, reached)
    spans = _store(connection, SPANS, batch.spans, reached)
    adopt(connection, batch.spans)
    _keep_statements(connection, batch.spans)
    page_loads.keep(connection, batch.page_loads, reached)
    if position > reached:
        connection.execute(update(applied).values(position=position))
    return Written(position, cast("Any", errors), cast("Any", spans))


def write_own(connection: Connection, events: Sequence[ErrorEvent], run: int) -> Written:
    """Store events that no position of the spool brought, the positions being minus the run."""
    stored = _store(connection, ERRORS, events, reached=-run - 1)
    return Written(-run, cast("Any", stored))


def position_of(connection: Connection) -> int:
    return connection.scalar(select(applied.c.position)) or 0


def withdraw(connection: Connection, position: int) -> None:
    """Delete what came from one position."""
    for shelf in (error_event, span):
        connection.execute(delete(shelf).where(shelf.c.position == position))


@dataclass(frozen=True, slots=True)
class Shelf(Generic[R]):
    """Where records of one kind go, and what makes each unique within its organization."""

    table: Table
    key: tuple[str, ...]
    derived: dict[str, Callable[[R], Any]]

    def by_key(self, records: Sequence[R]) -> dict[tuple[Any, ...], R]:
        """The records without those that come again."""
        first: dict[tuple[Any, ...], R] = {}
        for key, record in zip(map(attrgetter(*self.key), records), records, strict=True):
            first.setdefault(key, record)
        return first

    def arrow(self, columns: Sequence[Column[Any]], records: Sequence[R]) -> ArrowBatch:
        values = (self.derived.get(one.name) or attrgetter(one.name) for one in columns)
        return ArrowBatch(columns, [list(map(value, records)) for value in values])

    def insertion(self) -> Insert:
        """Everything that is registered as `batch`, into the table."""
        columns = list(self.table.columns)
        batch = table("batch", *[column(one.name) for one in columns])
        incoming = select(*[unpacked(one) for one in columns]).select_from(batch)
        return insert(self.table).from_select([one.name for one in columns], incoming)


def _said(record: ErrorEvent | Span) -> datetime:
    """The time that a resend repeats."""
    return record.client_timestamp or record.timestamp


ERRORS: Shelf[ErrorEvent] = Shelf(
    error_event,
    key=("project_id", "event_id"),
    derived={
        "client_timestamp": _said,
        "group_key": lambda one: group_key(one.grouping_hash),
        "size": lambda one: len(one.body) + len(one.message) + sum(map(len, one.tags.values())),
    },
)
SPANS: Shelf[Span] = Shelf(
    span, key=("project_id", "trace_id", "span_id"), derived={"client_timestamp": _said}
)
STATEMENTS: Shelf[Span] = Shelf(
    statement,
    key=("project_id", "fingerprint"),
    derived={
        "text": attrgetter("statement"),
        "system": lambda one: str(one.attributes.get("db.system.name") or "")[:40],
    },
)


def _keep_statements(connection: Connection, spans: Sequence[Span]) -> None:
    """Store the texts of fingerprints that the project had none of; few batches bring any."""
    first = STATEMENTS.by_key([one for one in spans if one.fingerprint])
    if not first:
        return
    mine = statement.c.fingerprint.in_({fingerprint for _, fingerprint in first})
    known = select(statement.c.project_id, statement.c.fingerprint).where(mine)
    stored = {tuple(row) for row in connection.execute(known)}
    fresh = [span for key, span in first.items() if key not in stored]
    if fresh:
        batch = STATEMENTS.arrow(list(statement.columns), fresh)
        register(connection, "batch", batch)
        connection.execute(STATEMENTS.insertion())


def _store(
    connection: Connection, shelf: Shelf[R], records: Sequence[R], reached: int
) -> frozenset[tuple[Any, ...]]:
    """Insert what is new and return the keys whose stored row is of these records' positions."""
    if not records:
        return frozenset()
    first = shelf.by_key(records)
    stored = _stored_positions(connection, shelf, list(first.values()))
    fresh = {k: r for k, r in first.items() if k not in stored and r.position > reached}
    if fresh:
        batch = shelf.arrow(list(shelf.table.columns), list(fresh.values()))
        register(connection, "batch", batch)
        connection.execute(shelf.insertion())
        stored |= {key: record.position for key, record in fresh.items()}
    return frozenset(key for key, record in first.items() if stored.get(key) == record.position)


def _stored_positions(
    connection: Connection, shelf: Shelf[R], records: Sequence[R]
) -> dict[tuple[Any, ...], int]:
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


def _time_ranges(records: Sequence[ErrorEvent | Span]) -> Iterator[tuple[datetime, datetime]]:
    """The few stretches of time that the records fall into, so that one old record costs little."""
    times = sorted(map(_said, records))
    gaps = sorted(range(1, len(times)), key=lambda i: times[i - 1] - times[i])
    cuts = sorted(i for i in gaps[: MOST_RANGES - 1] if times[i] - times[i - 1] > NEARBY)
    for start, end in zip([0, *cuts], [*cuts, len(times)], strict=True):
        yield times[start], times[end - 1]
