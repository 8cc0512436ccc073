"""The list of endpoints, an endpoint's page, and the panels around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, request
from flask_login import current_user

from console.accounts import releases
from console.accounts.access import project_view
from console.accounts.models import Project
from console.core.db import db
from console.performance import metrics, queries
from console.performance.endpoints import listing as domain
from console.performance.endpoints import time_spent
from console.performance.endpoints.listing import EndpointRow, ListedEndpoints
from console.performance.forms.endpoints import EndpointName, EndpointsFilter, ThresholdForm
from console.performance.statements import text as sql_text
from console.performance.traces import durations
from console.performance.views.blueprint import add_to_rail, bp
from console.telemetry import requests, statements
from console.telemetry.metric import Figure, figures
from console.telemetry.scope import Scope
from console.telemetry.statements import StatementsWanted
from console.web.forms import sentence, valid
from console.web.htmx import go_to, page_or_part, panel, polled_part
from console.web.paging import Numbered, numbered
from console.web.timeline import Timeline
from console.web.timerange import current_range, scoped_url

PER_PAGE = 40
MOST_STATEMENTS = 10
add_to_rail("Endpoints", "pulse", "performance.endpoints", 20)


@dataclass(frozen=True, slots=True)
class EndpointListing:
    """One page of the list of endpoints; the figures are of all that the filters let through."""

    form: EndpointsFilter
    figures: Mapping[str, Figure]
    listed: ListedEndpoints
    page: Numbered[EndpointRow]
    trends: Mapping[str, Sequence[float | None]]


@bp.get("/endpoints/", endpoint="endpoints")
@project_view("viewer")
def listing(project: Project) -> Response:
    form, shown = EndpointsFilter(request.args), current_range()
    form.release.offer((version, version) for version in releases.versions(project))
    scope = Scope.of(project, shown, **valid(form).filters)
    listed = domain.listed(project, scope, sort=form.sort.data, shift=shown.shift)
    rows = [row for row in listed.rows if row.is_over or not form.over.data]
    page = numbered(rows, PER_PAGE)
    names, width = [row.name for row in page.rows], domain.spark_seconds(scope)
    return polled_part(
        "performance/endpoints.html",
        "performance/_endpoints.html",
        listing=EndpointListing(
            form=form,
            figures=figures(metrics.ENDPOINTS_PAGE, scope, shown.shift),
            listed=listed,
            page=page,
            trends=requests.p95_trends(scope, names, width) if names else {},
        ),
    )


@bp.get("/latency")
@project_view("viewer")
def latency(project: Project) -> Response:
    """The charts over a list or an endpoint: `name` is the endpoint's, none for all of them."""
    form, name = valid(EndpointsFilter(request.args)), request.args.get("name", "")
    about = ("endpoint", name) if name else None
    line = Timeline.of(project, current_range(), about=about)
    scope = Scope.of(project, line.shown, **form.filters)
    standard = queries.monitoring(project).api_p95_ms
    limit = queries.thresholds(project).get(name, standard) if name else standard
    charts = domain.latency_charts(line, scope, name, threshold_ms=limit)
    back = _back(name) if name else (scoped_url("performance.endpoints"), "Endpoints")
    part, heading = "performance/_charts.html", name or "Endpoints"
    return panel(part, heading, back, mono=bool(name), charts=charts, id="latency", low=not name)


@bp.get("/endpoint")
@project_view("viewer")
def endpoint(project: Project) -> Response:
    return _endpoint_page(project, _name())


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
    name, scope = _name(), Scope.of(project, current_range())
    spent = time_spent.around_percentiles(scope, name)
    return _panel("performance/_time.html", name, spent=spent)


@bp.get("/endpoint/statements")
@project_view("viewer")
def endpoint_statements(project: Project) -> Response:
    name, scope = _name(), Scope.of(project, current_range())
    called, total = statements.statements(scope, StatementsWanted(endpoint=name))
    shown = called[:MOST_STATEMENTS]
    fingerprints = [statement.fingerprint for statement in shown]
    return _panel(
        "performance/_endpoint_statements.html",
        name,
        statements=shown,
        count=len(called),
        total=total,
        texts=statements.texts(scope, fingerprints) if shown else {},
        shortened=sql_text.shortened,
    )


@bp.get("/endpoint/traces")
@project_view("viewer")
def endpoint_traces(project: Project) -> Response:
    name, scope = _name(), Scope.of(project, current_range())
    slowest, typical = domain.example_traces(scope, name)
    return _panel("performance/_examples.html", name, slowest=slowest, typical=typical)


def _name() -> str:
    """Which endpoint the address names; 400 for an address that names none."""
    form = EndpointName(request.args)
    return str(form.name.data) if form.validate() else abort(400, sentence(form))


def _back(name: str) -> tuple[str, str]:
    return scoped_url("performance.endpoint", name=name), "Back to the endpoint"


def _panel(part: str, name: str, **shown: Any) -> Response:
    return panel(part, name, _back(name), mono=True, name=name, **shown)


def _endpoint_page(
    project: Project, name: str, *, form: ThresholdForm | None = None, status: int = 200
) -> Response:
    shown = current_range()
    scope = Scope.of(project, shown)
    summary = domain.summary(project, scope, name, shown.shift)
    own = queries.thresholds(project).get(name)
    statuses = requests.statuses(scope, name) if summary else []
    return page_or_part(
        "performance/endpoint.html",
        "performance/_endpoint.html",
        status=status,
        name=name,
        summary=summary,
        own_threshold=own,
        standard=queries.monitoring(project).api_p95_ms,
        statuses=statuses,
        counted=domain.counted(row.category for row in statuses),
        durations=durations.of_endpoint(scope, name, summary.marks_us) if summary else None,
        form=form or ThresholdForm(name=name, p95_ms=own),
    )
