"""Counts the events that telemetry has and the spool has forgotten, when state has gone back.

State goes back when its database is put back to an earlier moment (a failover to a server that was
behind, a copy of its file, a log that was lost), and telemetry and spool are not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from sqlalchemy import select

from console.accounts.models import Project
from console.core.db import db, reading
from console.errors.counting import until_counted
from console.errors.grouping import group
from console.ingest.counts import Records, advance, count_all, ensured_issues
from console.telemetry import bodies, kinds
from console.telemetry.records import Batch, ErrorEvent, Written
from console.telemetry.store import TelemetryStore
from console.telemetry.uncounted import events_between

AT_ONCE = 500

log = logging.getLogger(__name__)


def catch_up(store: TelemetryStore, organization_id: int, applied: int, first: int) -> int:
    """Count the error events after the position `applied` and before `first`; return the new one.

    `first` is the position of the first row that waits: that one and the next will be counted by
    digest. After a crash nothing lies between. Commits.
    """
    if first - applied <= 1 or not store.holds(organization_id):
        return applied
    reached = min(store.position(organization_id), first - 1)
    if reached <= applied:
        return applied
    with reading():
        known = set(db.session.scalars(select(Project.id)))
        db.session.rollback()
    counted, last = 0, applied
    while events := events_between(store, organization_id, last, reached, most=AT_ONCE):
        last = events[-1].position
        mine = [event for event in events if event.project_id in known]
        until_counted(partial(_count, organization_id, mine, last))
        counted += len(mine)
    if counted:
        log.error(
            "the state database of organization %d was older than its telemetry: %d errors were "
            "counted into their issues again; check-ins and counts of other items are lost",
            organization_id,
            counted,
        )
    return max(last, applied)


def _count(organization_id: int, events: Sequence[ErrorEvent], last: int) -> None:
    shelf = kinds.ERRORS.shelf
    records = [
        _records(project_id, list(of_project))
        for project_id, of_project in groupby(
            sorted(events, key=lambda event: event.project_id), lambda event: event.project_id
        )
    ]
    issues = ensured_issues(records)
    keys = frozenset(map(shelf.key_of, events))
    count_all(records, issues, Written(last, {kinds.ERRORS.name: keys}))
    advance(organization_id, last)
    db.session.commit()


def _records(project_id: int, events: Sequence[ErrorEvent]) -> Records:
    """The events with the groupings of their bodies, which keep the hashes that they were given."""
    batch = Batch(**{kinds.ERRORS.name: events})
    groupings = [replace(group(bodies.unpack(e.body)), hash=e.grouping_hash) for e in events]
    return Records(project_id, list(zip(groupings, events, strict=True)), batch)
