"""The loss ledger: what became of every item that was sent, counted once."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Insert, delete, select, tuple_

from console.core import absences
from console.core.db import built_once, db, insert
from console.core.tenancy import current_organization_id
from console.intake.models import Outcome

KEPT = timedelta(days=90)
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


def record(counts: Iterable[Count]) -> None:
    """Add counts to the ledger of the Session's organization, in its present transaction."""
    summed: dict[tuple[object, ...], Count] = {}
    for count in counts:
        if count.quantity > 0:
            add_up(summed, _speakable(count))
    if not summed:
        return
    rows = [_ledger_row(count) for count in _within_bounds(summed.values())]
    db.session.execute(_addition(), rows)


@built_once
def _addition() -> Insert:
    statement = insert(Outcome.__table__)
    proposed, present = statement.excluded, Outcome.__table__.c
    return statement.on_conflict_do_update(
        index_elements=[
            "organization_id", "project_id", "hour", "item_type", "outcome", "reason",
        ],
        set_={
            "quantity": present.quantity + proposed.quantity,
            "last_at": proposed.last_at,
            "detail": proposed.detail,
        },
    )  # fmt: skip


def forget_old(_organization_id: int) -> Mapping[str, int]:
    """Delete the lines of long ago in the Session's organization, and commit."""
    old = delete(Outcome).where(Outcome.hour < absences.certain_now() - KEPT)
    forgotten = db.session.scalars(old.returning(Outcome.id)).all()
    db.session.commit()
    return {"lines of the ledger forgotten": len(forgotten)}


def add_up(into: dict[tuple[object, ...], Count], count: Count) -> None:
    """Add a count under its key; beyond the limit of a project's hour, under "other"."""
    key = count.key
    if key not in into and sum(k[0] == key[0] for k in into) >= DISTINCT_LIMIT:
        count = _rest(count)
    _put(into, count)


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
            _put(bounded, _rest(count))
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


def _rest(count: Count) -> Count:
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
