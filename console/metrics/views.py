"""The page of metrics: any number of the catalogue, filtered, broken down and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.metrics.asking import place_faults
from console.metrics.catalogue import full_title
from console.metrics.forms import MetricFilter
from console.metrics.known import known_values_of
from console.metrics.subjects import named
from console.telemetry.events_by_issue import ISSUE
from console.telemetry.metric import Course, Figure, Metric, Parts, Reading, figures
from console.telemetry.scope import Scope
from console.web.charts import Chart, Series
from console.web.forms import Invalid, mark, valid
from console.web.htmx import polled_part
from console.web.nav import NavItem, nav_entry, stay_in_project
from console.web.timeline import Timeline
from console.web.timerange import current_range, scoped_url

MOST_PARTS = 6
bp = Blueprint("metrics", __name__, url_prefix="/<slug:organization>/<slug:project>/metrics")
stay_in_project(bp)
nav_entry(
    bp,
    NavItem("Metrics", icon="chart", endpoint="metrics.metrics", group="Data", order=40, key="k"),
)


@dataclass(frozen=True, slots=True)
class Explored:
    """A metric over the page's range: its figure, its course, and its parts if broken down."""

    form: MetricFilter
    metric: Metric
    figure: Figure
    chart: Chart
    parts: Parts[Reading] | None
    names: Mapping[str, str]
    """What a person calls the values of the breakdown; the others are called as they are."""
    pages: Mapping[str, str]
    """Where the values are that have a page."""
    known: Sequence[str] = ()
    """The values that the dimension of the filter has."""

    @property
    def title(self) -> str:
        """What the page is about."""
        return full_title(self.metric)


@bp.get("")
@project_view("viewer")
def metrics(project: Project) -> Response:
    form = valid(MetricFilter(request.args).offer())
    for _, message in place_faults(form.chosen, current_range().environment, ""):
        mark(form, "metric", f"{message} Choose all in the bar above.")
        raise Invalid(form)
    explored = _explored(project, form)
    return polled_part("metrics/metrics.html", "metrics/_metric.html", explored=explored)


def _explored(project: Project, form: MetricFilter) -> Explored:
    metric = _given(form, project)
    line = Timeline.of(project, current_range())
    scope = Scope.of(project, line.shown)
    by = form.by.data or None
    parts = metric.value(scope, by, where=form.where) if by else None
    names, pages = _named(project, by or "", parts) if parts else ({}, {})
    return Explored(
        form=form,
        metric=metric,
        figure=figures([metric], scope, line.shown.shift, where=form.where)[metric.id],
        chart=_chart(metric, line, scope, form, names),
        parts=parts,
        names=names,
        pages=pages,
        known=known_values_of(project, metric, form.only.data) if form.only.data else (),
    )


def _given(form: MetricFilter, project: Project) -> Metric:
    """The chosen metric; a parameter that was not chosen is the project's threshold."""
    metric = form.chosen
    if not metric.parameters:
        return metric
    chosen = form.parameter.data or project.monitoring.api_p95_ms
    return metric.given_that(**{metric.parameters[0].name: chosen})


def _named(
    project: Project, by: str, parts: Parts[Reading]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What people call the values of a breakdown, and where their pages are."""
    subjects = named(project, by, parts.by_value)
    pages = {
        value: scoped_url(endpoint, **own) for value, (endpoint, own) in subjects.pages.items()
    }
    if by == ISSUE:  # a filter takes the number
        return {id_: f"{id_} – {title}" for id_, title in subjects.names.items()}, pages
    return subjects.names, pages


def _chart(
    metric: Metric, line: Timeline, scope: Scope, form: MetricFilter, names: Mapping[str, str]
) -> Chart:
    by = form.by.data or None
    answer = metric.series(scope, line.seconds, by, where=form.where, limit=MOST_PARTS)
    series = [
        Series(names.get(value, value) or metric.title, _shown(metric, course), role=str(place))
        for place, (value, course) in enumerate(answer.by_value.items(), start=1)
    ]
    if answer.rest:
        series.append(Series("all others", _shown(metric, answer.rest), role="mute"))
    if by is None:
        series += line.compared(
            scope,
            lambda earlier: _shown(
                metric, metric.series(earlier, line.seconds, where=form.where).whole
            ),
        )
    unit = "%" if metric.format == "share" else metric.unit
    watch = {"metric": metric.id, "by": by}
    watch |= {f"where.{name}": value for name, value in form.where.items()}
    watch |= {f"parameters.{name}": f"{number:g}" for name, number in metric.given.items()}
    subtitle = f"{unit}, {line.per}" if unit else line.per
    return line.chart(full_title(metric), series, subtitle=subtitle, unit=unit, watch=watch)


def _shown(metric: Metric, course: Course) -> Sequence[float | None]:
    """The numbers as the axis writes them: shares in per cent."""
    if metric.format != "share":
        return course.numbers
    return [None if number is None else number * 100 for number in course.numbers]
