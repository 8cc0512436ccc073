"""Pages of a long list by key instead of by number: as fast at the end as at the start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import BigInteger, Select, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.base import ExecutableOption

from console.core import clock, cursors
from console.core.db import UtcDateTime, db

T = TypeVar("T")
OLDER, NEWER = "older", "newer"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursors of the pages before and after them ("" at the ends)."""

    rows: Sequence[T]
    newer: str = ""
    older: str = ""
    counted: int | None = None
    """How many rows the whole list has, as far as it was counted; only the first page knows."""


def page(
    query: Select[T],
    order: Sequence[InstrumentedAttribute[Any]],
    cursor: str,
    limit: int,
    *,
    count_to: int = 0,
    options: Sequence[ExecutableOption] = (),
) -> Page[T]:
    """The rows of `query` at a cursor, the highest of the `order` columns first.

    The columns end with the primary key and should lead an index. The matches are counted on the
    way, no further than `count_to` + 1. Raises cursors.BadCursor.
    """
    way, key = _read(cursor, order)
    position, identity = tuple_(*order), order[-1]
    matches: Select[Any] = query.with_only_columns(identity)
    if way == NEWER:
        matches = matches.where(position > tuple_(*key)).order_by(*order)
    elif key:
        matches = matches.where(position < tuple_(*key)).order_by(*(c.desc() for c in order))
    else:
        matches = matches.order_by(*(column.desc() for column in order))
    ids = db.session.scalars(matches.limit(max(limit, 0 if key else count_to) + 1)).all()
    rows = _rows(identity, ids[:limit], options)
    if not rows:
        return Page([], counted=None if key else 0)
    more = len(ids) > limit
    if way == NEWER:
        rows.reverse()
    return Page(
        rows,
        newer=_write(NEWER, rows[0], order) if (more if way == NEWER else key) else "",
        older=_write(OLDER, rows[-1], order) if more or way == NEWER else "",
        counted=None if key or not count_to else len(ids),
    )


def _rows(
    identity: InstrumentedAttribute[Any], ids: Sequence[Any], options: Sequence[ExecutableOption]
) -> list[Any]:
    """Whole rows in the order of their ids; the search itself has read indexes alone."""
    query = select(identity.class_).where(identity.in_(ids)).options(*options)
    by_id = {getattr(row, identity.key): row for row in db.session.scalars(query)} if ids else {}
    return [by_id[id_] for id_ in ids if id_ in by_id]


def _write(way: str, row: object, order: Sequence[InstrumentedAttribute[Any]]) -> str:
    return cursors.written(way, *(getattr(row, column.key) for column in order))


def _read(cursor: str, order: Sequence[InstrumentedAttribute[Any]]) -> tuple[str, list[Any]]:
    if not cursor:
        return OLDER, []
    readers = (_reader(column) for column in order)
    way, *key = cursors.read(cursor, cursors.one_of(OLDER, NEWER), *readers)
    return way, key


def _reader(column: InstrumentedAttribute[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, UtcDateTime):
        return lambda part: clock.instant(str(part))
    return cursors.whole(63 if isinstance(column.type, BigInteger) else 31)
