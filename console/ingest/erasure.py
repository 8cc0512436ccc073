"""Erases rows from the spool: of a deleted organization or project, and old dead letters."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from console.ingest.dead_letters import EPOCH
from console.ingest.group_commit import connect, transaction

TABLES = ("waiting", "dead_letter")
LETTERS = "SELECT position, project_id, received_at FROM dead_letter WHERE organization_id = ?"


def erase_organization(spool: Path, organization_id: int) -> int:
    """Delete what waits of an organization, and its dead letters; return how many rows.

    On a connection of its own, so that it works beside a console that runs.
    """
    db = connect(spool, synchronous="FULL")
    try:
        with transaction(db):
            return sum(
                db.execute(
                    f"DELETE FROM {table} WHERE organization_id = ?",  # noqa: S608 - a constant
                    (organization_id,),
                ).rowcount
                for table in TABLES
            )
    finally:
        db.close()


def forget_letters(spool: Path, organization_id: int, oldest: Mapping[int, datetime]) -> int:
    """Delete dead letters that are older than their project keeps, or whose project is gone."""
    db = connect(spool, synchronous="FULL")
    try:
        with transaction(db):
            letters = db.execute(LETTERS, (organization_id,)).fetchall()
            gone = [
                (position,)
                for position, project_id, received_at in letters
                if project_id not in oldest
                or EPOCH + timedelta(microseconds=received_at) < oldest[project_id]
            ]
            db.executemany("DELETE FROM dead_letter WHERE position = ?", gone)
            return len(gone)
    finally:
        db.close()
