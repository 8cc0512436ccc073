"""Failures that come again and again: the log has each at once, and then ever less often."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import cast

from flask import current_app

from console.core import clock

EXTENSION = "pharos.repeated-failures"
FIRST_SECONDS, LONGEST_SECONDS = 60.0, 3600.0
"""Between two lines about the same failure: twice as long each time."""
MOST = 10_000
"""So many are known; whatever was known longest is said anew."""


@dataclass(slots=True)
class _Known:
    cause: str
    times: int
    pause: float
    say_at: float


class Repeated:
    """What has failed in this process and not succeeded since."""

    def __init__(self) -> None:
        """Know of no failure yet."""
        self._lock = threading.Lock()
        self._known: dict[Hashable, _Known] = {}

    def failed(self, name: Hashable, cause: str) -> int:
        """How often in a row it has failed so, if the log should say so now; 0 if not."""
        now = clock.monotonic()
        with self._lock:
            known = self._known.get(name)
            if known is None or known.cause != cause:
                self._known.pop(name, None)
                while len(self._known) >= MOST:
                    del self._known[next(iter(self._known))]
                self._known[name] = _Known(cause, 1, FIRST_SECONDS, now + FIRST_SECONDS)
                return 1
            known.times += 1
            if now < known.say_at:
                return 0
            known.pause = min(2 * known.pause, LONGEST_SECONDS)
            known.say_at = now + known.pause
            return known.times

    def succeeded(self, name: Hashable) -> int:
        """Forget its failures; how many they were."""
        with self._lock:
            known = self._known.pop(name, None)
        return known.times if known else 0


def current() -> Repeated:
    """What is known in the running app."""
    return cast("Repeated", current_app.extensions.setdefault(EXTENSION, Repeated()))
