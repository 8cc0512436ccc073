"""The list of endpoints, an endpoint's page, and the panels around it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from flask import Response, abort, request
from flask_login import current_user
from wtforms import Form

from console.accounts import releases
from console.accounts.access import project_view
from console.accounts.models import Project
from console.core.db import db
from console.performance import queries
from console.performance.endpoints import listing as domain
from console.performance.endpoints import time_spent
from console.performance.endpoints.listing import EndpointRow, ListedEndpoints
from console.performance.forms.endpoints import EndpointName, EndpointsFilter, ThresholdForm
from console.performance.traces import durations
from console.performance.views.blueprint import DEFAULT_RANGE, add_to_rail, bp
from console.telemetry import requests, statements
from console.telemetry.scope import Scope
from console.telemetry.statements import StatementsWanted
from console.web.forms import sentence
from console.web.htmx import go_to, page_or_part, polled_part
from console.web.ids import counted
from console.web.timerange import current_range, scoped_url

F = TypeVar("F", bound=Form)
PER_PAGE = 40
MOST_STATEMENTS = 10
add_to_rail("Endpoints", "pulse", "performance.endpoints", 20)


@dataclass(frozen=True, slots=True)
class EndpointListing:
    """One page of the list of endpoints."""

    form: EndpointsFilter
    listed: ListedEndpoints
    page: int
    rows: Sequence[EndpointRow]
    trends: dict[str, list[float | None]]
    versions: Sequence[str]

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.listed.rows) // PER_PAGE))


@bp.get("/endpoints/", endpoint="endpoints")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = valid(EndpointsFilter(request.args))
    scope = Scope.of(project, current_range(DEFAULT_RANGE), **form.filters)
    found = domain.listed(project, scope, text=form.q.data or "", sort=form.sort.data)
    if form.over.data:
        found = replace(found, rows=[row for row in found.rows if row.is_over])
    page = min(counted("page"), -(-len(found.rows) // PER_PAGE) or 1)
    rows = found.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    names, width = [row.name for row in rows], domain.spark_seconds(scope)
    return polled_part(
        "performance/endpoints.html",
        "performance/_endpoints.html",
        listing=EndpointListing(
            form=form,
            listed=found,
            page=page,
            rows=rows,
            trends=requests.p95_trends(scope, names, width) if names else {},
            versions=releases.versions(project),
        ),
    )


@bp.get("/latency")
@project_view("viewer")
def latency(project: Project) -> Response:
    """The charts over a list or an endpoint: `name` is the endpoint's, none for all of them."""
    form, shown = valid(EndpointsFilter(request.args)), current_range(DEFAULT_RANGE)
    scope, name = Scope.of(project, shown, **form.filters), request.args.get("name", "")
    standard = queries.monitoring(project).api_p95_ms
    limit = queries.thresholds(project).get(name, standard) if name else standard
    charts = domain.latency_charts(project, scope, shown, name, threshold_ms=limit)
    part = "performance/_charts.html"
    return polled_part(part, part, charts=charts, id="latency")


@bp.get("/endpoint")
@project_view("viewer")
def endpoint(project: Project) -> Response:
    return _endpoint_page(project, valid(EndpointName(request.args)).name.data or "")


@bp.post("/endpoint/threshold")
@project_view("member")
def set_threshold(project: Project) -> Response:
    form = ThresholdForm(request.form)
    name = form.name.data or ""
    if not form.validate():
        if form.name.errors:
            abort(422, sentence(form))
        return _endpoint_page(project, name, form=form, status=422)
    queries.set_threshold(project, name, form.p95_ms.data, by=current_user)
    db.session.commit()
    return go_to(scoped_url("performance.endpoint", name=name))


@bp.get("/endpoint/time")
@project_view("viewer")
def endpoint_time(project: Project) -> Response:
    """Where the time of typical and slow requests went."""
    name = valid(EndpointName(request.args)).name.data or ""
    scope = Scope.of(project, current_range(DEFAULT_RANGE))
    return page_or_part(
        "performance/panel.html",
        "performance/_time.html",
        panel="performance/_time.html",
        name=name,
        spent=time_spent.around_percentiles(scope, name),
    )


@bp.get("/endpoint/statements")
@project_view("viewer")
def endpoint_statements(project: Project) -> Response:
    name = valid(EndpointName(request.args)).name.data or ""
    scope = Scope.of(project, current_range(DEFAULT_RANGE))
    found, total = statements.statements(scope, StatementsWanted(endpoint=name))
    shown = found[:MOST_STATEMENTS]
    return page_or_part(
        "performance/panel.html",
        "performance/_endpoint_statements.html",
        panel="performance/_endpoint_statements.html",
        name=name,
        statements=shown,
        count=len(found),
        total=total,
        texts=statements.texts(scope, [one.fingerprint for one in shown]) if shown else {},
    )


@bp.get("/endpoint/traces")
@project_view("viewer")
def endpoint_traces(project: Project) -> Response:
    name = valid(EndpointName(request.args)).name.data or ""
    scope = Scope.of(project, current_range(DEFAULT_RANGE))
    slowest, typical = domain.example_traces(scope, name)
    return page_or_part(
        "performance/panel.html",
        "performance/_examples.html",
        panel="performance/_examples.html",
        name=name,
        slowest=slowest,
        typical=typical,
    )


def valid(form: F) -> F:
    """The form, if what it says makes sense; 400 with its sentences otherwise."""
    if not form.validate():
        abort(400, sentence(form))
    return form


def _endpoint_page(
    project: Project, name: str, *, form: ThresholdForm | None = None, status: int = 200
) -> Response:
    scope = Scope.of(project, current_range(DEFAULT_RANGE))
    row = domain.one(project, scope, name)
    own = queries.thresholds(project).get(name)
    return page_or_part(
        "performance/endpoint.html",
        "performance/_endpoint.html",
        status=status,
        name=name,
        row=row,
        own_threshold=own,
        standard=queries.monitoring(project).api_p95_ms,
        statuses=requests.statuses(scope, name) if row else [],
        durations=durations.of_endpoint(scope, name, row.latency) if row else None,
        form=form or ThresholdForm(name=name, p95_ms=own),
    )
