"""The page of what became of everything that a project was sent."""

from dataclasses import replace

from flask import Blueprint, Response

from console.accounts.access import project_view
from console.accounts.models import Project
from console.core import failures
from console.core.config import config
from console.intake import ledger, queries, set_aside, words
from console.intake.metrics import FATES
from console.telemetry.metric import figures
from console.telemetry.scope import Scope
from console.web.charts import Chart, Series
from console.web.htmx import polled_part
from console.web.nav import NavItem, nav_entry, stay_in_project
from console.web.timeline import Timeline
from console.web.timerange import current_range

ROLES = {
    ledger.STORED: "good",
    ledger.DUPLICATE: "1",
    ledger.IGNORED: "mute",
    ledger.REFUSED: "warn",
    ledger.INVALID: "bad",
    ledger.LOST_BY_CLIENT: "5",
}
bp = Blueprint("intake", __name__, url_prefix="/<slug:organization>/<slug:project>/intake")
stay_in_project(bp)
nav_entry(
    bp, NavItem("Intake", icon="inbox", endpoint="intake.intake", group="Data", order=41, key="n")
)


@bp.get("")
@project_view("viewer")
def intake(project: Project) -> Response:
    """The loss ledger of the chosen time."""
    line = Timeline.of(project, current_range(), least=queries.HOUR)
    lines = queries.ledger(project, line.since, line.until)
    whole_project = replace(Scope.of(project, line.shown), since=line.since, environment="")
    return polled_part(
        "intake/intake.html",
        "intake/_ledger.html",
        project=project,
        range=line.shown,
        lines=lines,
        figures=figures(list(FATES.values()), whole_project, line.shown.shift),
        chart=_chart(project, line),
        set_aside=set_aside.reports(config().instance),
        failures=failures.present(),
        item_words=words.item_words,
        reason_words=words.reason_words,
    )


def _chart(project: Project, line: Timeline) -> Chart:
    counts = queries.volume(project, line.buckets, line.until)
    series = [
        Series(name.replace("_", " "), values, kind="bar", role=ROLES[name])
        for name, values in counts.items()
    ]
    if shift := line.shown.shift:
        earlier = [start - shift for start in line.buckets]
        before = queries.volume(project, earlier, line.until - shift)
        items = [sum(column) for column in zip(*before.values(), strict=True)]
        name = line.shown.compared_with
        series.append(Series(name, items or [0] * len(earlier), "line", "previous"))
    return line.chart(
        "Items",
        series,
        subtitle="by outcome",
        unit="items",
        watch={"metric": FATES[ledger.REFUSED].id},
    )
