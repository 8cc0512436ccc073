"""An issue's page: its latest or a chosen event, and the panels around it."""

import re
from datetime import timedelta
from typing import Any

import orjson
from flask import Response, abort, make_response, render_template, request, url_for

from console.accounts.access import project_view
from console.accounts.models import Project
from console.errors import events, queries, release_health, trends
from console.errors.forms import CommentForm
from console.errors.models import Issue
from console.errors.views.blueprint import EventIdConverter, bp
from console.errors.views.narrowing import issue_url, narrowing
from console.errors.views.summary import summary
from console.telemetry import distributions, spans
from console.telemetry import errors as telemetry
from console.telemetry.scope import Scope
from console.web.htmx import page_or_part, panel, polled_part
from console.web.timeline import Timeline
from console.web.timerange import current_range

AROUND = timedelta(hours=6)  # how far from its event a trace is looked for
MOST_SPANS = 500
SHOWN = 8  # releases of an issue


@bp.get("/<id:issue_id>/")
@project_view("viewer")
def issue(project: Project, issue_id: int) -> Response:
    scoped = _events(project, issue_id)
    chosen = request.args.get("event", "")
    if chosen and not re.fullmatch(EventIdConverter.regex, chosen):
        abort(404)
    return _issue_page(scoped, chosen)


@bp.get("/<id:issue_id>/events/<event:event_id>")
@project_view("viewer")
def event(project: Project, issue_id: int, event_id: str) -> Response:
    return _issue_page(_events(project, issue_id), event_id)


@bp.get("/<id:issue_id>/summary")
@project_view("viewer")
def issue_summary(project: Project, issue_id: int) -> Response:
    head = summary(_events(project, issue_id))
    return polled_part("errors/refused.html", "errors/_summary.html", summary=head)


@bp.get("/<id:issue_id>/events/")
@project_view("viewer")
def issue_events(project: Project, issue_id: int) -> Response:
    scoped = _events(project, issue_id)
    return polled_part(
        "errors/events.html",
        "errors/_events.html",
        summary=summary(scoped),
        issue=scoped.issue,
        narrowing=narrowing(),
        listed=scoped.page(request.args.get("cursor", ""), queries.PAGE),
    )


@bp.get("/<id:issue_id>/events/<event:event_id>/json")
@project_view("viewer")
def raw(project: Project, issue_id: int, event_id: str) -> Response:
    shown = _events(project, issue_id).shown(event_id) or abort(404)
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
    scoped = _events(project, issue_id)
    shares = distributions.tag_distributions(scoped.scope, scoped.hashes, top=5)
    shares.sort(key=lambda distribution: distribution.values == 1)  # what differs says more
    return _panel(scoped.issue, "errors/_tags.html", distributions=shares)


@bp.get("/<id:issue_id>/trend")
@project_view("viewer")
def issue_trend(project: Project, issue_id: int) -> Response:
    scoped = _events(project, issue_id)
    line = Timeline.of(project, current_range(), about=("issue", str(issue_id)))
    chart = trends.of_issue(scoped.issue, scoped.hashes, scoped.scope, line)
    return _panel(scoped.issue, "errors/_trend.html", chart=chart)


@bp.get("/<id:issue_id>/releases")
@project_view("viewer")
def issue_releases(project: Project, issue_id: int) -> Response:
    scoped = _events(project, issue_id)
    occurrences = telemetry.occurrences(scoped.scope, scoped.hashes)
    health = release_health.of_releases(scoped.scope, {row.release for row in occurrences[:SHOWN]})
    shown = {"occurrences": occurrences, "count": SHOWN, "health": health}
    return _panel(scoped.issue, "errors/_releases.html", **shown)


@bp.get("/<id:issue_id>/spread")
@project_view("viewer")
def spread(project: Project, issue_id: int) -> Response:
    scoped = _events(project, issue_id)
    return _panel(scoped.issue, "errors/_spread.html", spread=scoped.across_requests)


@bp.get("/<id:issue_id>/events/<event:event_id>/trace")
@project_view("viewer")
def event_trace(project: Project, issue_id: int, event_id: str) -> Response:
    scoped = _events(project, issue_id)
    shown = scoped.shown(event_id) or abort(404)
    at, trace_id = shown.event.timestamp, shown.event.trace_id
    scope = events.lifetime(project, scoped.issue).around(at, AROUND)
    trace = spans.trace(scope, trace_id, MOST_SPANS) if trace_id else None
    return _panel(
        scoped.issue,
        "errors/_trace.html",
        shown=shown,
        trace=trace,
        homes=_homes(project, [error.grouping_hash for error in trace.errors] if trace else []),
    )


def _issue_page(scoped: events.Events, event_id: str) -> Response:
    shown = scoped.shown(event_id)
    if shown is None and event_id:
        abort(404)
    return page_or_part(
        "errors/issue.html",
        "errors/_event.html",
        summary=summary(scoped),
        issue=scoped.issue,
        shown=shown,
        narrowing=narrowing(),
        history=queries.history(scoped.issue),
        form=CommentForm(),
    )


def _events(project: Project, issue_id: int) -> events.Events:
    """The events of an issue in the scope of the top bar; 404 if the project has no such issue."""
    scope = Scope.of(project, current_range(), facts=narrowing().facts)
    return events.Events.of(project, queries.issue_or_404(project, issue_id), scope)


def _panel(issue: Issue, part: str, **shown: Any) -> Response:
    back = (issue_url("errors.issue", issue_id=issue.id), "Back to the issue")
    return panel(part, issue.title, back, issue=issue, **shown)


def _homes(project: Project, hashes: list[str]) -> dict[str, str]:
    """The address of each grouping hash's issue."""
    return {
        grouping_hash: url_for("errors.issue", issue_id=issue_id)
        for grouping_hash, issue_id in queries.issues_by_hash(project.id, hashes).items()
    }
