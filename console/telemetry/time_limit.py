"""Ends DuckDB statements that take too long: the engine itself has no such limit."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_SECONDS = 0.25
IDLE_SECONDS = 30.0


class TimeLimit:
    """Interrupts statements that exceed their time, from one thread that lives while needed."""

    def __init__(self) -> None:
        """Begin without a thread."""
        self._lock = threading.Lock()
        self._running: dict[object, tuple[float, Callable[[], None]]] = {}
        self._watcher: threading.Thread | None = None
        self._used_at = 0.0

    @contextmanager
    def held(self, seconds: float, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt`, from another thread, if what is inside takes longer."""
        ticket = object()
        with self._lock:
            self._used_at = time.monotonic()
            self._running[ticket] = self._used_at + seconds, interrupt
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._watch, daemon=True, name="time-limit")
                self._watcher.start()
        try:
            yield
        finally:
            with self._lock:  # what runs next on this connection is not to be interrupted
                del self._running[ticket]

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lock:
                now = time.monotonic()
                for until, interrupt in self._running.values():
                    if until < now:
                        interrupt()
                if not self._running and now - self._used_at > IDLE_SECONDS:
                    self._watcher = None
                    return


limit = TimeLimit()
