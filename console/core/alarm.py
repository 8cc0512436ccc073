"""Wakes when the next thing is due: the thread sleeps until then, whatever else is scheduled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from console.core import clock

GAP_SECONDS = 0.2
"""Between two rounds: what becomes due meanwhile is begun together."""
LONGEST_SECONDS = 5.0
"""The machine's clock may be set: so often it is looked at."""

log = logging.getLogger(__name__)
Ring = Callable[[Sequence[int]], None]
"""Begins what is due in some organizations."""


class Alarm:
    """The moments at which something is due next, one an organization, and who is woken then.

    It knows what is noted and asks nothing; the round of a job finds what was not noted, such as
    what a process left that ended. It rings in whichever process has noted something: what is done
    there is claimed, so that nothing is done twice.
    """

    def __init__(self, name: str, ring: Ring) -> None:
        """`ring` is called in the alarm's thread; `name` says in logs and threads what is due."""
        self._name = name
        self._ring = ring
        self._changed = threading.Condition()
        self._dues: dict[int, datetime] = {}
        self._thread: threading.Thread | None = None
        self._ends = threading.Event()

    def note(self, organization_id: int, at: datetime) -> None:
        """Wake for an organization at a moment, unless an earlier one is noted."""
        with self._changed:
            known = self._dues.get(organization_id)
            if known is None or at < known:
                self._dues[organization_id] = at
                self._changed.notify_all()

    def start(self) -> None:
        """Begin to wait."""
        self._ends.clear()
        self._thread = threading.Thread(target=self._wait, name=f"{self._name}-alarm", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way."""
        self._ends.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _wait(self) -> None:
        while not self._ends.is_set():
            due = self._sleep()
            if due:
                try:
                    self._ring(due)
                except Exception:  # the next round tries again
                    log.exception("%s of organizations %s were not begun", self._name, due)
                self._ends.wait(GAP_SECONDS)

    def _sleep(self) -> Sequence[int]:
        """Wait for the next moment that is noted, and take the organizations whose moment came."""
        with self._changed:
            if not self._ends.is_set() and (seconds := self._left()) > 0:
                self._changed.wait(min(seconds, LONGEST_SECONDS))
            now = clock.now()
            due = [id_ for id_, at in self._dues.items() if at <= now]
            for id_ in due:
                del self._dues[id_]
        return due

    def _left(self) -> float:
        if not self._dues:
            return LONGEST_SECONDS
        return (min(self._dues.values()) - clock.now()).total_seconds()
