"""How many requests may be where at once: places counted by address, and threads that answer."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_address, ip_network
from queue import SimpleQueue
from typing import TypeVar

from console.core.wakes import wakes_of

ADDRESS_LENGTH = 45  # of the longest address, IPv4 in IPv6
IPV6_SITE = 64  # bits: what one subscriber has whole
PAUSE_SECONDS = 0.05

Result = TypeVar("Result")


class NoPlace(Exception):
    """As many as may be are here already, from everywhere or from this address."""


class Places:
    """A number of places, of which one address may have a share; for the event loop's thread."""

    def __init__(self, total: int, per_address: int, *, patience: float = 0.0) -> None:
        """Whoever finds all places taken waits for `patience` seconds."""
        self._total = total
        self._per_address = per_address
        self._patience = patience
        self._taken = 0
        self._by_address: Counter[str] = Counter()

    async def take(self, address: str) -> None:
        """Take a place, or raise NoPlace; whoever takes one gives it back."""
        if self._is_full(address):
            await self._wait(address)
        self._taken += 1
        self._by_address[address] += 1

    def give_back(self, address: str) -> None:
        self._taken -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _is_full(self, address: str) -> bool:
        return self._taken >= self._total or self._by_address[address] >= self._per_address

    async def _wait(self, address: str) -> None:
        end = time.monotonic() + self._patience
        while self._is_full(address):
            if time.monotonic() >= end:
                raise NoPlace
            await asyncio.sleep(PAUSE_SECONDS)


class Crew:
    """Threads that do what the event loop must not wait for, in the order in which it comes."""

    def __init__(self, name: str, threads: int) -> None:
        """The threads begin at once, and end with the process."""
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    async def do(self, work: Callable[[], Result]) -> Result:
        """What `work` returns or raises, in one of the threads."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        wakes = wakes_of(loop)

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                wakes.post(partial(_settle, done, None, error))
            else:
                wakes.post(partial(_settle, done, result, None))

        self._queue.put(run)
        return await done

    def _work(self) -> None:
        while True:
            self._queue.get()()


def network(address: str) -> str:
    """What counts as one address: for IPv6 the network of a subscriber."""
    return _network(address[:ADDRESS_LENGTH])  # what a proxy passes on may be of any length


@lru_cache(4096)  # every request asks, and taking an address apart costs it 10 µs
def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket, or what a proxy made up
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ip_network((parsed, IPV6_SITE), strict=False))
    return address


def _settle(
    done: "asyncio.Future[Result]", result: Result | None, error: BaseException | None
) -> None:
    if done.done():  # nobody waits for it any more
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)  # type: ignore[arg-type]
