"""Copies of files that are in use: SQLite's by its backup API, others by a separate process."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

COPIER = Path(__file__).with_name("copier.py")
PAGES = 256  # of SQLite, copied between two looks at the clock
READ_BYTES = 1 << 20


class BackupFailed(Exception):
    """A backup cannot be made, checked or put back; the message says why and what to do."""


@dataclass(slots=True)
class Pace:
    """How fast copies are made, how far they are, and whether to go on."""

    bytes_per_second: int = 0
    """0: as fast as the disk."""
    report: Callable[[int], None] = lambda _copied: None
    """Receives how many bytes are copied."""
    say: Callable[[str], None] = lambda _stage: None
    """Receives the present step in words."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    copied: int = 0
    """The bytes of the finished files."""

    def check(self) -> None:
        """Raise BackupFailed when nobody wants the copy any more."""
        if self.cancelled.is_set():
            raise BackupFailed("the console was asked to end while it made the backup")


class SqliteSnapshot:
    """The contents of an SQLite file (in WAL mode) at the moment of `__init__`, to be copied later.

    An open reader keeps seeing this state of the file while writers go on.
    """

    def __init__(self, path: Path) -> None:
        """Raise BackupFailed when the file cannot be read."""
        self._path = path
        try:
            self._source = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=10,
            )
            self._source.execute("BEGIN")
            self._source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise BackupFailed(f"{path} cannot be read: {error}") from error

    def save(self, target: Path, pace: Pace) -> None:
        """Copy it into a new file, page by page."""
        (page_bytes,) = self._source.execute("PRAGMA page_size").fetchone()
        began, before = time.monotonic(), pace.copied

        def paced(_status: int, remaining: int, total: int) -> None:
            pace.check()
            done = (total - remaining) * page_bytes
            pace.copied = before + done
            pace.report(pace.copied)
            if pace.bytes_per_second:
                late = began + done / pace.bytes_per_second - time.monotonic()
                pace.cancelled.wait(max(late, 0))

        try:
            with closing(sqlite3.connect(target)) as copy:
                self._source.backup(copy, pages=PAGES, progress=paced)
        except sqlite3.Error as error:
            raise BackupFailed(f"{self._path} cannot be copied: {error}") from error
        sync(target)

    def close(self) -> None:
        """Close the snapshot."""
        self._source.close()


def copy_files(pairs: Sequence[tuple[Path, Path]], pace: Pace) -> None:
    """Copy files whole into new ones; raise BackupFailed saying which could not be copied."""
    if not pairs:
        return
    order = {
        "pairs": [[str(source), str(target)] for source, target in pairs],
        "bytes_per_second": pace.bytes_per_second,
    }
    with subprocess.Popen(  # noqa: S603 - a program of this package
        [sys.executable, "-I", "-S", str(COPIER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as copier:
        try:
            complaint = _followed(copier, json.dumps(order), pace)
        except BaseException:
            copier.kill()
            raise
    if copier.returncode:
        raise BackupFailed(f"telemetry cannot be copied: {complaint or copier.returncode}")


def _followed(copier: "subprocess.Popen[str]", order: str, pace: Pace) -> str:
    """Report the copier's progress until it ends; return the last line of its error output."""
    if copier.stdin is None or copier.stdout is None or copier.stderr is None:
        raise BackupFailed("the copier has no pipes")
    copier.stdin.write(order)
    copier.stdin.close()
    before = pace.copied
    for line in copier.stdout:
        pace.check()
        pace.copied = before + int(line)
        pace.report(pace.copied)
    return (copier.stderr.read().strip().splitlines() or [""])[-1]


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file."""
    sha = sha256()
    with path.open("rb") as file:
        while part := file.read(READ_BYTES):
            sha.update(part)
    return sha.hexdigest()


def sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
