"""The list of database statements, a statement's page, and the panels around it."""

from dataclasses import dataclass
from typing import Any

from flask import Response, abort, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.performance.endpoints.listing import spark_seconds
from console.performance.forms.statements import StatementsFilter
from console.performance.statements import listing as domain
from console.performance.statements import text as sql_text
from console.performance.statements.layout import laid_out
from console.performance.statements.listing import ListedStatements, StatementRow
from console.performance.views.blueprint import add_to_rail, bp
from console.telemetry import known_since
from console.telemetry import statements as telemetry
from console.telemetry.scope import Scope
from console.web.forms import valid
from console.web.htmx import is_htmx, page_or_part, panel, polled_part
from console.web.paging import Numbered, first_row
from console.web.timeline import Timeline
from console.web.timerange import current_range, scoped_url

PER_PAGE = 30
SPARK_SAMPLE = 4
add_to_rail("Database", "database", "performance.statements", 22, key="z")


@dataclass(frozen=True, slots=True)
class StatementListing:
    """One page of the list of statements."""

    form: StatementsFilter
    listed: ListedStatements
    page: Numbered[StatementRow]
    trends: dict[str, list[float | None]]


@bp.get("/statements/", endpoint="statements")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = valid(StatementsFilter(request.args))
    scope, first = Scope.of(project, current_range()), first_row(PER_PAGE)
    listed = domain.listed(
        scope,
        form.wanted,
        sort=form.sort.data,
        first=first,
        count=PER_PAGE,
        shift=current_range().shift,
    )
    page = Numbered(listed.rows, first // PER_PAGE + 1, listed.count, PER_PAGE)
    return polled_part(
        "performance/statements.html",
        "performance/_statements.html",
        listing=StatementListing(form, listed, page, _trends(scope, listed)),
        slow_ms=domain.SLOW_MS,
        since=None if is_htmx() else known_since.statements(scope),
    )


@bp.get("/statements/<span:fingerprint>", endpoint="statement")
@project_view("viewer")
def statement(project: Project, fingerprint: str) -> Response:
    scope = Scope.of(project, current_range())
    row = domain.statement_row(scope, fingerprint)
    text = row.text if row else telemetry.texts(scope, [fingerprint]).get(fingerprint)
    if text is None:
        abort(404)
    releases = telemetry.by_release(scope, fingerprint)
    return page_or_part(
        "performance/statement.html",
        "performance/_statement.html",
        fingerprint=fingerprint,
        row=row,
        text=text,
        title=sql_text.shortened(text.text),
        laid_out=laid_out(text.text),
        tables=sql_text.tables(text.text),
        releases=releases,
        verdict=domain.verdict(project, scope, row, releases) if row else None,
        durations=domain.histogram(scope, row) if row else None,
        slow_ms=domain.SLOW_MS,
    )


@bp.get("/statements/<span:fingerprint>/latency")
@project_view("viewer")
def statement_latency(project: Project, fingerprint: str) -> Response:
    line, scope = Timeline.of(project, current_range()), _known(project, fingerprint)
    charts = domain.charts(line, scope, fingerprint)
    return _panel("performance/_charts.html", fingerprint, charts=charts, id="latency")


@bp.get("/statements/<span:fingerprint>/callers")
@project_view("viewer")
def statement_callers(project: Project, fingerprint: str) -> Response:
    """The endpoints that make calls of a statement."""
    callers = telemetry.callers(_known(project, fingerprint), fingerprint)
    return _panel("performance/_statement_callers.html", fingerprint, callers=callers)


@bp.get("/statements/<span:fingerprint>/calls")
@project_view("viewer")
def statement_calls(project: Project, fingerprint: str) -> Response:
    """The slowest calls of a statement, and the lines of code that made them."""
    scope = _known(project, fingerprint)
    return _panel(
        "performance/_statement_calls.html",
        fingerprint,
        calls=telemetry.slowest(scope, fingerprint),
        locations=telemetry.locations(scope, fingerprint),
        looked_at=telemetry.LOCATED,
    )


def _known(project: Project, fingerprint: str) -> Scope:
    """The page's scope, if the project has ever sent this statement; 404 otherwise."""
    scope = Scope.of(project, current_range())
    return scope if telemetry.texts(scope, [fingerprint]) else abort(404)


def _panel(part: str, fingerprint: str, **shown: Any) -> Response:
    back = scoped_url("performance.statement", fingerprint=fingerprint)
    heading = f"Statement {fingerprint}"
    return panel(part, heading, (back, "Back to the statement"), fingerprint=fingerprint, **shown)


def _trends(scope: Scope, listed: ListedStatements) -> dict[str, list[float | None]]:
    if not listed.rows:
        return {}
    names = [row.fingerprint for row in listed.rows]
    many = listed.total is not None and listed.total.usage.received > telemetry.MANY
    sample = SPARK_SAMPLE if many else 1
    return telemetry.p95_trends(scope, names, spark_seconds(scope), sample=sample)
