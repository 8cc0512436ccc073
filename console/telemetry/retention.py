"""How long telemetry is kept: by age and by weight for each project, until it is erased.

DuckDB gives the space of row groups that are deleted whole back at the next checkpoint, to be
written again; of those deleted in part, when `tidy` merges them. The file itself shrinks only at
its end. Erasing a project writes the rest anew, so that nothing of it is left on the disk.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, MetaData, Table, delete, func, insert, select, text

from console.core import clock
from console.telemetry import kinds
from console.telemetry.database import LEAST_MEMORY_MB
from console.telemetry.dialect import UtcTimestamp
from console.telemetry.store import TelemetryStore, current

BEGINNING = datetime.min.replace(tzinfo=UTC)
JUST_MADE = timedelta(hours=1)
ROW_GROUP = 122_880
HEAVIEST_MERGE_MB = 100


@dataclass(frozen=True, slots=True)
class Keep:
    """What of a project is kept: nothing older than `days`, and the newest `megabytes` of it."""

    days: int
    megabytes: int


def apply(organization_id: int, kept: Mapping[int, Keep]) -> int:
    """Delete what is too old or too much, and all of projects that are not named; return rows."""
    store = current()
    if not store.holds(organization_id):
        return 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            gone = _quiet_projects(connection) - kept.keys()
            deleted = sum(
                _delete_before(connection, project_id, _oldest_kept(connection, project_id, keep))
                for project_id, keep in kept.items()
            )
        for project_id in gone:
            deleted += erase_project(store, organization_id, project_id)
    return deleted


def tidy(organization_id: int) -> int:
    """Merge the small row groups that checkpoints leave; return 1 if that was done, else 0.

    A merged row group is made in memory, so a file whose bodies make a full one too heavy is only
    checkpointed: it holds some thousand rows in each as it is. For a quiet hour of each day.
    """
    store = current()
    if not store.holds(organization_id):
        return 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            weight = _row_group_mb(connection)
        light = weight <= HEAVIEST_MERGE_MB
        if light:
            database.limit_memory(LEAST_MEMORY_MB + 3 * weight)  # until it is used again
        database.checkpoint(merge=light)
    return int(light)


def _row_group_mb(connection: Connection) -> int:
    """What the bodies of a full row group weigh, or all if they are fewer: those of any kind."""
    heaviest = 0
    for size in (kind.size for kind in kinds.KINDS if kind.size is not None):
        weighed = select(func.count(), func.coalesce(func.sum(size), 0))
        rows, weight = connection.execute(weighed).one()
        heaviest = max(heaviest, int(weight * min(rows, ROW_GROUP) // max(rows, 1)))
    return heaviest // 1_000_000


def erase_project(store: TelemetryStore, organization_id: int, project_id: int) -> int:
    """Leave nothing of a project, not even in freed parts of the file; return its rows."""
    erased = 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            for table in (table for kind in kinds.KINDS for table in kind.erased):
                erased += _rewrite_without(connection, table, project_id)
        database.checkpoint()
    return erased


def _quiet_projects(connection: Connection) -> set[int]:
    """Projects that sent nothing lately: one that was made a moment ago may not be named yet."""
    latest: dict[int, datetime] = {}
    for table in (kind.table for kind in kinds.KINDS):
        received = select(table.c.project_id, func.max(table.c.received_at))
        for project_id, at in connection.execute(received.group_by(table.c.project_id)):
            latest[project_id] = max(at, latest.get(project_id, at))
    return {project_id for project_id, at in latest.items() if at < clock.now() - JUST_MADE}


def _oldest_kept(connection: Connection, project_id: int, keep: Keep) -> datetime:
    by_age = clock.now() - timedelta(days=keep.days)
    return max(by_age, _start_of_newest(connection, project_id, keep.megabytes * 1_000_000))


def _start_of_newest(connection: Connection, project_id: int, budget: int) -> datetime:
    """The minute from which on a project weighs less than `budget` bytes."""
    weights: Counter[datetime] = Counter()
    for kind in kinds.KINDS:
        table = kind.table
        bodies = 0 if kind.size is None else func.sum(kind.size)
        weight = func.count() * kind.row_bytes + bodies
        minute = func.date_trunc("minute", table.c.timestamp, type_=UtcTimestamp).label("minute")
        weighed = select(minute, weight).where(table.c.project_id == project_id).group_by("minute")
        weights.update({row[0]: int(row[1]) for row in connection.execute(weighed)})
    for minute_, weight_ in sorted(weights.items(), reverse=True):
        budget -= weight_
        if budget < 0:
            return minute_ + timedelta(minutes=1)
    return BEGINNING


def _delete_before(connection: Connection, project_id: int, moment: datetime) -> int:
    return sum(
        connection.execute(
            delete(table).where(table.c.project_id == project_id, table.c.timestamp < moment)
        ).rowcount
        for kind in kinds.KINDS
        for table in kind.aged
    )


def _rewrite_without(connection: Connection, table: Table, project_id: int) -> int:
    """Put a new table with everybody else's rows into the place of the old one."""
    count = select(func.count()).select_from(table)
    erased = connection.scalar(count.where(table.c.project_id == project_id)) or 0
    former = table.to_metadata(MetaData(), name=f"{table.name}_former")
    connection.execute(text(f"ALTER TABLE {table.name} RENAME TO {former.name}"))
    table.create(connection)
    names = [one.name for one in table.columns]
    others = select(*[former.c[name] for name in names]).where(former.c.project_id != project_id)
    connection.execute(insert(table).from_select(names, others))
    former.drop(connection)
    return erased
