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
from console.performance.views.blueprint import DEFAULT_RANGE, add_to_rail, bp
from console.performance.views.endpoints import valid
from console.telemetry import traces as telemetry
from console.telemetry.scope import Scope
from console.telemetry.traces import Began, Content
from console.web.histogram import Histogram
from console.web.htmx import polled_part
from console.web.timerange import current_range

PER_PAGE = 50
NEAR = timedelta(hours=1)
add_to_rail("Traces", "trace", "performance.traces", 21)


@dataclass(frozen=True, slots=True)
class TraceListing:
    """One page of the list of traces."""

    form: TracesFilter
    rows: Sequence[Began]
    contents: dict[str, Content]
    durations: Histogram | None
    older: str
    versions: Sequence[str]


@bp.get("/traces/", endpoint="traces")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = valid(TracesFilter(request.args))
    scope = Scope.of(project, current_range(DEFAULT_RANGE), **form.filters)
    after = mark_of(request.args.get("cursor", ""))
    found = telemetry.traces(
        scope, form.wanted, sort=form.sort.data, after=after, limit=PER_PAGE + 1
    )
    rows = found[:PER_PAGE]
    listing = TraceListing(
        form=form,
        rows=rows,
        contents=telemetry.contents(*_around(scope, rows)) if rows else {},
        durations=durations.of_traces(scope, replace(form.wanted, over=None, under=None)),
        older=cursor_after(rows[-1]) if len(found) > PER_PAGE else "",
        versions=releases.versions(project),
    )
    return polled_part("performance/traces.html", "performance/_traces.html", listing=listing)


def _around(scope: Scope, rows: Sequence[Began]) -> tuple[Scope, list[str]]:
    """The hours that the listed traces lie in, and a bit: a trace's spans are not far apart."""
    times = [row.timestamp for row in rows]
    near = replace(scope, since=min(times) - NEAR, until=max(times) + NEAR, release="")
    return near, [row.trace_id for row in rows]
