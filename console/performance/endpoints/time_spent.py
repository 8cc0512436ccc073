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
"""How many requests are read around each percentile: all would be most of the store."""
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

    The percentiles cover the whole scope, as everywhere on the page. The requests come from its
    last day, if it has any: reading a month's spans takes seconds, a day's milliseconds.
    """
    readings = values([P50, P95, P99], scope, where={"endpoint": endpoint})
    marks = {metric.title: readings[metric.id].whole.number for metric in (P50, P95, P99)}
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
        _spent(label, marks[label] or 0.0, [spans.get(request.span_id, []) for request in requests])
        for label, requests in samples.items()
    ]


def _around(scope: Scope, requests: Sequence[Began]) -> Scope:
    """The scope of child spans: they may lie outside the time range, and have no release."""
    times = [request.timestamp for request in requests]
    return replace(scope, since=min(times) - NEAR, until=max(times) + NEAR, release="")


def _spent(label: str, milliseconds: float, segments: Sequence[Sequence[SpanRow]]) -> Spent:
    spent: Counter[str] = Counter()
    filled = [spans for spans in segments if spans]
    for spans in filled:
        for share in time_shares(grown(spans), ()):
            spent[share.category] += share.duration
    whole, count = spent.total(), max(len(filled), 1)
    shares = [
        Share(name, round(spent[name] / count), spent[name] / (whole or 1))
        for name in SHOWN
        if spent[name]
    ]
    return Spent(label, milliseconds * 1000, whole / count, len(filled), shares)
