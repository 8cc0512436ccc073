"""The description of a backup, `manifest.json`: the last file that is written into it."""

import os
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import orjson

from console.backup.copies import BackupFailed, sync

FORMAT = 2  # a Pharos that reads 1 alone would not know that something is missing
WHOLE_FORMAT = 1
NAME = "manifest.json"
UNFINISHED = "unfinished"
"""A file that is in a backup until it is complete; it holds the id of the instance."""
SQLITE, POSTGRESQL = "sqlite", "postgresql"
STATE, SPOOL, SECRET_KEY, TELEMETRY = "state.sqlite", "spool.sqlite", "secret_key", "telemetry"
DUMP = "state.dump"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The description of a backup; a position is a spool position that a store has applied."""

    pharos: str
    """Version of the Pharos that made it."""
    instance: str
    made_at: str
    """The moment whose state it holds: ISO 8601."""
    scheduled: bool
    state: str
    """The kind of the state database: "sqlite" or "postgresql"."""
    revision: str
    """Alembic's revision of the state database."""
    key: str
    """Fingerprint of the secret key, which does not reveal the key."""
    key_included: bool
    paused_seconds: float
    """How long the digest was held back."""
    organizations: dict[str, dict[str, Any]]
    """By id: slug, the position in `state`, and in `telemetry` (None where there is no file)."""
    waiting: int
    """How many rows of the spool wait for digest."""
    files: dict[str, dict[str, Any]]
    """Size and SHA-256 by path."""
    missing: dict[str, str] = field(default_factory=dict)
    """By id of an organization: why its telemetry is not in it."""

    @property
    def lacks(self) -> str:
        """What is missing, for people; "" of a backup that is whole."""
        sentences = [
            f"the telemetry of {self.organizations.get(number, {}).get('slug') or number} is not"
            f" in it ({why})"
            for number, why in self.missing.items()
        ]
        return "; ".join(sentences)

    def write(self, folder: Path) -> None:
        """Write it to the folder: whole, or not at all."""
        body = {"format": FORMAT if self.missing else WHOLE_FORMAT, **asdict(self)}
        draft = folder / f"{NAME}.new"
        content = {**body, "checksum": _checksum(body)}
        draft.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
        sync(draft)
        draft.replace(folder / NAME)
        sync(folder)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of a complete backup; raise BackupFailed for any other folder."""
        if not folder.is_dir():
            raise BackupFailed(f"{folder} is no folder")
        if (folder / UNFINISHED).exists():
            raise BackupFailed(f"{folder} was never finished: whoever made it was interrupted")
        try:
            body = orjson.loads((folder / NAME).read_bytes())
        except FileNotFoundError:
            raise BackupFailed(f"{folder} is no complete backup: it has no {NAME}") from None
        except orjson.JSONDecodeError as error:
            raise BackupFailed(f"{folder / NAME} is damaged: {error}") from error
        if not isinstance(body, dict) or not isinstance(body.get("format"), int):
            raise BackupFailed(f"{folder / NAME} does not describe a backup of Pharos")
        if body["format"] > FORMAT:
            raise BackupFailed(f"{folder} was made by a newer Pharos: {body.get('pharos')}")
        checksum = body.pop("checksum", "")
        if checksum != _checksum(body):
            raise BackupFailed(f"{folder / NAME} was changed since the backup was made")
        return cls(**{field.name: body[field.name] for field in fields(cls) if field.name in body})


def kept_key(instance: Path, secret_key: str) -> Path | None:
    """The file of the instance folder that holds this key; None if it comes from SECRET_KEY."""
    path = instance / SECRET_KEY
    try:
        return path if path.read_text().strip() == secret_key else None
    except FileNotFoundError:
        return None


def listing(folder: Path) -> dict[str, Path]:
    """Every file of a folder by its path in it, but for those that describe it."""
    paths = (Path(where) / name for where, _folders, names in os.walk(folder) for name in names)
    by_name = {path.relative_to(folder).as_posix(): path for path in sorted(paths)}
    return {name: path for name, path in by_name.items() if name not in {NAME, UNFINISHED}}


def _checksum(body: dict[str, Any]) -> str:
    return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
