"""Gates: how work such as the digest is held back for a while, as a backup needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class GateBusy(Exception):
    """Work that was under way did not end in time."""


class Gate:
    """Any number of threads pass an open gate; closing it waits until all are through."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closers = 0

    @property
    def is_closed(self) -> bool:
        """Whether somebody holds the work back, or waits for the present one to end."""
        return self._closers > 0

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Do a stretch of work, once nobody holds it back."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closers)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def closed(self, patience: float) -> Iterator[None]:
        """Let nobody in; raise GateBusy if those inside are not through after so many seconds."""
        with self._changed:
            self._closers += 1
        try:
            with self._changed:
                if not self._changed.wait_for(lambda: not self._inside, patience):
                    raise GateBusy
            yield
        finally:
            with self._changed:
                self._closers -= 1
                self._changed.notify_all()
