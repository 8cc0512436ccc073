"""Endpoints for scripts, as docs/api.md says."""

from datetime import timedelta
from typing import Any

from flask import Response, abort, jsonify, request
from wtforms import StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from console.accounts.access import api_view
from console.accounts.models import Project
from console.performance.api.blueprint import SCOPE, bp, earlier, latest, milliseconds, scope_of
from console.performance.endpoints import listing as domain
from console.performance.endpoints.listing import EndpointRow
from console.performance.forms.endpoints import EndpointsFilter
from console.telemetry import requests
from console.telemetry.latency import Latency
from console.web.api import Period, period, url
from console.web.forms import IntegerField, at_most, valid


class Endpoints(EndpointsFilter, Period):
    """The filters of the list of endpoints."""


class OneEndpoint(EndpointsFilter, Period):
    """Which endpoint, and in which steps of time."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), at_most(200)])
    step = IntegerField("Seconds per step", [Optional(), NumberRange(60, 86_400 * 30)])


@bp.get("/endpoints")
@api_view(SCOPE)
def endpoints(project: Project) -> Response:
    form = valid(Endpoints(request.args))
    scope = scope_of(project, form, **form.filters)
    listed = domain.listed(project, scope, sort=form.sort.data)
    rows = [_endpoint(row) for row in listed.rows if row.is_over or not form.over.data]
    releases = {"newest": listed.newest or None, "former": listed.former or None}
    return jsonify(period(scope) | {"endpoints": rows, "releases": releases})


@bp.get("/endpoint")
@api_view(SCOPE)
def endpoint(project: Project) -> Response:
    form = valid(OneEndpoint(request.args))
    scope, name = scope_of(project, form, **form.filters), form.name.data or ""
    row = domain.endpoint_row(project, scope, name)
    if row is None:
        abort(404, "No request of this endpoint in this time.")
    step = form.step.data or max(60, int(scope.length.total_seconds()) // 96)
    if scope.length / timedelta(seconds=step) > 1_000:
        abort(400, "step: at most 1,000 steps in one answer.")
    moments = requests.moments(scope, step, name)
    series = [
        {"at": at.isoformat(), **(_latency(latency) if latency else {"requests": 0})}
        for at, latency in zip(moments.starts, moments.latencies, strict=True)
    ]
    statuses = [
        {"http_status": s.http_status, "status": s.status, "requests": round(s.requests, 1)}
        for s in requests.statuses(scope, name)
    ]
    more = {"step": step, "series": series, "statuses": statuses}
    return jsonify(period(scope) | _endpoint(row) | more)


def _endpoint(row: EndpointRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "category": row.endpoint.category,
        **_latency(row.latency),
        "time_share": round(row.share, 4),
        "threshold_ms": row.threshold_ms,
        "over_threshold": row.is_over,
        "p95_before_ms": earlier(row.since_before),
        "p95_former_release_ms": earlier(row.since_release),
        "p95_newest_release_ms": latest(row.since_release),
        "url": url("performance.endpoint", name=row.name),
    }


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        "requests": round(latency.count, 1),
        "estimated": latency.estimated,
        "failed": round(latency.failed, 1),
        "error_rate": round(latency.error_rate, 5),
        "p50_ms": milliseconds(latency.p50),
        "p95_ms": milliseconds(latency.p95),
        "p99_ms": milliseconds(latency.p99),
    }
