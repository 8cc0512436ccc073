"""A row of the spool: an accepted request, and how it is written."""

import json
import sqlite3
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from console.ingest.dead_letters import microseconds, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolRow:
    """One accepted request: its project, and its body as it was received."""

    organization_id: int
    project_id: int
    key_id: int
    received_at: datetime
    kind: str
    """The name of its protocol (`protocols.PROTOCOLS`), or `refusals.KIND`."""
    body: bytes
    encoding: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)
    """What accept learned about the request: `items` (types, comma-separated), `address`."""
    attempts: int = 0
    """How often digest gave up on the row before."""
    position: int = 0
    """Given by the spool; rows committed later have higher positions."""


def row_of(stored: sqlite3.Row, clear: bytes) -> SpoolRow:
    """The row as it was appended; `clear` is what was sealed."""
    header, body = unpack(clear)
    return SpoolRow(
        position=stored["position"],
        organization_id=stored["organization_id"],
        project_id=stored["project_id"],
        key_id=stored["key_id"],
        received_at=moment(stored["received_at"]),
        kind=stored["kind"],
        encoding=stored["encoding"],
        attempts=stored["attempts"],
        header=header,
        body=body,
    )


def values_of(row: SpoolRow, sealed: bytes) -> tuple[Any, ...]:
    """What Committer writes, in the order of its columns."""
    return (
        row.organization_id,
        row.project_id,
        row.key_id,
        microseconds(row.received_at),
        row.kind,
        row.encoding,
        sealed,
        row.attempts,
    )


def pack(row: SpoolRow) -> bytes:
    """Join header and body for sealing: the header has the client's address."""
    header = json.dumps(dict(row.header)).encode()
    return struct.pack(">I", len(header)) + header + row.body


def unpack(clear: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the body."""
    (length,) = struct.unpack_from(">I", clear)
    return json.loads(clear[4 : 4 + length]), clear[4 + length :]


def up_to(limit_bytes: int, cursor: sqlite3.Cursor) -> list[sqlite3.Row]:
    """The first rows of a result, at least one, whose sealed size together is within the limit."""
    rows: list[sqlite3.Row] = []
    size = 0
    for row in cursor:
        size += len(row["sealed"])
        if rows and size > limit_bytes:
            break
        rows.append(row)
    cursor.close()
    return rows
