"""The note of the latest backup in the instance folder: its progress and how it ended."""

from dataclasses import dataclass
from pathlib import Path

import orjson

NAME = "backup.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """How the latest backup goes or went; times are ISO 8601, "" where there is none."""

    id: str
    folder: str
    scheduled: bool
    began_at: str
    stage: str = ""
    copied: int = 0
    ended_at: str = ""
    error: str = ""
    seconds: float = 0.0
    paused_seconds: float = 0.0
    lacks: str = ""
    """What the latest backup lacks because it was damaged."""
    good_at: str = ""
    """When the latest complete backup was made, which may be an earlier one."""
    good_folder: str = ""


def read_note(instance: Path) -> Note | None:
    """How the latest backup goes or went; None if there never was one."""
    try:
        return Note(**orjson.loads((instance / NAME).read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return None
