"""The events of an issue: one with its neighbours, or a page of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from console.accounts.models import Project
from console.core import clock, cursors
from console.core.paging import Page
from console.errors import queries
from console.errors.details import Details, details
from console.errors.models import Issue, IssueHash
from console.errors.printout import printout
from console.errors.spread import Spread, spread
from console.errors.stacktrace import StackTrace, stacktrace
from console.telemetry import errors as telemetry
from console.telemetry.errors import EventMark, EventRow, Neighbours, StoredEvent
from console.telemetry.records import Finding
from console.telemetry.scope import Scope

COMPARED = 200  # requests that a finding is compared across
MARGIN = timedelta(hours=1)  # a client's clock that is ahead, and the event that is coming in


@dataclass(frozen=True, slots=True)
class Shown:
    """One event as its page shows it, with the events around it."""

    event: StoredEvent
    around: Neighbours
    trace: StackTrace
    details: Details
    why: IssueHash | None
    finding: Finding | None
    """None for an error."""

    @property
    def text(self) -> str:
        """The stack trace to copy."""
        return printout(self.trace)

    @property
    def body(self) -> dict[str, Any]:
        """The scrubbed JSON that the client sent."""
        return self.event.body


def shown(project: Project, issue: Issue, event_id: str = "") -> Shown | None:
    """The chosen event of an issue or its latest; None if there is none (any more)."""
    groupings = {one.hash: one for one in queries.groupings(issue)}
    scope = lifetime(project, issue)
    if event_id:
        event = telemetry.event(scope, event_id, groupings)
    else:
        event = telemetry.latest_event(scope, groupings)
    if event is None or event.grouping_hash not in groupings:
        return None
    return Shown(
        event=event,
        around=telemetry.neighbours(scope, groupings, event.mark),
        trace=stacktrace(event.body),
        details=details(event.body),
        why=groupings[event.grouping_hash],
        finding=Finding.of_body(event.body),
    )


def page(project: Project, issue: Issue, cursor: str, limit: int) -> Page[EventRow]:
    """Some events of an issue, the newest first; raises cursors.BadCursor."""
    rows = telemetry.events_of(
        lifetime(project, issue),
        queries.hashes_of([issue])[issue.id],
        before=_mark(cursor) if cursor else None,
        limit=limit + 1,
    )
    more, rows = len(rows) > limit, rows[:limit]
    return Page(rows, older=cursors.written(rows[-1].timestamp, rows[-1].event_id) if more else "")


def across_requests(project: Project, issue: Issue) -> Spread | None:
    """A finding across the latest requests that have it; None for other issues."""
    latest = telemetry.latest_bodies(lifetime(project, issue), hashes(issue), each=COMPARED)
    findings = [Finding.of_body(body) for bodies in latest.values() for body in bodies]
    return spread([finding for finding in findings if finding is not None])


def latest_findings(project: Project, issues: Sequence[Issue]) -> dict[int, Finding]:
    """The finding of each issue, as it was in the latest request that has it."""
    if not issues:
        return {}
    of_issue = queries.hashes_of(issues)
    scopes = [lifetime(project, issue) for issue in issues]
    whole = replace(
        scopes[0],
        since=min(scope.since for scope in scopes),
        until=max(scope.until for scope in scopes),
    )
    latest = telemetry.latest_bodies(
        whole, [hash_ for hashes_ in of_issue.values() for hash_ in hashes_]
    )
    shown = {hash_: Finding.of_body(bodies[0]) for hash_, bodies in latest.items()}
    return {
        issue_id: finding
        for issue_id, hashes_ in of_issue.items()
        if (finding := next(filter(None, map(shown.get, hashes_)), None)) is not None
    }


def lifetime(project: Project, issue: Issue) -> Scope:
    """All the time in which the issue had events."""
    until = max(clock.now(), issue.last_seen)
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=min(issue.first_seen, until) - MARGIN,
        until=until + MARGIN,
    )


def hashes(issue: Issue) -> Sequence[str]:
    """By which telemetry knows the events of an issue."""
    return queries.hashes_of([issue])[issue.id]


def _mark(cursor: str) -> EventMark:
    return EventMark(*cursors.read(cursor, clock.instant, cursors.hexadecimal(32)))
