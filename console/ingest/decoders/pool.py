"""Processes that decode beside the console: in order, with few rows under way, and replaceable."""

import fcntl
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import POLLIN, POLLOUT, poll

from console.core.culprit import PACKAGE
from console.ingest.decoders.frames import (
    HOPELESS,
    LENGTH,
    Finished,
    Job,
    job_frame,
    read_answer,
)
from console.ingest.decoders.process import READY
from console.ingest.decoding import Content, Hopeless, decode_row

COMMAND = (sys.executable, "-m", "console.ingest.decoders.process")
ROWS, BYTES = 32, 4 << 20  # under way in one process, or one row that is larger
UNDER_WAY_SECONDS = 1.0  # of processor time; more would be done in vain where a turn ends early
PIPE_BYTES = 1 << 20  # so that answers may wait while the console commits
TRIES = 2  # of a row that its process ends at, before it is hopeless
PAUSE_SECONDS, LONGEST_PAUSE = 5.0, 300.0  # after a process that could not be started
INHERITED = re.compile(
    r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|PYTHON\w*|(?:LD|DYLD|MALLOC|COVERAGE)_\w+|SYSTEMROOT"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take."""

    memory_mb: int = 2048
    """Of address space: some 300 MB are taken before the first row."""
    cpu_seconds: int = 30
    """For a row, should it never look at the clock; `decoding.CPU_SECONDS` is for all others."""
    wall_seconds: float = 120.0
    """For a row: a machine that is short of time needs many times what the row does."""
    start_seconds: float = 60.0


class DefectElsewhere(Exception):
    """Decoding failed in another process; `culprit` says where."""

    def __init__(self, culprit: str) -> None:
        """Keep what that process reported."""
        super().__init__(culprit)
        self.culprit = culprit


class ProcessEnded(Exception):
    """A process ended, or was ended, before it had answered. The message says how."""


class CannotStart(Exception):
    """A process does not start."""


@dataclass(slots=True)
class Ticket:
    """A job that is under way, and how often a process ended at it."""

    number: int
    job: Job
    decoder: "Decoder | None"
    """None for a job that is to be done in this process."""
    deaths: int = 0


class Decoder:
    """One process, which answers jobs in the order in which it is given them."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        """Nothing runs before the first job."""
        self._command = [*command, str(limits.memory_mb), str(limits.cpu_seconds)]
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._read = bytearray()
        self._is_ready = False
        self.under_way: deque[Ticket] = deque()
        self.size = 0
        """The bytes of what is under way."""
        self._seconds = 0.0  # that a row takes, by the latest ones and the longest of them

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def has_room(self) -> bool:
        """Whether it may be given one more job."""
        rows = len(self.under_way)
        if not rows:
            return True
        return rows < ROWS and self.size < BYTES and rows * self._seconds < UNDER_WAY_SECONDS

    def give(self, ticket: Ticket) -> None:
        """Hand out a job; raises CannotStart. That it ends is known when it is to answer."""
        if self._process is not None and not self.under_way and self._process.poll() is not None:
            self.close()  # it ended while it had nothing to do: no row is at fault
        self._start()
        self.under_way.append(ticket)
        self.size += len(ticket.job.row.body)
        self._send(ticket)

    def answer(self, ticket: Ticket) -> Finished:
        """The answer to a job, whose forerunners nobody waits for; raises ProcessEnded."""
        while True:
            answer = read_answer(self._frame())
            if self.under_way and self.under_way[0].number == answer.number:
                self.size -= len(self.under_way.popleft().job.row.body)
            self._seconds = max(answer.seconds, self._seconds / 2)
            if answer.number == ticket.number:
                return answer

    def forget(self) -> None:
        """Wait for nothing that is under way any more: answers that come yet are for nobody."""
        self.under_way.clear()
        self.size = 0

    def again(self) -> None:
        """Start another process, with all that was under way in the one that ended."""
        self.close()
        self._start()
        for ticket in self.under_way:
            self._send(ticket)

    def close(self) -> None:
        """End the process; what it was at is answered by nobody."""
        process, self._process = self._process, None
        self._read.clear()
        self._is_ready = False
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written is for nobody
                    pipe.close()

    def _start(self) -> None:
        if self._process is not None:
            return
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the console's own
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=_environment(),
                cwd=Path("/"),
            )
        except OSError as error:
            raise CannotStart(f"{type(error).__name__}: {error.strerror}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        with suppress(OSError, AttributeError):  # a smaller pipe is slower, nothing else
            fcntl.fcntl(self._process.stdin, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def _send(self, ticket: Ticket) -> None:
        """Write a job; what the process does not take is known when the answer is read."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        rest = memoryview(job_frame(ticket.number, ticket.job))
        written = poll()
        written.register(process.stdin, POLLOUT)
        with suppress(BrokenPipeError):
            while rest:
                if not written.poll(self._limits.wall_seconds * 1000):
                    process.kill()  # it takes nothing: a thread that reads would
                    return
                rest = rest[os.write(process.stdin.fileno(), rest[:PIPE_BYTES]) :]

    def _frame(self) -> bytes:
        if not self._is_ready:
            try:
                self._fill(len(READY), self._limits.start_seconds)
            except ProcessEnded as error:
                raise CannotStart(str(error)) from error
            del self._read[: len(READY)]
            self._is_ready = True
        self._fill(LENGTH.size, self._limits.wall_seconds)
        (length,) = LENGTH.unpack_from(self._read)
        self._fill(LENGTH.size + length, self._limits.wall_seconds)
        frame = bytes(self._read[LENGTH.size : LENGTH.size + length])
        del self._read[: LENGTH.size + length]
        return frame

    def _fill(self, size: int, patience: float) -> None:
        """Read until so many bytes are there."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        arrived = poll()
        arrived.register(process.stdout, POLLIN)
        ends = time.monotonic() + patience
        while len(self._read) < size:
            if not arrived.poll(max(ends - time.monotonic(), 0) * 1000):
                raise ProcessEnded(f"it gave no answer for {patience:g} s")
            part = os.read(process.stdout.fileno(), PIPE_BYTES)
            if not part:
                raise ProcessEnded(_end_of(process))
            self._read += part


@dataclass(slots=True)
class Trouble:
    """Why no process can be started, and when that is tried again (on the monotonic clock)."""

    reason: str = ""
    failures: int = 0
    until: float = 0.0

    def again(self, reason: str) -> "Trouble":
        """The same, after one more failure."""
        pause = min(PAUSE_SECONDS * 2.0 ** min(self.failures, 10), LONGEST_PAUSE)
        return Trouble(reason, self.failures + 1, time.monotonic() + pause)


class Decoders:
    """Some processes that decode, started when there is something to do; for one thread."""

    def __init__(
        self, count: int, *, command: Sequence[str] = COMMAND, limits: Limits | None = None
    ) -> None:
        """With a `count` of 0 the thread that asks decodes."""
        self.count = count
        self.seconds = 0.0
        """Of processor time that decoding took in all processes."""
        self._command = command
        self._limits = limits or Limits()
        self._decoders: list[Decoder] = []
        self._trouble = Trouble()
        self._number = 0

    @property
    def trouble(self) -> str:
        """Why no process can be started; "" if they can, or none is wanted."""
        return self._trouble.reason

    @property
    def pids(self) -> list[int]:
        """The processes that run."""
        return [decoder.pid for decoder in self._decoders if decoder.pid is not None]

    def close(self) -> None:
        """End the processes."""
        for decoder in self._decoders:
            decoder.close()
        self._decoders.clear()

    def decode(
        self, jobs: Sequence[Job], here: Callable[[int], None]
    ) -> Generator[Content, None, None]:
        """What each job brings, in their order.

        `here` is called with a row's position before it is decoded in this very process, and may
        raise. Raises Hopeless for a row that must not be tried again, and DefectElsewhere or any
        other exception where decoding fails.
        """
        waiting, under_way = deque(jobs), deque[Ticket]()
        try:
            while waiting or under_way:
                while waiting and (decoder := self._with_room()):
                    under_way.append(self._given(waiting.popleft(), decoder))
                if under_way:
                    yield self._content(under_way.popleft(), here)
                else:
                    yield _decoded_here(waiting.popleft(), here)
        finally:
            for decoder in self._decoders:
                decoder.forget()

    def _with_room(self) -> Decoder | None:
        """Who takes a job now; another process is added when all are busy."""
        if not self.count or time.monotonic() < self._trouble.until:
            return None
        least = min(self._decoders, key=lambda decoder: decoder.size, default=None)
        if least is None or (least.under_way and len(self._decoders) < self.count):
            least = Decoder(self._command, self._limits)
            self._decoders.append(least)
        return least if least.has_room() else None

    def _given(self, job: Job, decoder: Decoder) -> Ticket:
        self._number += 1
        ticket = Ticket(self._number, job, decoder)
        try:
            decoder.give(ticket)
        except CannotStart as error:
            ticket.decoder = None
            self._cannot_start(decoder, error)
        return ticket

    def _content(self, ticket: Ticket, here: Callable[[int], None]) -> Content:
        while ticket.decoder is not None:
            try:
                answer = ticket.decoder.answer(ticket)
            except ProcessEnded as end:
                self._ended(ticket, ticket.decoder, end)
            except CannotStart as error:
                self._cannot_start(ticket.decoder, error)
            else:
                self._trouble = Trouble()
                self.seconds += answer.seconds
                return _content_of(answer)
        return _decoded_here(ticket.job, here)

    def _ended(self, ticket: Ticket, decoder: Decoder, end: ProcessEnded) -> None:
        """Try the row again that a process ended at; raises Hopeless after the last time."""
        ticket.deaths += 1
        log.warning("decoding row %d: %s", ticket.job.row.position, end)
        if ticket.deaths >= TRIES:
            decoder.close()
            raise Hopeless(
                f"{ticket.deaths} processes ended while they decoded this, the last one so: {end}."
                " If somebody killed them, or the machine lacked memory for others, retry it",
                tries=ticket.deaths,
            )
        try:
            decoder.again()
        except CannotStart as error:
            self._cannot_start(decoder, error)

    def _cannot_start(self, decoder: Decoder, error: CannotStart) -> None:
        """Do what it had to do here, and try to start another after a pause."""
        if not self._trouble.reason:
            log.error("the digest thread decodes alone, as a process does not start: %s", error)
        self._trouble = self._trouble.again(str(error))
        for ticket in decoder.under_way:
            ticket.decoder = None
        decoder.forget()
        decoder.close()
        self._decoders.remove(decoder)


def _environment() -> dict[str, str]:
    """What Python and the libraries need of the console's variables.

    It reads what strangers sent: the secret key and the databases' passwords are not its business.
    """
    path = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
    kept = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
    return {**kept, "PYTHONPATH": path}


def _content_of(answer: Finished) -> Content:
    if answer.outcome == HOPELESS:
        raise Hopeless(answer.reason)
    if answer.content is None:
        raise DefectElsewhere(answer.reason)
    return answer.content


def _decoded_here(job: Job, here: Callable[[int], None]) -> Content:
    here(job.row.position)
    return decode_row(job.row, job.rules)


def _end_of(process: "subprocess.Popen[bytes]") -> str:
    """How a process ended whose pipe is at its end."""
    code = process.wait()
    if code >= 0:
        return f"its process ended with {code}"
    return f"its process was ended by {signal.Signals(-code).name}"
