"""A damaged spool is set aside, and what can still be read of it goes on in a new one."""

import logging
import os
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from console.core import clock
from console.core.crypto import SealBrokenError, unseal
from console.core.sqlite_files import damage_of, is_damage
from console.core.sqlite_logs import lost_commits, overlay
from console.ingest import digest_note
from console.ingest.group_commit import PAGE_BYTES, connect, transaction
from console.intake.set_aside import MARK, SetAside

NOTE_SECONDS = 60.0  # the digest's note of what waits says nothing of a spool that lay idle since
LOGS = ("-wal", "-shm")
TRIES, SECONDS = 400, 20.0  # of reading around damage
HIGHEST = (1 << 63) - 1
BATCH = 2000
TABLES = {"waiting": 9, "dead_letter": 12}  # columns of the tables, position first
SEALED = 7  # the place of the sealed body in both

log = logging.getLogger(__name__)


def check(path: Path, secret_keys: tuple[str, ...]) -> SetAside | None:
    """Look at the spool before anything opens it; set it aside if it is damaged.

    A salvage that was interrupted has left no spool in place: it is begun anew.
    """
    asides = sorted(aside for aside in path.parent.glob(f"{path.name}{MARK}*") if _is_aside(aside))
    if asides and not path.exists():
        return _replace(asides[-1], path, secret_keys, "its salvage was interrupted")
    if not path.exists() or not path.stat().st_size:
        _say_what_is_gone(path)
    reason = _damage_of_log(path) or damage_of(path)  # which leaves no log behind
    return set_aside(path, secret_keys, reason) if reason else None


def set_aside(path: Path, secret_keys: tuple[str, ...], reason: str) -> SetAside:
    """Move a damaged spool out of the way, and what can be read of it into a new one.

    Nobody of this process may have it open. Rows keep their positions; those whose seal is broken
    are left out.
    """
    aside = path.with_name(f"{path.name}{MARK}{clock.now():%Y%m%dT%H%M%SZ}")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}x")
    for log_name in ("", *LOGS):
        part = path.with_name(f"{path.name}{log_name}")
        if part.exists():
            part.rename(aside.with_name(f"{aside.name}{log_name}"))
    return _replace(aside, path, secret_keys, reason)


def _damage_of_log(path: Path) -> str:
    lost = lost_commits(path)
    return f"its log is damaged, and {lost} commits lie behind that" if lost else ""


def _is_aside(path: Path) -> bool:
    """Whether it is a file that was set aside, and not its log, note, or mended copy."""
    return not path.name.endswith((*LOGS, ".json", ".mended"))


def _replace(aside: Path, path: Path, secret_keys: tuple[str, ...], reason: str) -> SetAside:
    """Put a spool with what can be read in place, when it is whole on the disk; and say so."""
    noted = _noted(path, aside)
    draft = path.with_name(f"{path.name}.draft")
    for log_name in ("", *LOGS):
        draft.with_name(f"{draft.name}{log_name}").unlink(missing_ok=True)
    kept = _salvage(aside, draft, secret_keys)
    report = SetAside(
        at=clock.now().isoformat(timespec="seconds"),
        reason=reason[:200],
        name=aside.name,
        rows=kept["waiting"],
        letters=kept["dead_letter"],
        missing=None if noted is None else max(noted - kept["waiting"], 0),
    )
    report.note(aside)
    draft.rename(path)
    log.error("the spool was damaged: %s", report.sentence)
    return report


def _noted(path: Path, aside: Path) -> int | None:
    """How many rows the digest counted when it was last there; None if that is too long ago."""
    at, rows = _note(path)
    return rows if abs(aside.stat().st_mtime - at) < NOTE_SECONDS else None


def _say_what_is_gone(path: Path) -> None:
    """Nothing is set aside of a spool that was deleted or emptied: what waited in it is lost."""
    _at, rows = _note(path)
    if rows:
        log.error(
            "the spool %s is gone or empty, and %d rows waited in it when the digest last looked:"
            " put the file back, or what clients were acknowledged last is lost",
            path,
            rows,
        )


def _note(path: Path) -> tuple[float, int | None]:
    """When the digest last counted the rows that wait, in seconds since 1970, and how many."""
    try:
        note: Any = orjson.loads(path.with_name(digest_note.NAME).read_bytes())
        return datetime.fromisoformat(note["at"]).timestamp(), int(note["waiting_rows"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return 0.0, None


def _salvage(aside: Path, draft: Path, secret_keys: tuple[str, ...]) -> dict[str, int]:
    """Put the rows that can be read into a new file, on the disk at the end; how many, by table."""
    with closing(connect(draft, synchronous="OFF")) as new:
        new.execute("PRAGMA journal_mode=OFF")  # a draft is begun anew, not rolled back
        kept = dict.fromkeys(TABLES, 0)
        for source in _readable(aside, draft):
            for table in TABLES:
                kept[table] += _move_rows(source, new, table, secret_keys)
            if source == aside and any(kept.values()):
                break
    handle = os.open(draft, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    return kept


def _readable(aside: Path, fresh: Path) -> Iterator[Path]:
    """The file; and, if nothing can be read of it, a copy with the first page of a fresh spool.

    Before it comes a copy with all pages of its log, even those behind damage in the log.
    """
    mended = aside.with_name(f"{aside.name}.mended")
    if overlay(aside, mended):
        try:
            yield mended
        finally:
            mended.unlink()
    yield aside
    size = aside.stat().st_size
    if size < 2 * PAGE_BYTES:
        return
    with closing(sqlite3.connect(fresh)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try:
        with aside.open("rb") as old, fresh.open("rb") as new, mended.open("wb") as copy:
            page = bytearray(new.read(PAGE_BYTES))
            struct.pack_into(">I", page, 28, size // PAGE_BYTES)  # the file's size, in pages
            copy.write(page)
            old.seek(PAGE_BYTES)
            while part := old.read(1 << 20):
                copy.write(part)
        yield mended
    finally:
        for log_name in ("", *LOGS):
            mended.with_name(f"{mended.name}{log_name}").unlink(missing_ok=True)


def _move_rows(
    source: Path, new: sqlite3.Connection, table: str, secret_keys: tuple[str, ...]
) -> int:
    places = ", ".join("?" * TABLES[table])
    insert = f"INSERT OR IGNORE INTO {table} VALUES ({places})"  # noqa: S608 - constants
    kept, batch = 0, []
    with closing(sqlite3.connect(source, isolation_level=None)) as old:
        for row in _rows(old, table):
            if _is_whole(row, secret_keys):
                batch.append(row)
            if len(batch) >= BATCH:
                kept += _inserted(new, insert, batch)
                batch = []
    return kept + _inserted(new, insert, batch)


def _inserted(new: sqlite3.Connection, insert: str, rows: Sequence[tuple[Any, ...]]) -> int:
    with transaction(new):
        return sum(new.execute(insert, row).rowcount for row in rows)


def _rows(db: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """Every row that can be reached: from both ends up to damage, and between by halving."""
    ranges, tries, deadline = [(0, HIGHEST)], 0, time.monotonic() + SECONDS
    while ranges and tries < TRIES and time.monotonic() < deadline:
        low, high = ranges.pop(0)
        tries += 1
        for row in _scan(db, table, low, high, "ASC"):
            if row is None:
                break
            yield row
            low = row[0] + 1
        else:
            continue  # to the end, without damage
        for row in _scan(db, table, low, high, "DESC"):
            if row is None:
                break
            yield row
            high = row[0] - 1
        if low < high:
            middle = (low + high) // 2
            ranges += [(low, middle), (middle + 1, high)]


def _scan(
    db: sqlite3.Connection, table: str, low: int, high: int, order: str
) -> Iterator[tuple[Any, ...] | None]:
    """Rows in order of their positions; None where damage ends it."""
    query = (
        f"SELECT * FROM {table} NOT INDEXED WHERE position BETWEEN ? AND ?"  # noqa: S608 - constants
        f" ORDER BY position {order}"
    )
    try:
        yield from db.execute(query, (low, high))
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error) and "no such table" not in str(error):
            raise
        yield None


def _is_whole(row: tuple[Any, ...], secret_keys: tuple[str, ...]) -> bool:
    """Whether a row is as it was written: its body is sealed, so a change in it shows."""
    numbers, texts = (*row[:5], row[8]), (row[5], row[6])
    if not all(isinstance(number, int) for number in numbers):
        return False
    if not all(isinstance(text, str) for text in texts) or not isinstance(row[SEALED], bytes):
        return False
    try:
        unseal(secret_keys, row[SEALED])
    except SealBrokenError:
        return False
    return True
