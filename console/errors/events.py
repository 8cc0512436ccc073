"""The events of an issue: one with its neighbours, or a page of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from console.accounts import repositories
from console.accounts.models import Project
from console.core import clock, cursors
from console.core.paging import Page
from console.errors import metrics, queries
from console.errors.details import Details, details
from console.errors.facts import STANDARD, facts
from console.errors.models import Issue, IssueHash
from console.errors.printout import printout
from console.errors.spread import Spread, spread
from console.errors.stacktrace import Frame, StackTrace, stacktrace
from console.telemetry import errors as telemetry
from console.telemetry.error_measures import of_issue
from console.telemetry.errors import EventMark, EventRow, Neighbours, StoredEvent
from console.telemetry.metric import Figure, figures
from console.telemetry.records import Finding
from console.telemetry.scope import Scope

COMPARED = 200  # requests that a finding is compared across
MARGIN = timedelta(hours=1)  # a client's clock that is ahead, and the event that is coming in


@dataclass(frozen=True, slots=True)
class Shown:
    """One event as its page shows it, with the events around it."""

    event: StoredEvent
    around: Neighbours
    """The events of the scope around it."""
    in_scope: bool
    trace: StackTrace
    details: Details
    facts: Mapping[str, str]
    """The tags and the standard facts, as the event's body has them."""
    why: IssueHash | None
    finding: Finding | None
    """None for an error."""
    repository: str = ""
    """The project's, as `accounts.repositories` takes it."""

    @property
    def standard(self) -> list[tuple[str, str]]:
        """The standard facts that the event has, in the order of the page."""
        texts = ((name, self.event.fact(name) or self.facts.get(name, "")) for name in STANDARD)
        return [(name, text) for name, text in texts if text]

    def source_url(self, frame: Frame) -> str:
        """Where the line of a frame is read, "" if it is known of none."""
        path, line = frame.source_path, frame.line_number or 0
        return repositories.source_url(self.repository, path, line, self.event.release)

    @property
    def text(self) -> str:
        """The stack trace to copy."""
        return printout(self.trace)

    @property
    def body(self) -> dict[str, Any]:
        """The scrubbed JSON that the client sent."""
        return self.event.body


@dataclass(frozen=True, slots=True)
class Events:
    """The events of an issue in the scope of a page, for all parts of the page."""

    project: Project
    issue: Issue
    scope: Scope
    hashes: Sequence[str]

    @classmethod
    def of(cls, project: Project, issue: Issue, scope: Scope) -> "Events":
        """The events of an issue, which telemetry finds by its grouping hashes."""
        return cls(project, issue, scope, queries.hashes_of([issue])[issue.id])

    def counted(self, shift: timedelta | None) -> Mapping[str, Figure]:
        """How many events and users, by the ids of their metrics, and `shift` earlier."""
        shown = (metrics.ISSUE_EVENTS, metrics.ISSUE_USERS)
        return figures(shown, self.scope, shift, where=of_issue(self.hashes))

    @property
    def across_requests(self) -> Spread | None:
        """A finding across the latest requests that have it; None for other issues."""
        latest = telemetry.latest_bodies(self.scope, self.hashes, per_hash=COMPARED)
        findings = [Finding.of_body(body) for bodies in latest.values() for body in bodies]
        return spread([finding for finding in findings if finding is not None])

    def page(self, cursor: str, limit: int) -> Page[EventRow]:
        """A page of the events, the newest first; raises cursors.BadCursor."""
        before = _mark(cursor) if cursor else None
        rows = telemetry.events_of(self.scope, self.hashes, before=before, limit=limit + 1)
        more, rows = len(rows) > limit, rows[:limit]
        last = cursors.written(rows[-1].timestamp, rows[-1].event_id) if more else ""
        return Page(rows, older=last)

    def shown(self, event_id: str = "") -> Shown | None:
        """The chosen event, whenever it was, or else the latest; None if none is kept.

        If the scope has no event, it is the latest one of all time.
        """
        groupings = {grouping.hash: grouping for grouping in queries.groupings(self.issue)}
        ever = lifetime(self.project, self.issue)
        if event_id:
            event = telemetry.event(ever, event_id, groupings)
        else:
            event = telemetry.latest_event(self.scope, groupings)
            event = event or telemetry.latest_event(ever, groupings)
        if event is None or event.grouping_hash not in groupings:
            return None
        return Shown(
            event=event,
            around=telemetry.neighbours(self.scope, groupings, event.mark),
            in_scope=self._holds(event),
            trace=stacktrace(event.body),
            details=details(event.body),
            facts=facts(event.body),
            why=groupings[event.grouping_hash],
            finding=Finding.of_body(event.body),
            repository=self.project.repository,
        )

    def _holds(self, event: StoredEvent) -> bool:
        scope = self.scope
        has_facts = all(event.fact(name) == value for name, value in scope.facts)
        return has_facts and scope.holds(event.timestamp, event.environment)


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


def _mark(cursor: str) -> EventMark:
    return EventMark(*cursors.read(cursor, clock.instant, cursors.hexadecimal(32)))
