"""The list of traces: a histogram of their durations, and each with what it began with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Response, request

from console.accounts import releases
from console.accounts.access import project_view
from console.accounts.models import Project
from console.performance.forms.traces import TracesFilter
from console.performance.traces import durations
from console.performance.traces.cursors import cursor_after, mark_of
from console.performance.views.blueprint import add_to_rail, bp
from console.telemetry import traces as telemetry
from console.telemetry.scope import Scope
from console.telemetry.traces import Began, Content
from console.web.forms import valid
from console.web.histogram import Histogram
from console.web.htmx import polled_part
from console.web.timerange import current_range

PER_PAGE = 50
NEAR = timedelta(hours=1)
add_to_rail("Traces", "trace", "performance.traces", 21)


@dataclass(frozen=True, slots=True)
class TraceListing:
    """One page of the list of traces; `older` is the cursor of the next one."""

    form: TracesFilter
    rows: Sequence[Began]
    contents: dict[str, Content]
    durations: Histogram | None
    older: str
    newer: str = ""


@bp.get("/traces/", endpoint="traces")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = TracesFilter(request.args)
    form.release.offer((version, version) for version in releases.versions(project))
    form.name.offer([])
    scope = Scope.of(project, current_range(), **valid(form).filters)
    after = mark_of(request.args.get("cursor", ""))
    page = telemetry.traces(scope, form.wanted, sort=form.sort.data, after=after, limit=PER_PAGE)
    listing = TraceListing(
        form=form,
        rows=page.rows,
        contents=telemetry.contents(*_around(scope, page.rows)) if page.rows else {},
        durations=durations.of_traces(scope, replace(form.wanted, over=None, under=None)),
        older=cursor_after(page.last) if page.last else "",
    )
    return polled_part("performance/traces.html", "performance/_traces.html", listing=listing)


def _around(scope: Scope, rows: Sequence[Began]) -> tuple[Scope, list[str]]:
    """The hours that the listed traces lie in, and a bit: a trace's spans are not far apart."""
    times = [row.timestamp for row in rows]
    near = scope.between(min(times) - NEAR, max(times) + NEAR)
    return replace(near, release="", environment=""), [row.trace_id for row in rows]
