"""The web vitals of all pages and of one, and the panels around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask import Response, abort, request

from console.accounts import releases
from console.accounts.access import project_view
from console.accounts.models import Project
from console.performance import metrics, queries
from console.performance.forms.vitals import VitalsFilter, VitalsPageFilter
from console.performance.views.blueprint import add_to_rail, bp
from console.performance.vitals import cards as vital_cards
from console.performance.vitals import charts as vital_charts
from console.performance.vitals import phases as vital_phases
from console.performance.vitals.cards import CURRENT, Card, RatedTrend, VitalRow
from console.performance.vitals.charts import VitalHistogram
from console.telemetry import known_since, vital_causes, vitals
from console.telemetry.metric import figures
from console.telemetry.scope import Scope
from console.telemetry.vital_splits import By, Steps, VitalsWanted
from console.web.forms import valid
from console.web.htmx import is_htmx, panel, polled_part
from console.web.paging import Numbered, numbered
from console.web.timeline import Timeline
from console.web.timerange import aligned, current_range, scoped_url

PER_PAGE = 50
MOST_PAGES = 1000
MANY, SAMPLE = 100_000, 16
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
add_to_rail("Web vitals", "globe", "performance.vitals", 40)


@dataclass(frozen=True, slots=True)
class Board:
    """What the page of all pages shows."""

    form: VitalsFilter
    page: Numbered[VitalRow]
    loads: int
    trends: Mapping[str, RatedTrend]
    """The trend of the chosen metric by the names of the rows."""

    @property
    def metrics(self) -> list[str]:
        """The columns of the table."""
        return [metric.name for metric in CURRENT]

    @property
    def asked(self) -> Mapping[str, str]:
        return self.form.asked


@dataclass(frozen=True, slots=True)
class PageBoard:
    """What the page of one page shows."""

    form: VitalsPageFilter
    loads: int
    histogram: VitalHistogram | None

    @property
    def causes(self) -> str:
        """The title of the panel with the causes of the chosen metric, "" for none."""
        return vital_phases.TITLES.get(self.form.metric.data, "")

    @property
    def asked(self) -> Mapping[str, str]:
        return self.form.asked


@bp.get("/vitals/", endpoint="vitals")
@project_view("viewer")
def board(project: Project) -> Response:
    """The pages by how many bad visits they account for; the cards above load themselves."""
    form = VitalsFilter(request.args)
    form.release.offer((version, version) for version in releases.versions(project))
    scope = _scope(project, valid(form))
    pages = vitals.by(scope, form.wanted, "page", limit=MOST_PAGES)
    rows = vital_cards.ordered(vital_cards.rows(pages, form.chosen.name), form.sort.data)
    page, loads = numbered(rows, PER_PAGE), sum(row.loads for row in rows)
    return polled_part(
        "performance/vitals.html",
        "performance/_vitals.html",
        board=Board(form, page, loads, _trends_of_rows(scope, form, "page", page.rows, loads)),
        since=None if is_htmx() else known_since.page_loads(scope),
    )


@bp.get("/vitals/page")
@project_view("viewer")
def vitals_page(project: Project) -> Response:
    """One page: its metrics, and the distribution of the chosen one."""
    form = valid(VitalsPageFilter(request.args))
    scope, metric = _scope(project, form), form.chosen
    now = vitals.overview(scope, form.wanted)
    vital = now.metrics.get(metric.name)
    return polled_part(
        "performance/vitals_page.html",
        "performance/_vitals_page.html",
        name=form.page.data,
        board=PageBoard(
            form=form,
            loads=now.loads,
            histogram=vital_charts.histogram(
                vital, vitals.distribution(scope, form.wanted, metric.name)
            )
            if vital
            else None,
        ),
    )


@bp.get("/vitals/cards")
@project_view("viewer")
def vitals_metrics(project: Project) -> Response:
    """P75 of every metric, for all pages or for `page`."""
    form = _of_page_or_all()
    return _panel("performance/_vital_cards.html", form, cards=_cards(project, form))


@bp.get("/vitals/trend")
@project_view("viewer")
def vitals_trend(project: Project) -> Response:
    """The chosen metric over time, for all pages or for `page`."""
    form = _of_page_or_all()
    page = form.wanted.page
    about = ("page", page) if page else None
    # Days of UTC have rollups.
    line = Timeline.of(project, current_range(), utc_days=True, about=about)
    charts = vital_charts.trend_charts(
        line,
        queries.monitoring(project),
        _scope(project, form).between(line.since, line.until),
        metric=form.chosen,
        wanted=form.wanted,
    )
    return _panel("performance/_charts.html", form, charts=charts, id="vital-trend")


@bp.get("/vitals/splits")
@project_view("viewer")
def vitals_splits(project: Project) -> Response:
    """The same page loads by device and by release."""
    form = _of_page_or_all()
    scope = _scope(project, form)
    return _panel(
        "performance/_vital_splits.html",
        form,
        metrics=[metric.name for metric in CURRENT],
        chosen=form.chosen.name,
        splits=[
            _split(scope, form, "Devices", "device"),
            _split(scope, form, "Releases", "release", limit=10),
        ],
    )


@bp.get("/vitals/causes")
@project_view("viewer")
def vitals_causes(project: Project) -> Response:
    """The phases and elements that made the chosen metric of a page."""
    form = _attributed()
    scope, metric = _scope(project, form), form.chosen
    count, parts = vital_causes.parts(scope, form.wanted, metric.name)
    return _panel(
        "performance/_vital_causes.html",
        form,
        metric=metric,
        title=vital_phases.TITLES[metric.name],
        reports=count,
        phases=vital_phases.phases(parts),
        culprits=[
            vital_phases.culprit(metric, cause)
            for cause in vital_causes.causes(scope, form.wanted, metric.name)
        ],
    )


@bp.get("/vitals/loads")
@project_view("viewer")
def vitals_loads(project: Project) -> Response:
    """The worst page loads, each with its trace if it has one."""
    form = valid(VitalsPageFilter(request.args))
    metric = form.chosen
    worst = vital_causes.worst(_scope(project, form), form.wanted, metric.name)
    return _panel(
        "performance/_vital_loads.html",
        form,
        metric=metric,
        loads=[(load, vital_cards.rated(metric, load.value)) for load in worst],
    )


def _panel(part: str, form: VitalsFilter, **shown: Any) -> Response:
    """A panel of one page's vitals, or of all pages'."""
    if isinstance(form, VitalsPageFilter):
        back = scoped_url("performance.vitals_page", page=form.page.data, **form.asked)
        heading = form.page.data or ""
        return panel(part, heading, (back, "Back to the page"), mono=True, form=form, **shown)
    back = scoped_url("performance.vitals", **form.asked)
    return panel(part, "Web vitals", (back, "Back to all pages"), form=form, **shown)


def _attributed() -> VitalsPageFilter:
    form = valid(VitalsPageFilter(request.args))
    if form.chosen.name not in vital_phases.ATTRIBUTED:
        abort(400, f"metric: nothing is known of what made {form.chosen.name}.")
    return form


def _of_page_or_all() -> VitalsFilter:
    kind = VitalsPageFilter if "page" in request.args else VitalsFilter
    return valid(kind(request.args))


def _scope(project: Project, form: VitalsFilter) -> Scope:
    return Scope.of(project, current_range(), **form.filters)


def _split(
    scope: Scope, form: VitalsFilter, title: str, field: By, limit: int = 200
) -> tuple[str, By, list[VitalRow], Mapping[str, RatedTrend]]:
    """The table of a column's values, as its part takes it."""
    parts = vitals.by(scope, form.wanted, field, limit)
    rows, loads = vital_cards.rows(parts, form.chosen.name), sum(part.loads for part in parts)
    return title, field, rows, _trends_of_rows(scope, form, field, rows, loads)


def _cards(project: Project, form: VitalsFilter) -> list[Card]:
    scope, wanted, shift = _scope(project, form), form.wanted, current_range().shift
    now = vitals.overview(scope, wanted)
    readings = figures(list(metrics.VITALS.values()), scope, shift, where=form.where)
    return vital_cards.cards(
        now,
        {name: readings[metric.id] for name, metric in metrics.VITALS.items()},
        _trends(scope, _sampled(scope, wanted, now.loads), list(now.metrics)),
        queries.monitoring(project),
    )


def _trends(
    scope: Scope, wanted: VitalsWanted, names: Sequence[str]
) -> dict[str, list[float | None]]:
    """P75 of each metric per step of a sparkline."""
    whole, seconds = _steps(scope)
    moments = vitals.trends(whole, wanted, names, seconds) if names else {}
    return {
        name: [vital.p75 if vital else None for vital in moment.vitals]
        for name, moment in moments.items()
    }


def _trends_of_rows(
    scope: Scope, form: VitalsFilter, column: By, rows: Sequence[VitalRow], loads: int
) -> dict[str, RatedTrend]:
    """The trend of the chosen metric of each row, by their names; one query for all of them."""
    whole, seconds = _steps(scope)
    steps = Steps(seconds, column, [row.name for row in rows])
    wanted, metric = _sampled(scope, form.wanted, loads), form.chosen
    courses = vitals.trends_of_each(whole, wanted, metric.name, steps)
    return {name: RatedTrend(metric, course) for name, course in courses.items()}


def _steps(scope: Scope) -> tuple[Scope, int]:
    """The scope from the start of a step on, and the steps of sparklines in seconds.

    Steps are hours or, in ranges of more than two days, UTC days.
    """
    step = HOUR if scope.length <= 2 * DAY else DAY
    return scope.between(aligned(scope.since, step), scope.until), int(step.total_seconds())


def _sampled(scope: Scope, wanted: VitalsWanted, loads: int) -> VitalsWanted:
    """For sparklines, P75 of a day's very many loads comes from a sample of them."""
    many = loads > MANY and scope.length <= 2 * DAY
    return replace(wanted, sample=SAMPLE) if many else wanted
