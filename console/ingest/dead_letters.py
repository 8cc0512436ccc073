"""Dead letters: rows that digest gave up on, kept in the spool's file for a second chance."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from console.ingest import holdings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BURY = """
INSERT INTO dead_letter SELECT *, :attempts, :reason, :items, :died_at
FROM (SELECT position, organization_id, project_id, key_id, received_at, kind, encoding, sealed
      FROM waiting WHERE position = :position)
"""
OLDEST = """
SELECT position, length(sealed) FROM dead_letter
WHERE organization_id = ? ORDER BY died_at, position LIMIT 1
"""
REQUEUE = """
INSERT INTO waiting
SELECT NULL, organization_id, project_id, key_id, received_at, kind, encoding, sealed, attempts
FROM dead_letter
WHERE organization_id = ? AND project_id = ? AND (? IS NULL OR position = ?) ORDER BY position
"""
DISCARD = """
DELETE FROM dead_letter
WHERE organization_id = ? AND project_id = ? AND (? IS NULL OR position = ?)
"""
LIST = """
SELECT *, length(sealed) AS size FROM dead_letter
WHERE organization_id = ? AND project_id = ? ORDER BY died_at DESC LIMIT ?
"""
COUNT = """
SELECT count(*) FROM dead_letter
WHERE :organization IS NULL OR organization_id = :organization AND project_id = :project
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A row that digest gave up on; its body stays sealed."""

    position: int
    organization_id: int
    project_id: int
    received_at: datetime
    died_at: datetime
    kind: str
    items: str
    attempts: int
    reason: str
    size: int
    """Bytes on disk."""


def bury(db: sqlite3.Connection, letter: Mapping[str, Any], *, room: int) -> None:
    """Move a waiting row among the dead letters, in the present transaction.

    `letter` has position, attempts, reason, items, died_at. When all letters together are larger
    than `room` bytes, the organization that has most loses its oldest: no one pushes out another's.
    """
    db.execute(BURY, letter)
    db.execute("DELETE FROM waiting WHERE position = :position", letter)
    sizes = {id_: holding.letters_size for id_, holding in holdings.held(db).items()}
    while sum(sizes.values()) > room:
        largest = max(sizes, key=lambda organization_id: sizes[organization_id])
        oldest = db.execute(OLDEST, (largest,)).fetchone()
        if oldest is None:
            break
        db.execute("DELETE FROM dead_letter WHERE position = ?", (oldest[0],))
        sizes[largest] -= oldest[1]


def listed(db: sqlite3.Connection, project: tuple[int, int], limit: int) -> list[DeadLetter]:
    """The letters of a project, given as organization and project id, the latest first."""
    return [_letter(row) for row in db.execute(LIST, (*project, limit)).fetchall()]


def microseconds(at: datetime) -> int:
    """A time as the spool's file has it."""
    return (at - EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """The time that the spool's file has as microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at)


def _letter(row: sqlite3.Row) -> DeadLetter:
    return DeadLetter(
        position=row["position"],
        organization_id=row["organization_id"],
        project_id=row["project_id"],
        received_at=moment(row["received_at"]),
        died_at=moment(row["died_at"]),
        kind=row["kind"],
        items=row["items"],
        attempts=row["attempts"],
        reason=row["reason"],
        size=row["size"],
    )
