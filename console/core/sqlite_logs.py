"""Damage in the middle of an SQLite file's log: all that was committed behind it is left out.

SQLite takes the rest of such a log for a transaction that was not finished, says nothing, and
deletes it. The format is https://sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from console.core.sqlite_files import LOG_MAGIC, MAGIC, is_damage

HEADER, FRAME_HEADER = 32, 24
USUAL_PAGE = 4096
MOST_PAGES = 1 << 26  # 256 GB: a page beyond that is damage
UNFINISHED = 1
"""So many commits may lie behind the last whole one: what was being written as the power failed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A page in the log; `is_last` ends a transaction."""

    page: int
    is_last: bool
    place: int
    """Where its content begins in the log."""


def lost_commits(path: Path) -> int:
    """How many transactions of a file's log SQLite leaves out, as damage lies before them.

    Nothing may have the file open. Changes neither the file nor its log. 0 for a file that is
    damaged itself, too.
    """
    ends = [number for number, frame in enumerate(_frames(path), 1) if frame.is_last]
    if not ends:
        return 0
    try:
        known = _frames_read(path)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if is_damage(error):
            return 0
        raise
    lost = sum(number > known for number in ends)
    return lost if lost > UNFINISHED else 0


def overlay(path: Path, target: Path) -> bool:
    """Write a copy of a file with every page of its log, whatever damage lies between them.

    False, and no copy, if there is no log with pages.
    """
    frames = list(_frames(path))
    if not frames:
        return False
    shutil.copyfile(path, target)
    size = _page_size(path)
    with log_of(path).open("rb") as log, target.open("r+b") as copy:
        for frame in frames:
            log.seek(frame.place)
            copy.seek((frame.page - 1) * size)
            copy.write(log.read(size))
    return True


def log_of(path: Path) -> Path:
    """Where SQLite keeps the log of a file."""
    return path.with_name(f"{path.name}-wal")


def _frames_read(path: Path) -> int:
    """How many frames of a file's log SQLite takes for whole: it notes that beside the log."""
    # A connection that only reads leaves the log as it is when it is closed.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        noted = path.with_name(f"{path.name}-shm").read_bytes()
    return int(struct.unpack("=I", noted[16:20])[0])


def _page_size(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(18)
    size = int.from_bytes(head[16:18], "big") if head.startswith(MAGIC) else 0
    return {0: USUAL_PAGE, 1: 65536}.get(size, size)


def _frames(path: Path) -> Iterator[Frame]:
    """The frames of the log's present round: frames of an earlier one have another salt."""
    if not path.exists() or not path.stat().st_size or not log_of(path).exists():
        return
    size = _page_size(path)
    with log_of(path).open("rb") as log:
        head = log.read(HEADER)
        salt = head[16:24] if head[:4] in LOG_MAGIC else _usual_salt(log, size)
        for place, header in _headers(log, size):
            page, pages = struct.unpack(">II", header[:8])
            if header[8:16] == salt and 0 < page < MOST_PAGES:
                yield Frame(page, bool(pages), place + FRAME_HEADER)


def _headers(log: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    place = HEADER
    log.seek(place)
    while len(header := log.read(FRAME_HEADER)) == FRAME_HEADER:
        yield place, header
        place += FRAME_HEADER + size
        log.seek(place)


def _usual_salt(log: BinaryIO, size: int) -> bytes:
    """The salt of most frames, for a log whose own header is lost."""
    salts = Counter(header[8:16] for _, header in _headers(log, size) if any(header[8:16]))
    return max(salts, key=salts.__getitem__, default=b"")
