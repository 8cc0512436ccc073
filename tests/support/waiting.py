"""Waits for what another thread, process or server does, never for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")
PATIENCE = 60.0  # seconds: a machine that does much else is slow, and only what hangs takes it all


def until(
    look: Callable[[], Seen], what: str, *, seconds: float = PATIENCE, every: float = 0.02
) -> Seen:
    """Look again and again, and return the first value that is true; `what` names it if none is."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}, saw {value!r}"
        time.sleep(every)
    return value
