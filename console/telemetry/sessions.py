"""Stores sessions: all updates of one session become one row, the last update of which counts.

Merging does not depend on the order and changes nothing when repeated, so a resend, a replay or
the retry of a dead letter may bring an update again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, select, table

from console.telemetry.batches import ArrowBatch, register, unpacked
from console.telemetry.records import SESSION_STATUSES, Key, Session
from console.telemetry.shelves import Shelf, insert_all, sent_at
from console.telemetry.tables import session

KEY = ("project_id", "session_id")
SEVERAL = 0
"""The position of a session whose updates came at several positions."""
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
    """Two updates of a session as one: the last by number counts, and fills in nothing less."""
    first, last = sorted((left, right), key=_rank)
    return replace(
        last,
        position=left.position if left.position == right.position else SEVERAL,
        received_at=max(left.received_at, right.received_at),
        timestamp=min(left.timestamp, right.timestamp),
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
    merged = dict(stored)
    for update in fresh:
        update_ = replace(update, client_timestamp=sent_at(update))
        key = _place(update_)
        merged[key] = merge(merged[key], update_) if key in merged else update_
    changed = {key: row for key, row in merged.items() if not _says_no_more(row, stored.get(key))}
    former = [stored[key] for key in changed if key in stored]
    if former:
        _delete(connection, former)
    if changed:
        insert_all(connection, shelf, list(changed.values()))


def _says_no_more(row: Session, stored: Session | None) -> bool:
    """Whether a row is as it was; that it came again is no news of it, and nothing comes late."""
    return stored is not None and row == replace(stored, received_at=row.received_at)


def _place(row: Session) -> Key:
    return row.project_id, row.session_id, row.client_timestamp


def _stored(connection: Connection, updates: Sequence[Session]) -> dict[Key, Session]:
    """The stored rows of these sessions, searched only around the times at which they started."""
    times = _register(connection, updates)
    named = select(*map(unpacked, _PLACE)).select_from(table("sessions")).subquery()
    match = and_(*[column == named.c[column.name] for column in _PLACE])
    query = select(session).join_from(session, named, match)
    near = session.c.client_timestamp.between(times[0], times[-1])
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
