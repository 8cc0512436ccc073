"""Where the time of an endpoint goes: by category, for its typical and for its slow requests."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from console.performance.metrics import P50, P95, P99
from console.performance.traces.time_shares import SHOWN, Share, time_shares
from console.performance.traces.tree import grown
from console.telemetry import traces
from console.telemetry.metric import values
from console.telemetry.scope import Scope
from console.telemetry.spans import SpanRow, spans_of_segments
from console.telemetry.traces import Began

SAMPLE = 16
"""Requests looked at around each percentile: all of them would be most of the store."""
NEAR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """A percentile, and the mean of the requests around it; shares are of `mean_us`."""

    label: str
    duration_us: float
    mean_us: float
    requests: int
    shares: Sequence[Share]


def around_percentiles(scope: Scope, endpoint: str) -> list[Spent]:
    """Where the time went in the requests nearest to P50, P95 and P99; none without a request.

    The percentiles are those of the whole scope, as everywhere on the page. The requests are of its
    last day, if it has any: a month's spans are read in seconds, a day's in milliseconds.
    """
    readings = values([P50, P95, P99], scope, where={"endpoint": endpoint})
    marks = {each.title: readings[each.id].whole.number for each in (P50, P95, P99)}
    recent = replace(scope, since=max(scope.since, scope.until - DAY))
    samples: dict[str, list[Began]] = {}
    for label, milliseconds in marks.items():
        if milliseconds is not None:
            nearest = partial(traces.nearest, endpoint=endpoint, duration_us=milliseconds * 1000)
            samples[label] = nearest(recent, limit=SAMPLE) or nearest(scope, limit=SAMPLE)
    if not samples:
        return []
    every = [request for requests in samples.values() for request in requests]
    spans = spans_of_segments(_around(scope, every), [request.span_id for request in every])
    return [
        _spent(label, marks[label] or 0.0, [spans.get(each.span_id, []) for each in requests])
        for label, requests in samples.items()
    ]


def _around(scope: Scope, some: Sequence[Began]) -> Scope:
    """Children may lie outside of the page's range, and say no release or status themselves."""
    times = [one.timestamp for one in some]
    return replace(scope, since=min(times) - NEAR, until=max(times) + NEAR, release="")


def _spent(label: str, milliseconds: float, segments: Sequence[Sequence[SpanRow]]) -> Spent:
    spent: Counter[str] = Counter()
    found = [one for one in segments if one]
    for spans in found:
        for share in time_shares(grown(spans), ()):
            spent[share.category] += share.duration
    whole, count = spent.total(), max(len(found), 1)
    shares = [
        Share(name, round(spent[name] / count), spent[name] / (whole or 1))
        for name in SHOWN
        if spent[name]
    ]
    return Spent(label, milliseconds * 1000, whole / count, len(found), shares)
