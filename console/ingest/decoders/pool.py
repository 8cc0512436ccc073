"""Processes that decode beside the console: in order, with few rows under way, and replaceable."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import islice

from console.ingest.decoders.decoder import (
    CannotStart,
    Decoder,
    Limits,
    ProcessEnded,
    Ticket,
)
from console.ingest.decoders.frames import HOPELESS, Finished, Job
from console.ingest.decoding import Content, Hopeless, decode_row

COMMAND = (sys.executable, "-m", "console.ingest.decoders.process")
TRIES = 2  # of a row that its process ends at, before it is hopeless
PAUSE_SECONDS, LONGEST_PAUSE = 5.0, 300.0  # after a process that could not be started

log = logging.getLogger(__name__)


class DefectElsewhere(Exception):
    """Decoding failed in another process; `culprit` says where."""

    def __init__(self, culprit: str) -> None:
        """Keep what that process reported."""
        super().__init__(culprit)
        self.culprit = culprit


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
        self._begun: deque[Ticket] = deque()  # of jobs that are expected

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
        self._begun.clear()

    def decode(
        self,
        jobs: Sequence[Job],
        here: Callable[[int], None],
        ahead: Callable[[], Sequence[Job]] = tuple,
    ) -> Generator[Content, None, None]:
        """What each job brings, in their order.

        `here` is called with a row's position before it is decoded in this very process, and may
        raise. `ahead` gives the jobs that are expected next: the processes begin with them while
        the last of these are awaited and stored. Decoding is pure, so a job that comes equal has
        the content that is there already. Raises Hopeless for a row that must not be tried again,
        and DefectElsewhere or any other exception where decoding fails.
        """
        waiting, under_way = deque(jobs), deque[Ticket]()
        expected: deque[Job] | None = None
        is_whole = not waiting
        try:
            while waiting or under_way:
                while waiting and (ticket := self._ticket(waiting[0])):
                    under_way.append(ticket)
                    waiting.popleft()
                if not waiting and self.count:
                    expected = self._expected(ahead) if expected is None else expected
                    self._begin_with(expected)
                if under_way:
                    content = self._content(under_way.popleft(), here)
                else:
                    content = _decoded_here(waiting.popleft(), here)
                is_whole = not (waiting or under_way)
                yield content
        finally:
            if not is_whole:
                self._begun.clear()
                for decoder in self._decoders:
                    decoder.forget()

    def _ticket(self, job: Job) -> Ticket | None:
        """The job under way, since it was expected or as it is given now; None without room."""
        if self._begun and self._begun[0].job == job:
            return self._begun.popleft()
        if self._begun and self._begun[0].job.row.organization_id == job.row.organization_id:
            self._drop_begun()  # it has other rules by now, or rows were left out
        decoder = self._with_room()
        return self._given(job, decoder) if decoder else None

    def _expected(self, ahead: Callable[[], Sequence[Job]]) -> deque[Job]:
        """What is to begin now, without what has begun already."""
        expected = deque(ahead())
        begun = [ticket.job for ticket in self._begun]
        if begun and begun == list(islice(expected, len(begun))):
            return deque(islice(expected, len(begun), None))
        if expected:
            self._drop_begun()  # another organization's, which has no turn any more
        return expected

    def _begin_with(self, jobs: deque[Job]) -> None:
        while jobs and (decoder := self._with_room()):
            self._begun.append(self._given(jobs.popleft(), decoder))

    def _drop_begun(self) -> None:
        for ticket in self._begun:
            if ticket.decoder is not None:
                ticket.decoder.drop(ticket)
        self._begun.clear()

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

    def _ended(self, awaited: Ticket, decoder: Decoder, end: ProcessEnded) -> None:
        """Try the row again that a process ended at; raises Hopeless after the last time."""
        ticket = decoder.under_way[0]
        ticket.deaths += 1
        log.warning("decoding row %d: %s", ticket.job.row.position, end)
        if ticket.deaths >= TRIES and ticket is awaited:
            decoder.close()
            raise Hopeless(
                f"{ticket.deaths} processes ended while they decoded this, the last one so: {end}."
                " If somebody killed them, or the machine lacked memory for others, retry it",
                tries=ticket.deaths,
            )
        if ticket.deaths >= TRIES:  # it is hopeless when its own turn comes
            self._drop_begun()
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


def _content_of(answer: Finished) -> Content:
    if answer.outcome == HOPELESS:
        raise Hopeless(answer.reason)
    if answer.content is None:
        raise DefectElsewhere(answer.reason)
    return answer.content


def _decoded_here(job: Job, here: Callable[[int], None]) -> Content:
    here(job.row.position)
    return decode_row(job.row, job.rules)
