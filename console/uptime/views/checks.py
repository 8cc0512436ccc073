"""The list of checks, the page of one, and what people do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core import clock
from console.core.crypto import SealBrokenError
from console.core.db import db
from console.telemetry import checks as telemetry
from console.telemetry.checks import Cell, Listed
from console.telemetry.metric import Reading
from console.telemetry.scope import Scope
from console.uptime import checks as domain
from console.uptime import headers, heartbeats, maintenance, metrics, queries
from console.uptime.expectation import Expectation, spelled
from console.uptime.forms import CheckForm, MaintenanceForm
from console.uptime.models import Check, CheckKind, MaintenanceWindow
from console.uptime.queries import Lasting
from console.uptime.views.blueprint import bp
from console.web.charts import Chart, Series
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part, part_or_redirect, polled_part
from console.web.paging import Numbered
from console.web.timeline import Timeline
from console.web.timerange import DEFAULT_RANGE, RANGES, current_range, scoped_url

DAY = timedelta(days=1)
CELL = timedelta(minutes=30)
UPCOMING, PER_PAGE = 3, 50
MOST_FAILURES, MOST_OUTAGES, MOST_WINDOWS = 20, 10, 10
FORM, FORM_PART = "uptime/check_form.html", "uptime/_check_form.html"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check in the list: where it stands, and how the last day was."""

    check: Check
    uptime: Reading | None
    uptime_of_month: Reading | None
    response_time: Reading | None
    cells: Sequence[Cell]
    is_maintained: bool


@dataclass(frozen=True, slots=True)
class CheckDetails:
    """A check with its past."""

    check: Check
    uptime: Mapping[str, Reading]
    cells: Sequence[Cell]
    grain: str
    chart: Chart | None
    """None for a heartbeat that said of no run how long it took."""
    failures: Sequence[Listed]
    outages: Sequence[Lasting]
    windows: Sequence[MaintenanceWindow]
    is_maintained: bool
    form: MaintenanceForm
    job: JobDetails | None
    """None for a check that the console tries itself."""
    asks_console: bool
    """Whether it asks this very console, which cannot see that it is away."""


@dataclass(frozen=True, slots=True)
class JobDetails:
    """When the job of a check is expected, and how it says that it ran."""

    expected: Expectation
    address: str
    """What a heartbeat's job asks; "" for monitors."""
    upcoming: Sequence[datetime]

    @property
    def margin(self) -> str:
        """How late it may be."""
        return spelled(self.expected.margin_seconds) if self.expected.margin_seconds else "nothing"

    @property
    def runtime(self) -> str:
        """How long it may run."""
        return spelled(self.expected.runtime_seconds)


@bp.get("/", endpoint="checks")
@project_view("viewer")
def listing(project: Project) -> Response:
    shown = queries.listed_checks(project, PER_PAGE)
    listed = Numbered(_rows(project, shown.rows), shown.number, shown.count, PER_PAGE)
    return polled_part("uptime/checks.html", "uptime/_checks.html", listed=listed)


@bp.get("/<id:check_id>", endpoint="check")
@project_view("viewer")
def check(project: Project, check_id: int) -> Response:
    details = _details(project, queries.check_or_404(project, check_id))
    return polled_part("uptime/check.html", "uptime/_check.html", details=details)


@bp.get("/new", endpoint="new_check")
@project_view("member")
def new_check(project: Project) -> Response:
    del project  # a new check has nothing of it
    return page_or_part(FORM, FORM_PART, form=CheckForm(), check=None)


@bp.post("/new", endpoint="create_check")
@project_view("member")
def create(project: Project) -> Response:
    form = CheckForm(request.form)
    if not form.validate() or not name_is_free(project, form):
        return page_or_part(FORM, FORM_PART, status=422, form=form, check=None)
    made = domain.create(project, form.name.data or "", form.request, by=me(), **form.columns)
    db.session.commit()
    return go_to(scoped_url("uptime.check", check_id=made.id))


@bp.get("/<id:check_id>/settings", endpoint="edit_check")
@project_view("member")
def edit(project: Project, check_id: int) -> Response:
    changed = queries.check_or_404(project, check_id)
    given = {**changed.settings, "headers": headers.shown(former_headers(changed))}
    names = ("name", "interval_seconds", "failures_needed", "successes_needed")
    given |= {name: getattr(changed, name) for name in names}
    return page_or_part(FORM, FORM_PART, form=CheckForm(data=given), check=changed)


@bp.post("/<id:check_id>/settings", endpoint="change_check")
@project_view("member")
def change(project: Project, check_id: int) -> Response:
    changed = queries.check_or_404(project, check_id)
    form = CheckForm(request.form, former=former_headers(changed))
    if not form.validate() or not name_is_free(project, form, changed):
        return page_or_part(FORM, FORM_PART, status=422, form=form, check=changed)
    domain.change(changed, form.name.data or "", form.request, by=me(), **form.columns)
    db.session.commit()
    return go_to(scoped_url("uptime.check", check_id=check_id))


@bp.post("/<id:check_id>/pause", endpoint="pause_check")
@project_view("member")
def pause(project: Project, check_id: int) -> Response:
    paused = queries.check_or_404(project, check_id)
    domain.pause(paused, by=me())
    db.session.commit()
    return answer(project, paused)


@bp.post("/<id:check_id>/resumption", endpoint="resume_check")
@project_view("member")
def resume(project: Project, check_id: int) -> Response:
    resumed = queries.check_or_404(project, check_id)
    domain.resume(resumed, by=me())
    db.session.commit()
    return answer(project, resumed)


@bp.post("/<id:check_id>/deletion", endpoint="delete_check")
@project_view("member")
def delete(project: Project, check_id: int) -> Response:
    domain.delete(queries.check_or_404(project, check_id), by=me())
    db.session.commit()
    return go_to(scoped_url("uptime.checks"))


def answer(project: Project, changed: Check) -> Response:
    """A check's page after a change."""
    details = _details(project, changed)
    values = {"check_id": changed.id}
    return part_or_redirect("uptime/_check.html", "uptime.check", values, details=details)


def refused(project: Project, about: Check, form: MaintenanceForm) -> Response:
    """A check's page with the errors of a form."""
    details = _details(project, about, form)
    return page_or_part("uptime/check.html", "uptime/_check.html", status=422, details=details)


def name_is_free(project: Project, form: CheckForm, check: Check | None = None) -> bool:
    """Whether a check may have the name of a form, and may be added; else the form says why."""
    if queries.is_taken(project, form.name.data or "", by_other_than=check):
        mark(form, "name", "Another check has this name.")
        return False
    if check is None and queries.count(project) >= domain.MOST:
        mark(form, "name", f"A project has at most {domain.MOST} checks.")
        return False
    return True


def former_headers(check: Check) -> Mapping[str, str]:
    """The headers of a check; none if they cannot be read any more."""
    try:
        return headers.unsealed(check.sealed)
    except SealBrokenError:
        return {}


def _rows(project: Project, checks: Sequence[Check]) -> Sequence[CheckRow]:
    if not checks:
        return []
    day = queries.lately(project, DAY)
    uptime = queries.by_check(metrics.UPTIME, day, checks)
    month = queries.lately(project, queries.PERIODS["30 d"])
    of_month = queries.by_check(metrics.UPTIME, month, checks)
    times = queries.by_check(metrics.RESPONSE_TIME, day, checks)
    cells = queries.strips(day, int(CELL.total_seconds()), checks)
    maintained = maintenance.maintained(project.id, checks)
    return [
        CheckRow(
            row,
            uptime.get(row.slug),
            of_month.get(row.slug),
            times.get(row.slug),
            cells[row.slug],
            row.id in maintained,
        )
        for row in checks
    ]


def _usual_range(shown: Check) -> str:
    """The range that the page of a check opens with: one that its results fill."""
    age = clock.now() - shown.created_at
    return next((name for name in ("1h", "24h", "7d") if age < RANGES[name]), DEFAULT_RANGE)


def _details(project: Project, shown: Check, form: MaintenanceForm | None = None) -> CheckDetails:
    shown_range = current_range(_usual_range(shown))
    line = Timeline.of(project, shown_range, about=("check", shown.slug))
    scope = Scope.of(project, line.shown).anywhere
    cells = queries.strips(scope, line.seconds, [shown])
    where = {"check": shown.slug}
    return CheckDetails(
        check=shown,
        uptime={
            name: metrics.UPTIME.value(queries.lately(project, period), where=where).whole
            for name, period in queries.PERIODS.items()
        },
        cells=cells[shown.slug],
        grain=line.per,
        chart=_chart(shown, line, scope),
        failures=telemetry.results(scope, shown.id, MOST_FAILURES, failures=True),
        outages=queries.outages(shown, MOST_OUTAGES),
        windows=queries.windows(project, shown, MOST_WINDOWS),
        is_maintained=shown.id in maintenance.maintained(project.id, [shown]),
        form=form or MaintenanceForm(),
        job=None if shown.kind is CheckKind.HTTP else _job(shown),
        asks_console=heartbeats.is_of_console(shown.settings.get("url", "")),
    )


def _job(shown: Check) -> JobDetails:
    expected = Expectation.of(shown.settings)
    return JobDetails(
        expected=expected,
        address=heartbeats.address_of(shown),
        upcoming=expected.upcoming(clock.now(), UPCOMING),
    )


def _chart(shown: Check, line: Timeline, scope: Scope) -> Chart | None:
    metric, where = metrics.RESPONSE_TIME, {"check": shown.slug}
    title = "Response time" if shown.kind is CheckKind.HTTP else "Duration"

    def numbers(of: Scope) -> Sequence[float | None]:
        return metric.series(of, line.seconds, where=where).whole.numbers

    p95 = numbers(scope)
    if shown.kind is CheckKind.HEARTBEAT and not any(p95):
        return None
    series = [Series("P95", p95, "line", "p95"), *line.compared(scope, numbers)]
    watch = {"metric": metric.id, "where.check": shown.slug}
    return line.chart(title, series, subtitle=f"ms, {line.per}", unit="ms", watch=watch)
