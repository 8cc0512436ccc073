"""The kinds of records that telemetry stores, each declared once; everything else loops over them.

A kind comes with a module for its records and what is its own in writing them, an entry in KINDS,
and a step in `schema/` for its table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table

from console.telemetry import page_loads, shelves, span_writing
from console.telemetry.records import Batch, ErrorEvent, Key, PageLoad, Span
from console.telemetry.shelves import Shelf, sent_at
from console.telemetry.tables import (
    error_event,
    group_key,
    page_load,
    span,
    statement,
    vital_day,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record, and how it is written, counted, withdrawn, kept and erased."""

    name: str
    """In a batch and in what a write answers."""
    record: type[Any]
    """The class of its records."""
    shelf: Shelf
    """Its table, the key of its duplicates, and the columns that are made of other fields."""
    row_bytes: int
    """Of a row on disk, without what `size` says."""
    size: Column[int] | None = None
    """The column with the bytes of what differs widely from row to row, such as bodies."""
    weight: int = 1
    """Of a record in memory until it is stored, in units of 2 kB."""
    item: str = ""
    """What the ledger calls a record; "" if decoding has counted what was sent by another name."""
    write: Callable[[Connection, Shelf, Sequence[Any], int], frozenset[Key]] = shelves.store
    """Stores what is new after the position reached; answers as `Written.stored` says."""
    withdraw: Callable[[Connection, Shelf, int], None] = shelves.withdraw
    """Deletes what one position brought, which has become a dead letter."""
    rollups: tuple[Table, ...] = ()
    """What counts its records by day: deleted where a record is too old, since days are whole."""
    texts: tuple[Table, ...] = ()
    """What its records refer to: kept until the project is erased."""

    @property
    def table(self) -> Table:
        return self.shelf.table

    @property
    def aged(self) -> tuple[Table, ...]:
        """The tables that retention deletes from what is too old."""
        return (self.table, *self.rollups)

    @property
    def erased(self) -> tuple[Table, ...]:
        """The tables that have something of a project."""
        return (*self.aged, *self.texts)


ERRORS = Kind(
    name="errors",
    record=ErrorEvent,
    item="event",
    shelf=Shelf(
        error_event,
        key=("project_id", "event_id"),
        derived={
            "client_timestamp": sent_at,
            "group_key": lambda one: group_key(one.grouping_hash),
            "size": lambda one: len(one.body) + len(one.message) + sum(map(len, one.tags.values())),
        },
    ),
    row_bytes=100,
    size=error_event.c.size,
)
SPANS = Kind(
    name="spans",
    record=Span,
    item="span",
    shelf=Shelf(
        span, key=("project_id", "trace_id", "span_id"), derived={"client_timestamp": sent_at}
    ),
    row_bytes=120,
    write=span_writing.store,
    texts=(statement,),
)
PAGE_LOADS = Kind(
    name="page_loads",
    record=PageLoad,
    shelf=Shelf(page_load, key=page_loads.KEY),
    row_bytes=120,
    write=page_loads.keep,
    withdraw=page_loads.withdraw,
    rollups=(vital_day,),
)
KINDS = (ERRORS, SPANS, PAGE_LOADS)


def weight_of(batch: Batch) -> int:
    """What the records of a batch weigh in memory, in units of 2 kB."""
    return sum(kind.weight * len(batch.of(kind.name)) for kind in KINDS)
