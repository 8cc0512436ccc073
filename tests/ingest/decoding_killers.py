"""A process that decodes as the console's does, but for rows that end it or that it hangs at."""

import os
import signal
import time
from typing import Any

from console.ingest.decoders import process
from console.ingest.sentry import items

KILLS, SPINS, SLEEPS, FILLS = "KillsItsDecoder", "SpinsForEver", "SleepsForEver", "FillsMemory"
SLOW, FAILS = "TakesAWhile", "FailsAlways"
SLOW_SECONDS = 0.1


def main() -> None:
    decode = items.decode

    def decode_or_die(envelope: Any, context: Any) -> Any:
        text = b"".join(item.payload for item in envelope.items).decode()
        for word, act in ACTS.items():
            if word in text:
                act()
        return decode(envelope, context)

    items.decode = decode_or_die
    process.main()


def _spin() -> None:
    deadline = time.monotonic() + 600  # of a process that nobody ends
    while time.monotonic() < deadline:
        pass


def _fail() -> None:
    raise ValueError("hunter2 could not be read")


ACTS = {
    KILLS: lambda: os.kill(os.getpid(), signal.SIGKILL),
    SPINS: _spin,
    SLEEPS: lambda: time.sleep(3600),
    FILLS: lambda: bytearray(8 << 30),
    SLOW: lambda: time.sleep(SLOW_SECONDS),
    FAILS: _fail,
}

if __name__ == "__main__":
    main()
