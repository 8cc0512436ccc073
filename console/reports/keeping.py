"""Reports are made, changed, paused and deleted. Callers commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import set_committed_value

from console.accounts.models import Project, User
from console.alerting.delivery.models import Channel
from console.core import audit, clock
from console.core.db import db
from console.dashboards.document import Document
from console.dashboards.models import Dashboard
from console.metrics.catalogue import CATALOGUE, full_title
from console.reports import queries, recipients
from console.reports.forms import WORSE
from console.reports.models import Report, ReportRecipient
from console.reports.standard import next_at
from console.telemetry.tile import tile_kinds

MOST = 100
MOST_TILES = 500
"""So many tiles of all dashboards are offered in one list."""
FULL = f"There are {MOST} reports already. Delete one first."


def is_full(project: Project) -> bool:
    """Whether a project has as many reports as it may have."""
    own = select(func.count(Report.id)).where(Report.project_id == project.id)
    return (db.session.scalar(own) or 0) >= MOST


def create(
    project: Project,
    apply: Callable[[Report], None],
    *,
    by: User | None = None,
    script: str = "",
    owner_id: int | None = None,
) -> Report:
    """Add a report of a project; `apply` writes what a form says into it.

    A report that a script makes belongs to whoever made the script's token: `owner_id`.
    """
    report = Report(project_id=project.id, created_by_id=by.id if by else owner_id)
    apply(report)
    report.next_at = next_at(report, clock.now())
    db.session.add(report)
    db.session.flush()
    audit.record("report.created", report.name, actor=by.email if by else script)
    return report


def draft(project: Project, apply: Callable[[Report], None]) -> Report:
    """A report as a form says it, which is saved nowhere."""
    report = Report(project_id=project.id)
    apply(report)
    if report.dashboard_id is not None:
        own = db.session.get_one(Dashboard, report.dashboard_id)
        set_committed_value(report, "dashboard", own)
    return report


def change(
    report: Report, apply: Callable[[Report], None], *, by: User | None = None, script: str = ""
) -> None:
    """Change a report; its next due time follows its schedule."""
    apply(report)
    report.next_at = next_at(report, clock.now())
    audit.record("report.changed", report.name, actor=by.email if by else script)


def switch(
    report: Report,
    *,
    enabled: bool,
    by: User | None = None,
    script: str = "",
    because: str = "",
) -> None:
    """Pause a report, or let it go out again, from its next due time on."""
    report.enabled = enabled
    report.next_at = next_at(report, clock.now())
    verb = "resumed" if enabled else "paused"
    why = {"because": because} if because else {}
    audit.record(f"report.{verb}", report.name, actor=by.email if by else script, **why)


def remove(report: Report, *, by: User | None = None, script: str = "") -> None:
    """Delete a report with its recipients and editions."""
    audit.record("report.deleted", report.name, actor=by.email if by else script)
    recipients.forget_owed_of(report)
    db.session.delete(report)


def add(
    report: Report, contact: str, address: str, variables: Mapping[str, str]
) -> ReportRecipient:
    """Add a recipient: `user-7` or `channel-3` as `known` offers them, or else an address."""
    kind, _, row_id = contact.partition("-")
    user = db.session.get_one(User, int(row_id)) if kind == "user" else None
    channel = db.session.get_one(Channel, int(row_id)) if kind == "channel" else None
    outside = "" if contact else address
    return recipients.add(report, user=user, channel=channel, address=outside, variables=variables)


def known() -> Sequence[tuple[str, str]]:
    """The members and channels that can get a report."""
    people = [(f"user-{user.id}", user.email) for user in queries.members()]
    channels = [(f"channel-{own.id}", f"Channel {own.name}") for own in queries.usable_channels()]
    return [*people, *channels]


def subjects(dashboards: Sequence[Dashboard], chosen: str = "") -> Sequence[tuple[str, str]]:
    """What a report can be about: `7` is a dashboard, `7:0123456789ab` one of its tiles.

    Where there are very many tiles, only the dashboard that is `chosen` has its tiles offered.
    """
    offered, kinds = [(WORSE, "What got slightly worse")], tile_kinds()
    is_few = sum(map(_count_of_tiles, dashboards)) <= MOST_TILES
    for dashboard in dashboards:
        offered.append((str(dashboard.id), dashboard.title))
        if not is_few and chosen.partition(":")[0] != str(dashboard.id):
            continue
        for tile in Document.of(dashboard.document).tiles:
            kind = kinds.get(tile.kind)
            title = tile.title or (kind.title if kind else tile.kind)
            offered.append((f"{dashboard.id}:{tile.id}", f"{dashboard.title}: {title}"))
    return offered


def variables(dashboards: Sequence[Dashboard]) -> Mapping[str, Collection[str]]:
    """The names of each dashboard's variables by its id."""
    return {str(own.id): names_of(own) for own in dashboards}


def names_of(dashboard: Dashboard | None) -> Collection[str]:
    """The names of a dashboard's variables; none for what is no dashboard."""
    document = dashboard.document if dashboard else {}
    return [variable["name"] for variable in document.get("variables", ())]


def _count_of_tiles(dashboard: Dashboard) -> int:
    """How many tiles a dashboard has; its document is not parsed, as there may be hundreds."""
    tabs = dashboard.document.get("tabs", ())
    return sum(len(own.get("tiles", ())) for tab in tabs for own in tab.get("sections", ()))


def metrics() -> Sequence[tuple[str, str]]:
    """The metrics that a report can depend on."""
    return [(metric.id, full_title(metric)) for metric in CATALOGUE.values()]
