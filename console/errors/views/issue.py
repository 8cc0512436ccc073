"""An issue's page: its latest or a chosen event, and the panels around it."""

import re
from datetime import timedelta
from typing import Any

import orjson
from flask import Response, abort, make_response, render_template, request, url_for

from console.accounts.access import project_view
from console.accounts.models import Project
from console.errors import events, queries, trends
from console.errors.forms import CommentForm
from console.errors.models import Category, Issue
from console.errors.views.blueprint import EventIdConverter, bp
from console.errors.views.summary import summary
from console.telemetry import distributions, spans
from console.web.htmx import page_or_part, panel, polled_part
from console.web.timerange import scoped_url

AROUND = timedelta(hours=6)  # how far from its event a trace is looked for
MOST_SPANS = 500


@bp.get("/<id:issue_id>/")
@project_view("viewer")
def issue(project: Project, issue_id: int) -> Response:
    found = queries.issue_or_404(project, issue_id)
    chosen = request.args.get("event", "")
    if chosen and not re.fullmatch(EventIdConverter.regex, chosen):
        abort(404)
    return _issue_page(project, found, chosen)


@bp.get("/<id:issue_id>/events/<event:event_id>")
@project_view("viewer")
def event(project: Project, issue_id: int, event_id: str) -> Response:
    return _issue_page(project, queries.issue_or_404(project, issue_id), event_id)


@bp.get("/<id:issue_id>/summary")
@project_view("viewer")
def issue_summary(project: Project, issue_id: int) -> Response:
    head = summary(project, queries.issue_or_404(project, issue_id))
    return polled_part("errors/refused.html", "errors/_summary.html", summary=head)


@bp.get("/<id:issue_id>/events/")
@project_view("viewer")
def issue_events(project: Project, issue_id: int) -> Response:
    found = queries.issue_or_404(project, issue_id)
    page = events.page(project, found, request.args.get("cursor", ""), queries.PAGE)
    return polled_part(
        "errors/events.html",
        "errors/_events.html",
        summary=summary(project, found),
        issue=found,
        listed=page,
    )


@bp.get("/<id:issue_id>/events/<event:event_id>/json")
@project_view("viewer")
def raw(project: Project, issue_id: int, event_id: str) -> Response:
    shown = _shown_or_404(project, queries.issue_or_404(project, issue_id), event_id)
    text = orjson.dumps(shown.body, option=orjson.OPT_INDENT_2).decode()
    if "download" in request.args:
        answer = Response(text, mimetype="application/json")
        answer.headers["Content-Disposition"] = f'attachment; filename="event-{event_id}.json"'
        return answer
    return make_response(
        render_template("errors/raw.html", issue_id=issue_id, event_id=event_id, text=text)
    )


@bp.get("/<id:issue_id>/tags")
@project_view("viewer")
def tags(project: Project, issue_id: int) -> Response:
    found = queries.issue_or_404(project, issue_id)
    scope, hashes = events.lifetime(project, found), events.hashes(found)
    return _panel(
        found,
        "errors/_tags.html",
        distributions=distributions.tag_distributions(scope, hashes, top=5),
    )


@bp.get("/<id:issue_id>/trends")
@project_view("viewer")
def issue_trends(project: Project, issue_id: int) -> Response:
    found = queries.issue_or_404(project, issue_id)
    hashes = events.hashes(found)
    role = "warn" if found.category is Category.PERFORMANCE else "bad"
    return _panel(
        found,
        "errors/_trends.html",
        charts=[
            trends.of_issue(project, hashes, period, role=role)
            for period in trends.PERIODS.values()
        ],
    )


@bp.get("/<id:issue_id>/spread")
@project_view("viewer")
def spread(project: Project, issue_id: int) -> Response:
    found = queries.issue_or_404(project, issue_id)
    return _panel(
        found,
        "errors/_spread.html",
        spread=events.across_requests(project, found),
    )


@bp.get("/<id:issue_id>/events/<event:event_id>/trace")
@project_view("viewer")
def event_trace(project: Project, issue_id: int, event_id: str) -> Response:
    found = queries.issue_or_404(project, issue_id)
    shown = _shown_or_404(project, found, event_id)
    at, trace_id = shown.event.timestamp, shown.event.trace_id
    scope = events.lifetime(project, found).around(at, AROUND)
    trace = spans.trace(scope, trace_id, MOST_SPANS) if trace_id else None
    return _panel(
        found,
        "errors/_trace.html",
        shown=shown,
        trace=trace,
        homes=_homes(project, [one.grouping_hash for one in trace.errors] if trace else []),
    )


def _issue_page(project: Project, found: Issue, event_id: str) -> Response:
    shown = events.shown(project, found, event_id)
    if shown is None and event_id:
        abort(404)
    return page_or_part(
        "errors/issue.html",
        "errors/_event.html",
        summary=summary(project, found),
        issue=found,
        shown=shown,
        releases=queries.releases(found),
        history=queries.history(found),
        form=CommentForm(),
    )


def _panel(issue: Issue, part: str, **shown: Any) -> Response:
    back = (scoped_url("errors.issue", issue_id=issue.id), "Back to the issue")
    return panel(part, issue.title, back, issue=issue, **shown)


def _shown_or_404(project: Project, found: Issue, event_id: str) -> events.Shown:
    return events.shown(project, found, event_id) or abort(404)


def _homes(project: Project, hashes: list[str]) -> dict[str, str]:
    """Where the issue of each grouping hash is shown."""
    return {
        one: url_for("errors.issue", issue_id=issue_id)
        for one, issue_id in queries.issues_by_hash(project.id, hashes).items()
    }
