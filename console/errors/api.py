"""The issues of a project for scripts, findings among them, as docs/api.md says."""

from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core.paging import Page
from console.errors import events, queries
from console.errors.forms import InboxFilter
from console.errors.models import Category, Issue
from console.errors.queries import Filter
from console.telemetry.errors import EventRow
from console.telemetry.records import Finding
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "errors_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/issues"
)
# Findings are issues, too; scripts look for them beside endpoints and statements.
findings_bp = Blueprint(
    "findings_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/performance"
)


class IssuesFilter(InboxFilter, api.Anytime, api.Paging):
    """The inbox's filters, and what the top bar says on pages."""


@bp.get("")
@api_view("issues:read")
def issues(project: Project) -> Response:
    page = _asked(project)
    return api.page("issues", [_issue(issue) for issue in page.rows], page.older)


@findings_bp.get("/findings")
@api_view("performance:read")
def findings(project: Project) -> Response:
    page = _asked(project, Category.PERFORMANCE)
    latest = events.latest_findings(project, page.rows)
    rows = [_issue(issue) | {"finding": _shown(latest.get(issue.id))} for issue in page.rows]
    return api.page("findings", rows, page.older)


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


@bp.get("/<id:issue_id>/events")
@api_view("issues:read")
def issue_events(project: Project, issue_id: int) -> Response:
    issue_ = queries.issue_or_404(project, issue_id)
    form = valid(api.Paging(request.args))
    ever = events.Events.of(project, issue_, events.lifetime(project, issue_))
    page = ever.page(form.cursor.data or "", form.length)
    return api.page("events", [_event(issue_, row) for row in page.rows], page.older)


def _asked(project: Project, category: Category | None = None) -> Page[Issue]:
    """The page of issues that a request asks for; of one category only, if it is given."""
    people = queries.people(project)
    form = valid(IssuesFilter(request.args).offer(people))
    by: Filter = form.asked(
        people,
        environment=form.environment.data or "",
        since=form.since.data,
        until=form.until.data,
    )
    by = replace(by, category=category or by.category)
    return queries.inbox(project, by, form.cursor.data or "", form.length)


def _shown(finding: Finding | None) -> dict[str, Any] | None:
    return asdict(finding) if finding else None


def _issue(issue: Issue) -> dict[str, Any]:
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
        "events": issue.events,
        "users": issue.users,
        "first_seen": api.time(issue.first_seen),
        "last_seen": api.time(issue.last_seen),
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
