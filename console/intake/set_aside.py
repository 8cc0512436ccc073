"""Damaged spools that were set aside, and how much of what they held is lost."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson

MARK = ".damaged-"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A damaged spool that was set aside; kept in a note beside it, as long as that is there."""

    at: str
    reason: str
    name: str
    """Of the file, in the folder of the spool."""
    rows: int
    """How many rows could be read, and go on."""
    letters: int
    """How many dead letters could be read."""
    missing: int | None
    """How many more the digest had counted a moment before; None if nobody knows."""

    @property
    def when(self) -> datetime:
        """When it was set aside."""
        return datetime.fromisoformat(self.at)

    @property
    def sentence(self) -> str:
        """What happened and what is lost, for whoever runs the console."""
        lost = "how many others it held is not known"
        if self.missing is not None:
            lost = f"up to {self.missing} others may be lost" if self.missing else "none is missing"
        return (
            f"the spool was damaged ({self.reason}) and is set aside as {self.name};"
            f" {self.rows} rows and {self.letters} dead letters of it go on, {lost}"
        )

    def note(self, aside: Path) -> None:
        """Write it beside the file that was set aside."""
        aside.with_name(f"{aside.name}.json").write_bytes(orjson.dumps(asdict(self)))


def reports(instance: Path) -> list[SetAside]:
    """What was set aside and is still there, the latest first."""
    notes = sorted(instance.glob(f"*{MARK}*.json"), reverse=True)
    present = [note for note in notes if note.with_suffix("").exists()]
    return [SetAside(**orjson.loads(note.read_bytes())) for note in present]
