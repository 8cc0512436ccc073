"""How much a key may send a minute, counted when a request is accepted, in memory."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import cast

from flask import Flask, current_app

from console.core import clock
from console.core.config import Config
from console.ingest import protocols
from console.ingest.protocol import ItemHead

EXTENSION = "pharos.quotas"
WINDOW = 60


@dataclass(slots=True)
class Ruling:
    """How the quota judges the items of one request."""

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

    def __init__(self, default: int) -> None:
        """`default` applies to keys without their own quota; 0 means no limit."""
        self._default = default
        self._lock = threading.Lock()
        self._window = 0
        self._used: dict[tuple[int, str], int] = {}
        self._refused_at: dict[int, float] = {}

    def limit(self, quota: int | None, category: str) -> int:
        """The items of a category that a key with this quota may send a minute; 0: any number."""
        if quota is not None:
            return quota
        return self._default * protocols.category(category).factor

    def rule(self, key_id: int, quota: int | None, heads: Sequence[ItemHead]) -> Ruling:
        """Count in the items that the key's quota has room for: None is the default, 0 is no limit.

        A container is taken whole when there is any room, so a window takes less than one
        container more than its quota.
        """
        ruling = Ruling([True] * len(heads))
        if quota == 0 or (quota is None and not self._default):
            return ruling
        now = clock.now().timestamp()
        ruling.retry_after = max(ceil((now // WINDOW + 1) * WINDOW - now), 1)
        with self._lock:
            if now // WINDOW != self._window:
                self._window = int(now // WINDOW)
                self._used.clear()
            for number, head in enumerate(heads):
                category = protocols.item_type(head.type).category
                if not category.is_limited:
                    continue
                name = category.name
                limit = self.limit(quota, name)
                used = self._used.get((key_id, name), 0)
                ruling.admitted[number] = used < limit
                if used < limit:
                    used += head.quantity
                    self._used[key_id, name] = used
                if used >= limit:
                    ruling.exhausted.add(name)
        return ruling

    def used(self, key_id: int) -> dict[str, int]:
        """How many items of each category the key has sent in the present minute."""
        with self._lock:
            if clock.now().timestamp() // WINDOW != self._window:
                return {}
            return {name: used for (id_, name), used in self._used.items() if id_ == key_id}

    def refused(self, organization_id: int) -> None:
        """Note that items of an organization are over a quota."""
        self._refused_at[organization_id] = clock.now().timestamp()

    def refuses(self, organization_id: int) -> bool:
        """Whether items of the organization were over a quota in the last minute."""
        return clock.now().timestamp() - self._refused_at.get(organization_id, 0.0) < WINDOW


def init_app(app: Flask, settings: Config) -> None:
    """Give the app its counts."""
    app.extensions[EXTENSION] = Quotas(settings.default_quota)


def current() -> Quotas:
    """Return the running app's counts."""
    return cast("Quotas", current_app.extensions[EXTENSION])
