"""Endpoints as the pages show them: latency beside its threshold, and what it was before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from console.accounts import releases
from console.accounts.models import Project
from console.performance import queries
from console.performance.latency import Change, change, estimated, ms, outcomes, percentiles, tail
from console.telemetry import requests, traces
from console.telemetry.latency import Latency
from console.telemetry.requests import Endpoint
from console.telemetry.scope import Scope
from console.telemetry.traces import Began, TracesWanted
from console.web.charts import Chart, Series, Threshold
from console.web.timerange import Range, in_words

SPARK_BUCKETS = 24
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint in the list; changes are None where too few requests stand against each other."""

    endpoint: Endpoint
    threshold_ms: int
    share: float
    """Of the time that all requests took together, 0 to 1."""
    since_before: Change | None
    since_release: Change | None

    @property
    def name(self) -> str:
        return self.endpoint.name

    @property
    def latency(self) -> Latency:
        return self.endpoint.latency

    @property
    def is_over(self) -> bool:
        """Whether P95 is above the threshold."""
        return self.latency.p95 > self.threshold_ms * 1000


@dataclass(frozen=True, slots=True)
class EndpointSort:
    """An order of the list, highest first."""

    label: str
    key: Callable[[EndpointRow], float]


SORTS = {
    "time": EndpointSort("Total time", lambda row: row.latency.total_us),
    "p95": EndpointSort("P95", lambda row: row.latency.p95),
    "p50": EndpointSort("P50", lambda row: row.latency.p50),
    "p99": EndpointSort("P99", lambda row: row.latency.p99),
    "requests": EndpointSort("Requests", lambda row: row.latency.count),
    "errors": EndpointSort("Error rate", lambda row: row.latency.error_rate),
    "change": EndpointSort(
        "Change", lambda row: row.since_before.percent if row.since_before else float("-inf")
    ),
}


@dataclass(frozen=True, slots=True)
class ListedEndpoints:
    """Every endpoint that a scope's filters let through, in the chosen order."""

    rows: Sequence[EndpointRow]
    total: Latency | None
    """Of all requests that the filters let through, whatever the list's text says."""
    before: Latency | None
    newest: str
    """The two releases that `since_release` compares; "" where there is only one."""
    former: str

    @property
    def over(self) -> int:
        """How many endpoints are above their threshold."""
        return sum(row.is_over for row in self.rows)


def listed(
    project: Project, scope: Scope, *, text: str = "", sort: str = "time"
) -> ListedEndpoints:
    """The endpoints of a scope beside the period before it and the release before the newest."""
    found, everything = requests.endpoints(scope)
    former_endpoints, before = requests.endpoints(scope.before())
    tails = {one.name: tail(one.latency) for one in former_endpoints}
    newest, former = _two_releases(project, scope)
    by_release = requests.p95_by_release(scope, [newest, former]) if former else {}
    own, standard = queries.thresholds(project), queries.monitoring(project).api_p95_ms
    total_us = (everything.total_us if everything else 0) or 1.0
    rows = [
        EndpointRow(
            endpoint=one,
            threshold_ms=own.get(one.name, standard),
            share=one.latency.total_us / total_us,
            since_before=change(tail(one.latency), tails.get(one.name)),
            since_release=change(
                by_release.get((one.name, newest)), by_release.get((one.name, former))
            ),
        )
        for one in found
        if text.lower() in one.name.lower()
    ]
    rows.sort(key=SORTS[sort].key, reverse=True)
    return ListedEndpoints(rows, everything, before, newest, former)


def one(project: Project, scope: Scope, name: str) -> EndpointRow | None:
    """One endpoint as in the list; its share is of all requests. None where it has no request."""
    latency = requests.overall(scope, name)
    if latency is None:
        return None
    everything = requests.overall(scope)
    before = requests.p95_by_endpoint(scope.before(), [name])
    newest, former = _two_releases(project, scope)
    by_release = requests.p95_by_release(scope, [newest, former]) if former else {}
    standard = queries.monitoring(project).api_p95_ms
    return EndpointRow(
        endpoint=Endpoint(name, "request", latency),
        threshold_ms=queries.thresholds(project).get(name, standard),
        share=latency.total_us / everything.total_us if everything and everything.total_us else 0.0,
        since_before=change(tail(latency), before.get(name)),
        since_release=change(by_release.get((name, newest)), by_release.get((name, former))),
    )


def example_traces(scope: Scope, name: str) -> tuple[list[Began], list[Began]]:
    """The slowest requests of an endpoint, and those nearest to its median."""
    slowest = traces.traces(scope, TracesWanted(endpoint=name), sort="duration", limit=EXAMPLES)
    latency = requests.overall(scope, name)
    typical = traces.nearest(scope, name, latency.p50, limit=EXAMPLES) if latency else []
    return slowest, typical


def spark_seconds(scope: Scope) -> int:
    """The width of a sparkline's bars."""
    return max(60, int(scope.length.total_seconds() // SPARK_BUCKETS))


def latency_charts(
    project: Project, scope: Scope, shown: Range, name: str = "", threshold_ms: int = 0
) -> tuple[Chart, Chart]:
    """Latency percentiles with the threshold, and volume by outcome; one question for both."""
    seconds = int(shown.grain.total_seconds())
    found = requests.moments(scope, seconds, name)
    starts, marks = (
        found.starts,
        releases.markers(project, scope.since, scope.until, scope.environment),
    )
    latencies = Chart(
        title="Latency",
        subtitle=f"ms, per {in_words(shown.grain)}",
        unit="ms",
        buckets=starts,
        grain=shown.grain,
        series=percentiles(found.latencies) + _compared(scope, shown, name),
        complete_until=scope.until,
        threshold=Threshold(threshold_ms, "P95 threshold") if threshold_ms else None,
        markers=marks,
    )
    volume = Chart(
        title="Requests",
        subtitle=f"per {in_words(shown.grain)}{estimated(found.latencies)}",
        unit="requests",
        buckets=starts,
        grain=shown.grain,
        series=outcomes(found.latencies),
        complete_until=scope.until,
        markers=marks,
    )
    return latencies, volume


def _compared(scope: Scope, shown: Range, name: str) -> tuple[Series, ...]:
    """P95 of the period that the top bar compares with, bucket by bucket."""
    if shown.compared is None:
        return ()
    shift = shown.since - shown.compared[0]
    before = replace(scope, since=scope.since - shift, until=scope.until - shift)
    found = requests.moments(before, int(shown.grain.total_seconds()), name)
    values = [ms(one.p95) if one else None for one in found.latencies]
    return (Series("P95 before", values, "line", "previous"),)


def _two_releases(project: Project, scope: Scope) -> tuple[str, str]:
    names = releases.latest(project, scope.environment)
    return (names[0], names[1]) if len(names) > 1 else ("", "")
