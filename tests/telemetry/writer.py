"""Run as a program: writes batches without end, telling each position that was acknowledged."""

import sys
from pathlib import Path
from uuid import UUID

from console.telemetry.records import Batch
from console.telemetry.store import TelemetryStore
from tests.telemetry.samples import error, span

PER_POSITION = 7


def batch(position: int) -> Batch:
    """The same records whenever it is asked: what a replay of the spool gives."""
    ids = [position * 100 + number for number in range(PER_POSITION)]
    return Batch(
        errors=[error(position, event_id=UUID(int=one).hex, body=b"x" * 3000) for one in ids],
        spans=[
            span(position, trace_id=UUID(int=1).hex, span_id=f"{one:016x}", name="n" * 99)
            for one in ids
        ],
    )


def main(folder: str, start: int) -> None:
    store = TelemetryStore(Path(folder), memory_mb=96, open_limit=1)
    for position in range(start, start + 1_000_000):
        store.write(1, batch(position), position)
        sys.stdout.write(f"{position}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
