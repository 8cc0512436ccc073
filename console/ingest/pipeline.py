"""The digest thread: it takes what waits in the spool, and lets nothing block the queue."""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import cast

import orjson
from flask import Flask, current_app

from console.core import clock, outages
from console.core.config import Config
from console.core.culprit import culprit
from console.core.gates import Gate
from console.ingest import digest_note, spool
from console.ingest.backlogs import Backlog, NotedBacklogs, measured
from console.ingest.decoders.pool import Decoders
from console.ingest.digest import (
    OUTAGES,
    Indigestible,
    TelemetryDown,
    digest,
    is_outage,
    state_takes_writes,
)
from console.ingest.spool import Spool, SpoolRow
from console.ingest.turns import LONGEST_TURN_SECONDS, Turns
from console.ingest.under_way import UnderWay
from console.telemetry import store
from console.telemetry.database import TelemetryLacksMemory
from console.telemetry.store import TelemetryStore

EXTENSION = "pharos.pipeline"
ATTEMPTS = 3  # of one row alone, before it becomes a dead letter
MEMORY_TRIES = 5  # some 30 s in all, for other work to end, before rows are tried in parts
IDLE_SECONDS = 0.5
# Every batch costs some fsyncs, which accept waits behind: few and large ones are better for both.
PERIOD_SECONDS = 0.2
# A batch of few rows costs as much as one of so many; what comes is visible within 2 s even so.
WORTHWHILE_ROWS, LONGEST_WAIT = 50, 1.4
FORGET_SECONDS = 0.5
RATE_SECONDS = 10.0
NOTE_SECONDS = 1.0

log = logging.getLogger(__name__)


class StateDown(Exception):
    """The state database takes no writes: nothing can be digested, and no row is at fault."""


@dataclass(frozen=True, slots=True)
class Stall:
    """An organization whose telemetry cannot be written now; its rows wait in the spool."""

    until: float
    failures: int


@dataclass(frozen=True, slots=True)
class Status:
    """How the digest is doing."""

    at: str
    waiting_rows: int
    waiting_bytes: int
    lag_seconds: float
    records_per_second: float
    stalled_organizations: int
    last_error: str
    decoders_trouble: str
    """Why no process that decodes can be started; "" if they can, or none is wanted."""
    damaged_telemetry: dict[str, str]
    """What is wrong with the file of an organization, by its id."""


class Pipeline:
    """Digests the spool into state and telemetry, in one thread: no other writes what was sent."""

    def __init__(
        self, app: Flask, spool: Spool, store: TelemetryStore, note: Path, decoders: Decoders
    ) -> None:
        """`note` is the file that tells other processes how the digest is doing."""
        self._app = app
        self._spool = spool
        self._store = store
        self._note = note
        self._note_due = 0.0
        self._under_way = UnderWay(note.parent)
        self.decoders = decoders
        self._turns = Turns(spool, self._spent)
        self._backlogs: dict[int, Backlog] = {}
        self._noted = NotedBacklogs(note)
        self._forgot_at = 0.0
        self._failures: dict[int, int] = {}
        self._stalls: dict[int, Stall] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._recent: deque[tuple[float, int]] = deque()
        self._last_error = ""
        self.gate = Gate()
        """Every batch passes this gate; while it is closed, each store is as after a crash."""

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present batch; what still waits is digested after the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._note_the_end()
        self.decoders.close()
        self._under_way.close()

    def _spent(self) -> float:
        """Processor time that digesting took, as long as it takes with all processes at work."""
        return time.thread_time() + self.decoders.seconds / max(self.decoders.count, 1)

    def alive(self) -> bool:
        """Whether the digest thread, if it was started, still runs."""
        return self._thread is None or self._thread.is_alive()

    def digest_once(self) -> int:
        """Digest a turn of every organization; return how many rows it was, or raise StateDown."""
        digested = 0
        with self.gate.passing(), self._app.app_context():
            self._under_way.begin()
            self._finish_burials()
            self._return_to_stalled()
            for organization_id, rows in self._turns.round(self._stalls.keys()):
                self._digest_or_stall(organization_id, rows)
                digested += len(rows)
                if time.monotonic() - self._forgot_at > FORGET_SECONDS:
                    self._forget()
                if self._is_ending():
                    break
            if not digested:
                self._forget()
        return digested

    def drain(self) -> None:
        """Digest until no waiting row can be digested now."""
        while self.digest_once():
            pass

    def status(self) -> Status:
        depth = self._spool.depth()
        lag = (clock.now() - depth.oldest).total_seconds() if depth.oldest else 0.0
        since = time.monotonic() - RATE_SECONDS
        recent = sum(records for at, records in list(self._recent) if at > since)
        return Status(
            at=clock.now().isoformat(),
            waiting_rows=depth.rows,
            waiting_bytes=depth.size,
            lag_seconds=round(max(lag, 0.0), 3),
            records_per_second=round(recent / RATE_SECONDS, 1),
            stalled_organizations=len(self._stalls),
            last_error=self._last_error,
            decoders_trouble=self.decoders.trouble,
            damaged_telemetry={str(o): str(damage) for o, damage in self._store.damages().items()},
        )

    def backlog(self, organization_id: int) -> Backlog | None:
        """The organization's backlog as of a moment ago; reads no database."""
        if self._thread is None:  # another process digests, or nobody
            return self._noted.of(organization_id)
        return self._backlogs.get(organization_id)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                began, newest = time.monotonic(), self._spool.newest
                self._tell()  # also while nothing can be digested: the note has the backlog
                records = self.digest_once()
            except Exception as error:  # noqa: BLE001 - the thread must outlive every outage
                failures += 1
                self._failed("the digest waits", error)
                self._stopping.wait(_pause(failures))
                continue
            failures = 0
            if not records:
                self._stopping.wait(PERIOD_SECONDS)
                self._spool.wait_for_rows(IDLE_SECONDS)
            elif not self._turns.busy:
                self._collect(began, newest)

    def _collect(self, began: float, newest: int) -> None:
        """Wait until the next batch is worth its commits, or the oldest row in it has waited long.

        A round began at `began`, when `newest` was the last row.
        """
        while not self._stopping.wait(PERIOD_SECONDS):
            enough = self._spool.newest - newest >= WORTHWHILE_ROWS
            if enough or time.monotonic() - began >= LONGEST_WAIT:
                return

    def _is_ending(self) -> bool:
        return self._thread is not None and self._stopping.is_set()

    def _digest_or_stall(self, organization_id: int, rows: Sequence[SpoolRow]) -> None:
        began = self._spent()
        upto = rows[-1].position

        def enough() -> bool:
            return self._spent() - began >= LONGEST_TURN_SECONDS

        try:
            for part in self._under_way.parts(rows):
                ahead = partial(self._turns.ahead, organization_id, part[-1].position)
                upto = self._digest(organization_id, part, enough=enough, ahead=ahead)
                if enough():
                    break
        except TelemetryDown as error:
            failures = self._failures.pop(organization_id, 0) + 1
            until = time.monotonic() + _pause(failures)
            self._stalls[organization_id] = Stall(until, failures)
            self._failed("an organization's telemetry waits", error.__cause__ or error)
        else:
            self._failures.pop(organization_id, None)
            self._turns.digested(organization_id, upto)

    def _digest(
        self,
        organization_id: int,
        rows: Sequence[SpoolRow],
        attempt: int = 1,
        enough: Callable[[], bool] = lambda: False,
        ahead: Callable[[], Sequence[SpoolRow]] = tuple,
    ) -> int:
        """Digest rows in their order; if that fails, find the row at fault.

        Returns the last position that was digested: not that of the last row if there is `enough`.
        """
        if not rows:
            return 0
        try:
            with self._under_way.batch(rows):
                digested = digest(
                    self._store,
                    organization_id,
                    rows,
                    self._under_way,
                    self.decoders,
                    enough,
                    ahead,
                )
        except TelemetryDown as error:
            if not self._lacks_memory_for_good(organization_id, error):
                raise
            # A small write: where there is no memory for that either, no row is at fault.
            self._withdraw(organization_id, rows[-1].position)
            self._isolate(organization_id, rows, error, ATTEMPTS)
        except Exception as error:
            if not isinstance(error, Indigestible) and (
                is_outage(error) or not state_takes_writes(organization_id)
            ):
                raise StateDown from error
            self._isolate(organization_id, rows, error, attempt)
        else:
            self._recent.append((time.monotonic(), digested.records))
            return digested.upto
        return rows[-1].position

    def _lacks_memory_for_good(self, organization_id: int, error: TelemetryDown) -> bool:
        """Whether waiting has not helped, so that a row is too large rather than memory busy."""
        lacking = isinstance(error.__cause__, MemoryError | TelemetryLacksMemory)
        return lacking and self._failures.get(organization_id, 0) >= MEMORY_TRIES

    def _isolate(
        self, organization_id: int, rows: Sequence[SpoolRow], error: Exception, attempt: int
    ) -> None:
        """Halve the rows until the one at fault stands alone, then bury it: both stores work."""
        if isinstance(error, Indigestible) and (error.reason or len(rows) > 1):
            place = next(i for i, row in enumerate(rows) if row is error.row)
            self._digest(organization_id, rows[:place])
            if error.reason:
                self._bury(error.row, error, max(attempt, error.tries))
            else:
                self._digest(organization_id, [error.row])
            self._digest(organization_id, rows[place + 1 :])
        elif len(rows) > 1:
            self._digest(organization_id, rows[: len(rows) // 2])
            self._digest(organization_id, rows[len(rows) // 2 :])
        elif attempt < ATTEMPTS:
            self._digest(organization_id, rows, attempt + 1)
        else:
            self._bury(rows[0], error, attempt)

    def _bury(self, row: SpoolRow, error: Exception, attempts: int) -> None:
        """Make a row a dead letter and remove its records from telemetry, for a clean retry."""
        wraps = isinstance(error, Indigestible | TelemetryDown)
        cause = (error.__cause__ if wraps else None) or error
        reason = (error.reason if isinstance(error, Indigestible) else "") or culprit(cause)
        with self._under_way.burial(row):
            self._spool.bury(row, reason, attempts=self._under_way.deaths(row.position) or attempts)
            self._withdraw(row.organization_id, row.position)
        self._failed(f"row {row.position} became a dead letter", cause)

    def _withdraw(self, organization_id: int, position: int) -> None:
        try:
            self._store.withdraw(organization_id, position)
        except OUTAGES as error:
            raise TelemetryDown from error

    def _finish_burials(self) -> None:
        """Finish burials that a dead process or an outage has interrupted."""
        for organization_id, position in self._under_way.unfinished_burials():
            with suppress(TelemetryDown):
                queued = self._spool.read(position - 1, limit_rows=1)
                if not queued or queued[0].position > position:
                    self._withdraw(organization_id, position)
                self._under_way.buried(position)

    def _return_to_stalled(self) -> None:
        """Go back to the rows of organizations that have waited long enough."""
        now = time.monotonic()
        for organization_id in [o for o, stall in self._stalls.items() if stall.until <= now]:
            stall = self._stalls.pop(organization_id)
            self._failures[organization_id] = stall.failures

    def _forget(self) -> None:
        """Let the spool drop digested rows; until then, reading skips them."""
        self._forgot_at = time.monotonic()
        if last := self._turns.forget():
            self._under_way.forget(min(last, self._spool.first_position(otherwise=last + 1) - 1))

    def _failed(self, event: str, error: BaseException) -> None:
        """Log where it failed, without values: the scrubber may have to hide them."""
        self._last_error = f"{clock.now().isoformat(timespec='seconds')} {event}: {culprit(error)}"
        if not outages.present.takes(error):
            log.warning("%s: %s", event, culprit(error))

    def _note_the_end(self) -> None:
        """Note how many rows wait now, in case the spool is damaged after the end."""
        self._note_due = 0.0
        try:
            self._tell()
        except sqlite3.Error as error:
            self._failed("what waits was not noted", error)

    def _tell(self) -> None:
        """Note the status for `pharos status`, which may not open the telemetry of this process."""
        now = time.monotonic()
        if now < self._note_due:
            return
        while self._recent and self._recent[0][0] < now - RATE_SECONDS:
            self._recent.popleft()
        self._backlogs = measured(self._spool, self._stalls)
        noted = {**asdict(self.status()), "backlogs": self._backlogs}
        draft = self._note.with_suffix(".new")
        try:
            draft.write_bytes(orjson.dumps(noted, option=orjson.OPT_NON_STR_KEYS))
            draft.replace(self._note)
        except OSError as error:  # a full disk, which keeps nobody from digesting or from ending
            self._failed("what waits was not noted", error)
        # Counting a long queue takes a while: never more than a twentieth of the time.
        self._note_due = now + max(NOTE_SECONDS, 20 * (time.monotonic() - now))


def init_app(app: Flask, settings: Config) -> None:
    """Give the app its pipeline; nothing runs before `start`."""
    waiting = cast("Spool", app.extensions[spool.EXTENSION])
    telemetry = cast("TelemetryStore", app.extensions[store.EXTENSION])
    app.extensions[EXTENSION] = Pipeline(
        app,
        waiting,
        telemetry,
        settings.instance / digest_note.NAME,
        Decoders(settings.decoder_count),
    )


def current() -> Pipeline:
    """Return the running app's pipeline."""
    return cast("Pipeline", current_app.extensions[EXTENSION])


def _pause(failures: int) -> float:
    return min(0.5 * 2.0 ** min(failures, 10), digest_note.LONGEST_PAUSE)
