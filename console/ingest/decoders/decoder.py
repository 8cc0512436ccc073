"""One process that decodes beside the console: it answers jobs in their order."""

import fcntl
import os
import re
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import POLLIN, POLLOUT, poll

from console.core.culprit import PACKAGE
from console.ingest.decoders.frames import LENGTH, Finished, Job, job_frame, read_answer
from console.ingest.decoders.process import READY

ROWS, BYTES = 128, 4 << 20  # under way in one process, or one row that is larger
UNDER_WAY_SECONDS = 1.0  # of processor time; more would be done in vain where a turn ends early
PIPE_BYTES = 1 << 20  # so that answers may wait while the console commits
INHERITED = re.compile(
    r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|PYTHON\w*|(?:LD|DYLD|MALLOC|COVERAGE)_\w+|SYSTEMROOT"
)


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
    answer: Finished | None = None


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
        """The answer to a job; those before it get theirs. Raises ProcessEnded."""
        while ticket.answer is None:
            answer = read_answer(self._frame())
            if self.under_way and self.under_way[0].number == answer.number:
                first = self.under_way.popleft()
                self.size -= len(first.job.row.body)
                first.answer = answer
            self._seconds = max(answer.seconds, self._seconds / 2)
        return ticket.answer

    def drop(self, ticket: Ticket) -> None:
        """Wait no more for the answer to a job."""
        if ticket in self.under_way:
            self.under_way.remove(ticket)
            self.size -= len(ticket.job.row.body)

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


def _environment() -> dict[str, str]:
    """What Python and the libraries need of the console's variables.

    It reads what strangers sent: the secret key and the databases' passwords are not its business.
    """
    path = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
    kept = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
    return {**kept, "PYTHONPATH": path}


def _end_of(process: "subprocess.Popen[bytes]") -> str:
    """How a process ended whose pipe is at its end."""
    code = process.wait()
    if code >= 0:
        return f"its process ended with {code}"
    return f"its process was ended by {signal.Signals(-code).name}"
