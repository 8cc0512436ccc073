"""A receiver of webhooks on this machine, which keeps what it was sent."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tests.fakes.web import Answer, Request, Service, running


class Hook(Service):
    """Takes whatever is sent; `messages` are the bodies, `by_key` counts how often a key came."""

    def __init__(self, port: int = 0) -> None:
        """Start with nothing received."""
        super().__init__(port)
        self.messages: list[Any] = []
        self.by_key: dict[str, int] = {}

    def reply(self, request: Request) -> Answer:
        key = request.headers.get("Idempotency-Key", "")
        self.messages.append(request.json)
        self.by_key[key] = self.by_key.get(key, 0) + 1
        return Answer(200, {"received": key})


@contextmanager
def serving(port: int = 0) -> Iterator[Hook]:
    """Receive for as long as the test runs."""
    with running(Hook(port)) as hook:
        yield hook


def is_genuine(secret: str, header: str, body: bytes, now: datetime) -> bool:
    """Whether a console signed a body in the last five minutes: how docs/webhooks.md checks it."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(",", 5)[:5])
    stamp, given = parts.get("t", ""), parts.get("v1", "")
    if not (secret and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    is_recent = abs(now.timestamp() - int(stamp)) <= 300
    return is_recent and hmac.compare_digest(signed.encode(), given.encode(errors="replace"))
