"""Where the time of an endpoint goes: by category, for its typical and for its slow requests."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from console.performance.traces.time_shares import SHOWN, Share, time_shares
from console.performance.traces.tree import grown
from console.telemetry import requests, traces
from console.telemetry.scope import Scope
from console.telemetry.spans import SpanRow, spans_of_segments
from console.telemetry.traces import Began

SAMPLE = 16
"""Requests looked at around each percentile: all of them would be most of the store."""
NEAR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """The mean request around one percentile; shares are of `duration_us` microseconds."""

    label: str
    duration_us: float
    requests: int
    shares: Sequence[Share]


def around_percentiles(scope: Scope, endpoint: str) -> list[Spent]:
    """Where the time went in the requests nearest to P50, P95 and P99; none without a request.

    The requests are those of the scope's last day, if it has any.
    """
    # A month's spans are read in seconds, a day's in milliseconds, and a day has enough of them.
    recent = replace(scope, since=max(scope.since, scope.until - DAY))
    latency = requests.overall(recent, endpoint)
    if latency is None:
        recent, latency = scope, requests.overall(scope, endpoint)
    if latency is None:
        return []
    marks = {"P50": latency.p50, "P95": latency.p95, "P99": latency.p99}
    samples = {
        label: traces.nearest(recent, endpoint, at, limit=SAMPLE) for label, at in marks.items()
    }
    every = [one for some in samples.values() for one in some]
    spans = spans_of_segments(_around(scope, every), [one.span_id for one in every])
    return [_spent(label, [spans.get(one.span_id, []) for one in some])
            for label, some in samples.items()]  # fmt: skip


def _around(scope: Scope, some: Sequence[Began]) -> Scope:
    """Children may lie outside of the page's range, and say no release or status themselves."""
    times = [one.timestamp for one in some]
    return replace(scope, since=min(times) - NEAR, until=max(times) + NEAR, release="")


def _spent(label: str, segments: Sequence[Sequence[SpanRow]]) -> Spent:
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
    return Spent(label, whole / count, len(found), shares)
