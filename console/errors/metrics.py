"""The numbers of errors: events, people who met them, issues that are new or came back."""

from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, func
from sqlalchemy.orm import aliased

from console.errors import by_issue
from console.errors.models import Category, Issue, IssueRelease
from console.telemetry import error_measures, session_measures
from console.telemetry.finding_kinds import N_PLUS_ONE
from console.telemetry.measures import Measure
from console.telemetry.metric import Better, Metric
from console.telemetry.scope import Scope
from console.telemetry.state_measures import StateRows

ERRORS = by_issue.of_rows(error_measures.ERRORS)
OCCURRENCES = by_issue.of_rows(error_measures.OCCURRENCES)
FINDINGS = by_issue.of_rows(error_measures.FINDINGS)
FEW = 20
"""With fewer sessions or users, a share says more about chance than about a release."""


def issues_within(scope: Scope, at: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """The project's issues whose moment lies in the scope, and that were seen where it looks."""
    conditions = [
        Issue.organization_id == scope.organization_id,
        Issue.project_id == scope.project_id,
        Issue.events > 0,
        at >= scope.since,
        at < scope.until,
    ]
    seen = {"environment": scope.environment, "release": scope.release}
    if any(seen.values()):
        places = [IssueRelease.issue_id == Issue.id]
        places += [getattr(IssueRelease, name) == value for name, value in seen.items() if value]
        conditions.append(exists().where(*places))
    return and_(*conditions)


def _counted(name: str, at: SQLColumnExpression[Any]) -> Measure:
    """How many issues have this moment in the scope."""
    source = StateRows(
        name=name,
        within=lambda scope: issues_within(scope, at),
        at=at,
        dimensions={"level": Issue.level, "category": Issue.category, "kind": Issue.kind},
        quiet=Issue.category == Category.REPORT,
        asked_by=frozenset({"category"}),
    )
    return Measure(source, func.count(), func.count())


def _first_of_their_kind() -> Measure:
    """How many new issues have a type of exception that no earlier issue of the project has."""
    earlier = aliased(Issue)
    is_known = exists().where(
        earlier.organization_id == Issue.organization_id,
        earlier.project_id == Issue.project_id,
        earlier.kind == Issue.kind,
        earlier.first_seen < Issue.first_seen,
    )
    source = StateRows(
        name="new error types",
        within=lambda scope: and_(
            issues_within(scope, Issue.first_seen),
            Issue.category == Category.ERROR,
            Issue.kind != "",
            ~is_known,
        ),
        at=Issue.first_seen,
        dimensions={"level": Issue.level, "kind": Issue.kind},
    )
    return Measure(source, func.count(), func.count())


EVENTS = Metric(
    id="errors.events",
    title="Error events",
    unit="events",
    noun="error event",
    better="lower",
    format="number",
    empty="zero",
    measure=error_measures.count(ERRORS),
)
USERS = Metric(
    id="errors.users",
    title="Affected users",
    unit="users",
    noun="affected user",
    better="lower",
    format="number",
    empty="zero",
    measure=error_measures.users(ERRORS),
)
ISSUE_EVENTS = Metric(
    id="issues.events",
    title="Events",
    unit="events",
    noun="event",
    better="lower",
    format="number",
    empty="zero",
    measure=error_measures.count(OCCURRENCES),
)
ISSUE_USERS = Metric(
    id="issues.users",
    title="Users affected",
    unit="users",
    noun="affected user",
    better="lower",
    format="number",
    empty="zero",
    measure=error_measures.users(OCCURRENCES),
)
NEW_ISSUES = Metric(
    id="issues.new",
    title="New issues",
    unit="issues",
    noun="new issue",
    better="lower",
    format="number",
    empty="zero",
    measure=_counted("new issues", Issue.first_seen),
)
NEW_TYPES = Metric(
    id="issues.new_types",
    title="New error types",
    unit="types",
    noun="new error type",
    better="lower",
    format="number",
    empty="zero",
    measure=_first_of_their_kind(),
)
REGRESSIONS = Metric(
    id="issues.regressed",
    title="Regressions",
    unit="issues",
    noun="regressed issue",
    better="lower",
    format="number",
    empty="zero",
    measure=_counted("regressions", Issue.regressed_at),
)


def _findings(name: str, title: str, noun: str, measure: Measure) -> Metric:
    return Metric(
        id=f"findings.{name}",
        title=title,
        unit="findings",
        noun=noun,
        better="lower",
        format="number",
        empty="zero",
        measure=measure,
    )


def _share(
    name: str,
    title: str,
    measure: Measure,
    better: Better = "higher",
    source: str = "sessions",
) -> Metric:
    return Metric(
        id=f"sessions.{name}",
        title=title,
        unit="%",
        better=better,
        format="share",
        least=FEW,
        empty="gap",
        measure=measure,
        source=source,
    )


ALL_FINDINGS = _findings("count", "Findings", "finding", error_measures.count(FINDINGS))
N_PLUS_ONES = _findings(
    "n_plus_one",
    "N+1 queries",
    "N+1 finding",
    error_measures.count_of_kind(FINDINGS, N_PLUS_ONE.title),
)
SESSIONS = Metric(
    id="sessions.count",
    title="Sessions",
    unit="sessions",
    noun="session",
    better="neither",
    format="number",
    empty="zero",
    measure=session_measures.count(),
)
CRASH_FREE = _share("crash_free", "Crash-free sessions", session_measures.crash_free())
CRASH_FREE_USERS = _share(
    "crash_free_users",
    "Crash-free users",
    session_measures.crash_free_users(),
    source="sessions with a user",
)
UNHANDLED_FREE = _share(
    "unhandled_free", "Without unhandled error", session_measures.unhandled_free()
)
HEALTHY = _share("healthy", "Sessions without an error", session_measures.healthy())
ADOPTION = _share("adoption", "Adoption", session_measures.adoption(), "neither")
RELEASE_HEALTH = (SESSIONS, CRASH_FREE, CRASH_FREE_USERS, UNHANDLED_FREE, HEALTHY)
"""What is known of a release, beside its share of all sessions."""
METRICS = (
    EVENTS,
    USERS,
    ISSUE_EVENTS,
    ISSUE_USERS,
    NEW_ISSUES,
    NEW_TYPES,
    REGRESSIONS,
    ALL_FINDINGS,
    N_PLUS_ONES,
    *RELEASE_HEALTH,
    ADOPTION,
)
