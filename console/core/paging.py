"""Pages of a long list by key instead of by number: as quick at the end as at the start."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from console.core.db import db

T = TypeVar("T")
OLDER, NEWER = "older", "newer"
LARGEST = 2**63


class BadCursor(ValueError):
    """A cursor that no page of this list gave out."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursors of the pages before and after them ("" at the ends)."""

    rows: Sequence[T]
    newer: str = ""
    older: str = ""


def page(
    query: Select[T], order: Sequence[InstrumentedAttribute[Any]], cursor: str, limit: int
) -> Page[T]:
    """The rows of `query` at a cursor, the highest of the `order` columns first.

    The columns must be unique together and end an index; raises BadCursor.
    """
    way, key = _read(cursor, order)
    position = tuple_(*order)
    if way == NEWER:
        query = query.where(position > tuple_(*key)).order_by(*order)
    elif key:
        query = query.where(position < tuple_(*key)).order_by(*(c.desc() for c in order))
    else:
        query = query.order_by(*(column.desc() for column in order))
    found = db.session.scalars(query.limit(limit + 1)).all()
    more, rows = len(found) > limit, found[:limit]
    if way == NEWER:
        rows = rows[::-1]
    if not rows:
        return Page([])
    has_newer = more if way == NEWER else bool(key)
    has_older = more if way == OLDER else True
    return Page(
        rows,
        newer=_write(NEWER, rows[0], order) if has_newer else "",
        older=_write(OLDER, rows[-1], order) if has_older else "",
    )


def _write(way: str, row: object, order: Sequence[InstrumentedAttribute[Any]]) -> str:
    key = [getattr(row, column.key) for column in order]
    return urlsafe_b64encode(orjson.dumps([way, *key])).decode().rstrip("=")


def _read(cursor: str, order: Sequence[InstrumentedAttribute[Any]]) -> tuple[str, list[Any]]:
    if not cursor:
        return OLDER, []
    try:
        way, *key = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [_value(part, column) for part, column in zip(key, order, strict=True)]
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadCursor("This page's cursor is not one that the list gave out.") from error
    if way not in {OLDER, NEWER}:
        raise BadCursor("This page's cursor is not one that the list gave out.")
    return way, values


def _value(part: object, column: InstrumentedAttribute[Any]) -> object:
    if column.type.python_type is datetime:
        moment = datetime.fromisoformat(str(part))
        if moment.tzinfo is None:
            raise ValueError("a time without its zone")
        return moment
    if type(part) is not int or abs(part) >= LARGEST:
        raise TypeError("not a whole number")
    return part
