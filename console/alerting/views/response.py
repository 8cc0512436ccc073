"""The page of response times, the incidents behind each figure, and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Response as Answer
from flask import request, url_for

from console.accounts.access import project_view
from console.accounts.models import Project
from console.alerting import queries as alerting
from console.alerting.models import Incident
from console.alerting.response import queries
from console.alerting.response.fates import FATES
from console.alerting.response.forms import BREAKDOWNS, ResponseFilter
from console.alerting.response.sheet import sheet
from console.alerting.views.blueprint import bp
from console.metrics.response_times import BY_PEOPLE, TIMES, Clock, Response, Time
from console.telemetry.scope import Scope
from console.web import api, clocks
from console.web.compress import gathered
from console.web.forms import valid
from console.web.frame import url_with
from console.web.htmx import polled_part
from console.web.nav import NavItem, nav_entry
from console.web.paging import Numbered, numbered
from console.web.timerange import Range, current_range

PER_PAGE = 50
OPENS_WITH = "30d"
nav_entry(
    bp,
    NavItem(
        "Response times",
        icon="clock",
        endpoint="alerting.response_times",
        group="Alerts",
        order=38,
        key="h",
    ),
)


@dataclass(frozen=True, slots=True)
class Behind:
    """The incidents behind a figure, one page of them."""

    page: Numbered[Response]
    rows: Mapping[int, Incident]
    clock: Clock | None

    def seconds(self, response: Response, time: Time) -> float | None:
        """A time of an incident, on the chosen clock."""
        return time.of(response, self.clock if time in BY_PEOPLE else None)


@bp.get("/response-times/")
@project_view("viewer")
def response_times(project: Project) -> Answer:
    shown, form = _asked(project)
    return polled_part(
        "alerting/response_times.html",
        "alerting/_response_times.html",
        form=form,
        report=queries.whole_report(project, Scope.of(project, shown), form, shown.shift),
        breakdowns=[
            (words, url_with(by=name), name == form.by.data, None)
            for name, words in BREAKDOWNS.items()
        ],
        outcomes={name: words for name, (words, _) in FATES.items()},
        **_links(),
    )


@bp.get("/response-times/incidents/")
@project_view("viewer")
def response_incidents(project: Project) -> Answer:
    """The incidents behind a figure."""
    shown, form = _asked(project, is_list=True)
    page = numbered(_sorted(queries.behind(Scope.of(project, shown), form), form), PER_PAGE)
    return polled_part(
        "alerting/response_incidents.html",
        "alerting/_response_incidents.html",
        form=form,
        times=TIMES,
        behind=Behind(page, queries.rows_of(page.rows), form.clock),
        **_links(),
    )


@bp.get("/response-times/csv")
@project_view("viewer")
def response_sheet(project: Project) -> Answer:
    """All of them as a table, the latest first."""
    shown, form = _asked(project, is_list=True)
    rows = queries.rows_behind(project, Scope.of(project, shown), form)
    place = api.url("alerting.incident", incident_id=1).removesuffix("1")
    answer = gathered(sheet(rows, place, form.clock), "text/csv")
    name = f"response-times-{project.slug}-{shown.start:%Y-%m-%d}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _asked(project: Project, *, is_list: bool = False) -> tuple[Range, ResponseFilter]:
    shown = current_range(OPENS_WITH)
    rules = alerting.names_with_incidents(project, request.args.get("rule", ""))
    form = ResponseFilter(request.args).offer(rules, queries.policies(), is_list=is_list)
    return shown, valid(form)


def _links() -> dict[str, Any]:
    """The ways between the pages, each with what this one is asked."""
    return {
        "behind_url": partial(_url, "alerting.response_incidents"),
        "report_url": partial(_url, "alerting.response_times", member="", fate="", has="", week=""),
        "sheet_url": partial(_url, "alerting.response_sheet"),
        "zones": clocks.names(),
    }


def _url(endpoint: str, **changes: str) -> str:
    given: dict[str, Any] = {**request.args.to_dict(), "page": "", **changes}
    return url_for(endpoint, **{name: value for name, value in given.items() if value})


def _sorted(own: Sequence[Response], form: ResponseFilter) -> list[Response]:
    """The latest first, or those that took longest; those without the time last."""
    latest = sorted(own, key=lambda response: (response.opened_at, response.id), reverse=True)
    time = next((time for time in TIMES if time.name == form.sort.data), None)
    if time is None:
        return latest
    clock = form.clock if time in BY_PEOPLE else None
    length = {response.id: time.of(response, clock) for response in own}
    return sorted(
        latest, key=lambda r: -1.0 if length[r.id] is None else length[r.id] or 0.0, reverse=True
    )
