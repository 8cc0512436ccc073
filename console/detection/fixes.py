"""Which findings a release has fixed: so many of its requests no longer show them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import ceil, log

from sqlalchemy import case, delete, select

from console.accounts.models import MonitoringConfig
from console.accounts.versions import compare
from console.core import absences
from console.core.db import db, insert
from console.core.tenancy import current_organization_id
from console.detection.models import ExaminedRelease
from console.errors import queries
from console.errors.changes import Change
from console.errors.models import Category, ChangeKind, Issue, IssueChange, IssueRelease, Status
from console.errors.triage import mark_fixed

# Requests without the finding that a release needs at least: a deploy is looked at by its first
# visitors, and five alike are no accident where every request before showed it.
LEAST = 5
# Where only some requests showed it, more are needed: so many that, if nothing had changed,
# the chance that no request shows it would be one per cent.
CHANCE = 0.01
KEPT = timedelta(days=90)  # after the last request of a release, at the most


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests of an endpoint in one environment and release that a run has examined."""

    endpoint: str
    environment: str
    release: str
    traces: int
    first_at: datetime
    last_at: datetime


def examined(project_id: int, tallies: Iterable[Tally]) -> None:
    """Add to what was examined per release. Not idempotent: committed with the run's position."""
    statement = insert(ExaminedRelease)
    new, old = statement.excluded, ExaminedRelease.__table__.c
    # The two databases have no name in common for the greater of two values.
    added = statement.on_conflict_do_update(
        index_elements=["organization_id", "project_id", "endpoint", "environment", "release"],
        set_={
            "traces": old.traces + new.traces,
            "first_at": case((new.first_at < old.first_at, new.first_at), else_=old.first_at),
            "last_at": case((new.last_at > old.last_at, new.last_at), else_=old.last_at),
        },
    )
    whose = {"organization_id": current_organization_id(), "project_id": project_id}
    rows = sorted(tallies, key=lambda tally: (tally.endpoint, tally.environment, tally.release))
    db.session.execute(added, [{**asdict(tally), **whose} for tally in rows])


def forget_old(_organization_id: int) -> Mapping[str, int]:
    """Delete what was examined of releases that nobody uses any more, and commit.

    No longer than their project keeps its telemetry: endpoints and releases are texts of clients.
    """
    forgotten = 0
    for settings in db.session.scalars(select(MonitoringConfig).order_by(MonitoringConfig.id)):
        before = absences.certain_now() - min(KEPT, timedelta(days=settings.retention_days))
        mine = ExaminedRelease.project_id == settings.project_id
        old = delete(ExaminedRelease).where(mine, ExaminedRelease.last_at < before)
        forgotten += len(db.session.scalars(old.returning(ExaminedRelease.id)).all())
    db.session.commit()
    return {"releases forgotten": forgotten}


def mark(project_id: int, endpoints: Collection[str]) -> list[Change]:
    """Resolve findings of these endpoints that a newer release has fixed; return the changes."""
    query = select(Issue).where(
        Issue.project_id == project_id,
        Issue.category == Category.PERFORMANCE,
        Issue.status == Status.OPEN,
        Issue.culprit.in_(list(endpoints)),
    )
    changes = []
    for issue in db.session.scalars(query.order_by(Issue.id).with_for_update()):
        release = fixed_in(issue)
        if release is not None:
            changes.append(mark_fixed(issue, release.release, release.traces))
    return changes


def fixed_in(issue: Issue) -> ExaminedRelease | None:
    """The first release after the last one that showed it, if enough of its requests do not.

    Looked at in the environment where it was seen last: others have other rows in their tables.
    """
    seen = [row for row in queries.releases(issue) if row.release]
    if not seen:
        return None
    last = seen[0]
    query = select(ExaminedRelease).where(
        ExaminedRelease.project_id == issue.project_id,
        ExaminedRelease.endpoint == issue.culprit,
        ExaminedRelease.environment == last.environment,
    )
    rows = {row.release: row for row in db.session.scalars(query)}
    known = _fixes_of(issue) | {row.release for row in seen}
    newer = [
        row
        for release, row in rows.items()
        if release and release not in known and _is_newer(row, last, rows)
    ]
    needed = requests_needed(last, rows.get(last.release))
    enough = [row for row in newer if row.traces >= needed]
    return min(enough, key=lambda row: row.first_at, default=None)


def requests_needed(last: IssueRelease, examined_then: ExaminedRelease | None) -> int:
    """How many requests without the finding prove its fix, by how often it was seen before.

    By the rule of succession: after 3 of 3 requests the next one is not certain to show it.
    """
    traces = max(examined_then.traces if examined_then else 0, last.events)
    share = (last.events + 1) / (traces + 2)
    return max(LEAST, ceil(log(CHANCE) / log(1 - share)))


def _is_newer(row: ExaminedRelease, last: IssueRelease, rows: dict[str, ExaminedRelease]) -> bool:
    """Whether a release came out after the last that showed it, and is no build of an older line.

    What fixes the later line is not in such a build.
    """
    return row.first_at > _begin(last, rows) and compare(row.release, last.release) != -1


def _begin(last: IssueRelease, rows: dict[str, ExaminedRelease]) -> datetime:
    """When the last release that showed it came out, as far as this endpoint tells."""
    return rows[last.release].first_at if last.release in rows else last.first_seen


def _fixes_of(issue: Issue) -> set[str]:
    """The releases that it was resolved for before: whoever has reopened it knows better."""
    query = select(IssueChange).where(
        IssueChange.issue_id == issue.id, IssueChange.kind == ChangeKind.FIXED
    )
    return {str(change.details.get("release")) for change in db.session.scalars(query)}
