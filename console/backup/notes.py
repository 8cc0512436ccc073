"""The note of the latest backup, kept in the instance folder: it also tells how that went."""

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
    """What is not in the latest backup, as it was damaged."""
    good_at: str = ""
    """When the latest backup that is good and whole was made, which may be an earlier one."""
    good_folder: str = ""


def read_note(instance: Path) -> Note | None:
    """How the latest backup goes or went; None if there never was one."""
    try:
        return Note(**orjson.loads((instance / NAME).read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return None
