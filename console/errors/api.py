"""The issues of a project for scripts, findings among them, as docs/api.md says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from wtforms import SelectField
from wtforms.validators import ValidationError

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.errors import deletion, events, queries, ranking, trends
from console.errors.forms import InboxFilter
from console.errors.models import Category, Issue
from console.errors.queries import Filter
from console.telemetry.errors import EventRow, Totals
from console.telemetry.leading import TREND
from console.telemetry.records import Finding
from console.telemetry.scope import Scope
from console.web import api
from console.web.forms import valid

EVER = datetime(1970, 1, 1, tzinfo=UTC)
bp = Blueprint(
    "errors_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/issues"
)
# Findings are issues, too; scripts look for them beside endpoints and statements.
findings_bp = Blueprint(
    "findings_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/performance"
)


class IssuesFilter(InboxFilter, api.Anytime, api.Paging):
    """The inbox's filters, and what the top bar says on pages."""

    def validate_sort(self, field: SelectField) -> None:
        """A trend needs a beginning: there is no time before all time."""
        if field.data == TREND and not self.since.data:
            raise ValidationError("sort=trend compares with the time before: give since as well.")

    def scope(self, project: Project) -> Scope:
        """What the counts of a valid form are about: all time, unless it gives one."""
        since = self.since.data or EVER
        return Scope(
            organization_id=project.organization_id,
            project_id=project.id,
            since=since,
            until=max(self.until.data or clock.now() + events.MARGIN, since),
            environment=self.environment.data or "",
            release=self.chosen_release,
            terms=self.search.terms,
        )


@bp.get("")
@api_view("issues:read")
def issues(project: Project) -> Response:
    listed = _asked(project)
    return listed.answer("issues", listed.rows)


@findings_bp.get("/findings")
@api_view("performance:read")
def findings(project: Project) -> Response:
    listed = _asked(project, Category.PERFORMANCE)
    latest = events.latest_findings(project, listed.issues)
    rows = [row | {"finding": _shown(latest.get(row["id"]))} for row in listed.rows]
    return listed.answer("findings", rows)


@bp.get("/<id:issue_id>")
@api_view("issues:read")
def issue(project: Project, issue_id: int) -> Response:
    issue_ = queries.issue_or_404(project, issue_id)
    occurrences = [
        {
            "environment": row.environment,
            "release": row.release,
            "events": row.events,
            "first_seen": api.time(row.first_seen),
            "last_seen": api.time(row.last_seen),
        }
        for row in queries.releases(issue_)
    ]
    hashes = queries.hashes_of([issue_])[issue_.id]
    return jsonify(_issue(issue_) | {"releases": occurrences, "hashes": hashes})


@bp.delete("/<id:issue_id>")
@api_view("issues:delete")
def delete(project: Project, issue_id: int) -> Response:
    deletion.delete(project, queries.issue_or_404(project, issue_id), actor=g.script)
    db.session.commit()
    return Response(status=204)


@bp.get("/<id:issue_id>/events")
@api_view("issues:read")
def issue_events(project: Project, issue_id: int) -> Response:
    issue_ = queries.issue_or_404(project, issue_id)
    form = valid(api.Paging(request.args))
    ever = events.Events.of(project, issue_, events.lifetime(project, issue_))
    page = ever.page(form.cursor.data or "", form.length)
    return api.page("events", [_event(issue_, row) for row in page.rows], page.older)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of issues; with a scope, the totals of each there and not since it was first seen."""

    issues: Sequence[Issue]
    cursor: str
    scope: Scope | None = None
    totals: Mapping[int, Totals] = field(default_factory=dict)
    before: Mapping[int, int | None] = field(default_factory=dict)
    """The events of each in the time of the same length before; empty without a beginning."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The issues as the answer has them."""
        rows = [_issue(issue, self.totals.get(issue.id)) for issue in self.issues]
        if not self.before:
            return rows
        return [row | {"events_before": self.before[row["id"]]} for row in rows]

    def answer(self, name: str, rows: list[dict[str, Any]]) -> Response:
        """The page under this name; the times of a scope are the same on all pages."""
        return api.page(name, rows, self.cursor, self.scope)


def _asked(project: Project, category: Category | None = None) -> Listed:
    """The page of issues that a request asks for; of one category only, if it is given."""
    people = queries.people(project)
    form = valid(IssuesFilter(request.args).offer(people))
    scope = form.scope(project)
    by: Filter = form.asked(
        environment=form.environment.data or "",
        since=form.since.data,
        until=form.until.data,
    )
    by = ranking.informed(project, replace(by, category=category or by.category), scope)
    cursor = form.cursor.data or ""
    if not by.narrows:
        page = queries.inbox(project, by, cursor, form.length)
        return Listed(page.rows, page.older)
    issues, totals, older = ranking.page(project, by, scope, cursor, form.length)
    before = trends.events_before(project, issues, scope) if by.since else {}
    return Listed(issues, older, scope, totals, before)


def _shown(finding: Finding | None) -> dict[str, Any] | None:
    return asdict(finding) if finding else None


def _issue(issue: Issue, totals: Totals | None = None) -> dict[str, Any]:
    counts = totals or ranking.ever(issue)
    return {
        "id": issue.id,
        "category": issue.category.value,
        "title": issue.title,
        "kind": issue.kind,
        "culprit": issue.culprit,
        "level": issue.level.value,
        "status": issue.status.value,
        "platform": issue.platform,
        "handled": issue.handled,
        "events": counts.events,
        "users": counts.users,
        "first_seen": api.time(counts.first),
        "last_seen": api.time(counts.last),
        "first_release": issue.first_release,
        "last_release": issue.last_release,
        "assignee": issue.assignee.email if issue.assignee else None,
        "resolved_at": api.time(issue.resolved_at),
        "resolved_after": issue.resolved_after,
        "fixed_in_release": issue.fixed_in_release,
        "regressed_at": api.time(issue.regressed_at),
        "muted_until": api.time(issue.muted_until),
        "url": api.url("errors.issue", issue_id=issue.id),
    }


def _event(issue: Issue, row: EventRow) -> dict[str, Any]:
    return {
        "id": row.event_id,
        "timestamp": api.time(row.timestamp),
        "received_at": api.time(row.received_at),
        "title": row.title,
        "kind": row.kind,
        "culprit": row.culprit,
        "message": row.message,
        "level": row.level,
        "platform": row.platform,
        "environment": row.environment,
        "release": row.release,
        "transaction": row.transaction,
        "handled": row.handled,
        "user": row.user_key,
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "sdk": row.sdk,
        "tags": row.tags,
        "url": api.url("errors.event", issue_id=issue.id, event_id=row.event_id),
    }
