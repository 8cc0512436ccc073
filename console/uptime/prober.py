"""Tries checks side by side on one event loop, so that a server that hangs holds only its own try.

The loop runs in a thread of its own; what the tries come to is written by another one, in batches.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import resource
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from console.core.http import Call, CallFailed, fetch
from console.core.loop_thread import LoopThread
from console.telemetry.records import CheckOutcome
from console.uptime.probe import Answer, Connected, Request, look

SLOTS, SUSPECT_SLOTS = 512, 256
"""Tries at once: of checks that were answered last time, and of those that were not. Servers that
hang, however many, can fill only the second kind.
"""
CONNECTION_SECONDS, CONNECTION_KEPT = 5.0, 10.0
MOST_AT_ONCE = 500
_END = None
NOT_STORED = "results of %d checks of organization %d were not stored, they are tried again: %s"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A due look at a check that this process has claimed."""

    organization_id: int
    check_id: int
    claim: str
    due: datetime
    request: Request
    fault: str = ""
    """Why it cannot be tried, "" if it can."""
    suspect: bool = False
    """Whether its last try failed."""

    def claimed(self, claim: str) -> Try:
        """The same under a claim."""
        return replace(self, claim=claim)

    async def look(self, connected: Connected) -> Sequence[Answer]:
        """Try it; a fault is its answer, and counts as nothing."""
        if self.fault:
            return [Answer(outcome=CheckOutcome.DOWN, why=self.fault, counts=False)]
        return await look(self.request, connected)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try."""

    of: Try
    answers: Sequence[Answer]


Enter = Callable[[int], AbstractContextManager[None]]
"""Gives a Session of an organization."""
Record = Callable[[int, Sequence[Tried]], None]
"""Stores what came of tries of one organization, and commits; the Session is bound to it."""


class OwnConnection:
    """Whether this console reaches anything: asked only when checks fail, once for all of them."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Without addresses, it is taken to work."""
        self._addresses = addresses
        self._asking: asyncio.Task[bool] | None = None
        self._asked_at = 0.0

    async def works(self) -> bool:
        """Whether one of the addresses answers, be it with an error; known for some seconds."""
        if not self._addresses:
            return True
        now = asyncio.get_running_loop().time()
        if self._asking is None or now - self._asked_at > CONNECTION_KEPT:
            self._asking, self._asked_at = asyncio.create_task(self._ask()), now
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        asked = (self._answers(address) for address in self._addresses)
        return any(await asyncio.gather(*asked))

    async def _answers(self, address: str) -> bool:
        call = Call(url=address, seconds=CONNECTION_SECONDS, redirects=0, allow_private=True)
        try:
            await fetch(call)
        except CallFailed as failure:
            log.warning("the console's own connection: %s does not answer: %s", address, failure)
            return False
        return True


def slots(files: int) -> tuple[int, int]:
    """SLOTS and SUSPECT_SLOTS, fewer in a process that may open few files.

    Tries that take all of them leave none to the spool, to telemetry and to the state database.
    """
    if files == resource.RLIM_INFINITY:
        return SLOTS, SUSPECT_SLOTS
    return min(SLOTS, max(files // 4, 1)), min(SUSPECT_SLOTS, max(files // 8, 1))


class Prober:
    """The loop of tries, and the thread that writes what they come to; started by the first."""

    def __init__(self, enter: Enter, record: Record, addresses: Sequence[str]) -> None:
        """`addresses` are for `OwnConnection`."""
        self._enter = enter
        self._record = record
        self._connection = OwnConnection(addresses)
        self._changed = threading.Condition()
        self._under_way: set[int] = set()
        self._tried: queue.SimpleQueue[Tried | None] = queue.SimpleQueue()
        self._loop: LoopThread | None = None
        self._writer: threading.Thread | None = None
        self._slots: tuple[asyncio.Semaphore, asyncio.Semaphore] | None = None

    @property
    def under_way(self) -> frozenset[int]:
        """The checks whose tries are not written yet."""
        with self._changed:
            return frozenset(self._under_way)

    def submit(self, tries: Iterable[Try]) -> None:
        """Begin tries, and return at once."""
        with self._changed:
            fresh = [of for of in tries if of.check_id not in self._under_way]
            self._under_way |= {of.check_id for of in fresh}
            loop = self._started() if fresh else None
        if loop is not None:
            loop.begin(self._begin(fresh))

    def settled(self, seconds: float) -> bool:
        """Wait until all tries are written, for so long at most; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, seconds)

    def stop(self) -> None:
        """Give up the tries under way, whose claims run out, and write the others."""
        with self._changed:
            loop, writer = self._loop, self._writer
            self._loop = self._writer = None
        if loop is None or writer is None:
            return
        loop.stop()
        self._tried.put(_END)
        writer.join()
        with self._changed:
            self._under_way.clear()

    def _started(self) -> LoopThread:
        if self._loop is None:
            confident, suspect = slots(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            self._slots = asyncio.Semaphore(confident), asyncio.Semaphore(suspect)
            self._loop = LoopThread("checks")
            writer = threading.Thread(target=self._write_all, name="checks-writer", daemon=True)
            writer.start()
            self._writer = writer
        return self._loop

    async def _begin(self, tries: Sequence[Try]) -> None:
        running = {asyncio.create_task(self._try(of)) for of in tries}
        await asyncio.gather(*running)

    async def _try(self, of: Try) -> None:
        assert self._slots is not None
        try:
            async with self._slots[of.suspect]:
                answers = await of.look(self._connection.works)
        except Exception:
            log.exception("check %d was not tried", of.check_id)
            self._done([of])
        else:
            self._tried.put(Tried(of, answers))

    def _write_all(self) -> None:
        while (first := self._tried.get()) is not _END:
            batch = [first]
            while len(batch) < MOST_AT_ONCE and not self._tried.empty():
                following = self._tried.get()
                if following is _END:
                    self._tried.put(_END)
                    break
                batch.append(following)
            self._write(batch)

    def _write(self, batch: Sequence[Tried]) -> None:
        for organization_id in dict.fromkeys(tried.of.organization_id for tried in batch):
            own = [tried for tried in batch if tried.of.organization_id == organization_id]
            try:
                with self._enter(organization_id):
                    self._record(organization_id, own)
            except Exception as failure:
                log.exception(NOT_STORED, len(own), organization_id, type(failure).__name__)
        self._done([tried.of for tried in batch])

    def _done(self, tries: Sequence[Try]) -> None:
        with self._changed:
            self._under_way -= {of.check_id for of in tries}
            self._changed.notify_all()
