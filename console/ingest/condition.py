"""Whether the spool takes rows: known from the latest appends, or from a trial."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic

from console.core.sqlite_files import is_damage
from console.ingest.group_commit import PAGE_BYTES, connect, transaction

FULL, DAMAGED, STUCK, UNWRITABLE = "spool-full", "spool-damaged", "spool-stuck", "spool-unwritable"
KNOWN_SECONDS = 10.0  # a trial costs two syncs: one in so many seconds, if anybody asks
PATIENCE_SECONDS = 2.0
TRIAL = """
INSERT INTO waiting
    (organization_id, project_id, key_id, received_at, kind, encoding, sealed, attempts)
    VALUES (0, 0, 0, 0, 'trial', '', zeroblob(?), 0)
"""

log = logging.getLogger(__name__)


class Condition:
    """Whether rows can be made durable, as far as is known."""

    def __init__(self) -> None:
        self._code = ""
        self._known_at = -KNOWN_SECONDS
        self._trying = threading.Lock()

    def took(self) -> None:
        """A row was made durable."""
        self._code = ""
        self._known_at = monotonic()

    def refused(self, error: BaseException | None) -> None:
        """A row could not be made durable."""
        self._code = code_of(error)
        self._known_at = monotonic()

    def code(self, attempt: Callable[[], None]) -> str:
        """Why rows cannot be made durable, "" if they can; `attempt` renews an old answer."""
        with self._trying:
            if monotonic() - self._known_at >= KNOWN_SECONDS:
                try:
                    attempt()
                except (sqlite3.Error, OSError) as error:
                    log.warning("the spool takes no rows: %s", error)
                    self.refused(error)
                else:
                    self.took()
            return self._code


def trial(path: Path, writing: threading.Lock, pages: int) -> None:
    """Write a row and take it back, durably; raises what an append would raise."""
    if not writing.acquire(timeout=PATIENCE_SECONDS):
        raise TimeoutError("nothing was written for some seconds")
    try:
        with closing(connect(path, synchronous="FULL", pages=pages)) as db, transaction(db):
            db.execute(TRIAL, (2 * PAGE_BYTES,))
            db.execute("DELETE FROM waiting WHERE position = last_insert_rowid()")
    finally:
        writing.release()


def code_of(error: BaseException | None) -> str:
    """The kind of an error, in a word."""
    name = getattr(error, "sqlite_errorname", "")
    if isinstance(error, TimeoutError) or name.startswith("SQLITE_BUSY"):
        return STUCK
    if is_damage(error):
        return DAMAGED
    return FULL if name.startswith("SQLITE_FULL") else UNWRITABLE
