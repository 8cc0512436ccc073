"""Endpoints, statements, traces and vitals for scripts, as docs/api.md says."""

from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, jsonify, request, url_for
from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core import clock
from console.performance import queries
from console.performance.endpoints import listing as domain
from console.performance.endpoints.listing import EndpointRow
from console.performance.forms.endpoints import EndpointsFilter, TracesFilter
from console.performance.latency import Change
from console.performance.traces.cursors import cursor_after, mark_of
from console.telemetry import requests, spans
from console.telemetry import traces as trace_questions
from console.telemetry.latency import Latency
from console.telemetry.scope import Scope
from console.telemetry.spans import SpanRow
from console.telemetry.traces import Began
from console.web.forms import IntegerField, Moment, sentence
from console.web.timerange import LONGEST

bp = Blueprint(
    "performance_api",
    __name__,
    url_prefix="/api/v1/<slug:organization>/<slug:project>/performance",
)
SCOPE = "performance:read"
F = TypeVar("F", bound=Form)
DAY = timedelta(days=1)
MOST_SPANS = 10_000


class Period(Form):
    """Which time and environment an answer is about; without any, the last 24 hours."""

    since = Moment("Since")
    until = Moment("Until")
    environment = StringField("Environment", [Length(max=64, message="At most 64 characters.")])

    def scope(self, project: Project, **filters: Any) -> Scope:
        """The scope that a valid form asks for; 400 for a range that ends before it begins."""
        until = self.until.data or clock.now()
        since = self.since.data or until - DAY
        if not timedelta(0) < until - since <= LONGEST:
            abort(
                400, f"since, until: a range of up to {LONGEST.days} days that ends after it began."
            )
        return Scope(
            organization_id=project.organization_id,
            project_id=project.id,
            since=since,
            until=until,
            environment=self.environment.data or "",
            **filters,
        )


class Endpoints(EndpointsFilter, Period):
    """The filters of the list of endpoints."""


class OneEndpoint(EndpointsFilter, Period):
    """Which endpoint, and in which steps of time."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), Length(max=200)])
    step = IntegerField("Seconds per step", [Optional(), NumberRange(60, 86_400 * 30)])


class Traces(TracesFilter, Period):
    """The filters of the list of traces, and the page of it."""

    limit = IntegerField("Limit", [Optional(), NumberRange(1, 100, "Between 1 and 100.")])
    cursor = StringField("Cursor")


@bp.get("/endpoints")
@api_view(SCOPE)
def endpoints(project: Project) -> Response:
    form = valid(Endpoints(request.args))
    scope = form.scope(project, **form.filters)
    found = domain.listed(project, scope, text=form.q.data or "", sort=form.sort.data)
    rows = [_endpoint(row) for row in found.rows if row.is_over or not form.over.data]
    releases = {"newest": found.newest or None, "former": found.former or None}
    return jsonify(period(scope) | {"endpoints": rows, "releases": releases})


@bp.get("/endpoint")
@api_view(SCOPE)
def endpoint(project: Project) -> Response:
    form = valid(OneEndpoint(request.args))
    scope, name = form.scope(project, **form.filters), form.name.data or ""
    row = domain.one(project, scope, name)
    if row is None:
        abort(404, "No request of this endpoint in this time.")
    step = form.step.data or max(60, int(scope.length.total_seconds()) // 96)
    if scope.length / timedelta(seconds=step) > 1_000:
        abort(400, "step: at most 1,000 steps in one answer.")
    found = requests.moments(scope, step, name)
    series = [
        {"at": at.isoformat(), **(_latency(one) if one else {"requests": 0})}
        for at, one in zip(found.starts, found.latencies, strict=True)
    ]
    statuses = [
        {"http_status": s.http_status, "status": s.status, "requests": round(s.requests, 1)}
        for s in requests.statuses(scope, name)
    ]
    more = {"step": step, "series": series, "statuses": statuses}
    return jsonify(period(scope) | _endpoint(row) | more)


@bp.get("/traces")
@api_view(SCOPE)
def traces(project: Project) -> Response:
    form = valid(Traces(request.args))
    scope, limit = form.scope(project, **form.filters), form.limit.data or 50
    after = mark_of(form.cursor.data or "")
    found = trace_questions.traces(
        scope, form.wanted, sort=form.sort.data, after=after, limit=limit + 1
    )
    rows = [_trace(row) for row in found[:limit]]
    following = None
    if len(found) > limit:
        # Moments of the first answer: the pages of a list are about one stretch of time.
        arguments = (
            request.args.to_dict() | period(scope) | {"cursor": cursor_after(found[limit - 1])}
        )
        following = f"{request.base_url}?{urlencode(arguments)}"
    answer = jsonify(period(scope) | {"traces": rows, "next": following})
    if following:
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


@bp.get("/traces/<trace:trace_id>")
@api_view(SCOPE)
def trace(project: Project, trace_id: str) -> Response:
    form = valid(Period(request.args))
    if not form.since.data:  # a trace is looked for in all that is kept
        days = queries.monitoring(project).retention_days
        form.since.data = clock.now() - timedelta(days=min(days, LONGEST.days - 1))
    found = spans.trace(form.scope(project), trace_id, MOST_SPANS)
    if not found.spans and not found.errors:
        abort(404)
    return jsonify(
        trace_id=trace_id,
        spans=[_span(one) for one in found.spans],
        errors=[
            {"id": one.event_id, "title": one.title, "span_id": one.span_id} for one in found.errors
        ],
        complete=len(found.spans) < MOST_SPANS,
        url=page_url("performance.trace", trace_id=trace_id),
    )


def valid(form: F) -> F:
    """The form, if what it says makes sense; 400 with its sentences otherwise."""
    if not form.validate():
        abort(400, sentence(form))
    return form


def period(scope: Scope) -> dict[str, Any]:
    """The time that an answer is about."""
    return {"since": scope.since.isoformat(), "until": scope.until.isoformat()}


def page_url(endpoint: str, **values: Any) -> str:
    """The address of a page of the project that is asked about."""
    slugs = request.view_args or {}
    return url_for(
        endpoint,
        organization=slugs["organization"],
        project=slugs["project"],
        _external=True,
        **values,
    )


def _endpoint(row: EndpointRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "category": row.endpoint.category,
        **_latency(row.latency),
        "time_share": round(row.share, 4),
        "threshold_ms": row.threshold_ms,
        "over_threshold": row.is_over,
        "p95_before_ms": _then(row.since_before),
        "p95_former_release_ms": _then(row.since_release),
        "p95_newest_release_ms": _ms(row.since_release.now) if row.since_release else None,
        "url": page_url("performance.endpoint", name=row.name),
    }


def _latency(one: Latency) -> dict[str, Any]:
    return {
        "requests": round(one.count, 1),
        "estimated": one.estimated,
        "failed": round(one.failed, 1),
        "error_rate": round(one.error_rate, 5),
        "p50_ms": _ms(one.p50),
        "p95_ms": _ms(one.p95),
        "p99_ms": _ms(one.p99),
    }


def _trace(row: Began) -> dict[str, Any]:
    return {
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "timestamp": row.timestamp.isoformat(),
        "duration_ms": _ms(row.duration_us),
        "category": row.category,
        "endpoint": row.endpoint,
        "status": row.status,
        "http_status": row.http_status,
        "failed": row.failed,
        "environment": row.environment,
        "release": row.release,
        "url": page_url("performance.trace", trace_id=row.trace_id, at=row.timestamp.isoformat()),
    }


def _span(one: SpanRow) -> dict[str, Any]:
    return {
        "span_id": one.span_id,
        "parent_span_id": one.parent_span_id or None,
        "segment_id": one.segment_id or None,
        "is_segment": one.is_segment,
        "timestamp": one.timestamp.isoformat(),
        "duration_ms": _ms(one.duration_us),
        "op": one.op,
        "category": one.category,
        "name": one.name,
        "endpoint": one.endpoint or None,
        "fingerprint": one.fingerprint or None,
        "status": one.status,
        "http_status": one.http_status,
        "environment": one.environment,
        "release": one.release,
        "attributes": one.attributes,
    }


def _then(change: Change | None) -> float | None:
    return _ms(change.then) if change else None


def _ms(microseconds: float) -> float:
    return round(microseconds / 1000, 3)
