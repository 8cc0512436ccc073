"""What tiles showed in the last seconds: however many people look, each question is asked once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Lock

from console.core import clock
from console.telemetry.tile import TileContent

MOST_KEPT = 1_000
LONGEST_FRESH = 60.0
"""Seconds after which no answer is given any more."""
EXTENSION, OUTSIDE = "pharos.tile-shelf", "pharos.tile-shelf-outside"
"""Whoever has a link asks anything: answers to them take no room on the shelf of members."""


class StillAskedError(Exception):
    """Somebody else asks the same, and has no answer yet."""


@dataclass(slots=True)
class _Kept:
    """An answer, or the wait for it."""

    ready: Event = field(default_factory=Event)
    content: TileContent | None = None
    since: float = field(default_factory=time.monotonic)
    """`time.monotonic()` when it was asked."""
    at: datetime = field(default_factory=clock.now)


class Shelf:
    """Answers by what was asked; each is asked by one, while the others wait for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}
        self.asked = 0
        """How many questions were asked."""

    def take(
        self, key: str, fresh: float, patience: float, ask: Callable[[], TileContent]
    ) -> tuple[TileContent, datetime]:
        """The answer of `key` and when it was asked; asked anew if that is `fresh` seconds ago.

        Raises StillAskedError if another's question takes longer than `patience` seconds, and
        whatever `ask` raises. A question that fails is asked again by the next who looks.
        """
        until = time.monotonic() + patience
        while True:
            with self._lock:
                kept = self._kept.get(key)
                if kept is None or (kept.ready.is_set() and not self._is_fresh(kept, fresh)):
                    self._kept.pop(key, None)  # so that those asked first stand first
                    kept = self._kept[key] = _Kept()
                    self.asked += 1
                    break
            if not kept.ready.wait(max(0.0, until - time.monotonic())):
                raise StillAskedError
            if kept.content is not None:
                return kept.content, kept.at
        return self._asked(key, kept, ask), kept.at

    def _asked(self, key: str, kept: _Kept, ask: Callable[[], TileContent]) -> TileContent:
        try:
            kept.content = ask()
            return kept.content
        finally:
            with self._lock:
                if kept.content is None and self._kept.get(key) is kept:
                    del self._kept[key]
                self._tidy()
            kept.ready.set()

    def _tidy(self) -> None:
        """Forget what nobody is given any more: a wall asks for another range every minute."""
        stale = time.monotonic() - LONGEST_FRESH
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            is_stale = oldest.ready.is_set() and oldest.since < stale
            if not is_stale and len(self._kept) <= MOST_KEPT:
                return
            del self._kept[key]

    @staticmethod
    def _is_fresh(kept: _Kept, fresh: float) -> bool:
        return kept.content is not None and time.monotonic() - kept.since < fresh
