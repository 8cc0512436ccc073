"""Sends messages after the answer, so that its time reveals nothing about them."""

import logging
from collections.abc import Callable
from queue import Full, Queue
from threading import Lock, Thread

from flask import Flask, current_app

EXTENSION = "pharos.outgoing"
MOST_WAITING = 100

log = logging.getLogger(__name__)


class Outgoing:
    """A short queue and its thread; what still waits is lost when the process is killed."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._waiting: Queue[Callable[[], None]] = Queue(MOST_WAITING)
        self._thread: Thread | None = None
        self._starting = Lock()

    def send_later(self, send: Callable[[], None]) -> bool:
        """Call `send` soon in the app's context; False if too many wait already."""
        try:
            self._waiting.put_nowait(send)
        except Full:
            return False
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="outgoing", daemon=True)
                self._thread.start()
        return True

    def drain(self) -> None:
        """Wait until everything that was handed over has been sent, or has failed."""
        self._waiting.join()

    def settle(self, seconds: float) -> bool:
        """Wait so long at most until everything was sent or has failed; whether it was."""
        done = self._waiting.all_tasks_done
        with done:
            return done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def _run(self) -> None:
        while True:
            send = self._waiting.get()
            try:
                with self._app.app_context():
                    send()
            except Exception:
                log.exception("a message was not sent")
            finally:
                self._waiting.task_done()


def current() -> Outgoing:
    """Return the running app's queue, made when first needed."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - the app, not its proxy
    outgoing: Outgoing = app.extensions.setdefault(EXTENSION, Outgoing(app))
    return outgoing
