"""A quick check whether an SQLite file is damaged, and which errors mean damage."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

MAGIC = b"SQLite format 3\0"
LOG_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
LOG_HEADER = 32
DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
CHECK_SECONDS = 0.4  # a file of 80 MB takes as long; of a larger one a part is looked at


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that the file itself is at fault: not the disk, a lock or a statement."""
    if isinstance(error, UnicodeDecodeError):  # what it wanted to say quotes damaged bytes
        return True
    return getattr(error, "sqlite_errorname", "").startswith(DAMAGE)


def damage_of(path: Path) -> str:
    """What is wrong with a file; "" if no damage is known, or if there is no file.

    Nothing may have the file open: closing it after reading its bytes releases its locks.
    """
    if not path.exists() or not path.stat().st_size:
        return ""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return "it does not begin as an SQLite file does"
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size >= LOG_HEADER:
        with log.open("rb") as file:
            if file.read(4) not in LOG_MAGIC:
                return "its log does not begin as SQLite's does"
    try:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return _quick_check(db)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if is_damage(error):
            return str(error)
        raise


def _quick_check(db: sqlite3.Connection) -> str:
    """The first damage that SQLite finds within the time that a start may take."""
    timer = threading.Timer(CHECK_SECONDS, db.interrupt)
    timer.start()
    try:
        (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_INTERRUPT":
            return ""  # no damage in the part that was looked at
        raise
    finally:
        timer.cancel()
        timer.join()
    return "" if answer == "ok" else str(answer)
