"""Stores reports of page loads: all reports of one load become one row.

A browser reports a load in pieces: the page itself, and each vital when it is known, before or
after the page and more than once. Merging does not depend on the order and changes nothing when
repeated, so a replay or the retry of a dead letter may merge a piece again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Column, Connection, and_, column, delete, exists, insert, select, table

from console.telemetry import presences
from console.telemetry.batches import ArrowBatch, register, unpacked
from console.telemetry.days import day_of
from console.telemetry.dialect import vital_bucket
from console.telemetry.records import PIECE, Key, PageLoad
from console.telemetry.shelves import Shelf
from console.telemetry.tables import page_load, vital_day
from console.telemetry.web_vitals import METRICS

APART = timedelta(hours=12)
"""How far apart the pieces of one load may lie: a tab may stay open for a day."""
SKEW = timedelta(minutes=1)
"""How much a browser's clock may change between two reports of one load."""
DESCRIBED = ("page", "path", "device", "navigation", "environment", "release", "source")
KNOWN = (*DESCRIBED, "user_key", "trace_id")
KEY = ("project_id", "page_id")
BUCKETS = [metric.bucket_column for metric in METRICS]
REPORTED = [stored for stored in page_load.columns if stored.name not in BUCKETS]
COLUMNS = [stored.name for stored in REPORTED]

SEVERAL = 0
"""The position of a page load whose pieces came at several positions."""

PageKey = tuple[int, str]


def keep(
    connection: Connection,
    _shelf: Shelf,
    pieces: Sequence[PageLoad],
    reached: int,
) -> frozenset[Key]:
    """Merge pieces after the position reached with the stored rows of the same page loads.

    The rollup of a day whose loads change is dropped. No piece is the duplicate of another: the
    keys of all are returned.
    """
    fresh = _placed(connection, [piece for piece in pieces if piece.position > reached])
    if fresh:
        _merge_in(connection, fresh)
    return frozenset((piece.project_id, piece.page_id) for piece in pieces)


def withdraw(connection: Connection, _shelf: Shelf, position: int) -> None:
    """Delete the page loads that only one position reported, and the rollups of their days.

    Page loads that other positions reported too stay: their pieces would not come a second time.
    """
    mine = page_load.c.position == position
    loads = select(page_load.c.project_id, page_load.c.timestamp).where(mine)
    days = {(project_id, day_of(at)) for project_id, at in connection.execute(loads)}
    connection.execute(delete(page_load).where(mine))
    _drop_rollups(connection, days)


def _merge_in(connection: Connection, fresh: Sequence[PageLoad]) -> None:
    stored = _stored(connection, fresh)
    merged: dict[PageKey, PageLoad] = dict(stored)
    for piece in fresh:
        key = (piece.project_id, piece.page_id)
        merged[key] = merge(merged[key], _dated(piece)) if key in merged else _dated(piece)
    changed = {
        key: load for key, load in merged.items() if not _says_no_more(load, stored.get(key))
    }
    if not changed:
        return
    former = [stored[key] for key in changed if key in stored]
    if former:
        _delete(connection, former)
    _insert(connection, list(changed.values()))
    _drop_rollups(connection, days_of([*changed.values(), *former]))
    presences.change(connection, former, list(changed.values()))


def _says_no_more(load: PageLoad, stored: PageLoad | None) -> bool:
    if stored is None:
        return False
    return load == replace(stored, position=load.position, received_at=load.received_at)


def merge(left: PageLoad, right: PageLoad) -> PageLoad:
    """Two pieces as one: of each metric it has the value that was reported last.

    The description of the page comes from the piece that knows the page. Of two values reported at
    the same time the larger is the later one, since these metrics only grow while a page is open.
    """
    first, second = sorted((left, right), key=_rank)
    fields: dict[str, Any] = {n: getattr(first, n) or getattr(second, n) for n in KNOWN}
    attribution: dict[str, Any] = {}
    for metric in METRICS:
        teller = max((left, right), key=lambda load: _recency(load, metric.column))
        fields[metric.column] = getattr(teller, metric.column)
        attribution |= _about(teller, metric.column)
    return replace(
        first,
        position=left.position if left.position == right.position else SEVERAL,
        received_at=max(left.received_at, right.received_at),
        attribution=attribution,
        **fields,
    )


def days_of(loads: Iterable[PageLoad]) -> set[tuple[int, datetime]]:
    """The (project id, start of the UTC day) of each load."""
    return {(load.project_id, day_of(load.timestamp)) for load in loads}


def _rank(load: PageLoad) -> tuple[Any, ...]:
    """Orders pieces: the page load itself, then those that know the page, then the earlier ones."""
    return (
        load.source == PIECE,
        not load.page,
        load.timestamp,
        *(getattr(load, name) for name in KNOWN),
    )


def _recency(load: PageLoad, metric: str) -> tuple[bool, float, float]:
    value = getattr(load, metric)
    if value is None:
        return (False, 0.0, 0.0)
    return (True, float(cast("float", load.attribution.get(f"{metric}.at", 0))), value)


def _about(load: PageLoad, metric: str) -> Mapping[str, Any]:
    return {k: v for k, v in load.attribution.items() if k.startswith(f"{metric}.")}


def _dated(piece: PageLoad) -> PageLoad:
    return replace(piece, client_timestamp=piece.client_timestamp or piece.timestamp)


def _placed(connection: Connection, pieces: Sequence[PageLoad]) -> list[PageLoad]:
    """The pieces; one that knows only its trace gets the page load that began the trace.

    A trace that goes on from a cached page has many loads: the last one that began before counts.
    Without one, the piece stays a page load whose page is not known.
    """
    loose = [piece for piece in pieces if piece.is_loose]
    if not loose:
        return list(pieces)
    loads = defaultdict(list)
    for load in (*pieces, *_of_traces(connection, loose)):
        if load.page and load.source != PIECE:
            loads[load.project_id, load.trace_id].append(load)
    return [
        _put(piece, loads[piece.project_id, piece.trace_id]) if piece.is_loose else piece
        for piece in pieces
    ]


def _put(piece: PageLoad, loads: Iterable[PageLoad]) -> PageLoad:
    before = [load for load in loads if load.timestamp <= piece.timestamp + SKEW]
    latest = max(before, key=lambda load: (load.timestamp, load.page_id), default=piece)
    return replace(piece, page_id=latest.page_id, is_loose=False)


def _of_traces(connection: Connection, pieces: Sequence[PageLoad]) -> list[PageLoad]:
    """The page loads that the traces of these pieces began with, around their times."""
    named = [page_load.c[name] for name in ("project_id", "trace_id")]
    return _near(connection, pieces, named)


def _stored(connection: Connection, pieces: Sequence[PageLoad]) -> dict[PageKey, PageLoad]:
    """The stored rows of these page loads, searched only around their times."""
    rows = _near(connection, pieces, [page_load.c[name] for name in KEY])
    return {(load.project_id, load.page_id): load for load in rows}


def _near(
    connection: Connection, pieces: Sequence[PageLoad], named: Sequence[Column[Any]]
) -> list[PageLoad]:
    """The stored rows that agree with a piece in these columns, not far from it in time."""
    keys = sorted({tuple(getattr(piece, key.name) for key in named) for piece in pieces})
    register(connection, "keys", ArrowBatch(named, list(zip(*keys, strict=True))))
    wanted = select(*[unpacked(key) for key in named]).select_from(table("keys")).subquery()
    times = [piece.timestamp for piece in pieces]
    match = and_(*[key == wanted.c[key.name] for key in named])
    query = select(*REPORTED).join_from(page_load, wanted, match)
    near = page_load.c.timestamp.between(min(times) - APART, max(times) + APART)
    return [
        PageLoad(**dict(zip(COLUMNS, row, strict=True)))
        for row in connection.execute(query.where(near))
    ]


def _delete(connection: Connection, loads: Sequence[PageLoad]) -> None:
    named = [page_load.c[name] for name in (*KEY, "timestamp")]
    values = [[getattr(load, key.name) for load in loads] for key in named]
    register(connection, "former", ArrowBatch(named, values))
    former = select(*[unpacked(key) for key in named]).select_from(table("former")).subquery()
    times = [load.timestamp for load in loads]
    connection.execute(
        delete(page_load).where(
            page_load.c.timestamp.between(min(times), max(times)),
            exists().where(*[page_load.c[key.name] == former.c[key.name] for key in named]),
        )
    )


def _insert(connection: Connection, loads: Sequence[PageLoad]) -> None:
    values = [[getattr(load, name) for load in loads] for name in COLUMNS]
    register(connection, "loads", ArrowBatch(REPORTED, values))
    batch = table("loads", *[column(name) for name in COLUMNS])
    buckets = [
        vital_bucket(batch.c[metric.column], metric.good, metric.fine_ratio) for metric in METRICS
    ]
    incoming = select(*[unpacked(reported) for reported in REPORTED], *buckets).select_from(batch)
    connection.execute(insert(page_load).from_select([*COLUMNS, *BUCKETS], incoming))


def _drop_rollups(connection: Connection, days: Iterable[tuple[int, datetime]]) -> None:
    for project_id, day in sorted(days):
        connection.execute(
            delete(vital_day).where(
                vital_day.c.project_id == project_id, vital_day.c.timestamp == day
            )
        )
