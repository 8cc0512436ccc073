"""Erases the rows of a deleted organization from the spool."""

from pathlib import Path

from console.ingest.group_commit import connect, transaction

TABLES = ("waiting", "dead_letter")


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
