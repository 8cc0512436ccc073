"""Brings messages away side by side on one event loop: a receiver that hangs holds only its own.

The loop runs in a thread of its own; what became of the tries is written by another one.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from console.channels.kinds import NotDelivered, Receipt
from console.core import clock
from console.core.database_errors import concerns_all
from console.core.loop_thread import LoopThread

TRIES, OF_SUSPECTS, OF_ORGANIZATION, OF_LANE = 128, 48, 24, 10
"""Tries at once: in all; to receivers that failed last time; of one organization; to one receiver.
Receivers that hang, however many, leave room for the others.
"""
BEGIN_WITHIN = 10.0
"""Seconds after its claim in which a try must begin: another process may claim it later."""
AGAIN_SECONDS = 1.0
"""What became of tries is written again so often, while the database fails."""
_END = None

log = logging.getLogger(__name__)
Lane = tuple[int, str]
"""An organization and a recipient: what goes there keeps a pace, and fails together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message that this process has claimed, ready to be sent."""

    organization_id: int
    message_id: int
    recipient: str
    lease: str
    send: Callable[[], Awaitable[Receipt]]
    """Raises NotDelivered."""
    seconds: float = 20.0
    per_second: float = 5.0
    claimed_at: float
    """On the monotonic clock of the process."""

    @property
    def lane(self) -> Lane:
        """Where it goes."""
        return self.organization_id, self.recipient


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a try."""

    of: Parcel
    at: datetime
    milliseconds: float
    result: Receipt | NotDelivered


Enter = Callable[[int], AbstractContextManager[None]]
"""Gives a Session of an organization."""
Record = Callable[[int, Sequence[Delivered]], None]
"""Stores what became of tries of one organization, and commits; the Session is bound to it."""


class Sender:
    """The loop of tries, and the thread that writes what they come to; started by the first."""

    def __init__(self, enter: Enter, record: Record) -> None:
        """Nothing runs yet."""
        self.name = token_hex(6)
        """The part of its leases by which they are known as its own."""
        self._enter = enter
        self._record = record
        self._changed = threading.Condition()
        self._under_way: dict[int, Parcel] = {}
        self._paused: dict[Lane, float] = {}
        self._failures: Counter[Lane] = Counter()
        self._free_at: dict[Lane, float] = {}
        self._done: queue.SimpleQueue[Delivered | None] = queue.SimpleQueue()
        self._ends = threading.Event()
        self._loop: LoopThread | None = None
        self._writer: threading.Thread | None = None
        self._slots: tuple[asyncio.Semaphore, asyncio.Semaphore] | None = None

    @property
    def under_way(self) -> frozenset[int]:
        """The messages whose tries are not written yet."""
        with self._changed:
            return frozenset(self._under_way)

    def room(self, lane: Lane, per_second: float) -> int:
        """How many messages may be claimed for a receiver now; 0 while it is left alone."""
        with self._changed:
            if self._paused.get(lane, 0.0) > clock.monotonic():
                return 0
            own = [of.lane for of in self._under_way.values() if of.organization_id == lane[0]]
            most = 1 if self._failures[lane] else max(1, min(OF_LANE, int(per_second)))
            return max(0, min(most - own.count(lane), OF_ORGANIZATION - len(own)))

    def failures(self, lane: Lane) -> int:
        """How many tries have failed there since the last that did not."""
        with self._changed:
            return self._failures[lane]

    def failed(self, lane: Lane, pause: timedelta | None) -> None:
        """Leave a receiver alone for a time, if one is given; then one message goes first."""
        with self._changed:
            self._failures[lane] += 1
            if pause is not None:
                self._paused[lane] = clock.monotonic() + pause.total_seconds()

    def works(self, lane: Lane) -> bool:
        """Note that a receiver takes messages; whether it had failed before."""
        with self._changed:
            self._paused.pop(lane, None)
            return self._failures.pop(lane, 0) > 0

    def submit(self, parcels: Iterable[Parcel]) -> None:
        """Begin tries, and return at once."""
        with self._changed:
            fresh = [of for of in parcels if of.message_id not in self._under_way]
            self._under_way |= {of.message_id: of for of in fresh}
            loop = self._started() if fresh else None
        if loop is not None:
            loop.begin(self._begin(fresh))

    def settled(self, seconds: float) -> bool:
        """Wait until all tries are written, for so long at most; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, seconds)

    def stop(self, seconds: float = 5.0) -> None:
        """Wait for the tries under way so long; the others are made again when their leases end."""
        self.settled(seconds)
        self._ends.set()
        with self._changed:
            loop, writer = self._loop, self._writer
            self._loop = self._writer = None
        if loop is None or writer is None:
            return
        loop.stop()
        self._done.put(_END)
        writer.join()
        with self._changed:
            self._under_way.clear()
            self._changed.notify_all()

    def _started(self) -> LoopThread:
        if self._loop is None:
            self._ends.clear()
            self._slots = asyncio.Semaphore(TRIES), asyncio.Semaphore(OF_SUSPECTS)
            # Mail is sent by threads: servers that hang must not use up the few of asyncio.
            blocking = ThreadPoolExecutor(TRIES, "delivery-blocking")
            self._loop = LoopThread("delivery", blocking)
            writer = threading.Thread(target=self._write_all, name="delivery-writer", daemon=True)
            writer.start()
            self._writer = writer
        return self._loop

    async def _begin(self, parcels: Sequence[Parcel]) -> None:
        await asyncio.gather(*(self._try(of) for of in parcels))

    async def _try(self, of: Parcel) -> None:
        assert self._slots is not None
        await asyncio.sleep(self._wait(of))
        async with self._slots[self.failures(of.lane) > 0]:
            if time.monotonic() - of.claimed_at > BEGIN_WITHIN:
                self._forget([of])  # its lease ends by itself
                return
            at, began = clock.now(), time.perf_counter()
            result = await _result(of)
        self._done.put(Delivered(of, at, round((time.perf_counter() - began) * 1000, 1), result))

    def _wait(self, of: Parcel) -> float:
        """Seconds until the pace of its receiver lets a message go."""
        now = time.monotonic()
        free_at = max(now, self._free_at.get(of.lane, now))
        self._free_at[of.lane] = free_at + 1 / of.per_second
        return free_at - now

    def _write_all(self) -> None:
        while (first := self._done.get()) is not _END:
            batch = [first]
            while not self._done.empty():
                following = self._done.get()
                if following is _END:
                    self._done.put(_END)
                    break
                batch.append(following)
            for organization_id in dict.fromkeys(done.of.organization_id for done in batch):
                self._write(
                    organization_id,
                    [done for done in batch if done.of.organization_id == organization_id],
                )

    def _write(self, organization_id: int, batch: Sequence[Delivered]) -> None:
        """Have an organization's tries written; while the database itself fails, wait for it.

        One that cannot be written takes no other with it: they would all be sent again.
        """
        try:
            while not self._is_written(organization_id, batch):
                self._ends.wait(AGAIN_SECONDS)
        except Exception:
            log.exception("what became of %d messages was not written at once", len(batch))
            if len(batch) > 1:
                for done in batch:
                    self._write(organization_id, [done])
                return
        self._forget([done.of for done in batch])

    def _is_written(self, organization_id: int, batch: Sequence[Delivered]) -> bool:
        """Whether they could be written: a console that stops tries once, and no more."""
        try:
            with self._enter(organization_id):
                self._record(organization_id, batch)
        except Exception as error:
            if not concerns_all(error) or self._ends.is_set():
                raise
            log.warning("what became of %d messages waits for the database", len(batch))
            return False
        return True

    def _forget(self, parcels: Sequence[Parcel]) -> None:
        with self._changed:
            for of in parcels:
                self._under_way.pop(of.message_id, None)
            self._changed.notify_all()


async def _result(of: Parcel) -> Receipt | NotDelivered:
    try:
        async with asyncio.timeout(of.seconds):
            return await of.send()
    except NotDelivered as failure:
        return failure
    except TimeoutError:
        sentence = f"No answer within {of.seconds:g} seconds."
        return NotDelivered(sentence, may_have_arrived=True)
    except Exception as error:
        log.exception("message %d was not sent", of.message_id)
        return NotDelivered(f"The console failed to send it: {type(error).__name__}.")
