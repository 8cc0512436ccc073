"""The telemetry of all organizations: opens their files, and sends each query to its own file."""

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import Executable, Row

from console.core.config import Config
from console.core.gates import Gate
from console.telemetry import kinds, renewing, writing
from console.telemetry.aside import ASIDE
from console.telemetry.database import (
    DAMAGED_PART,
    GONE,
    LEAST_MEMORY_MB,
    NOT_OPENED,
    Database,
    TelemetryDamaged,
    TelemetryUnavailable,
    Then,
)
from console.telemetry.records import Batch, Record, Written
from console.telemetry.scope import Scope

EXTENSION = "pharos.telemetry"
FOLDER = "telemetry"
REST_BEFORE_CLOSING = 30

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Slot:
    """An organization's place among the open files."""

    opening: threading.Lock = field(default_factory=threading.Lock)
    database: Database | None = None
    users: int = 0
    has_pages: bool = False
    used_at: float = 0.0
    asked_at: float = 0.0


class TelemetryStore:
    """One DuckDB file per organization in a folder; the least recently used are closed.

    Threads may share it. Processes may not: DuckDB locks a file for the process that has it open.
    """

    def __init__(self, folder: Path, memory_mb: int, open_limit: int) -> None:
        """Files in use share `memory_mb`, at least 96 each; a file in use is never closed."""
        self._folder = folder
        self._memory_mb = memory_mb
        self._open_limit = open_limit
        self._slots: OrderedDict[int, Slot] = OrderedDict()
        self._guard = threading.Lock()
        self._expected: set[int] = set()
        self._damages: dict[int, TelemetryDamaged] = {}
        self._ending = threading.Event()
        self._looker: threading.Thread | None = None
        self.upkeep = Gate()
        """Every job that writes telemetry, or writes what it has read there, passes this gate."""

    def rows(
        self, scope: Scope, statement: Executable, then: Then | None = None
    ) -> Sequence[Row[Any]]:
        """Run a query on the file of the scope's organization, or two (`Database.rows`).

        Raises UnscopedQuestion if the statement lacks the scope's predicate, TelemetryUnavailable
        if the file cannot be read.
        """
        with self._open(scope.organization_id) as database:
            self._slots[scope.organization_id].asked_at = monotonic()
            return database.rows(scope, statement, then)

    def write(self, organization_id: int, batch: Batch, position: int) -> Written:
        """Commit a batch and the spool position of its last row; a replay of it changes nothing.

        Raises TelemetryUnavailable when only a retry can help (disk full, file damaged), ValueError
        for another organization's record or an undeclared kind.
        """
        strangers = {record.organization_id for record in batch} - {organization_id}
        if strangers:
            raise ValueError(f"a batch of {organization_id} has records of {strangers}")
        if not len(batch):
            return Written(position)
        with self._open(organization_id) as database, database.transaction() as connection:
            return writing.write(connection, batch, position)

    def write_own(
        self,
        organization_id: int,
        records: Sequence[Record],
        run: int,
        kind: kinds.Kind = kinds.ERRORS,
    ) -> Written:
        """Commit records that the console made itself, in its run of this number, from 1.

        They have not come through the spool, so the position that the file has reached neither
        holds them back nor moves. Instead their position is minus the run, and a replay of the run
        answers the same: a record that an earlier run stored does not count as stored by this one.
        """
        strangers = {record.organization_id for record in records} - {organization_id}
        if strangers or {record.position for record in records} - {-run}:
            raise ValueError(f"records of {strangers} or of another run than {run}")
        with self._open(organization_id) as database, database.transaction() as connection:
            return writing.write_own(connection, records, run, kind)

    def position(self, organization_id: int) -> int:
        """Up to which spool position the organization's file has been written; 0 if never."""
        with self._open(organization_id) as database, database.transaction() as connection:
            return writing.position_of(connection)

    def withdraw(self, organization_id: int, position: int) -> None:
        """Delete the records of one spool position, which has become a dead letter."""
        with self._open(organization_id) as database, database.transaction() as connection:
            writing.withdraw(connection, position)

    @contextmanager
    def using(self, organization_id: int) -> Iterator[Database]:
        """The organization's open file, for maintenance."""
        with self._open(organization_id) as database:
            yield database

    def organizations(self) -> list[int]:
        """The organizations that have a file; files with other names are ignored."""
        return sorted(files_of(self._folder))

    def holds(self, organization_id: int) -> bool:
        """Whether the organization has a file."""
        return self._path(organization_id).exists()

    def size(self, organization_id: int) -> int:
        """The bytes of an organization's file and of its log."""
        files = self._folder.glob(f"{organization_id}.duckdb*")
        return sum(path.stat().st_size for path in files)

    def expect(self, organization_ids: Iterable[int]) -> None:
        """Declare which organizations must have a file: a missing one is reported, never replaced.

        A new file is made only where `set_aside` has moved the old one away.
        """
        self._expected.update(organization_ids)
        for organization_id in self._expected:
            if self._is_gone(organization_id):
                path = self._path(organization_id)
                self._damages[organization_id] = TelemetryDamaged(path.name, GONE)

    def start_looking(self) -> None:
        """Open each file once, in a separate thread, so that damage is known before it is met."""
        self._ending.clear()
        self._looker = threading.Thread(target=self._look, name="telemetry-check", daemon=True)
        self._looker.start()

    def stop_looking(self) -> None:
        """End the thread after its present file."""
        self._ending.set()
        if self._looker is not None:
            self._looker.join()

    def damages(self) -> dict[int, TelemetryDamaged]:
        """The damaged or missing files that were met since the start, by organization."""
        return dict(self._damages)

    def settled_files(self) -> tuple[dict[int, Path], dict[int, str]]:
        """Every organization's file, complete without a log until the next write.

        The second value says what is wrong with damaged or missing files, by organization. Nothing
        may write meanwhile. Raises TelemetryUnavailable for a full disk, missing rights or memory.
        """
        organizations = self.organizations()  # a file that somebody makes meanwhile holds nothing
        for organization_id in set(organizations) - self._damages.keys():
            with suppress(TelemetryDamaged):  # which notes it among the damages
                self._settle(organization_id)
        damaged = {
            organization_id: str(damage) for organization_id, damage in self.damages().items()
        }
        return {
            organization_id: self._path(organization_id)
            for organization_id in organizations
            if organization_id not in damaged
        }, damaged

    def _settle(self, organization_id: int) -> None:
        path = self._path(organization_id)
        with self._guard:
            slot = self._slots.setdefault(organization_id, Slot())
        if not path.is_file() or not os.access(path, os.R_OK):
            damage = TelemetryDamaged(path.name, NOT_OPENED, "it is no file that may be read")
            self._damages[organization_id] = damage
            raise damage
        with slot.opening:  # until its tables are made, a new file has neither them nor a log
            is_open = slot.database is not None
        if is_open or path.with_name(f"{path.name}.wal").exists():
            with self._open(organization_id) as database:
                database.checkpoint()

    def delete_organization(self, organization_id: int) -> None:
        """Delete everything of an organization: its file is closed and removed."""
        with self._guard:
            slot = self._slots.setdefault(organization_id, Slot())
        with slot.opening:
            if slot.database is not None:
                slot.database.close()
                slot.database = None
            for path in self._folder.glob(f"{organization_id}.duckdb*"):
                path.unlink()
            self._expected.discard(organization_id)
            self._damages.pop(organization_id, None)

    def renew(self, organization_id: int, patience: float = 5.0) -> bool:
        """Write a file anew, without what was deleted from it; False if that has to wait.

        It waits for questions that take longer than `patience`, and for room on the disk. Whoever
        asks meanwhile waits until the new file is there, some seconds for a gigabyte.
        """
        path, deadline = self._path(organization_id), monotonic() + patience
        with self._guard:
            slot = self._slots.setdefault(organization_id, Slot())
        with slot.opening:
            while slot.users and monotonic() < deadline:
                sleep(0.02)
            if slot.users or not renewing.room_for(path):
                return False
            if slot.database is not None:
                slot.database.close()
                slot.database = None
            if path.with_name(f"{path.name}.wal").exists():
                return False
            renewing.renew(path, max(LEAST_MEMORY_MB, self._memory_mb))
        return True

    def rest(self, seconds: float) -> None:
        """Free the memory of files that were not read for a while; close them much later.

        Closing writes the latest rows as a separate row group, so closing often would make many.
        """
        for organization_id, slot in self._idle():
            if slot.used_at < monotonic() - seconds * REST_BEFORE_CLOSING:
                self._close(organization_id)
            elif slot.asked_at < monotonic() - seconds:
                self._forget_pages(slot)

    def close(self) -> None:
        """Close every file that is not in use, after a checkpoint."""
        for organization_id, _ in self._idle():
            self._close(organization_id)

    @contextmanager
    def _open(self, organization_id: int) -> Iterator[Database]:
        with self._guard:
            slot = self._slots.setdefault(organization_id, Slot())
            self._slots.move_to_end(organization_id)
        try:
            database = self._opened(organization_id, slot)
            try:
                yield database
            finally:
                with self._guard:
                    slot.users -= 1
        except TelemetryDamaged as error:
            self._damages[organization_id] = error
            raise
        finally:
            self._trim()

    def _opened(self, organization_id: int, slot: Slot) -> Database:
        with slot.opening:
            path = self._path(organization_id)
            if slot.database is not None and (slot.database.broken or not path.exists()):
                slot.database.close()
                slot.database = None
            if slot.database is None:
                if self._is_gone(organization_id):
                    raise TelemetryDamaged(path.name, GONE)
                self._folder.mkdir(parents=True, exist_ok=True)
                if not path.exists():  # the damaged one was set aside
                    self._damages.pop(organization_id, None)
                slot.database = Database(path, organization_id, LEAST_MEMORY_MB)
                self._opens(organization_id)
            slot.database.limit_memory(self._share())
            with self._guard:
                slot.users += 1
                slot.used_at, slot.has_pages = monotonic(), True
            return slot.database

    def _look(self) -> None:
        for organization_id in self.organizations():
            if self._ending.is_set():
                return
            with left_out(), self._open(organization_id):
                pass

    def _opens(self, organization_id: int) -> None:
        """Note that the file exists and opens; a part of it may still be damaged."""
        self._expected.add(organization_id)
        damage = self._damages.get(organization_id)
        if damage is not None and damage.complaint != DAMAGED_PART:
            del self._damages[organization_id]

    def _path(self, organization_id: int) -> Path:
        return self._folder / f"{organization_id}.duckdb"

    def _is_gone(self, organization_id: int) -> bool:
        """Whether the file is missing although it must exist, and was not set aside."""
        path = self._path(organization_id)
        if organization_id not in self._expected or path.exists():
            return False
        return not any(self._folder.glob(f"{path.name}{ASIDE}*"))

    def _share(self) -> int:
        """The memory limit of each open file, an equal share of all."""
        with self._guard:
            files = sum(1 for slot in self._slots.values() if slot.database)
        return max(LEAST_MEMORY_MB, self._memory_mb // max(files, 1))

    def _idle(self) -> list[tuple[int, Slot]]:
        """Open files that nobody uses, least recently used first."""
        with self._guard:
            return [
                (o, slot) for o, slot in self._slots.items() if slot.database and not slot.users
            ]

    def _trim(self) -> None:
        """Close files beyond the limit; only the last used ones keep their pages in memory."""
        with self._guard:
            surplus = sum(1 for s in self._slots.values() if s.database) - self._open_limit
        idle = self._idle()
        for organization_id, _ in idle[: max(surplus, 0)]:
            self._close(organization_id)
        for _, slot in idle[: -max(self._memory_mb // LEAST_MEMORY_MB, 1)]:
            if slot.has_pages:
                self._forget_pages(slot)

    def _forget_pages(self, slot: Slot) -> None:
        with self._unused(slot) as database:
            if database is not None:
                database.forget_pages()
                slot.has_pages = False

    def _close(self, organization_id: int) -> None:
        slot = self._slots[organization_id]
        with self._unused(slot) as database:
            if database is not None:
                database.close()
                slot.database = None

    @contextmanager
    def _unused(self, slot: Slot) -> Iterator[Database | None]:
        """The slot's database if nobody uses it; others wait until this is done."""
        with slot.opening:
            with self._guard:
                database = None if slot.users else slot.database
            yield database


@contextmanager
def left_out() -> Iterator[None]:
    """Go on with the other files when one cannot be used."""
    try:
        yield
    except TelemetryUnavailable as error:
        log.warning("telemetry is left out: %s", error)


def files_of(folder: Path) -> dict[int, Path]:
    """The telemetry files of a folder, by organization."""
    return {int(path.stem): path for path in folder.glob("*.duckdb") if path.stem.isdecimal()}


def init_app(app: Flask, settings: Config) -> None:
    """Give the app its store; a file is opened at its first query."""
    app.extensions[EXTENSION] = TelemetryStore(
        settings.instance / FOLDER, settings.telemetry_memory_mb, settings.telemetry_open_limit
    )


def current() -> TelemetryStore:
    """Return the running app's store."""
    return cast("TelemetryStore", current_app.extensions[EXTENSION])
