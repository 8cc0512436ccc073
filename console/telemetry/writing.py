"""Writes a batch to an organization's file; each kind of record has its own function for it."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from console.telemetry import kinds, presences
from console.telemetry.records import Batch, Record, Written
from console.telemetry.tables import applied

POSITION = select(applied.c.position)
ADVANCE = update(applied).values(position=bindparam("reached"))


def write(connection: Connection, batch: Batch, position: int) -> Written:
    """Store the records that are not there yet, and the position, in one transaction.

    Records up to the position that an earlier write reached are never stored again (a replay).
    Raises ValueError for records of a kind that is not declared.
    """
    if unknown := batch.kinds - {kind.name for kind in kinds.KINDS}:
        raise ValueError(f"no kind of record is declared as {', '.join(sorted(unknown))}")
    reached = position_of(connection)
    stored = {
        kind.name: kind.write(connection, kind.shelf, batch.of(kind.name), reached)
        for kind in kinds.KINDS
    }
    if position > reached:
        connection.execute(ADVANCE, {"reached": position})
    return Written(position, stored)


def write_own(
    connection: Connection, records: Sequence[Record], run: int, kind: kinds.Kind
) -> Written:
    """Store records that no position of the spool brought, the positions being minus the run."""
    return Written(-run, {kind.name: kind.write(connection, kind.shelf, records, -run - 1)})


def position_of(connection: Connection) -> int:
    return connection.scalar(POSITION) or 0


def withdraw(connection: Connection, position: int) -> None:
    """Delete the records of one position."""
    presences.withdraw(connection, position)
    for kind in kinds.KINDS:
        kind.withdraw(connection, kind.shelf, position)
