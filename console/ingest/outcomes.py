"""The loss ledger: what became of every item that was sent, counted once."""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import select, tuple_

from console.core import clock
from console.core.db import db, insert
from console.core.tenancy import current_organization_id
from console.ingest.models import Outcome
from console.ingest.spool import Spool, SpoolRow, SpoolUnavailable
from console.ingest.strangers import Case, Strangers

EXTENSION = "pharos.refusals"
KIND = "outcomes"
FLUSH_SECONDS = 1.0
DISTINCT_LIMIT = 100  # a project's lines of an hour; what clients invent beyond it is "other"
UNSPEAKABLE = re.compile(r"[^ -~]+")

STORED, DUPLICATE, IGNORED = "stored", "duplicate", "ignored"
REFUSED, INVALID, LOST_BY_CLIENT = "refused", "invalid", "lost_by_client"
PLAIN = (STORED, DUPLICATE)  # of kinds that digest knows: clients invent nothing of it
OUTCOMES = (STORED, DUPLICATE, IGNORED, REFUSED, INVALID, LOST_BY_CLIENT)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of items of one type that met one fate; `detail` is the latest case in words."""

    project_id: int
    item_type: str
    outcome: str
    reason: str
    quantity: int
    at: datetime
    detail: str = ""

    @property
    def key(self) -> tuple[int, datetime, str, str, str]:
        """What a row of the ledger is unique by."""
        hour = self.at.replace(minute=0, second=0, microsecond=0)
        return self.project_id, hour, self.item_type, self.outcome, self.reason


def init_app(app: Flask, spool: Spool) -> None:
    """Give the app its memory of refusals."""
    app.extensions[EXTENSION] = Refusals(spool, Strangers(app))


class Refusals:
    """Refusals of the last second, summed up in memory so that a flood costs one row a second."""

    def __init__(self, spool: Spool, strangers: Strangers) -> None:
        self._spool = spool
        self._strangers = strangers
        self._lock = threading.Lock()
        self._counts: dict[int, dict[tuple[object, ...], Count]] = {}
        self._timer: threading.Timer | None = None

    def add(self, organization_id: int, count: Count) -> None:
        with self._lock:
            _add_up(self._counts.setdefault(organization_id, {}), count)
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
                _add_up(strange, _count_of_strangers(case, quantity))
        for organization_id, mine in counts.items():
            try:
                self._spool.append(_spool_row(organization_id, mine.values()))
            except SpoolUnavailable:
                self._keep(organization_id, mine.values())
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
    for project_id, item_type, outcome, reason, quantity, at, detail in orjson.loads(row.body):
        moment = datetime.fromisoformat(at)
        yield Count(project_id, item_type, outcome, reason, quantity, moment, detail)


def record(counts: Iterable[Count]) -> None:
    """Add counts to the ledger of the Session's organization, in its present transaction."""
    summed: dict[tuple[object, ...], Count] = {}
    for count in counts:
        if count.quantity > 0:
            _add_up(summed, _speakable(count))
    if not summed:
        return
    rows = [_ledger_row(count) for count in _within_bounds(summed.values())]
    statement = insert(Outcome).values(rows)
    proposed = statement.excluded
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=[
                "organization_id", "project_id", "hour", "item_type", "outcome", "reason",
            ],
            set_={
                "quantity": Outcome.quantity + proposed.quantity,
                "last_at": proposed.last_at,
                "detail": proposed.detail,
            },
        )
    )  # fmt: skip


def _within_bounds(counts: Iterable[Count]) -> Iterable[Count]:
    """The counts, those put together that would make too many lines of a project's hour."""
    counts = list(counts)
    hours = {count.key[:2] for count in counts if count.outcome not in PLAIN}
    if not hours:
        return counts
    lines = set(_lines(hours))
    present = Counter(line[:2] for line in lines)
    bounded: dict[tuple[object, ...], Count] = {}
    for count in counts:
        is_new = count.outcome not in PLAIN and count.key not in lines
        if is_new and present[count.key[:2]] >= DISTINCT_LIMIT:
            _put(bounded, _other(count))
        else:
            present[count.key[:2]] += is_new
            _put(bounded, count)
    return bounded.values()


def _lines(hours: set[tuple[int, datetime]]) -> Iterator[tuple[Any, ...]]:
    """The keys of the ledger's lines in these hours of projects."""
    query = select(
        Outcome.project_id, Outcome.hour, Outcome.item_type, Outcome.outcome, Outcome.reason
    ).where(tuple_(Outcome.project_id, Outcome.hour).in_(hours))
    return (tuple(row) for row in db.session.execute(query))


def _count_of_strangers(case: Case, quantity: int) -> Count:
    project_id, item_type, outcome, reason = case
    detail = f"a request named this project in its address: {reason}"
    return Count(project_id, item_type, outcome, reason, quantity, clock.now(), detail)


def _spool_row(organization_id: int, counts: Iterable[Count]) -> SpoolRow:
    body = [
        [c.project_id, c.item_type, c.outcome, c.reason, c.quantity, c.at.isoformat(), c.detail]
        for c in counts
    ]
    return SpoolRow(
        organization_id=organization_id,
        project_id=0,
        key_id=0,
        received_at=clock.now(),
        kind=KIND,
        body=orjson.dumps(body),
    )


def _add_up(into: dict[tuple[object, ...], Count], count: Count) -> None:
    key = count.key
    if key not in into and sum(k[0] == key[0] for k in into) >= DISTINCT_LIMIT:
        count = _other(count)
    _put(into, count)


def _put(into: dict[tuple[object, ...], Count], count: Count) -> None:
    before = into.get(count.key)
    if before is None:
        into[count.key] = count
        return
    latest = max(before, count, key=lambda c: c.at)
    into[count.key] = Count(
        count.project_id,
        count.item_type,
        count.outcome,
        count.reason,
        before.quantity + count.quantity,
        latest.at,
        latest.detail or before.detail or count.detail,
    )


def _other(count: Count) -> Count:
    return Count(count.project_id, "other", count.outcome, "other", count.quantity, count.at)


def _speakable(count: Count) -> Count:
    """The count with what a client may have invented cut to words that a page can show."""
    return Count(
        count.project_id,
        UNSPEAKABLE.sub("", count.item_type)[:40] or "other",
        count.outcome,
        UNSPEAKABLE.sub("", count.reason)[:80],
        min(count.quantity, 1_000_000_000),
        count.at,
        _printable(count.detail),
    )


def _printable(text: str) -> str:
    readable = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in readable)[:300]


def _ledger_row(count: Count) -> dict[str, object]:
    project_id, hour, item_type, outcome, reason = count.key
    return {
        "organization_id": current_organization_id(),
        "project_id": project_id,
        "hour": hour,
        "item_type": item_type,
        "outcome": outcome,
        "reason": reason,
        "quantity": count.quantity,
        "last_at": count.at,
        "detail": count.detail,
    }
