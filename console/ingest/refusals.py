"""What is refused on arrival goes into the loss ledger by way of the spool, summed up by second."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import orjson
from flask import Flask, current_app

from console.core import clock
from console.ingest.refusals_kept import KeptRefusals, count_of, values_of
from console.ingest.spool import Spool, SpoolRow, SpoolUnavailable
from console.ingest.strangers import Case, Strangers
from console.intake.ledger import Count, add_up

EXTENSION = "pharos.refusals"
KIND = "outcomes"
FLUSH_SECONDS = 1.0


def init_app(app: Flask, spool: Spool, instance: Path) -> None:
    """Give the app its memory of refusals."""
    app.extensions[EXTENSION] = Refusals(spool, Strangers(app), KeptRefusals(instance))


def current() -> "Refusals":
    """Return the running app's memory of refusals."""
    return cast("Refusals", current_app.extensions[EXTENSION])


class Refusals:
    """Refusals of the last second, summed up in memory so that a flood costs one row a second.

    While the spool can take none, they add up here; at the end they wait in `kept`.
    """

    def __init__(self, spool: Spool, strangers: Strangers, kept: KeptRefusals) -> None:
        self._spool = spool
        self._kept = kept
        self._strangers = strangers
        self._lock = threading.Lock()
        self._counts: dict[int, dict[tuple[object, ...], Count]] = {}
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """Take up what could not be written before the last stop."""
        self._kept.make_room()
        for organization_id, count in self._kept.content():
            self.add(organization_id, count)

    def add(self, organization_id: int, count: Count) -> None:
        with self._lock:
            add_up(self._counts.setdefault(organization_id, {}), count)
        self._flush_soon()

    def add_stranger(self, case: Case) -> None:
        """Count a request that no key opened, for the project that its address names."""
        self._strangers.saw(case)
        self._flush_soon()

    def flush(self) -> None:
        """Put into the spool what was counted; what it cannot take now is kept for later."""
        with self._lock:
            counts, self._counts, self._timer = self._counts, {}, None
        for organization_id, cases in self._strangers.take().items():
            strange = counts.setdefault(organization_id, {})
            for case, quantity in cases.items():
                add_up(strange, _count_of_strangers(case, quantity))
        for organization_id, mine in counts.items():
            try:
                self._spool.append(_spool_row(organization_id, mine.values()))
            except SpoolUnavailable:
                self._keep(organization_id, mine.values())
        if not self._counts:
            self._kept.clear()
        if self._strangers.wait:
            self._flush_soon()

    def close(self) -> None:
        """Write what is left, and leave no timer behind."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self.flush()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if left := [
                (organization_id, count)
                for organization_id, counts in self._counts.items()
                for count in sorted(counts.values(), key=_quantity, reverse=True)
            ]:
                self._kept.keep(left)

    def _keep(self, organization_id: int, counts: Iterable[Count]) -> None:
        for count in counts:
            self.add(organization_id, count)

    def _flush_soon(self) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()


def from_spool(row: SpoolRow) -> Iterator[Count]:
    """Read the counts that `Refusals` spooled."""
    for values in orjson.loads(row.body):
        yield count_of(values)


def _quantity(count: Count) -> int:
    return count.quantity


def _count_of_strangers(case: Case, quantity: int) -> Count:
    project_id, item_type, outcome, reason = case
    detail = f"a request named this project in its address: {reason}"
    return Count(project_id, item_type, outcome, reason, quantity, clock.now(), detail)


def _spool_row(organization_id: int, counts: Iterable[Count]) -> SpoolRow:
    body = [values_of(count) for count in counts]
    return SpoolRow(
        organization_id=organization_id,
        project_id=0,
        key_id=0,
        received_at=clock.now(),
        kind=KIND,
        body=orjson.dumps(body),
    )
