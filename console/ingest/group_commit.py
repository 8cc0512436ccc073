"""The file under the spool: rows of all threads made durable by one fsync."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from console.ingest import holdings
from console.ingest.holdings import Shares

log = logging.getLogger(__name__)

GROUP_LIMIT = 64  # rows made durable by one fsync; 16 busy threads make groups of 8
PAGE_BYTES = 4096
SPARE_PAGES = 4096  # free pages kept for reuse before the file gives them back
COLUMNS = "organization_id, project_id, key_id, received_at, kind, encoding, sealed, attempts"
PLACES = "(?, ?, ?, ?, ?, ?, ?, ?)"
SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id INTEGER NOT NULL, project_id INTEGER NOT NULL, key_id INTEGER NOT NULL,
    received_at INTEGER NOT NULL, kind TEXT NOT NULL, encoding TEXT NOT NULL,
    sealed BLOB NOT NULL, attempts INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS dead_letter (
    position INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL, project_id INTEGER NOT NULL, key_id INTEGER NOT NULL,
    received_at INTEGER NOT NULL, kind TEXT NOT NULL, encoding TEXT NOT NULL,
    sealed BLOB NOT NULL, attempts INTEGER NOT NULL,
    reason TEXT NOT NULL, items TEXT NOT NULL, died_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS dead_letter_project
    ON dead_letter (organization_id, project_id, position);
CREATE INDEX IF NOT EXISTS waiting_organization ON waiting (organization_id, position);
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'waiting', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'waiting');
"""
# A spool that was lost, or restored from an older copy than the stores, must not give positions
# that the stores have applied: digest would take new rows for replays. Microseconds since 1970 are
# ahead of every position given before, as long as fewer than a million rows a second come.
START = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'waiting'"
FORGET = """
DELETE FROM waiting WHERE position IN (
    SELECT position FROM waiting
    WHERE organization_id = ? AND position <= ? ORDER BY position LIMIT ?)
"""


@dataclass(slots=True)
class Entry:
    """A row on its way to disk, and what is to be called once it is there or refused."""

    values: tuple[Any, ...]
    settled: Callable[[], object] = lambda: None
    position: int = 0
    error: Exception | None = None


class Committer(threading.Thread):
    """Makes all rows that are queued durable by one statement, and so by one fsync, at a time."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        writing: threading.Lock,
        arrived: threading.Event,
        shares: Shares,
    ) -> None:
        """Writers of this process hold `writing`, since SQLite itself waits by sleeping.

        `shares` learns what is in the file, also when only a look is queued.
        """
        super().__init__(name="spool-committer", daemon=True)
        self.queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._connection = connection
        self._writing = writing
        self._arrived = arrived
        self._shares = shares
        self._ending = threading.Lock()
        self._has_ended = False

    def run(self) -> None:
        running = True
        try:
            while running:
                entries = [self.queue.get()]
                with suppress(Empty):
                    while len(entries) < GROUP_LIMIT:
                        entries.append(self.queue.get_nowait())
                running = None not in entries
                self._commit([entry for entry in entries if entry is not None and entry.values])
        finally:
            self._refuse_the_rest()
            self._connection.close()

    def stop(self) -> None:
        self.queue.put(None)
        self.join()

    def settle(self, values: tuple[Any, ...]) -> Entry:
        """Make a row durable: its entry has a position then, or the error."""
        waits = threading.Lock()
        waits.acquire()
        entry = Entry(values, waits.release)
        self.begin(entry)
        waits.acquire()
        return entry

    def begin(self, entry: Entry) -> None:
        """The same, and return at once; `settled` is called by another thread when it is done."""
        with self._ending:
            if not self._has_ended:
                self.queue.put(entry)
                return
        _refuse(entry)

    def look(self) -> None:
        """Have a look at what is in the file; returns at once."""
        self.queue.put(Entry(()))

    def _refuse_the_rest(self) -> None:
        """Refuse queued rows when the thread ends, so that nobody waits for them."""
        with self._ending:
            self._has_ended = True
        with suppress(Empty):
            while True:
                entry = self.queue.get_nowait()
                if entry is not None:
                    _refuse(entry)

    def _commit(self, group: list[Entry]) -> None:
        # One statement: the GIL is given away and fetched back once, whatever the group's size.
        rows = ", ".join([PLACES] * len(group))
        values = [value for entry in group for value in entry.values]
        try:
            if group:
                statement = f"INSERT INTO waiting ({COLUMNS}) VALUES {rows}"  # noqa: S608 - constants
                with self._writing:
                    last = self._connection.execute(statement, values).lastrowid or 0
                for position, entry in enumerate(group, start=last - len(group) + 1):
                    entry.position = position
                self._arrived.set()
        except Exception as error:  # noqa: BLE001 - all waiting threads must learn of it
            for entry in group:
                entry.error = error
        finally:
            try:
                self._look_sometimes()  # before appenders go on: then they may fork
            finally:
                for entry in group:
                    entry.settled()

    def _look_sometimes(self) -> None:
        if self._shares.is_old:
            try:
                self._shares.look(self._connection)
            except sqlite3.Error as error:  # what was known before holds on; appends tell the rest
                log.warning("shares of the spool are not known: %s", type(error).__name__)


def _refuse(entry: Entry) -> None:
    entry.error = EOFError("the spool was closed")
    entry.settled()


def connect(path: Path, *, synchronous: str, pages: int = 0) -> sqlite3.Connection:
    """A connection in autocommit; `pages` limits the file, for what this connection adds to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    try:
        _prepare(db, synchronous, pages)
    except BaseException:
        db.close()  # it may hold the write lock
        raise
    return db


def _prepare(db: sqlite3.Connection, synchronous: str, pages: int) -> None:
    for pragma in (
        f"page_size={PAGE_BYTES}",
        "auto_vacuum=INCREMENTAL",
        "journal_mode=WAL",
        f"synchronous={synchronous}",
        f"wal_autocheckpoint={(32 << 20) // PAGE_BYTES}",  # when digest, which does it, is behind
        f"journal_size_limit={64 << 20}",
    ):
        db.execute(f"PRAGMA {pragma}")
    db.executescript(f"BEGIN IMMEDIATE; {SCHEMA}; {holdings.SCHEMA}; COMMIT")
    db.execute(START, (time.time_ns() // 1000,))
    if pages:
        db.execute(f"PRAGMA max_page_count={pages}")


def give_space_back(db: sqlite3.Connection) -> None:
    """Shrink the file by some of its free pages, once there are more than a burst reuses."""
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    if free > SPARE_PAGES:
        # As a script: execute() would take one step, which frees a single page.
        db.executescript(f"PRAGMA incremental_vacuum({min(free - SPARE_PAGES, 512)})")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def durable_transaction(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction that is on disk (fsync) at its end, on a connection that otherwise is not."""
    db.execute("PRAGMA synchronous=FULL")
    try:
        with transaction(db):
            yield
    finally:
        db.execute("PRAGMA synchronous=NORMAL")
