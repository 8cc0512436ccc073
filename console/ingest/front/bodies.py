"""Takes in the body of a request: within limits of size, at a minimum pace, and whole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from console.ingest.auth import Refusal
from console.ingest.front.places import NoPlace, Places
from console.ingest.judging import NO_PLACE, TOO_LARGE, TOO_SLOW, UNDECODABLE

BUFFERED = 256 << 10  # bytes of a body that need no place among the large ones
# In each window so much has to come, or the end. A phone on a bad link sends 1 to 2 kB/s: twice to
# four times as much, and an envelope of 200 kB takes it minutes.
WINDOW_SECONDS = 10.0
WINDOW_BYTES = 5_000
LARGE_WINDOW_BYTES = 640_000  # beyond BUFFERED: there are few places for those
LONGEST_SECONDS = 600.0
# What is refused has to be taken all the same, for a while: most clients write a body to its end
# before they read an answer, take a reset for a fault of the network, and send it all again.
DRAIN_SECONDS = 2.0
# Of a sender whose key is good: 64 MiB in this time is 50 Mbit/s. It costs no memory.
PATIENT_DRAIN_SECONDS, PATIENT_DRAIN = 10.0, 64 << 20


@dataclass(frozen=True, slots=True)
class Room:
    """What a body beyond a size needs: one of a few places, and a better pace."""

    places: Places
    beyond: int = BUFFERED
    window_bytes: int = LARGE_WINDOW_BYTES


class Incoming(Protocol):
    """What granian gives to read a body by."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body's pieces as they come, and an empty one at its end; two where it was cut."""


class Body:
    """A body as far as it has come."""

    def __init__(self, proto: Incoming, length: int | None, *, room: Room, address: str) -> None:
        """`length` is what was announced, None if it comes chunked."""
        self.is_whole = False
        self.size = 0
        self._pieces = aiter(proto)
        self._length = length
        self._room = room
        self._address = address
        self._parts: list[bytes] = []
        self._ends = 0
        self._began = self._window = asyncio.get_running_loop().time()
        self._window_size = 0
        self._is_large = False

    def forget(self) -> None:
        """Give the memory, and the place among large bodies, back."""
        self._parts = []
        if self._is_large:
            self._is_large = False
            self._room.places.give_back(self._address)

    @property
    def content(self) -> bytes:
        """What has come."""
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    async def read(self, upto: int) -> None:
        """Read until the body is whole or `upto` bytes have come.

        Raises Refusal: 408 below the minimum pace, 400 if it ends early, 503 without a place.
        """
        while not self.is_whole and self.size < upto:
            await self._read_on(upto)
            if self._needs_place:  # the time that it waits for one is no slowness of its sender
                await self._take_large_place()

    async def _read_on(self, upto: int) -> None:
        try:
            async with asyncio.timeout_at(self._deadline()) as limit:
                while not (self.is_whole or self.size >= upto or self._needs_place):
                    window = self._window
                    await self._next()
                    if self._window != window:
                        limit.reschedule(self._deadline())
        except TimeoutError:
            raise Refusal(
                408, TOO_SLOW, f"the body came too slowly: {self.size:,} bytes of it"
            ) from None

    async def discard(self, *, patient: bool = False) -> None:
        """Let what is small and nearly here go by, so that the sender reads why it was refused.

        `patient` lets more go by, for senders whose key is good.
        """
        self.forget()
        size, most = 0, PATIENT_DRAIN if patient else BUFFERED
        with suppress(TimeoutError, StopAsyncIteration):
            async with asyncio.timeout(PATIENT_DRAIN_SECONDS if patient else DRAIN_SECONDS):
                while not self.is_whole and size <= most:
                    size += len(await anext(self._pieces))

    async def _next(self) -> None:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            # granian swallows the error of a body that is cut, and gives another empty piece.
            if self._ends != 1 or self._length not in {None, self.size}:
                raise Refusal(
                    400, UNDECODABLE, f"the body ends early, after {self.size:,} bytes"
                ) from None
            self.is_whole = True
            return
        if not piece:
            self._ends += 1
            return
        self.size += len(piece)
        self._parts.append(piece)
        self.is_whole = self.size == self._length
        pace = self._room.window_bytes if self._is_large else WINDOW_BYTES
        if self.size - self._window_size >= pace:
            self._open_window()

    @property
    def _needs_place(self) -> bool:
        return self.size > self._room.beyond and not self._is_large

    async def _take_large_place(self) -> None:
        try:
            await self._room.places.take(self._address)
        except NoPlace:
            detail = "too many large bodies are on their way: try again"
            raise Refusal(503, NO_PLACE, detail, headers={"Retry-After": "30"}) from None
        self._is_large = True
        self._open_window()

    def _open_window(self) -> None:
        self._window, self._window_size = asyncio.get_running_loop().time(), self.size

    def _deadline(self) -> float:
        return min(self._window + WINDOW_SECONDS, self._began + LONGEST_SECONDS)


def too_large(limit: int) -> Refusal:
    """The refusal of a body beyond `limit` bytes."""
    return Refusal(413, TOO_LARGE, f"the body is larger than {limit:,} bytes")
