"""The kinds of records that telemetry stores, each declared once; everything else loops over them.

A kind comes with a module for its records and what is its own in writing them, an entry in KINDS,
and a step in `schema/` for its table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, Table, func

from console.telemetry import (
    error_groups,
    page_loads,
    sessions,
    shelves,
    span_writing,
    tag_parts,
)
from console.telemetry.records import Batch, CheckResult, ErrorEvent, Key, PageLoad, Session, Span
from console.telemetry.shelves import Shelf, sent_at
from console.telemetry.tables import (
    check_result,
    error_event,
    error_group,
    error_period,
    group_key,
    page_load,
    presence,
    presence_period,
    session,
    span,
    statement,
    vital_day,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record, and how it is written, counted, withdrawn, kept and erased."""

    name: str
    """Names the kind in a `Batch` and in `Written`."""
    record: type[Any]
    """The class of its records."""
    shelf: Shelf
    """Its table, the key by which duplicates are known, and the columns made from other fields."""
    row_bytes: int
    """The bytes of a row on disk, without the ones that `size` counts."""
    size: Column[int] | None = None
    """The column with the bytes of values whose size differs widely, such as bodies."""
    weight: int = 1
    """How much memory a record takes until it is stored, in units of 2 kB."""
    item: str = ""
    """The loss ledger's word for a record; "" if decoding has counted it under another word."""
    write: Callable[[Connection, Shelf, Sequence[Any], int], frozenset[Key]] = shelves.store
    """Stores records that are new; returns the keys that `Written.stored` describes."""
    withdraw: Callable[[Connection, Shelf, int], None] = shelves.withdraw
    """Deletes the records of one position, which has become a dead letter."""
    rollups: tuple[Table, ...] = ()
    """Tables made of its records by periods; retention deletes a period with its oldest record."""
    rollup_size: ColumnElement[int] | None = None
    """The bytes of a row of such a table, if they differ widely."""
    texts: tuple[Table, ...] = ()
    """Tables that its records refer to by fingerprint; a text is kept as long as one of them."""

    @property
    def table(self) -> Table:
        return self.shelf.table

    @property
    def sizes(self) -> list[ColumnElement[int]]:
        """The bytes of a row of each table whose rows differ widely."""
        return [size for size in (self.size, self.rollup_size) if size is not None]

    @property
    def aged(self) -> tuple[Table, ...]:
        """The tables from which retention deletes old rows."""
        return (self.table, *self.rollups)

    @property
    def erased(self) -> tuple[Table, ...]:
        """The tables from which a project is erased."""
        return (*self.aged, *self.texts)


def _part(column: str, error: ErrorEvent) -> dict[str, str]:
    return tag_parts.part(error.tags, column)


ERRORS = Kind(
    name="errors",
    record=ErrorEvent,
    item="event",
    shelf=Shelf(
        error_event,
        key=("project_id", "event_id"),
        derived={
            "client_timestamp": sent_at,
            "group_key": lambda error: group_key(error.grouping_hash),
            "size": lambda error: (
                len(error.body) + len(error.message) + sum(map(len, error.tags.values()))
            ),
            **{name: partial(_part, name) for name in tag_parts.COLUMNS},
        },
    ),
    row_bytes=120,
    size=error_event.c.size,
    write=error_groups.store,
    withdraw=error_groups.withdraw,
    rollups=(error_group, error_period),
    rollup_size=func.len(error_group.c.times, type_=Integer) * 20,
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
    rollups=(presence, presence_period),  # of every kind that names people
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
SESSIONS = Kind(
    name="sessions",
    record=Session,
    shelf=Shelf(session, key=sessions.KEY),
    row_bytes=60,
    write=sessions.keep,
)
CHECK_RESULTS = Kind(
    name="check_results",
    record=CheckResult,
    shelf=Shelf(check_result, key=("project_id", "result_id")),
    row_bytes=60,
)
KINDS = (ERRORS, SPANS, PAGE_LOADS, SESSIONS, CHECK_RESULTS)


def weight_of(batch: Batch) -> int:
    """How much memory the records of a batch take, in units of 2 kB."""
    return sum(kind.weight * len(batch.of(kind.name)) for kind in KINDS)
