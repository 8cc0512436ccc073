"""Refusals that nothing could take until the console stopped: a file has room for them beforehand.

A full disk takes what is written into bytes that a file has already.
"""

import logging
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from console.intake.ledger import Count

FILE = "refused.json"
ROOM = 256 << 10  # over a thousand counts; an hour of a project has at most a hundred

log = logging.getLogger(__name__)
Kept = tuple[int, Count]
"""An organization, and what it was refused."""


class KeptRefusals:
    """The file; it is empty while the ledger takes what is refused."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the instance's; nothing is written before `make_room`."""
        self._path = folder / FILE
        self._has_content = False

    def make_room(self) -> None:
        """Give the file its bytes, while there are some; a disk that is full has none for it."""
        try:
            with self._path.open("ab") as file:
                file.write(b" " * (ROOM - file.tell()))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("there is no room to keep the count of what is refused: %s", error)

    def content(self) -> list[Kept]:
        """What the file has, and keeps until `clear`."""
        try:
            content = self._path.read_bytes().strip()
            listed = orjson.loads(content) if content else []
            kept = [(int(organization_id), count_of(values)) for organization_id, values in listed]
        except (OSError, ValueError, TypeError) as error:
            if not isinstance(error, FileNotFoundError):
                log.warning("what was refused before the last stop cannot be read: %s", error)
            return []
        self._has_content = bool(kept)
        return kept

    def keep(self, counts: Sequence[Kept]) -> None:
        """Write the counts in place of what the file had; beyond its room, the first ones."""
        listed = [(organization_id, values_of(count)) for organization_id, count in counts]
        while len(content := orjson.dumps(listed)) > ROOM:
            listed.pop()
        if len(listed) < len(counts):
            log.warning("%d counts of what was refused are lost", len(counts) - len(listed))
        self._write(content)
        self._has_content = bool(listed)

    def clear(self) -> None:
        """Forget what the file has: the ledger has it now."""
        if self._has_content:
            self._write(b"")
            self._has_content = False

    def _write(self, content: bytes) -> None:
        try:
            with self._path.open("r+b" if self._path.exists() else "w+b") as file:
                file.write(content.ljust(ROOM))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("the count of what was refused cannot be kept: %s", error)


def values_of(count: Count) -> list[Any]:
    """A count as JSON has it."""
    return [
        count.project_id,
        count.item_type,
        count.outcome,
        count.reason,
        count.quantity,
        count.at.isoformat(),
        count.detail,
    ]


def count_of(values: list[Any]) -> Count:
    """The count of such values; raises ValueError or TypeError for others."""
    project_id, item_type, outcome, reason, quantity, at, detail = values
    moment = datetime.fromisoformat(at)
    return Count(project_id, item_type, outcome, reason, quantity, moment, detail)
