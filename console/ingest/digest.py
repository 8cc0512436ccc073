"""One organization's share of a batch: decoded, then committed in three replayable steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.exc import DBAPIError

from console.accounts.models import MonitoringConfig, Organization
from console.core.config import config
from console.core.db import db, reading
from console.core.tenancy import current_organization_id, organization_scope
from console.errors.counting import until_counted
from console.ingest import recount, refusals, spool
from console.ingest.counts import POSITIONS, Records, advance, count_all, ensured_issues
from console.ingest.decoded import ItemCount
from console.ingest.decoders.frames import Job
from console.ingest.decoders.pool import Decoders
from console.ingest.decoding import Content, Hopeless
from console.ingest.models import DigestPosition
from console.ingest.people import people_of
from console.ingest.received import received
from console.ingest.scrub_rules import ScrubRules, rules_of
from console.ingest.spool import SpoolRow
from console.ingest.under_way import EndedProcess, UnderWay
from console.intake.ledger import INVALID, Count
from console.telemetry import kinds
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.records import Batch
from console.telemetry.store import TelemetryStore
from console.uptime.check_in import CheckIn

SHARE = 20_000  # of weight in memory at once (`kinds.weight_of`), until it is stored
UNDECODABLE = "undecodable"
# Classes of SQLSTATE: connection, read-only, serialization, resources, intervention, system.
POSTGRESQL_OUTAGES = frozenset({"08", "25", "40", "53", "57", "58"})
SQLITE_OUTAGES = tuple(
    f"SQLITE_{name}"
    for name in ("BUSY", "CANTOPEN", "FULL", "IOERR", "LOCKED", "NOMEM", "READONLY")
)
OUTAGES = (TelemetryUnavailable, OSError, MemoryError)
# Of tables, not models, and built once: what the ORM adds takes longer than a small batch's rows.
_CONFIG = MonitoringConfig.__table__
APPLIED = select(POSITIONS.c.position).where(
    POSITIONS.c.organization_id == bindparam("organization")
)
CONFIGS = select(_CONFIG).where(
    _CONFIG.c.organization_id == bindparam("organization"),
    _CONFIG.c.project_id.in_(bindparam("projects", expanding=True)),
)


class TelemetryDown(Exception):
    """An organization's telemetry cannot be written now: its file, the disk or memory fails."""


class Indigestible(Exception):
    """A row that decoding fails on: a defect of the console, so a retry would fail again."""

    def __init__(self, row: SpoolRow, reason: str = "", *, tries: int = 1) -> None:
        """`reason` says in plain words why it must not be tried again, if that is known."""
        super().__init__(f"row {row.position}")
        self.row = row
        self.reason = reason
        self.tries = tries


@dataclass(frozen=True, slots=True)
class Digested:
    """What was committed: how many records, up to which position."""

    records: int
    upto: int


def digest(
    store: TelemetryStore,
    organization_id: int,
    rows: Sequence[SpoolRow],
    under_way: UnderWay,
    decoders: Decoders,
    enough: Callable[[], bool] = lambda: False,
    ahead: Callable[[], Sequence[SpoolRow]] = tuple,
) -> Digested:
    """Commit rows of one organization, in ascending position; parts may be committed already.

    (1) state: the issues that the events need; (2) telemetry, with the last position; (3) state:
    counters, changes of issues and outcomes, with the last position. A crash between them leads to
    a replay: each store leaves out what it has, and an event is counted only if its stored row came
    from the very position that it has here. It ends before the last row once there is `enough`,
    which is asked after each. What `ahead` gives comes next, as far as is known: it is decoded
    while these rows are committed. Raises Indigestible for a row that cannot be decoded,
    TelemetryDown when only a retry can help; any other exception is of the state database or a
    defect.
    """
    with organization_scope(organization_id):
        applied, rules, days = _starting_point(rows)
        if not rules and _is_gone(organization_id):
            return Digested(0, rows[-1].position)
        applied = _caught_up(store, organization_id, applied, rows[0].position)
        stored, upto = 0, rows[-1].position
        anew = [row for row in rows if row.position > applied]
        people = people_of(config().secret_key, organization_id)

        def jobs(of: Iterable[SpoolRow]) -> list[Job]:
            return [
                Job(received(row, people, days[row.project_id]), rules[row.project_id])
                for row in of
                if _brings(row, rules)
            ]

        decoded = decoders.decode(jobs(anew), under_way.decoding, lambda: jobs(ahead()))
        with closing(decoded) as contents:
            records = (_records(row, rules, contents, under_way) for row in anew)
            for share in _shares(anew, records, enough):
                upto = share[-1][0]
                under_way.committing(share[0][0], upto)
                stored += until_counted(partial(_commit, store, organization_id, share))
    return Digested(stored, upto)


def _caught_up(store: TelemetryStore, organization_id: int, applied: int, first: int) -> int:
    """The position that state has applied after it has counted what only telemetry has."""
    try:
        return recount.catch_up(store, organization_id, applied, first)
    except OUTAGES as error:
        raise TelemetryDown from error


def _commit(
    store: TelemetryStore, organization_id: int, share: Sequence[tuple[int, Records]]
) -> int:
    """The three commits for the records of some rows, given with their positions."""
    last, records = share[-1][0], [row_records for _, row_records in share]
    issues = ensured_issues(records)
    batch = Batch.joined(row_records.batch for row_records in records)
    try:
        written = store.write(organization_id, batch, last)
    except OUTAGES as error:
        raise TelemetryDown from error
    count_all(records, issues, written)
    advance(organization_id, last)
    db.session.commit()
    return len(batch)


def state_takes_writes(organization_id: int) -> bool:
    """Whether the state database works: after a failure, it separates outages from defects."""
    try:
        with organization_scope(organization_id):
            db.session.execute(
                update(DigestPosition).values(position=DigestPosition.position),
                execution_options={"synchronize_session": False},
            )
            db.session.commit()
    except Exception:  # noqa: BLE001 - any failure is the answer
        return False
    return True


def is_outage(error: BaseException) -> bool:
    """Whether the state database says that it cannot work now: gone, full, busy, read-only."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError | MemoryError)
    if error.connection_invalidated:
        return True
    if hasattr(error.orig, "sqlstate"):  # none on a connection that was never made
        return (getattr(error.orig, "sqlstate", "") or "08")[:2] in POSTGRESQL_OUTAGES
    return getattr(error.orig, "sqlite_errorname", "").startswith(SQLITE_OUTAGES)


def _is_gone(organization_id: int) -> bool:
    with reading():
        is_there = db.session.scalar(select(exists().where(Organization.id == organization_id)))
        db.session.rollback()
    return not is_there


def _starting_point(
    rows: Sequence[SpoolRow],
) -> tuple[int, Mapping[int, ScrubRules], Mapping[int, int]]:
    """The position that state has applied; of projects that exist the rules and the days kept."""
    project_ids = {row.project_id for row in rows}
    for row in rows:
        if row.kind == refusals.KIND:
            project_ids |= {count.project_id for count in refusals.from_spool(row)}
    asked = {"organization": current_organization_id(), "projects": sorted(project_ids)}
    with reading():
        applied = db.session.scalar(APPLIED, asked)
        known = db.session.execute(CONFIGS, asked).all()
        db.session.rollback()  # decoding takes a while: hold no transaction meanwhile
    rules = {settings.project_id: rules_of(settings) for settings in known}
    return applied or 0, rules, {settings.project_id: settings.retention_days for settings in known}


def _shares(
    rows: Iterable[SpoolRow], records: Iterator[Records], enough: Callable[[], bool]
) -> Iterator[list[tuple[int, Records]]]:
    """The records of the rows with their positions, in shares that memory can hold.

    They end when there is `enough`.
    """
    share: list[tuple[int, Records]] = []
    held = 0
    for row in rows:
        spool.current().courtesy.give_way()
        brought = next(records)
        share.append((row.position, brought))
        held += kinds.weight_of(brought.batch)
        if held >= SHARE:
            yield share
            share, held = [], 0
        if enough():
            break
    if share:
        yield share


def _brings(row: SpoolRow, rules: Mapping[int, ScrubRules]) -> bool:
    """Whether there is something to decode: not if its project was deleted."""
    return row.kind != refusals.KIND and row.project_id in rules


def _records(
    row: SpoolRow,
    rules: Mapping[int, ScrubRules],
    contents: Iterator[Content],
    under_way: UnderWay,
) -> Records:
    """The records of a row; `contents` has the decoded content of rows that have any."""
    if row.kind == refusals.KIND:
        known = [count for count in refusals.from_spool(row) if count.project_id in rules]
        return Records(row.project_id, counts=known)
    if not _brings(row, rules):
        return Records(row.project_id)
    try:
        under_way.check(row.position)
        return records_of(row, next(contents))
    except EndedProcess as error:
        raise Indigestible(row, str(error)) from error
    except Hopeless as error:
        raise Indigestible(row, str(error), tries=error.tries) from error
    except Exception as error:
        raise Indigestible(row) from error


def records_of(row: SpoolRow, content: Content) -> Records:
    """The content by the kinds that the store knows; raises KeyError for records of no kind."""
    names = {kind.record: kind.name for kind in kinds.KINDS}
    records = {record: rows for record, rows in content.records.items() if record is not CheckIn}
    batch = Batch(**{names[record]: listed for record, listed in records.items()})
    events = list(zip(content.groupings, batch.of(kinds.ERRORS.name), strict=True))
    counts = [_count_of(row, count) for count in content.counts]
    return Records(row.project_id, events, batch, counts, content.records.get(CheckIn, ()))


def _count_of(row: SpoolRow, count: ItemCount) -> Count:
    """The ledger's count; the fault of an item is its detail, not a separate reason."""
    reason, detail = count.reason, ""
    if count.outcome == INVALID:
        reason, detail = UNDECODABLE, count.reason
    return Count(
        row.project_id,
        count.item_type,
        count.outcome,
        reason,
        count.quantity,
        row.received_at,
        detail,
    )
