"""Questions about requests: exact numbers on few rows, corrected for sampling, scoped."""

from datetime import timedelta
from typing import Any

import pytest

from console.telemetry import requests, spans, traces
from console.telemetry.latency import Latency
from console.telemetry.records import Batch
from console.telemetry.scope import Scope
from console.telemetry.traces import TracesWanted
from tests.telemetry.samples import NOON, hour, scope, span

MS = 1000


def request(**fields):
    plain: dict[str, Any] = {
        "op": "http.server",
        "category": "request",
        "endpoint": "GET /a",
        "is_segment": True,
        "http_status": 200,
        "status": "ok",
        "duration_us": 100 * MS,
    }
    return span(**(plain | fields))


def overall(asked: Scope) -> Latency:
    found = requests.overall(asked)
    assert found is not None
    return found


ODD_NAMES = [
    "a.b",
    '"',
    "$",
    "$.a",
    "[",
    "a[0]",
    "*",
    "*.*",
    "/",
    "~",
    "~1",
    "\\",
    "#",
    "0",
    "",
    "é",
]


@pytest.fixture
def write(asking):
    def write(*records):
        asking.write(1, Batch(spans=records), 1)

    return write


def test_endpoints_stand_in_the_order_of_their_total_time(write):
    write(
        *[request(duration_us=n * 10 * MS) for n in range(1, 11)],
        request(endpoint="POST /b", duration_us=900 * MS, http_status=503),
        request(endpoint="tasks.mail", category="task", http_status=None, status="aborted"),
        request(endpoint="/page", category="page"),
        span(op="db", category="db"),
    )
    found = requests.endpoints(scope())
    assert sum(one.share for one in found) == pytest.approx(1)
    assert found[0].share == pytest.approx(900 * MS / (900 * MS + 550 * MS + 100 * MS))
    assert [(one.name, one.category) for one in found] == [
        ("POST /b", "request"),
        ("GET /a", "request"),
        ("tasks.mail", "task"),
    ]
    latency = found[1].latency
    assert (latency.count, latency.received, latency.failed) == (10, 10, 0)
    assert latency.p50 == pytest.approx(55 * MS)
    assert latency.p95 == pytest.approx(95.5 * MS)
    assert latency.p99 == pytest.approx(99.1 * MS)
    assert latency.total_us == 550 * MS
    assert not latency.estimated
    assert [one.latency.error_rate for one in found] == [1, 0, 1]


def test_counts_are_corrected_by_the_sample_rate_and_said_to_be_estimates(write):
    write(
        request(sample_rate=0.25),
        request(sample_rate=0.5, http_status=500),
        request(duration_us=300 * MS),
    )
    latency = overall(scope())
    assert (latency.count, latency.received, latency.failed) == (7, 3, 2)
    assert latency.total_us == (400 + 200 + 300) * MS
    assert latency.estimated
    assert latency.p50 == 100 * MS


@pytest.mark.parametrize(
    ("http_status", "status", "failed"),
    [(200, "ok", 0), (404, "not_found", 0), (499, "cancelled", 0), (500, "ok", 1), (503, "", 1),
     (None, "ok", 0), (None, "", 0), (None, "cancelled", 0), (None, "internal_error", 1)],
)  # fmt: skip
def test_what_a_failure_is(write, http_status, status, failed):
    write(request(http_status=http_status, status=status))
    assert overall(scope()).failed == failed


def test_filters_narrow_requests(write):
    write(
        request(attributes={"user.plan": "pro", 'odd"name': "1"}, release="1"),
        request(attributes={"user.plan": "free"}, http_status=404, environment="staging"),
    )

    def counted(**filters):
        found = requests.overall(scope(**filters))
        return found.received if found else 0

    assert counted(attributes=(("user.plan", "pro"),)) == 1
    assert counted(attributes=(("user.plan", "pro"), ('odd"name', "1"))) == 1
    assert counted(attributes=(("user.plan", "none"),)) == 0
    assert counted(status_class="4") == 1
    assert counted(environment="staging") == 1
    assert counted(release="1") == 1
    assert counted() == 2


def test_nothing_of_another_organization_project_or_time(asking, write):
    write(request(), request(project_id=2), request(at=hour(-30)))
    asking.write(2, Batch(spans=[request(organization_id=2)]), 1)
    assert overall(scope()).received == 1
    assert requests.overall(scope(project_id=3)) is None
    assert requests.endpoints(scope(organization_id=3)) == []


def test_moments_leave_a_gap_where_nothing_was_asked(write):
    write(request(at=hour(-12)), request(at=hour(-11.5), http_status=500), request(at=hour(2)))
    found = requests.moments(scope(), 3600, "GET /a")
    assert len(found.starts) == len(found.latencies) == 24
    counted = {n: (one.count, one.failed) for n, one in enumerate(found.latencies) if one}
    assert counted == {0: (2, 1), 14: (1, 0)}


def test_p95_is_compared_by_endpoint_and_by_release(write):
    write(
        request(release="1"), request(release="2", duration_us=300 * MS), request(endpoint="GET /b")
    )
    assert requests.p95_by_endpoint(scope(), ["GET /b"]) == {"GET /b": (1, 100 * MS)}
    by_release = requests.p95_by_release(scope(), ["1", "2"])
    assert by_release == {("GET /a", "1"): (1, 100 * MS), ("GET /a", "2"): (1, 300 * MS)}
    trend = requests.p95_trends(scope(), ["GET /a"], 43_200)["GET /a"]
    assert trend == [None, pytest.approx(290 * MS)]


def test_statuses_of_an_endpoint(write):
    write(request(), request(), request(http_status=500, status="internal_error"))
    found = [(s.http_status, s.requests, s.failed) for s in requests.statuses(scope(), "GET /a")]
    assert found == [(200, 2, False), (500, 1, True)]


def test_durations_are_counted_in_bars_of_equal_ratio(write):
    write(*[request(duration_us=us) for us in (999, 1000, 1001, 100_000)], request(duration_us=0))
    found = traces.durations(scope(), TracesWanted())
    assert sum(found.values()) == 5
    for number, count in found.items():
        assert traces.edge(number) < traces.edge(number + 1)
        assert count > 0
    assert found[40] == 1
    assert found[0] == 1


def test_traces_are_paged_by_time_and_by_duration(write):
    rows = [request(at=hour(n / 100), duration_us=(n * 7 % 5) * MS) for n in range(12)]
    write(*rows)
    for sort in ("time", "duration"):
        seen: list[traces.Began] = []
        after = None
        for is_last in (False, False, True):
            page = traces.traces(scope(), TracesWanted(), sort=sort, after=after, limit=5)
            seen += page.rows
            assert (page.last is None) == is_last
            if page.last:
                after = (page.last.timestamp, page.last.duration_us, page.last.span_id)
        assert len({one.span_id for one in seen}) == len(seen) == 12
        keys = [one.timestamp if sort == "time" else one.duration_us for one in seen]
        assert keys == sorted(keys, reverse=True)


def test_a_trace_is_listed_once_by_its_first_or_its_slowest_request(write):
    trace_ids = [f"{n:032x}" for n in range(1, 4)]
    write(
        *[
            request(
                at=hour(number + part / 1000),
                trace_id=trace_id,
                span_id=f"{16 * number + part + 1:016x}",
                endpoint=f"GET /{part}",
                duration_us=(100 * number + 10 - part) * MS,
            )
            for number, trace_id in enumerate(trace_ids)
            for part in range(9)
        ]
    )

    def listed(**narrowed):
        return [(one.trace_id, one.endpoint) for one in traces.traces(scope(), **narrowed).rows]

    newest = [(trace_id, "GET /0") for trace_id in reversed(trace_ids)]
    assert listed(wanted=TracesWanted()) == newest
    assert listed(wanted=TracesWanted(), sort="duration") == newest
    child = listed(wanted=TracesWanted(endpoint="GET /5"))
    assert child == [(trace_id, "GET /5") for trace_id in reversed(trace_ids)]
    first = traces.traces(scope(), TracesWanted(), limit=2)
    assert first.last
    after = (first.last.timestamp, first.last.duration_us, first.last.span_id)
    assert listed(wanted=TracesWanted(), after=after, limit=2) == newest[2:]


def test_traces_are_narrowed(write):
    write(
        request(duration_us=5 * MS),
        request(duration_us=10 * MS, http_status=500),
        request(endpoint="/page", category="page", duration_us=20 * MS),
    )

    def found(**wanted):
        return sorted(
            one.duration_us // MS for one in traces.traces(scope(), TracesWanted(**wanted)).rows
        )

    assert found() == [5, 10, 20]
    assert found(over=10 * MS) == [10, 20]
    assert found(over=5 * MS, under=10 * MS) == [5]
    assert found(failed=True) == [10]
    assert found(endpoint="/page") == [20]
    assert found(categories=("page",)) == [20]


def test_typical_traces_are_the_nearest_and_their_spans_are_read_at_once(write):
    trace = "c" * 32
    typical = request(duration_us=50 * MS, trace_id=trace, span_id="a" * 16, segment_id="a" * 16)
    child = span(trace_id=trace, segment_id="a" * 16, category="db", at=NOON + timedelta(seconds=1))
    write(typical, child, request(duration_us=5 * MS), request(duration_us=500 * MS))
    (nearest,) = traces.nearest(scope(), "GET /a", 60 * MS, limit=1)
    assert nearest.span_id == "a" * 16
    assert traces.contents(scope(), [trace])[trace] == traces.Content(spans=2, statements=1)
    found = spans.spans_of_segments(scope(), ["a" * 16])
    assert [one.span_id for one in found["a" * 16]] == ["a" * 16, child.span_id]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_attribute_is_found_by_its_very_name(write, name):
    write(request(attributes={name: "x"}), request(attributes={f"other{name}": "x", "a": "x"}))
    assert overall(scope(attributes=((name, "x"),))).count == 1
    assert requests.overall(scope(attributes=((name, "y"),))) is None
