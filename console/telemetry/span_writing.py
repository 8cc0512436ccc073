"""Writes spans to an organization's file, with their segments and the texts of statements."""

from collections.abc import Sequence
from operator import attrgetter

from sqlalchemy import Connection, bindparam, select

from console.telemetry import presences, shelves
from console.telemetry.adoption import adopt
from console.telemetry.records import Key, Span
from console.telemetry.shelves import Shelf
from console.telemetry.tables import statement

TEXTS = Shelf(
    statement,
    key=("project_id", "fingerprint"),
    derived={
        "text": attrgetter("statement"),
        "system": lambda span: str(span.attributes.get("db.system.name") or "")[:40],
    },
)
KNOWN_TEXTS = select(statement.c.project_id, statement.c.fingerprint).where(
    statement.c.fingerprint.in_(bindparam("fingerprints", expanding=True))
)


def store(
    connection: Connection, shelf: Shelf, spans: Sequence[Span], reached: int
) -> frozenset[Key]:
    """Store new spans and the texts of their statements, and set the segments that they reveal."""
    stored = shelves.store(connection, shelf, spans, reached)
    presences.add(connection, shelf, spans, stored)
    adopt(connection, spans)
    _keep_texts(connection, spans)
    return stored


def _keep_texts(connection: Connection, spans: Sequence[Span]) -> None:
    """Store the texts of fingerprints that are new to the project; few batches bring any."""
    first = TEXTS.by_key([span for span in spans if span.fingerprint])
    if not first:
        return
    fingerprints = sorted({fingerprint for _, fingerprint in first})
    known = connection.execute(KNOWN_TEXTS, {"fingerprints": fingerprints})
    stored = {tuple(row) for row in known}
    fresh = [span for key, span in first.items() if key not in stored]
    if fresh:
        shelves.insert_all(connection, TEXTS, fresh)
