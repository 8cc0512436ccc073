"""Brings what threads have finished to an event loop, which one wake-up tells of many."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakKeyDictionary


class Wakes:
    """Calls that an event loop has to make, from any thread.

    `call_soon_threadsafe` writes into a pipe each time; where a group of rows is done at once, this
    does so for the first of them only.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` makes the calls."""
        self._loop = loop
        self._due: deque[Callable[[], object]] = deque()
        self._is_told = False

    def post(self, call: Callable[[], object]) -> None:
        """Have the loop make a call; nothing if it is closed, as nobody waits then."""
        self._due.append(call)  # before the flag is read: who clears it has these to make still
        if not self._is_told:
            self._is_told = True
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._make)

    def _make(self) -> None:
        self._is_told = False
        while self._due:
            self._due.popleft()()


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Wakes] = WeakKeyDictionary()


def wakes_of(loop: asyncio.AbstractEventLoop) -> Wakes:
    """The one of a loop; to be asked for in the loop's thread."""
    found = _of_loops.get(loop)
    if found is None:
        found = _of_loops[loop] = Wakes(loop)
    return found


def finish(waiting: "asyncio.Future[None]") -> None:
    """End the wait for something, unless nobody waits any more."""
    if not waiting.done():
        waiting.set_result(None)
