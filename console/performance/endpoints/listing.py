"""Endpoints as the pages show them: latency beside its threshold, and what it was before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from console.accounts import releases
from console.accounts.models import Project
from console.performance import metrics, queries
from console.performance.latency import Change, change, estimated, ms, outcomes, percentiles, tail
from console.telemetry import requests, traces
from console.telemetry.latency import Latency
from console.telemetry.metric import Figure, figures
from console.telemetry.requests import Endpoint
from console.telemetry.scope import Scope
from console.telemetry.traces import Began, TracesWanted
from console.web.charts import Chart, Threshold
from console.web.timeline import Timeline

SPARK_BUCKETS = 24
EXAMPLES = 5


_COUNTED = {"request": "requests", "task": "tasks", "screen": "screens"}


def counted(categories: Iterable[str]) -> str:
    """What a count of these segments is called: "Requests", "Requests and tasks"."""
    present = set(categories) or {"request"}
    words = [word for category, word in _COUNTED.items() if category in present]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))).capitalize()


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint in the list; a change is None if either side has too few requests."""

    endpoint: Endpoint
    threshold_ms: int
    since_before: Change | None
    since_release: Change | None

    @property
    def name(self) -> str:
        return self.endpoint.name

    @property
    def share(self) -> float:
        """Its share of the time of all requests in the scope, 0 to 1."""
        return self.endpoint.share

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
    """Every endpoint that matches the scope's filters, in the chosen order."""

    rows: Sequence[EndpointRow]
    newest: str
    """The two releases that `since_release` compares; "" where there is only one."""
    former: str

    @property
    def counted(self) -> str:
        """What its rows count, as a title."""
        return counted(row.endpoint.category for row in self.rows)

    @property
    def over(self) -> int:
        """How many endpoints are above their threshold."""
        return sum(row.is_over for row in self.rows)


@dataclass(frozen=True, slots=True)
class EndpointSummary:
    """The head of an endpoint's page: its figures, by the ids of their metrics."""

    figures: Mapping[str, Figure]
    threshold_ms: int
    share: float
    since_release: Change | None
    newest: str

    @property
    def p95_ms(self) -> float:
        return self.figures[metrics.P95.id].now.number or 0.0

    @property
    def is_over(self) -> bool:
        """Whether P95 is above the threshold."""
        return self.p95_ms > self.threshold_ms

    @property
    def marks_us(self) -> dict[str, float]:
        """The percentiles in microseconds, for a histogram of the same requests."""
        shown = (self.figures[metric.id] for metric in (metrics.P50, metrics.P95, metrics.P99))
        return {figure.metric.title: (figure.now.number or 0.0) * 1000 for figure in shown}


def listed(
    project: Project, scope: Scope, *, sort: str = "time", shift: timedelta | None = None
) -> ListedEndpoints:
    """The endpoints of a scope, compared with an earlier time range and the former release.

    The time range is `shift` earlier, or else the one of the same length that ends before it.
    """
    endpoints = requests.endpoints(scope)
    names = [endpoint.name for endpoint in endpoints]
    before = scope.earlier(shift or scope.length)
    tails = requests.p95_by_endpoint(before, names) if names else {}
    newest, former = _two_releases(project, scope)
    by_release = requests.p95_by_release(scope, [newest, former]) if former else {}
    own, standard = queries.thresholds(project), queries.monitoring(project).api_p95_ms
    rows = [
        EndpointRow(
            endpoint=endpoint,
            threshold_ms=own.get(endpoint.name, standard),
            since_before=change(tail(endpoint.latency), tails.get(endpoint.name)),
            since_release=change(
                by_release.get((endpoint.name, newest)), by_release.get((endpoint.name, former))
            ),
        )
        for endpoint in endpoints
    ]
    rows.sort(key=SORTS[sort].key, reverse=True)
    return ListedEndpoints(rows, newest, former)


def endpoint_row(project: Project, scope: Scope, name: str) -> EndpointRow | None:
    """One endpoint as in the list, with its share of all requests. None if it has no request."""
    latency = requests.overall(scope, name)
    if latency is None:
        return None
    share = _share(scope, latency.total_us / 1000)
    before = requests.p95_by_endpoint(scope.before(), [name])
    newest, former = _two_releases(project, scope)
    by_release = requests.p95_by_release(scope, [newest, former]) if former else {}
    standard = queries.monitoring(project).api_p95_ms
    return EndpointRow(
        endpoint=Endpoint(name, "request", latency, share),
        threshold_ms=queries.thresholds(project).get(name, standard),
        since_before=change(tail(latency), before.get(name)),
        since_release=change(by_release.get((name, newest)), by_release.get((name, former))),
    )


def summary(
    project: Project, scope: Scope, name: str, shift: timedelta | None
) -> EndpointSummary | None:
    """The head of an endpoint's page; None if it has no request in the scope."""
    head = figures(metrics.ENDPOINT_PAGE, scope, shift, where={"endpoint": name})
    if not head[metrics.COUNT.id].now.samples:
        return None
    newest, former = _two_releases(project, scope)
    by_release = requests.p95_by_release(scope, [newest, former]) if former else {}
    standard = queries.monitoring(project).api_p95_ms
    return EndpointSummary(
        figures=head,
        threshold_ms=queries.thresholds(project).get(name, standard),
        share=_share(scope, head[metrics.TIME.id].now.number or 0.0),
        since_release=change(by_release.get((name, newest)), by_release.get((name, former))),
        newest=newest,
    )


def example_traces(scope: Scope, name: str) -> tuple[Sequence[Began], Sequence[Began]]:
    """The slowest requests of an endpoint, and those nearest to its median."""
    wanted = TracesWanted(endpoint=name)
    slowest = traces.traces(scope, wanted, sort="duration", limit=EXAMPLES).rows
    median = metrics.P50.value(scope, where={"endpoint": name}).whole.number
    typical = [] if median is None else traces.nearest(scope, name, median * 1000, limit=EXAMPLES)
    return slowest, typical


def spark_seconds(scope: Scope) -> int:
    """The width of a sparkline's bars."""
    return max(60, int(scope.length.total_seconds() // SPARK_BUCKETS))


def latency_charts(
    line: Timeline, scope: Scope, name: str = "", threshold_ms: int = 0
) -> tuple[Chart, Chart]:
    """Latency percentiles with the threshold, and volume by outcome; one query for both."""
    moments = requests.moments(scope, line.seconds, name)
    latencies, segments = moments.latencies, counted(moments.categories)
    where = {"where.endpoint": name} if name else {}
    before = line.compared(
        scope,
        lambda then: [
            ms(moment.p95) if moment else None
            for moment in requests.moments(then, line.seconds, name).latencies
        ],
        f"P95, {line.shown.compared_with.lower()}",
    )
    latency = line.chart(
        "Latency",
        [*percentiles(latencies), *before],
        subtitle=f"ms, {line.per}",
        unit="ms",
        threshold=Threshold(threshold_ms, "P95 threshold") if threshold_ms else None,
        watch={"metric": metrics.P95.id} | where,
    )
    volume = line.chart(
        segments,
        outcomes(latencies),
        subtitle=f"{line.per}{estimated(latencies)}",
        unit=segments.lower(),
        watch={"metric": metrics.COUNT.id} | where,
    )
    return latency, volume


def _share(scope: Scope, time_ms: float) -> float:
    """The share of a time in the time of all requests in the scope, 0 to 1."""
    everything = metrics.TIME.value(scope).whole.number
    return time_ms / everything if everything else 0.0


def _two_releases(project: Project, scope: Scope) -> tuple[str, str]:
    names = releases.latest(project, scope.environment)
    return (names[0], names[1]) if len(names) > 1 else ("", "")
