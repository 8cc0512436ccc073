"""How much a key may send a minute, counted when a request is accepted, in memory."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from flask import Flask

from console.core import clock
from console.ingest.decode import ItemHead

EXTENSION = "pharos.quotas"
WINDOW = 60
UNLIMITED = ("client_report",)  # says what was lost elsewhere: it must always get through

CATEGORIES = {  # develop.sentry.dev, "Rate Limiting"
    "event": "error",
    "transaction": "transaction",
    "span": "span",
    "log": "log_item",
    "trace_metric": "trace_metric",
    "session": "session",
    "sessions": "session",
    "attachment": "attachment",
    "profile": "profile",
    "profile_chunk": "profile_chunk",
    "check_in": "monitor",
    "feedback": "feedback",
    "user_report": "feedback",
    "replay_event": "replay",
    "replay_recording": "replay",
    "replay_video": "replay",
    "raw_security": "security",
    "client_report": "internal",
}


@dataclass(slots=True)
class Ruling:
    """What the items of one request meet."""

    admitted: list[bool]
    """Per item, whether there was room for it."""
    exhausted: set[str] = field(default_factory=set)
    """Categories of this request of which nothing more is taken in this window."""
    retry_after: int = 0
    """Seconds until the window ends."""

    @property
    def headers(self) -> dict[str, str]:
        """X-Sentry-Rate-Limits as SDKs read it on any status: seconds:categories:scope:reason."""
        if not self.exhausted:
            return {}
        limits = f"{self.retry_after}:{';'.join(sorted(self.exhausted))}:key:quota"
        return {"X-Sentry-Rate-Limits": limits}


class Quotas:
    """Counts per key and category in windows of one minute; nothing is written anywhere.

    Each category has the key's whole quota, so that a flood of spans silences no errors. A process
    counts for itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._used: dict[tuple[int, str], int] = {}

    def rule(self, key_id: int, quota: int | None, heads: Sequence[ItemHead]) -> Ruling:
        """Count in the items that a quota of `quota` items a minute has room for.

        A container is taken whole when there is any room, so a window takes less than one
        container more than its quota.
        """
        ruling = Ruling([True] * len(heads))
        if quota is None:
            return ruling
        now = clock.now().timestamp()
        ruling.retry_after = max(ceil((now // WINDOW + 1) * WINDOW - now), 1)
        with self._lock:
            if now // WINDOW != self._window:
                self._window = int(now // WINDOW)
                self._used.clear()
            for number, head in enumerate(heads):
                if head.type in UNLIMITED:
                    continue
                name = category(head.type)
                used = self._used.get((key_id, name), 0)
                ruling.admitted[number] = used < quota
                if used < quota:
                    used += head.quantity
                    self._used[key_id, name] = used
                if used >= quota:
                    ruling.exhausted.add(name)
        return ruling


def init_app(app: Flask) -> None:
    """Give the app its counts."""
    app.extensions[EXTENSION] = Quotas()


def category(item_type: str) -> str:
    """The data category that SDKs are told to hold an item back by."""
    return CATEGORIES.get(item_type, "default")
