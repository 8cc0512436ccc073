"""Retention: each project's telemetry is kept up to an age and a size; erasing leaves nothing.

DuckDB reuses the space of row groups that were deleted whole after the next checkpoint, and leaves
what was deleted where it was until then. So files up to `RENEWED_MB` are written anew after an
erasure, and each day if something was deleted from them; in a larger one, new rows come in the
place of old ones day by day.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, MetaData, Table, delete, exists, func, insert, select, text

from console.core import clock
from console.telemetry import error_groups, kinds
from console.telemetry.database import LEAST_MEMORY_MB, Database
from console.telemetry.dialect import UtcTimestamp, row_number_in_file
from console.telemetry.store import TelemetryStore, current

BEGINNING = datetime.min.replace(tzinfo=UTC)
JUST_MADE = timedelta(hours=1)
ROW_GROUP = 122_880
HEAVIEST_MERGE_MB = 100
RENEWED_MB = 512
"""Files up to this size are written anew, for which everybody waits some seconds."""


@dataclass(frozen=True, slots=True)
class Keep:
    """A project's retention: nothing older than `days`, and no more than `megabytes`."""

    days: int
    megabytes: int


class Applied(NamedTuple):
    """How many rows were deleted, and from when on each project's are kept."""

    deleted: int
    oldest: Mapping[int, datetime]


def apply(
    organization_id: int, kept: Mapping[int, Keep], *, now: datetime | None = None
) -> Applied:
    """Delete rows beyond the retention, and projects that `kept` lacks.

    Ages are counted up to `now`, which is the present if it is left out.
    """
    now = now or clock.now()
    store = current()
    if not store.holds(organization_id):
        return Applied(0, {project_id: _by_age(keep, now) for project_id, keep in kept.items()})
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            gone = _quiet_projects(connection) - kept.keys()
            oldest = {
                project_id: _oldest_kept(connection, project_id, keep, now)
                for project_id, keep in kept.items()
            }
            deleted = sum(
                _delete_before(connection, project_id, moment)
                for project_id, moment in oldest.items()
            )
        if deleted:
            database.checkpoint()  # the log still has the rows
    for project_id in gone:
        deleted += erase_project(store, organization_id, project_id)
    return Applied(deleted, oldest)


def tidy(organization_id: int) -> int:
    """Renew the file if it has holes, else merge the small row groups that checkpoints leave.

    Returns 1 if either was done, else 0. DuckDB makes a merged row group in memory, so a file whose
    bodies would make it too heavy is only checkpointed: each of its row groups has some thousand
    rows already. Run it in a quiet hour of each day.
    """
    store = current()
    if not store.holds(organization_id):
        return 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            _forget_texts(connection)
        database.checkpoint()
        has_holes = _has_holes(database)
    if has_holes and _renew(organization_id):
        return 1
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            weight = _row_group_mb(connection)
        light = weight <= HEAVIEST_MERGE_MB
        if light:
            database.limit_memory(LEAST_MEMORY_MB + 3 * weight)  # until it is used again
            database.checkpoint(merge=True)
    return int(light)


def _forget_texts(connection: Connection) -> None:
    """Delete texts that no row refers to any more; the next row that does brings its text again."""
    for kind in kinds.KINDS:
        for texts in kind.texts:
            theirs = (
                kind.table.c.project_id == texts.c.project_id,
                kind.table.c.fingerprint == texts.c.fingerprint,
            )
            unused = ~exists().where(*theirs).correlate(texts)
            old = texts.c.received_at < clock.now() - JUST_MADE
            connection.execute(delete(texts).where(old, unused))


def _has_holes(database: Database) -> bool:
    """Whether something was deleted from the file whose place nothing else has taken."""
    with database.transaction() as connection:
        for table in (table for kind in kinds.KINDS for table in kind.erased):
            last = func.coalesce(func.max(row_number_in_file(next(iter(table.columns)))) + 1, 0)
            if connection.scalar(select(last > func.count()).select_from(table)):
                return True
        return bool(connection.scalar(text("SELECT free_blocks > 0 FROM pragma_database_size()")))


def _renew(organization_id: int) -> bool:
    """Write a file anew that is not too large for it; whether that was done."""
    store = current()
    return store.size(organization_id) <= RENEWED_MB * 1_000_000 and store.renew(organization_id)


def _row_group_mb(connection: Connection) -> int:
    """The megabytes of the values of differing size in the heaviest full row group of all kinds."""
    heaviest = 0
    for size in (size for kind in kinds.KINDS for size in kind.sizes):
        weighed = select(func.count(), func.coalesce(func.sum(size), 0))
        rows, weight = connection.execute(weighed).one()
        heaviest = max(heaviest, int(weight * min(rows, ROW_GROUP) // max(rows, 1)))
    return heaviest // 1_000_000


def erase_project(store: TelemetryStore, organization_id: int, project_id: int) -> int:
    """Erase a project, even from freed parts of the file; return how many rows it had."""
    erased = 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            for table in (table for kind in kinds.KINDS for table in kind.erased):
                erased += _rewrite_without(connection, table, project_id)
        database.checkpoint()
    _renew(organization_id)
    return erased


def erase_events(
    organization_id: int, project_id: int, hashes: Sequence[str], *, upto: int, run: int
) -> int:
    """Delete the events of some grouping hashes; return how many.

    Up to a position of the spool and a run of the console's own: later ones stay.
    """
    store = current()
    if not store.holds(organization_id):
        return 0
    with store.using(organization_id) as database:
        with database.transaction() as connection:
            erased = error_groups.erase(connection, project_id, hashes, upto, run)
        database.checkpoint()  # the log still has the rows
    _renew(organization_id)
    return erased


def _quiet_projects(connection: Connection) -> set[int]:
    """Projects that sent nothing lately: a project made a moment ago may not be named yet."""
    latest: dict[int, datetime] = {}
    for table in (kind.table for kind in kinds.KINDS):
        received = select(table.c.project_id, func.max(table.c.received_at))
        for project_id, at in connection.execute(received.group_by(table.c.project_id)):
            latest[project_id] = max(at, latest.get(project_id, at))
    return {project_id for project_id, at in latest.items() if at < clock.now() - JUST_MADE}


def _oldest_kept(connection: Connection, project_id: int, keep: Keep, now: datetime) -> datetime:
    by_size = _start_of_newest(connection, project_id, keep.megabytes * 1_000_000)
    return max(_by_age(keep, now), by_size)


def _by_age(keep: Keep, now: datetime) -> datetime:
    return now - timedelta(days=keep.days)


def _start_of_newest(connection: Connection, project_id: int, budget: int) -> datetime:
    """The minute from which on a project's rows take less than `budget` bytes."""
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
    """Replace a table by a new one with the rows of all other projects."""
    count = select(func.count()).select_from(table)
    erased = connection.scalar(count.where(table.c.project_id == project_id)) or 0
    former = table.to_metadata(MetaData(), name=f"{table.name}_former")
    connection.execute(text(f"ALTER TABLE {table.name} RENAME TO {former.name}"))
    table.create(connection)
    names = [column.name for column in table.columns]
    kept = select(*[former.c[name] for name in names]).where(former.c.project_id != project_id)
    connection.execute(insert(table).from_select(names, kept))
    former.drop(connection)
    return erased
