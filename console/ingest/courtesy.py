"""Digest gives way to requests that are being accepted, which need the interpreter less long."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

CROWD = 2  # requests in acceptance at once, from which on digest gives way
COURTESY = 1.4  # of the processor time that the last row took: the pause before the next one
LONGEST_SECONDS = 0.05
STARVED = 5.0  # times that, from the begin of one row to the next: digest is short of time itself


class Courtesy:
    """Who waits for the disk, and a pause of digest for them.

    They share the interpreter, and each accept asks for it several times: beside a digest that
    never rests, 4 connections got 790 accepts/s, with this 1,300. A digest that waits long for the
    interpreter is short of time itself and goes on.
    """

    def __init__(self) -> None:
        """Begin with no waiting request."""
        self._waiting: set[object] = set()
        self._row_began = self._spent = 0.0

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """Count in an accept while it waits."""
        mark = object()
        self._waiting.add(mark)
        try:
            yield
        finally:
            self._waiting.discard(mark)

    def give_way(self) -> None:
        """Let waiting requests go first; digest calls this between two rows."""
        began, self._row_began = self._row_began, time.monotonic()
        before, self._spent = self._spent, time.thread_time()
        spent = self._spent - before
        if len(self._waiting) >= CROWD and self._row_began - began < STARVED * spent:
            time.sleep(min(COURTESY * spent, LONGEST_SECONDS))
