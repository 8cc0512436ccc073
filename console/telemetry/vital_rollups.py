"""Counts the page loads of past days, so that queries over months need not read them.

A rollup holds nothing that the page loads do not: it may be dropped at any time, and a write that
changes a day does so (`page_loads.keep`).
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Integer,
    cast,
    func,
    insert,
    literal,
    select,
    union_all,
)

from console.core import clock
from console.telemetry.days import DAY, day_of
from console.telemetry.dialect import UtcTimestamp
from console.telemetry.store import current
from console.telemetry.tables import page_load, vital_day
from console.telemetry.vitals import LEVELS, LOADS, SMALLEST, bucket_of
from console.telemetry.web_vitals import BY_NAME

QUIET = timedelta(hours=2)
"""How long after midnight a day is not counted yet: its last page loads are still arriving."""
SPLIT = ("release", "device", "page")


def roll_up(organization_id: int) -> int:
    """Count each day of an organization that is over and has no rollup; return how many."""
    store, before = current(), day_of(clock.now() - QUIET)
    if not store.holds(organization_id):
        return 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            days = _uncounted(connection, before)
        for project_id, day in days:  # one transaction each, since the digest waits for it
            with database.transaction() as connection:
                _count(connection, project_id, day)
    return len(days)


def _uncounted(connection: Connection, before: datetime) -> list[tuple[int, datetime]]:
    day = func.date_trunc("day", page_load.c.timestamp, type_=UtcTimestamp).label("day")
    with_loads = (
        select(page_load.c.project_id, day)
        .where(page_load.c.timestamp < before)
        .group_by(page_load.c.project_id, "day")
    )
    kept = select(vital_day.c.project_id, vital_day.c.timestamp)
    stored = kept.where(vital_day.c.level == SMALLEST).distinct()
    counted = {tuple(row) for row in connection.execute(stored)}
    loaded = (tuple(row) for row in connection.execute(with_loads))
    return sorted((project_id, at) for project_id, at in loaded if (project_id, at) not in counted)


def _count(connection: Connection, project_id: int, day: datetime) -> None:
    names = [column.name for column in vital_day.columns]
    for level in LEVELS:
        connection.execute(insert(vital_day).from_select(names, _counts(project_id, day, level)))


def _counts(project_id: int, day: datetime, level: str) -> CompoundSelect[Any]:
    """The rows of one level of a day, in the order of the table's columns."""
    load = page_load.c
    mine = (load.project_id == project_id, load.timestamp >= day, load.timestamp < day + DAY)
    kept = {name: load[name] for name in ("environment", *LEVELS[level])}
    values = {name: kept.get(name, literal("")) for name in ("environment", *SPLIT)}
    parts = [
        select(
            load.organization_id,
            load.project_id,
            literal(day, UtcTimestamp).label("timestamp"),
            *[value.label(name) for name, value in values.items()],
            literal(metric).label("metric"),
            bucket_of(metric).label("bucket"),
            cast(func.count(), Integer).label("loads"),
            literal(level).label("level"),
        )
        .where(*mine, bucket_of(metric).is_not(None))
        .group_by(load.organization_id, load.project_id, *kept.values(), "bucket")
        for metric in (*BY_NAME, LOADS)
    ]
    return union_all(*parts)
