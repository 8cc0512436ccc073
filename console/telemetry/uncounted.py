"""Error events by the spool position that brought them, for whoever has yet to count them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from console.telemetry.records import ErrorEvent
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import error_event

COUNTED = tuple(
    error_event.c[name]
    for name in (
        "organization_id", "project_id", "position", "event_id", "timestamp", "client_timestamp",
        "received_at", "grouping_hash", "category", "level", "kind", "platform", "environment",
        "release", "user_key", "handled", "body",
    )
)  # fmt: skip


def events_between(
    store: TelemetryStore, organization_id: int, after: int, upto: int, *, most: int
) -> Sequence[ErrorEvent]:
    """The events after a position up to another, in their order, with what is counted of them.

    Some `most` of them; all that one position brought come together.
    """
    within = error_event.c.position > after, error_event.c.position <= upto
    positions = select(error_event.c.position).where(*within)
    positions = positions.order_by(error_event.c.position).limit(most)
    last = select(func.max(positions.subquery().c.position)).scalar_subquery()
    query = select(*COUNTED).where(*within, error_event.c.position <= last)
    with store.using(organization_id) as database, database.transaction() as connection:
        rows = connection.execute(query.order_by(error_event.c.position)).mappings().all()
    return [ErrorEvent(**{**row, "user_key": row["user_key"] or ""}) for row in rows]
