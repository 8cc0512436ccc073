"""What decoding needs of a row of the spool."""

from datetime import timedelta

from console.ingest.decoding import Received
from console.ingest.people import People
from console.ingest.rows import SpoolRow


def received(row: SpoolRow, people: People, days: int | None = None) -> Received:
    """The row to decode, for a project that keeps what it gets for so many days."""
    return Received(
        protocol=row.kind,
        organization_id=row.organization_id,
        project_id=row.project_id,
        position=row.position,
        received_at=row.received_at,
        encoding=row.encoding,
        address=str(row.header.get("address", "")),
        body=row.body,
        oldest=None if days is None else row.received_at - timedelta(days=days),
        people=people.secret,
    )
