"""What changed before an incident: what people did, what is new, and what its numbers show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from console.accounts import releases
from console.accounts.models import Project
from console.alerting import signal
from console.alerting.definition import Definition
from console.alerting.models import Incident, Rule, RuleVersion
from console.core.audit import AuditEntry
from console.core.db import db
from console.errors import queries as issues
from console.errors.models import Category, Issue
from console.metrics.shift import Shift, most_moved
from console.telemetry import errors, traces
from console.telemetry.leading import leading
from console.telemetry.measures import CannotAskError
from console.telemetry.scope import Scope
from console.telemetry.traces import Began, TracesWanted

BEFORE = timedelta(minutes=30)
LONGEST = timedelta(hours=6)
"""So much of a long incident is looked at."""
MOST = 5
MOST_GROUPS = 20
SETTINGS = {
    "monitoring.changed": "The thresholds were changed",
    "scrubbing.changed": "The scrubbing was changed",
    "origins.changed": "The allowed origins were changed",
    "guardrails.changed": "The guardrails were changed",
}
"""What the audit log says of a project's settings, in words."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that changed shortly before an incident.

    `kind` is release, rule, issue or setting; `key` is what leads to it: a version, or an id.
    """

    at: datetime
    kind: str
    text: str
    key: Any = None


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around an incident: it began between `since` and `until`."""

    since: datetime
    until: datetime
    changes: Sequence[Changed]
    issue: Issue | None
    events: int
    """How many more events the related issue has than in as long a time before."""
    slowest: Sequence[Began]
    moved: Shift | None


def context(project: Project, incident: Incident, rule: Rule | None, now: datetime) -> Context:
    """What changed in the half hour before an incident, and where its number comes from."""
    definition = rule.definition if rule else None
    window = definition.window if definition else timedelta(0)
    since = incident.breached_at - window
    until = min(incident.resolved_at or now, since + LONGEST)
    scope = _scope(project, definition, since, max(until, incident.breached_at))
    issue, events = _related(project, scope, _endpoint(incident, definition))
    return Context(
        since=scope.since,
        until=scope.until,
        changes=changes(project, since - BEFORE, incident.opened_at),
        issue=issue,
        events=events,
        slowest=_slowest(scope, _endpoint(incident, definition)),
        moved=_most_moved(definition, incident.value, scope) if definition else None,
    )


def changes(project: Project, since: datetime, until: datetime) -> Sequence[Changed]:
    """Releases, rules, issues and settings that changed between two moments, the latest first."""
    sources = (_releases, _rules, _issues, _settings)
    listed = [change for source in sources for change in source(project, since, until)]
    return sorted(listed, key=lambda change: change.at, reverse=True)


def _releases(project: Project, since: datetime, until: datetime) -> Iterator[Changed]:
    for marker in releases.markers(project, since, until):
        yield Changed(marker.at, "release", f"Release {marker.text} was seen first", marker.text)


def _rules(project: Project, since: datetime, until: datetime) -> Iterator[Changed]:
    query = (
        select(RuleVersion.at, RuleVersion.number, Rule.name, Rule.id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(Rule.project_id == project.id, RuleVersion.at >= since, RuleVersion.at < until)
        .order_by(RuleVersion.at.desc())
    )
    for at, number, name, rule_id in db.session.execute(query.limit(MOST)):
        verb = "made" if number == 1 else f"changed to version {number}"
        yield Changed(at, "rule", f"The rule {name} was {verb}", rule_id)


def _issues(project: Project, since: datetime, until: datetime) -> Iterator[Changed]:
    """Issues that are new or came back, the most frequent first."""
    query = (
        select(Issue)
        .where(
            Issue.project_id == project.id,
            Issue.category != Category.REPORT,
            or_(
                Issue.first_seen.between(since, until),
                Issue.regressed_at.between(since, until),
            ),
        )
        .order_by(Issue.events.desc(), Issue.id)
    )
    for issue in db.session.scalars(query.limit(MOST)):
        is_new = since <= issue.first_seen <= until
        at = issue.first_seen if is_new else issue.regressed_at
        verb = "New issue" if is_new else "An issue came back"
        yield Changed(at or issue.first_seen, "issue", f"{verb}: {issue.title}", issue.id)


def _settings(project: Project, since: datetime, until: datetime) -> Iterator[Changed]:
    query = (
        select(AuditEntry)
        .where(
            AuditEntry.at >= since,
            AuditEntry.at < until,
            AuditEntry.action.in_(SETTINGS),
            AuditEntry.target.in_([project.name, project.slug]),
        )
        .order_by(AuditEntry.at.desc())
    )
    for entry in db.session.scalars(query.limit(MOST)):
        yield Changed(entry.at, "setting", f"{SETTINGS[entry.action]} by {entry.actor}")


def _scope(
    project: Project, definition: Definition | None, since: datetime, until: datetime
) -> Scope:
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=since,
        until=until,
        environment=definition.environment if definition else "",
        release=definition.release if definition else "",
    )


def _endpoint(incident: Incident, definition: Definition | None) -> str:
    """The endpoint that the incident is about, "" if it is about several."""
    if definition is None:
        return ""
    if definition.by == "endpoint":
        return incident.value
    names = definition.where.get("endpoint", ())
    return names[0] if len(names) == 1 else ""


def _related(project: Project, scope: Scope, endpoint: str) -> tuple[Issue | None, int]:
    """The issue whose events rose most, and by how many; in one endpoint if there is one."""
    if endpoint:
        counts = {
            hash_: events
            for hash_, events, _ in errors.hashes_of_transactions(scope, [endpoint], MOST_GROUPS)
        }
    else:
        first = leading(scope, "events", MOST_GROUPS)
        counts = {leader.hash: leader.totals.events for leader in first}
    if not counts:
        return None, 0
    before = errors.totals_by_group(scope.earlier(scope.until - scope.since), counts, exact=False)
    homes = issues.issues_by_hash(project.id, counts)
    rises: dict[int, int] = {}
    for hash_, issue_id in homes.items():
        rise = counts[hash_] - (before[hash_].events if hash_ in before else 0)
        rises[issue_id] = rises.get(issue_id, 0) + rise
    issue_id, rise = max(rises.items(), key=lambda item: item[1], default=(0, 0))
    if rise <= 0:
        return None, 0
    related = issues.in_order(project, [issue_id])
    return (related[0], rise) if related else (None, 0)


def _slowest(scope: Scope, endpoint: str) -> Sequence[Began]:
    wanted = TracesWanted(endpoint=endpoint)
    return traces.traces(scope, wanted, sort="duration", limit=MOST).rows


def _most_moved(definition: Definition, value: str, scope: Scope) -> Shift | None:
    """The value of a dimension whose share of the number moved most from as long a time before."""
    where: dict[str, Any] = dict(definition.where)
    if definition.by:
        where[definition.by] = [value]
    try:
        metric = signal.metric_of(definition)
        return most_moved(metric, scope, scope.before(), where=where, fixed=_fixed(definition))
    except (signal.UnknownMetric, CannotAskError):
        return None


def _fixed(definition: Definition) -> set[str]:
    """The dimensions that can have one value only."""
    fixed = {name for name, values in definition.where.items() if len(values) == 1}
    named = {"environment": definition.environment, "release": definition.release}
    fixed |= {name for name, chosen in named.items() if chosen}
    return fixed | ({definition.by} if definition.by else set())
