"""Stores sessions: all updates of one session become one row, the last update of which counts.

Merging does not depend on the order and changes nothing when repeated, so a resend, a replay or
the retry of a dead letter may bring an update again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, select, table

from console.telemetry import presences
from console.telemetry.batches import ArrowBatch, register, unpacked
from console.telemetry.records import SESSION_STATUSES, Key, Session
from console.telemetry.shelves import Shelf, insert_all, sent_at
from console.telemetry.tables import session

KEY = ("project_id", "session_id")
CRASHED = SESSION_STATUSES[-1]
SEVERAL = 0
"""The position of a session whose updates came at several positions."""
ROUNDED = timedelta(seconds=2)
"""Starts that are nearer are the same: clients that keep a session in a file round its start."""
_NAMES = [column.name for column in session.columns]
# A client repeats the time at which a session started in all of its updates.
_PLACE = [session.c[name] for name in (*KEY, "client_timestamp")]


def keep(
    connection: Connection, shelf: Shelf, updates: Sequence[Session], reached: int
) -> frozenset[Key]:
    """Merge updates after the position reached with the stored rows of the same sessions.

    No update is the duplicate of another: the keys of all are returned.
    """
    fresh = [update for update in updates if update.position > reached]
    if fresh:
        _merge_in(connection, shelf, fresh)
    return frozenset(map(shelf.key_of, updates))


def merge(left: Session, right: Session) -> Session:
    """Two updates of a session as one: the last by number counts, and fills in nothing less.

    A crash stays one: some clients end a session again while the process is on its way out.
    """
    first, last = sorted((left, right), key=_rank)
    return replace(
        last,
        status=CRASHED if CRASHED in (left.status, right.status) else last.status,
        position=left.position if left.position == right.position else SEVERAL,
        received_at=max(left.received_at, right.received_at),
        timestamp=min(left.timestamp, right.timestamp),
        client_timestamp=min(sent_at(left), sent_at(right)),
        environment=last.environment or first.environment,
        release=last.release or first.release,
        user_key=last.user_key or first.user_key,
        duration_ms=first.duration_ms if last.duration_ms is None else last.duration_ms,
    )


def _rank(update: Session) -> tuple[Any, ...]:
    """Orders updates; every field takes part, so that the order of arrival does not matter."""
    return (
        update.seq,
        SESSION_STATUSES.index(update.status),
        update.errors,
        -1 if update.duration_ms is None else update.duration_ms,
        update.environment,
        update.release,
        update.user_key,
    )


def _merge_in(connection: Connection, shelf: Shelf, fresh: Sequence[Session]) -> None:
    stored = _stored(connection, fresh)
    merged: dict[Key, dict[datetime, Session]] = {}
    for row in stored.values():
        merged.setdefault(_id(row), {})[sent_at(row)] = row
    for update in fresh:
        update_ = replace(update, client_timestamp=sent_at(update))
        near = _same(update_, merged.get(_id(update_), {}).values())
        if near is not None:
            merged[_id(near)].pop(sent_at(near))
            update_ = merge(near, update_)
        merged.setdefault(_id(update_), {})[sent_at(update_)] = update_
    rows = {_place(row): row for starts in merged.values() for row in starts.values()}
    changed = {key: row for key, row in rows.items() if not _says_no_more(row, stored.get(key))}
    former = [row for key, row in stored.items() if key in changed or key not in rows]
    if former:
        _delete(connection, former)
    if changed:
        insert_all(connection, shelf, list(changed.values()))
    presences.change(connection, former, list(changed.values()))


def _says_no_more(row: Session, stored: Session | None) -> bool:
    """Whether a row is as it was; that it came again is no news of it, and nothing comes late."""
    return stored is not None and row == replace(stored, received_at=row.received_at)


def _id(row: Session) -> Key:
    return row.project_id, row.session_id


def _place(row: Session) -> Key:
    return *_id(row), row.client_timestamp


def _same(update: Session, rows: Iterable[Session]) -> Session | None:
    """The row of the session that an update is about; an id that is used again is another one."""
    near = [row for row in rows if abs(sent_at(row) - sent_at(update)) < ROUNDED]
    return min(near, key=lambda row: abs(sent_at(row) - sent_at(update)), default=None)


def _stored(connection: Connection, updates: Sequence[Session]) -> dict[Key, Session]:
    """The stored rows of these sessions, searched only around the times at which they started."""
    times = _register(connection, updates)
    ids = select(*map(unpacked, _PLACE[:-1])).select_from(table("sessions")).distinct().subquery()
    match = and_(*[column == ids.c[column.name] for column in _PLACE[:-1]])
    query = select(session).join_from(session, ids, match)
    near = session.c.client_timestamp.between(times[0] - ROUNDED, times[-1] + ROUNDED)
    rows = connection.execute(query.where(near))
    listed = [Session(**dict(zip(_NAMES, row, strict=True))) for row in rows]
    return {_place(row): row for row in listed}


def _delete(connection: Connection, rows: Sequence[Session]) -> None:
    times = _register(connection, rows)
    named = select(*map(unpacked, _PLACE)).select_from(table("sessions")).subquery()
    mine = exists().where(*[column == named.c[column.name] for column in _PLACE])
    near = session.c.client_timestamp.between(times[0], times[-1])
    connection.execute(delete(session).where(near, mine))


def _register(connection: Connection, rows: Sequence[Session]) -> list[Any]:
    """Register where these sessions lie; returns the times at which they started, sorted."""
    places = sorted({(row.project_id, row.session_id, sent_at(row)) for row in rows})
    register(connection, "sessions", ArrowBatch(_PLACE, list(zip(*places, strict=True))))
    return sorted(place[-1] for place in places)
