"""Notes on disk which rows digest is processing, so that a restart knows a row that ends processes.

The note is a page of memory that the kernel keeps for the file: it survives the process however it
ends, and costs no wait. A loss of power may lose it, or leave an older note about rows that were
digested since: no row is blamed for that.
"""

import logging
import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from console.ingest.spool import SpoolRow

NOTE, LEDGER = "digest.under-way", "digest.deaths"
DEATHS = 2  # of the process while it was at one row, before the row is a dead letter
_FORM = struct.Struct("=4q")  # first and last position of the batch, and of its present rows

log = logging.getLogger(__name__)


class EndedProcess(Exception):
    """Processes have ended at this row, so it is not tried again; the message is for people."""


class UnderWay:
    """The note of the present rows, and of the rows at which processes ended. For one thread."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the instance's; nothing is opened or written before `begin`."""
        self._folder = folder
        self._page: mmap.mmap | None = None
        self._batch = (0, 0)
        self._apart: list[tuple[int, int]] = []
        self._deaths: dict[int, int] = {}
        self._burials: dict[int, int] = {}

    def begin(self) -> None:
        """Learn from the note how the former process ended, unless that is known."""
        if self._page is not None:
            return
        self._read_ledger()
        page = _page(self._folder / NOTE)
        since, until, first, last = _FORM.unpack_from(page)
        _FORM.pack_into(page, 0, 0, 0, 0, 0)
        if since:
            self._apart.append((since, until))
            if first and first == last:
                self._deaths[first] = self._deaths.get(first, 0) + 1
            self._write_ledger()
            log.warning("the last process ended while it digested rows %d to %d", first, last)
        self._page = page

    def close(self) -> None:
        """Give the file back; whoever digests later begins again."""
        if self._page is not None:
            self._page.close()
            self._page = None

    def parts(self, rows: Sequence[SpoolRow]) -> Iterator[Sequence[SpoolRow]]:
        """The rows in their order; rows that were under way when a process died come alone."""
        together: list[SpoolRow] = []
        for row in rows:
            if any(since <= row.position <= until for since, until in self._apart):
                if together:
                    yield together
                    together = []
                yield [row]
            else:
                together.append(row)
        if together:
            yield together

    def deaths(self, position: int) -> int:
        """How many processes ended while they were at the row of this position and no other."""
        return self._deaths.get(position, 0)

    @contextmanager
    def batch(self, rows: Sequence[SpoolRow]) -> Iterator[None]:
        """Note that these rows are under way, until digesting them ends in whatever way."""
        self._batch = (rows[0].position, rows[-1].position)
        self._note(*self._batch)
        try:
            yield
        finally:
            self._batch = (0, 0)
            self._note(0, 0)

    def check(self, position: int) -> None:
        """Raise EndedProcess for a row that has ended too many processes."""
        if (times := self.deaths(position)) >= DEATHS:
            raise EndedProcess(
                f"the console's process ended {times} times while it digested this; if somebody"
                " killed it, or the machine lacked memory for others, retry it"
            )

    def decoding(self, position: int) -> None:
        """Note that it is this row which this process decodes; raises EndedProcess if it may not.

        What another process decodes is not noted: its end is not this one's.
        """
        self.check(position)
        self._note(position, position)

    def committing(self, first: int, last: int) -> None:
        """Note that the rows between these positions are committed."""
        self._note(first, last)

    @contextmanager
    def burial(self, row: SpoolRow) -> Iterator[None]:
        """Note that a row becomes a dead letter, until nothing of it is in telemetry."""
        self._burials[row.position] = row.organization_id
        self._write_ledger()
        yield
        del self._burials[row.position]
        self._write_ledger()

    def unfinished_burials(self) -> list[tuple[int, int]]:
        """The organization and position of each row whose burial a former process began."""
        return [(organization_id, position) for position, organization_id in self._burials.items()]

    def buried(self, position: int) -> None:
        """Note that nothing of the dead letter is in telemetry any more."""
        self._burials.pop(position, None)
        self._write_ledger()

    def forget(self, upto: int) -> None:
        """Drop the notes about rows that the spool has dropped."""
        apart = [death for death in self._apart if death[1] > upto]
        deaths = {position: times for position, times in self._deaths.items() if position > upto}
        if (apart, deaths) != (self._apart, self._deaths):
            self._apart, self._deaths = apart, deaths
            self._write_ledger()

    def _note(self, first: int, last: int) -> None:
        if self._page is not None:
            _FORM.pack_into(self._page, 0, *self._batch, first, last)

    def _read_ledger(self) -> None:
        try:
            ledger: Any = orjson.loads((self._folder / LEDGER).read_bytes())
            self._apart = [(int(since), int(until)) for since, until in ledger["apart"]]
            self._deaths = {int(position): times for position, times in ledger["deaths"].items()}
            self._burials = {int(position): int(o) for position, o in ledger["burials"].items()}
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("%s does not read: what it said of rows is lost", self._folder / LEDGER)

    def _write_ledger(self) -> None:
        path = self._folder / LEDGER
        if not self._apart and not self._deaths and not self._burials:
            path.unlink(missing_ok=True)
            return
        ledger = {"apart": self._apart, "deaths": self._deaths, "burials": self._burials}
        draft = path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(orjson.dumps(ledger, option=orjson.OPT_NON_STR_KEYS))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _page(path: Path) -> mmap.mmap:
    """The beginning of a file, shared with the kernel; made of zeros where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(bytes(max(_FORM.size - file.tell(), 0)))
        file.flush()
        return mmap.mmap(file.fileno(), _FORM.size)
