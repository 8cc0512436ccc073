"""The list of database statements, a statement's page, and the panels around it."""

from collections.abc import Sequence
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
from console.performance.views.blueprint import DEFAULT_RANGE, add_to_rail, bp
from console.performance.views.endpoints import valid
from console.telemetry import statements as telemetry
from console.telemetry.scope import Scope
from console.web.htmx import page_or_part, polled_part
from console.web.ids import counted
from console.web.timerange import current_range

PER_PAGE = 30
SPARK_SAMPLE = 4
PANELS = {
    "latency": "performance/_charts.html",
    "callers": "performance/_statement_callers.html",
    "calls": "performance/_statement_calls.html",
}
add_to_rail("Database", "database", "performance.statements", 22)


@dataclass(frozen=True, slots=True)
class StatementListing:
    """One page of the list of statements."""

    form: StatementsFilter
    listed: ListedStatements
    page: int
    trends: dict[str, list[float | None]]

    @property
    def rows(self) -> Sequence[StatementRow]:
        return self.listed.rows

    @property
    def pages(self) -> int:
        return max(1, -(-self.listed.count // PER_PAGE))


@bp.get("/statements/", endpoint="statements")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = valid(StatementsFilter(request.args))
    scope = Scope.of(project, current_range(DEFAULT_RANGE))
    page = counted("page")
    found = domain.listed(
        scope, form.wanted, sort=form.sort.data, first=(page - 1) * PER_PAGE, count=PER_PAGE
    )
    return polled_part(
        "performance/statements.html",
        "performance/_statements.html",
        listing=StatementListing(form, found, page, _trends(scope, found)),
        slow_ms=domain.SLOW_MS,
    )


@bp.get("/statements/<span:fingerprint>", endpoint="statement")
@project_view("viewer")
def statement(project: Project, fingerprint: str) -> Response:
    scope = Scope.of(project, current_range(DEFAULT_RANGE))
    row = domain.one(scope, fingerprint)
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
    shown = current_range(DEFAULT_RANGE)
    scope = _known(project, fingerprint)
    charts = domain.charts(project, scope, shown, fingerprint)
    return polled_part(
        "performance/statement_panel.html",
        PANELS["latency"],
        panel=PANELS["latency"],
        fingerprint=fingerprint,
        charts=charts,
        id="latency",
    )


@bp.get("/statements/<span:fingerprint>/callers")
@project_view("viewer")
def statement_callers(project: Project, fingerprint: str) -> Response:
    """The endpoints that make calls of a statement."""
    scope = _known(project, fingerprint)
    return _panel("callers", fingerprint, callers=telemetry.callers(scope, fingerprint))


@bp.get("/statements/<span:fingerprint>/calls")
@project_view("viewer")
def statement_calls(project: Project, fingerprint: str) -> Response:
    """The slowest calls of a statement, and the lines of code that made them."""
    scope = _known(project, fingerprint)
    return _panel(
        "calls",
        fingerprint,
        calls=telemetry.slowest(scope, fingerprint),
        locations=telemetry.locations(scope, fingerprint),
        looked_at=telemetry.LOCATED,
    )


def _known(project: Project, fingerprint: str) -> Scope:
    """The page's scope, if the project has ever sent this statement; 404 otherwise."""
    scope = Scope.of(project, current_range(DEFAULT_RANGE))
    return scope if telemetry.texts(scope, [fingerprint]) else abort(404)


def _panel(name: str, fingerprint: str, **shown: Any) -> Response:
    part = PANELS[name]
    return page_or_part(
        "performance/statement_panel.html", part, panel=part, fingerprint=fingerprint, **shown
    )


def _trends(scope: Scope, found: ListedStatements) -> dict[str, list[float | None]]:
    if not found.rows:
        return {}
    names = [row.fingerprint for row in found.rows]
    many = found.total is not None and found.total.usage.received > telemetry.MANY
    sample = SPARK_SAMPLE if many else 1
    return telemetry.p95_trends(scope, names, spark_seconds(scope), sample=sample)
