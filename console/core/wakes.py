"""Hands the finished work of threads to an event loop, with one wake-up for many calls."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakKeyDictionary


class Wakes:
    """Calls that an event loop has to make, from any thread.

    `call_soon_threadsafe` writes into a pipe at each call. When a group of rows is done at once,
    only the first of them writes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` makes the calls."""
        self._loop = loop
        self._due: deque[Callable[[], object]] = deque()
        self._is_woken = False

    def post(self, call: Callable[[], object]) -> None:
        """Have the loop make a call; nothing if it is closed, as nobody waits then."""
        self._due.append(call)  # before the flag is read: who clears it has these to make still
        if not self._is_woken:
            self._is_woken = True
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._make)

    def _make(self) -> None:
        self._is_woken = False
        while self._due:
            self._due.popleft()()


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Wakes] = WeakKeyDictionary()


def wakes_of(loop: asyncio.AbstractEventLoop) -> Wakes:
    """The Wakes of a loop; call it in the loop's thread."""
    wakes = _of_loops.get(loop)
    if wakes is None:
        wakes = _of_loops[loop] = Wakes(loop)
    return wakes


def finish(waiting: "asyncio.Future[None]") -> None:
    """End the wait for something, unless nobody waits any more."""
    if not waiting.done():
        waiting.set_result(None)
