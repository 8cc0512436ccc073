"""The issues of a project for scripts, findings among them, as docs/api.md says."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, jsonify, request, url_for
from wtforms import Form, StringField
from wtforms.validators import Length, NumberRange, Optional

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core.paging import BadCursor, Page
from console.errors import events, queries
from console.errors.forms import InboxFilter
from console.errors.models import Category, Issue
from console.errors.queries import Filter
from console.telemetry.errors import EventRow
from console.telemetry.records import Finding
from console.web.forms import IntegerField, Moment, sentence

bp = Blueprint(
    "errors_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/issues"
)
# Findings are issues, too; scripts look for them beside endpoints and statements.
findings_bp = Blueprint(
    "findings_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/performance"
)


class Paging(Form):
    """Which page of a list, and how long."""

    limit = IntegerField("Limit", [Optional(), NumberRange(1, 100, "Between 1 and 100.")])
    cursor = StringField("Cursor")


class IssuesFilter(InboxFilter, Paging):
    """The inbox's filters, and what the top bar says on pages."""

    environment = StringField("Environment", [Length(max=64, message="At most 64 characters.")])
    since = Moment("Seen since")
    until = Moment("Seen until")


@bp.get("")
@api_view("issues:read")
def issues(project: Project) -> Response:
    page = _asked(project, IssuesFilter(request.args))
    return _page("issues", [_issue(issue) for issue in page.rows], page.older)


@findings_bp.get("/findings")
@api_view("performance:read")
def findings(project: Project) -> Response:
    page = _asked(project, IssuesFilter(request.args), category=Category.PERFORMANCE)
    latest = events.latest_findings(project, page.rows)
    rows = [_issue(issue) | {"finding": _shown(latest.get(issue.id))} for issue in page.rows]
    return _page("findings", rows, page.older)


@bp.get("/<id:issue_id>")
@api_view("issues:read")
def issue(project: Project, issue_id: int) -> Response:
    found = queries.issue_or_404(project, issue_id)
    occurrences = [
        {
            "environment": row.environment,
            "release": row.release,
            "events": row.events,
            "first_seen": row.first_seen.isoformat(),
            "last_seen": row.last_seen.isoformat(),
        }
        for row in queries.releases(found)
    ]
    hashes = queries.hashes_of([found])[found.id]
    return jsonify(_issue(found) | {"releases": occurrences, "hashes": hashes})


@bp.get("/<id:issue_id>/events")
@api_view("issues:read")
def issue_events(project: Project, issue_id: int) -> Response:
    found = queries.issue_or_404(project, issue_id)
    form = Paging(request.args)
    if not form.validate():
        abort(400, sentence(form))
    try:
        page = events.page(project, found, form.cursor.data or "", form.limit.data or queries.PAGE)
    except BadCursor as error:
        abort(400, str(error))
    return _page("events", [_event(found, row) for row in page.rows], page.older)


def _asked(project: Project, form: IssuesFilter, category: Category | None = None) -> Page[Issue]:
    """The page of issues that a request asks for; of one category only, if it is given."""
    if not form.validate():
        abort(400, sentence(form))
    by: Filter = form.asked(
        queries.people(project),
        environment=form.environment.data or "",
        since=form.since.data,
        until=form.until.data,
    )
    by = replace(by, category=category or by.category)
    try:
        return queries.inbox(project, by, form.cursor.data or "", form.limit.data or queries.PAGE)
    except BadCursor as error:
        abort(400, str(error))


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
        "first_seen": issue.first_seen.isoformat(),
        "last_seen": issue.last_seen.isoformat(),
        "first_release": issue.first_release,
        "last_release": issue.last_release,
        "assignee": issue.assignee.email if issue.assignee else None,
        "resolved_at": _time(issue.resolved_at),
        "fixed_in_release": issue.fixed_in_release,
        "regressed_at": _time(issue.regressed_at),
        "muted_until": _time(issue.muted_until),
        "url": _url("errors.issue", issue_id=issue.id),
    }


def _event(issue: Issue, row: EventRow) -> dict[str, Any]:
    return {
        "id": row.event_id,
        "timestamp": row.timestamp.isoformat(),
        "received_at": row.received_at.isoformat(),
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
        "url": _url("errors.event", issue_id=issue.id, event_id=row.event_id),
    }


def _page(name: str, rows: list[dict[str, Any]], older: str) -> Response:
    following = None
    if older:
        arguments = request.args.to_dict() | {"cursor": older}
        following = f"{request.base_url}?{urlencode(arguments)}"
    answer = jsonify({name: rows, "next": following})
    if following:
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


def _url(endpoint: str, **values: Any) -> str:
    slugs = request.view_args or {}
    return url_for(
        endpoint,
        organization=slugs["organization"],
        project=slugs["project"],
        _external=True,
        **values,
    )


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
