"""How much of each organization waits for digest, for pages of this process and of others."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from console.ingest.spool import Spool

READ_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """The waiting rows of one organization."""

    rows: int
    size: int
    since: datetime
    """When the first of it came."""
    stalled: bool
    """Whether it waits because the organization's telemetry cannot be written."""


def measured(spool: Spool, stalled: Collection[int]) -> dict[int, Backlog]:
    """The backlog of each organization that has one."""
    backlogs = {}
    for organization_id, holding in spool.held().items():
        since = spool.oldest(organization_id) if holding.rows else None
        if since is not None:
            backlogs[organization_id] = Backlog(
                holding.rows, holding.size, since, organization_id in stalled
            )
    return backlogs


class NotedBacklogs:
    """The backlogs as the digest of another process noted them; read every other second."""

    def __init__(self, note: Path) -> None:
        """`note` is the digest's file."""
        self._note = note
        self._read_at = -READ_SECONDS
        self._found: Mapping[int, Backlog] = {}

    def of(self, organization_id: int) -> Backlog | None:
        """The organization's backlog, None if it has none."""
        if monotonic() - self._read_at > READ_SECONDS:
            self._read_at = monotonic()
            self._found = _noted(self._note)
        return self._found.get(organization_id)


def _noted(note: Path) -> dict[int, Backlog]:
    try:
        noted: Any = orjson.loads(note.read_bytes())["backlogs"]
        return {
            int(id_): Backlog(
                backlog["rows"], backlog["size"], _time(backlog["since"]), backlog["stalled"]
            )
            for id_, backlog in noted.items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # none yet, or of another version
        return {}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
