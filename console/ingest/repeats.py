"""Rows of spans that later ones repeat in all but their ids and times, as many as memory allows."""

from functools import lru_cache

from console.ingest.scrub_rules import ScrubRules
from console.ingest.scrubbed import Scrubbed
from console.telemetry.records import Span

ROWS, KEY_BYTES = 1024, 4096


class Repeats:
    """Rows that were scrubbed by one set of rules, by the bytes of what makes them."""

    def __init__(self) -> None:
        """Begin empty."""
        self._rows: dict[bytes, Scrubbed[Span]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: bytes) -> Scrubbed[Span] | None:
        """The row that was made of the same before."""
        return self._rows.get(key)

    def keep(self, key: bytes, row: Scrubbed[Span]) -> None:
        """Remember a row; one that is large comes too seldom to take the room of others."""
        if len(key) > KEY_BYTES:
            return
        if len(self._rows) >= ROWS:
            self._rows.clear()
        self._rows[key] = row


@lru_cache(maxsize=8)
def repeats_of(rules: ScrubRules) -> Repeats:
    """What is remembered under these rules: other rules would blank something else."""
    del rules  # they are the key
    return Repeats()
