"""The spool: what was accepted, durable before it is acknowledged, until digest has stored it."""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from flask import Flask, current_app

from console.core import clock
from console.core.config import Config
from console.core.crypto import SealBrokenError, seal, unseal
from console.core.sqlite_files import is_damage
from console.core.wakes import finish, wakes_of
from console.ingest import dead_letters, holdings, salvage
from console.ingest.condition import Condition, trial
from console.ingest.courtesy import Courtesy
from console.ingest.dead_letters import DISCARD, REQUEUE, DeadLetter, microseconds, moment
from console.ingest.group_commit import (
    FORGET,
    PAGE_BYTES,
    Committer,
    Entry,
    connect,
    durable_transaction,
    give_space_back,
    transaction,
)
from console.ingest.holdings import Holding, Shares
from console.ingest.rows import SpoolRow, pack, row_of, up_to, values_of

__all__ = ["Depth", "Spool", "SpoolRow", "SpoolUnavailable", "current"]

EXTENSION = "pharos.spool"
FILE = "spool.sqlite"
POLL_SECONDS = 0.1  # how late rows of another process are noticed
FORGET_ROWS = 100  # in one transaction: a millisecond
REPLACE_SECONDS = 60.0

_inherited: list[object] = []  # what a fork left behind: closing it would close the parent's files


class SpoolUnavailable(Exception):
    """A row could not be made durable: there is no room, or the disk fails."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits for digest."""

    rows: int
    size: int
    oldest: datetime | None


class Spool:
    """An SQLite file in WAL mode; appenders of all threads share the fsync of one committer thread.

    Several processes may append to one file. Nothing is opened before it is needed, so a process
    may fork after making the object. Bodies are sealed: nothing readable is on disk before the
    scrubber saw it. `secret_keys` are the present key and former ones that still open rows.
    """

    def __init__(self, path: Path, *, max_mb: int, secret_keys: tuple[str, ...]) -> None:
        self.path = path
        self._max_bytes = max_mb << 20
        self._shares = Shares(self._max_bytes)
        self._keys = secret_keys
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self.courtesy = Courtesy()
        self._arrived = threading.Event()
        self._committer: Committer | None = None
        self._reader: sqlite3.Connection | None = None
        self._seen_version = -1
        self._pid = 0
        self._pages = (self._max_bytes - self._shares.letters_room) // PAGE_BYTES
        self._condition = Condition()
        self.newest = 0  # the position of this process's newest row: tells how much has come
        self.is_served = False  # whether this process serves the instance, and holds it alone
        self._replacing = False
        self._replace_from = 0.0

    def append(self, row: SpoolRow) -> int:
        """Return the row's position once it is durable (fsync), or raise SpoolUnavailable."""
        with self.courtesy.accepting():
            entry = self._working_committer().settle(self._values(row))
        if not entry.position:
            raise self._refusal(entry.error)
        return self._appended(row, entry)

    async def append_meanwhile(self, row: SpoolRow) -> int:
        """The same for an event loop, which goes on until the row is durable."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()
        entry = Entry(self._values(row), partial(wakes_of(loop).post, partial(finish, waiting)))
        with self.courtesy.accepting():
            self._working_committer().begin(entry)
            await waiting
        if not entry.position:
            raise await asyncio.to_thread(self._refusal, entry.error)  # it may replace the file
        return self._appended(row, entry)

    def _values(self, row: SpoolRow) -> tuple[Any, ...]:
        return values_of(row, seal(self._keys[0], pack(row)))

    def _appended(self, row: SpoolRow, entry: Entry) -> int:
        self._shares.add(row.organization_id, len(row.body))
        self._condition.took()
        self.newest = max(self.newest, entry.position)
        return entry.position

    def trouble(self) -> str:
        """Why no row can be made durable now, as a code; "" if it can, as far as is known.

        Known from the last append; when that is some time ago, from a trial of now and then.
        """
        return self._condition.code(self._try)

    def _try(self) -> None:
        try:
            trial(self.path, self._writing, self._pages)
        except sqlite3.Error as error:
            self._replace_if_damaged(error)
            raise

    @property
    def shares(self) -> Shares:
        """What this process knows of how much each organization fills."""
        return self._shares

    def share_is_full(self, organization_id: int) -> bool:
        """Whether the organization fills its share of the room, as far as this process knows.

        What is known is at most some moments old; asked by every accept, it touches memory alone.
        Raises SpoolUnavailable.
        """
        if self._shares.is_old:
            self._working_committer().look()
        return self._shares.is_full(organization_id)

    def read(
        self,
        after: int = 0,
        *,
        organization_id: int | None = None,
        limit_rows: int = 500,
        limit_bytes: int = 8 << 20,
    ) -> list[SpoolRow]:
        """The oldest rows beyond `after`, of one organization or of all.

        At least one if any waits, then up to both limits.
        """
        whose = "" if organization_id is None else "organization_id = :organization_id AND"
        query = (
            f"SELECT * FROM waiting WHERE {whose} position > :after ORDER BY position LIMIT :rows"  # noqa: S608 - constants
        )
        chosen = {"organization_id": organization_id, "after": after, "rows": limit_rows}
        rows: list[SpoolRow] = []
        while not rows:
            with self._connection() as db:
                stored = up_to(limit_bytes, db.execute(query, chosen))
            if not stored:
                break
            rows = [row for row in map(self._opened, stored) if row is not None]
        return rows

    def held(self) -> Mapping[int, Holding]:
        """What each organization has here: rows that wait and dead letters; not those without."""
        with self._connection() as db:
            return holdings.held(db)

    def wait_for_rows(self, timeout: float) -> bool:
        """Sleep until rows were appended since the last call, by any process, or `timeout` passed.

        True if there is something new to read. For one thread: the digest.
        """
        deadline = time.monotonic() + timeout
        while not self._arrived.wait(min(POLL_SECONDS, max(deadline - time.monotonic(), 0))):
            if self._changed_elsewhere():
                return True
            if time.monotonic() >= deadline:
                return False
        self._arrived.clear()
        return True

    def forget(self, upto: Mapping[int, int]) -> None:
        """Drop each organization's rows up to and including a position; digest has stored them.

        A few at a time, and with the file's pages moved from the log here: appenders wait for
        neither.
        """
        with self._connection() as db:
            for organization_id, position in upto.items():
                dropped = FORGET_ROWS
                while dropped == FORGET_ROWS:
                    with self._writing:
                        chosen = (organization_id, position, FORGET_ROWS)
                        dropped = db.execute(FORGET, chosen).rowcount
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            with self._writing:
                give_space_back(db)

    def depth(self) -> Depth:
        """How much waits, of all organizations."""
        held = self.held().values()
        rows, size = sum(h.rows for h in held), sum(h.size for h in held)
        return Depth(rows, size, self.oldest())

    def first_position(self, *, otherwise: int) -> int:
        """The lowest position that waits, of all organizations."""
        with self._connection() as db:
            (lowest,) = db.execute("SELECT min(position) FROM waiting").fetchone()
        return otherwise if lowest is None else int(lowest)

    def oldest(
        self, organization_id: int | None = None, project_id: int | None = None
    ) -> datetime | None:
        """When the first row that waits came, of all, an organization or a project of it."""
        with self._connection() as db:
            at = holdings.oldest(db, organization_id, project_id)
        return None if at is None else moment(at)

    def bury(self, row: SpoolRow, reason: str, *, attempts: int = 1) -> None:
        """Move a row that digest failed on `attempts` times out of the queue's way.

        When dead letters fill their share of the room, the oldest of the organization that has most
        are dropped for good.
        """
        with self._connection() as db:
            self._bury(db, row.position, reason, row.attempts + attempts, row.header)

    def dead(self, organization_id: int, project_id: int, *, limit: int = 100) -> list[DeadLetter]:
        """A project's dead letters, the latest first."""
        with self._connection() as db:
            return dead_letters.listed(db, (organization_id, project_id), limit)

    def dead_count(self, organization_id: int | None = None, project_id: int | None = None) -> int:
        """How many dead letters a project has, or all organizations together."""
        chosen = {"organization": organization_id, "project": project_id}
        with self._connection() as db:
            letters: int = db.execute(dead_letters.COUNT, chosen).fetchone()[0]
        return letters

    def retry(self, organization_id: int, project_id: int, position: int | None = None) -> int:
        """Queue one dead letter again, or all of the project's; return how many.

        They get new positions: digest would take the old ones for replays.
        """
        chosen = (organization_id, project_id, position, position)
        with self._connection() as db, self._writing, transaction(db):
            db.execute(REQUEUE, chosen)
            count = db.execute(DISCARD, chosen).rowcount
        self._arrived.set()
        return count

    def discard(self, organization_id: int, project_id: int, position: int | None = None) -> int:
        """Delete one dead letter, or all of the project's; return how many."""
        chosen = (organization_id, project_id, position, position)
        with self._connection() as db, self._writing:
            return db.execute(DISCARD, chosen).rowcount

    def close(self) -> None:
        """Commit what is queued and close the file; a later call opens it again."""
        with self._lock:
            if self._committer is not None and self._pid == os.getpid():
                self._committer.stop()
            if self._reader is not None:
                self._reader.close()
            self._committer = self._reader = None

    def _working_committer(self) -> "Committer":
        if self._replacing:
            raise SpoolUnavailable("the spool was damaged: another takes its place in a moment")
        try:
            return self._running_committer()
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception | None) -> SpoolUnavailable:
        """What an appender is to raise, after the file was replaced if that is what it takes."""
        self._condition.refused(error)
        self._replace_if_damaged(error)
        unavailable = SpoolUnavailable(f"the spool cannot take more: {error}")
        unavailable.__cause__ = error
        return unavailable

    def _replace_if_damaged(self, error: BaseException | None) -> None:
        """Set a damaged file aside, and go on with a new one and what can be read of the old.

        Once a minute at most: a disk that spoils each new file must not be filled with them. And
        only in the serving process: it would go on to write to a file that another one has moved.
        """
        with self._lock:
            if not self.is_served or not is_damage(error):
                return
            if time.monotonic() < self._replace_from:
                return
            self._replacing = True
            try:
                self.close()
                salvage.set_aside(self.path, self._keys, str(error))
            finally:
                self._replace_from = time.monotonic() + REPLACE_SECONDS
                self._replacing = False

    def _running_committer(self) -> "Committer":
        committer = self._committer
        if committer is None or not committer.is_alive() or self._pid != os.getpid():
            with self._lock:
                self._leave_parents_files()
                if self._committer is None or not self._committer.is_alive():
                    connection = connect(self.path, synchronous="FULL", pages=self._pages)
                    self._committer = Committer(
                        connection, self._writing, self._arrived, self._shares
                    )
                    self._committer.start()
                committer = self._committer
        return committer

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """The connection of everything but appends, one thread at a time.

        It has no limit of its own: burying a letter must work when the spool is full.
        """
        with self._lock:
            self._leave_parents_files()
            try:
                if self._reader is None:
                    self._reader = connect(self.path, synchronous="NORMAL")  # lost: replayed
                yield self._reader
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                self._replace_if_damaged(error)
                raise

    def _leave_parents_files(self) -> None:
        """After a fork: the threads are gone and SQLite's connections must not be used."""
        if self._pid != os.getpid():
            _inherited.extend((self._committer, self._reader))
            self._committer = self._reader = None
            self._writing = threading.Lock()
            self._pid = os.getpid()

    def _changed_elsewhere(self) -> bool:
        with self._connection() as db:
            (version,) = db.execute("PRAGMA data_version").fetchone()
        seen, self._seen_version = self._seen_version, int(version)
        return seen != self._seen_version

    def _opened(self, stored: sqlite3.Row) -> SpoolRow | None:
        """The row with its body, or None after burying one that no configured key opens."""
        try:
            return row_of(stored, unseal(self._keys, stored["sealed"]))
        except SealBrokenError as error:
            with self._connection() as db:
                self._bury(db, stored["position"], str(error), stored["attempts"] + 1, {})
            return None

    def _bury(
        self,
        db: sqlite3.Connection,
        position: int,
        reason: str,
        attempts: int,
        header: Mapping[str, Any],
    ) -> None:
        letter = {
            "position": position,
            "attempts": attempts,
            "reason": reason[:1000],
            "items": str(header.get("items", ""))[:200],
            "died_at": microseconds(clock.now()),
        }
        # Durable, as digest goes on to note later positions in state: were only this lost with the
        # power, the row would be back in the queue and be taken for a replay.
        with self._writing, durable_transaction(db):
            dead_letters.bury(db, letter, room=self._shares.letters_room)


def init_app(app: Flask, settings: Config) -> Spool:
    """Give the app the spool of its instance folder, which is opened when it is needed."""
    keys = (settings.secret_key, *settings.secret_key_fallbacks)
    waiting = Spool(settings.instance / FILE, max_mb=settings.spool_max_mb, secret_keys=keys)
    app.extensions[EXTENSION] = waiting
    return waiting


def current() -> Spool:
    """Return the running app's spool."""
    return cast("Spool", current_app.extensions[EXTENSION])
