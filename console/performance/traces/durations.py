"""Histograms of durations, whose bars lead to the traces that they count."""

from collections.abc import Mapping

from console.telemetry import traces
from console.telemetry.scope import Scope
from console.telemetry.traces import TracesWanted, edge
from console.web.frame import url_with
from console.web.histogram import Histogram
from console.web.timerange import scoped_url


def of_endpoint(scope: Scope, name: str, marks: Mapping[str, float]) -> Histogram:
    """The durations of an endpoint's requests, with `marks` (microseconds by label) on them."""
    counts = traces.durations(scope, TracesWanted(endpoint=name))
    hrefs = {
        number: scoped_url("performance.traces", name=name, **_bounds(number)) for number in counts
    }
    return _histogram(f"Durations of {name}", counts, marks, hrefs)


def of_traces(scope: Scope, wanted: TracesWanted) -> Histogram | None:
    """The durations of all traces that a list shows pages of; a bar narrows the list to it."""
    counts = traces.durations(scope, wanted)
    if not counts:
        return None
    hrefs = {number: url_with(**_bounds(number), cursor=None) for number in counts}
    return _histogram("Durations of traces", counts, {}, hrefs)


def _histogram(
    title: str,
    counts: Mapping[int, float],
    marks: Mapping[str, float],
    hrefs: Mapping[int, str],
) -> Histogram:
    first, last = min(counts), max(counts)
    numbers = range(first, last + 1)
    return Histogram(
        title,
        edges_us=[edge(number) for number in (*numbers, last + 1)],
        counts=[round(counts.get(number, 0)) for number in numbers],
        marks=marks,
        hrefs=[hrefs.get(number, "") for number in numbers],
    )


def _bounds(number: int) -> dict[str, int]:
    """The bar as the list's filters, which know whole milliseconds."""
    return {"over": int(edge(number) / 1000), "under": int(edge(number + 1) / 1000) + 1}
