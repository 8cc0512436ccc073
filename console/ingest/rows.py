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
    """One accepted request: whose it is, and its body as it was received."""

    organization_id: int
    project_id: int
    key_id: int
    received_at: datetime
    kind: str
    """The name of its protocol (`protocols.PROTOCOLS`), or `refusals.KIND`."""
    body: bytes
    encoding: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)
    """What accept learned of the request: `items` (types, comma-separated), `address`."""
    attempts: int = 0
    """How often digest gave up on the row before."""
    position: int = 0
    """Given by the spool; rows committed later have higher positions."""


def row_of(found: sqlite3.Row, clear: bytes) -> SpoolRow:
    """The row as it was appended; `clear` is what was sealed."""
    header, body = unpack(clear)
    return SpoolRow(
        position=found["position"],
        organization_id=found["organization_id"],
        project_id=found["project_id"],
        key_id=found["key_id"],
        received_at=moment(found["received_at"]),
        kind=found["kind"],
        encoding=found["encoding"],
        attempts=found["attempts"],
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
    """The header goes under the seal with the body: it holds the sender's address."""
    header = json.dumps(dict(row.header)).encode()
    return struct.pack(">I", len(header)) + header + row.body


def unpack(clear: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the body."""
    (length,) = struct.unpack_from(">I", clear)
    return json.loads(clear[4 : 4 + length]), clear[4 + length :]


def up_to(limit_bytes: int, cursor: sqlite3.Cursor) -> list[sqlite3.Row]:
    """The first rows of a result, at least one, that are sealed no larger than this together."""
    found: list[sqlite3.Row] = []
    size = 0
    for row in cursor:
        size += len(row["sealed"])
        if found and size > limit_bytes:
            break
        found.append(row)
    cursor.close()
    return found
