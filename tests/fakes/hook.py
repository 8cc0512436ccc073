"""A receiver of webhooks on this machine, which keeps what it was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
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
