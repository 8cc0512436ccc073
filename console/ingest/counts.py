"""What the digest commits to state: the issues that events need, counters, and the position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, bindparam, update

from console.accounts import releases
from console.accounts.models import Project
from console.core.db import built_once, db, insert
from console.core.tenancy import current_organization_id
from console.errors.changes import happened
from console.errors.counting import count_in, ensure_issues
from console.errors.grouping import Grouping
from console.ingest.check_ins import taken_in
from console.ingest.models import DigestPosition
from console.intake import ledger
from console.intake.ledger import DUPLICATE, IGNORED, STORED, Count
from console.telemetry import kinds
from console.telemetry.kinds import Kind
from console.telemetry.records import Batch, ErrorEvent, Key, Record, Written
from console.uptime.check_in import CheckIn

# Of tables, not models, and built once: what the ORM adds takes longer than a small batch's rows.
POSITIONS, _PROJECT = DigestPosition.__table__, Project.__table__
FIRST_EVENT = (
    update(Project)
    .where(
        _PROJECT.c.organization_id == bindparam("organization"),
        _PROJECT.c.id == bindparam("project"),
        _PROJECT.c.first_event_at.is_(None),
    )
    .values(first_event_at=bindparam("at"))
)


@dataclass(slots=True)
class Records:
    """The records of one spool row."""

    project_id: int
    events: Sequence[tuple[Grouping, ErrorEvent]] = ()
    """Its errors, each with the grouping that leads to its issue."""
    batch: Batch = field(default_factory=Batch)
    """All records, the errors included."""
    counts: list[Count] = field(default_factory=list)
    check_ins: Sequence[CheckIn] = ()
    """What jobs said of themselves, which is stored as state."""


def ensured_issues(records: Iterable[Records]) -> Mapping[tuple[int, str], int]:
    """Commit (1): the issue id of each project's grouping hash."""
    by_project: dict[int, list[tuple[Grouping, ErrorEvent]]] = {}
    for row_records in records:
        if row_records.events:
            by_project.setdefault(row_records.project_id, []).extend(row_records.events)
    issues = {
        (project_id, hash_): issue_id
        for project_id, events in by_project.items()
        for hash_, issue_id in ensure_issues(project_id, events).items()
    }
    db.session.commit()
    return issues


def count_all(
    records: Sequence[Records], issues: Mapping[tuple[int, str], int], written: Written
) -> None:
    """Add to commit (3) the counts of stored records, and the outcomes of all others."""
    fates = Fates({kind.name: set(written.of(kind.name)) for kind in kinds.KINDS})
    arrived: dict[int, list[tuple[int, ErrorEvent]]] = {}
    for row_records in records:
        stored = {kind.name: fates.stored_of(kind, row_records.batch) for kind in kinds.KINDS}
        for event in stored[kinds.ERRORS.name]:
            issue_id = issues[event.project_id, event.grouping_hash]
            arrived.setdefault(event.project_id, []).append((issue_id, event))
    changes = [
        change for project_id, events in arrived.items() for change in count_in(project_id, events)
    ]
    happened(changes)
    _mark_first_event(fates)
    counts = [count for row_records in records for count in row_records.counts]
    for project_id, seen in fates.seen.items():
        if surplus := releases.saw(project_id, seen):
            at = fates.latest[project_id]
            counts.append(Count(project_id, "release", IGNORED, releases.SURPLUS, surplus, at))
    check_ins = [check_in for row_records in records for check_in in row_records.check_ins]
    ledger.record([*counts, *fates.counts(), *taken_in(check_ins)])


def advance(organization_id: int, position: int) -> None:
    db.session.execute(_advancing(), {"organization_id": organization_id, "position": position})


@dataclass(slots=True)
class Fates:
    """Which records of a batch were stored from it; all others were stored before.

    A key that comes twice in one batch was stored once: the second record is a duplicate. Records
    without a ledger name were counted when they were decoded, and are no duplicates.
    """

    stored: Mapping[str, set[Key]]
    """The keys of each kind that are not met yet."""
    tally: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    latest: dict[int, datetime] = field(default_factory=dict)
    seen: dict[int, set[tuple[str, str, datetime]]] = field(default_factory=dict)

    def stored_of(self, kind: Kind, batch: Batch) -> list[Any]:
        """The records of this kind that were stored from the batch; all of them are counted."""
        return [record for record in batch.of(kind.name) if self._is_stored(kind, record)]

    def counts(self) -> Iterator[Count]:
        for (project_id, item_type, outcome), quantity in self.tally.items():
            at = self.latest[project_id]
            yield Count(project_id, item_type, outcome, "", quantity, at)

    def _is_stored(self, kind: Kind, record: Record) -> bool:
        self.latest[record.project_id] = record.received_at
        if kind.item:
            key, keys = kind.shelf.key_of(record), self.stored[kind.name]
            stored = key in keys
            keys.discard(key)
            self.tally[record.project_id, kind.item, STORED if stored else DUPLICATE] += 1
            if not stored:
                return False
        self._saw(record)
        return True

    def _saw(self, record: Record) -> None:
        """Remember the environment and release that sent something, and when."""
        if record.environment or record.release:
            where = (record.environment, record.release, record.timestamp)
            self.seen.setdefault(record.project_id, set()).add(where)


def _mark_first_event(fates: Fates) -> None:
    organization_id = current_organization_id()
    for project_id, at in fates.latest.items():
        marked = {"organization": organization_id, "project": project_id, "at": at}
        db.session.execute(FIRST_EVENT, marked)


@built_once
def _advancing() -> Insert:
    statement = insert(POSITIONS)
    return statement.on_conflict_do_update(
        index_elements=["organization_id"], set_={"position": statement.excluded.position}
    )
