"""Every metric with every dimension, against a count of the same records in Python."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from console.core.db import db
from console.errors.models import Issue, IssueRelease
from console.metrics.catalogue import CATALOGUE, gathered
from console.performance import metrics as performance
from console.telemetry import span_measures
from console.telemetry.measures import CannotAskError
from console.telemetry.metric import Metric, Parts, Reading, values
from console.telemetry.scope import Scope
from console.telemetry.store import TelemetryStore
from tests.support.counted import DIMENSIONS, HOURS, THRESHOLD_MS, Stored, sessions, weight
from tests.support.counting import Number, Row, quantile
from tests.telemetry.samples import NOON, hour, scope

LIMIT = 2


@pytest.fixture
def stored(app, acme, inside) -> Iterator[Stored]:
    with inside(acme):
        yield Stored(app, acme)


@pytest.fixture
def around(acme) -> Scope:
    """The hours that the records lie in."""
    return scope(acme.organization_id, acme.id, since=NOON, until=hour(HOURS))


def asked(metric: Metric) -> Metric:
    return metric.given_that(**{each.name: THRESHOLD_MS for each in metric.parameters})


def valued(row: Row, dimension: str) -> str:
    return str(DIMENSIONS[dimension](row) if dimension in DIMENSIONS else row[dimension])


def parts(rows: Sequence[Row], dimension: str) -> tuple[dict[str, list[Row]], list[Row]]:
    """The rows of each of the largest values, and the rest; people count once."""
    sizes: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for row in rows:
        place = (valued(row, dimension), row["user_key"] if "source" in row else "")
        sizes[place[0]] += row.get("quantity", 1) if place not in seen else 0
        seen |= {place} if place[1] else set()
    largest = [name for name, _ in sorted(sizes.items(), key=lambda one: (-one[1], one[0]))][:LIMIT]
    mine = {name: [row for row in rows if valued(row, dimension) == name] for name in largest}
    return mine, [row for row in rows if valued(row, dimension) not in largest]


def expected(metric: Metric, count: Callable[[Sequence[Row]], Number], rows: Sequence[Row]) -> Any:
    number, samples = count(rows) if rows else (None, 0)
    nothing = 0.0 if metric.empty == "zero" else None
    precision = 0.011 if metric.id.startswith("vitals") else 1e-6
    return pytest.approx(number, rel=precision, abs=1e-6) if samples else nothing, samples


def counted() -> list[Metric]:
    """The metrics that are counted of rows one by one; adoption has a whole beside them."""
    return [asked(metric) for name, metric in CATALOGUE.items() if name != "sessions.adoption"]


def share_of(rows: Sequence[Row], whole: float) -> Any:
    return pytest.approx(sessions(rows) / whole), whole


def numbers(reading: Reading) -> Number:
    return reading.number, reading.samples


@pytest.mark.usefixtures("both_databases")
def test_every_metric_with_every_dimension_equals_a_count_in_python(stored, around):
    for metric in counted():
        count, rows = stored.of(metric)
        assert numbers(metric.value(around).whole) == expected(metric, count, rows), metric.id
        assert metric.dimensions, metric.id
        for dimension in metric.dimensions:
            mine, rest = parts(rows, dimension)
            mine = {name: own for name, own in mine.items() if count(own)[1]}
            found = metric.value(around, dimension, limit=LIMIT)
            assert {name: numbers(reading) for name, reading in found.by_value.items()} == {
                name: expected(metric, count, own) for name, own in mine.items()
            }, (metric.id, dimension)
            if rest and count(rest)[1]:
                assert found.rest, (metric.id, dimension)
                assert numbers(found.rest) == expected(metric, count, rest), dimension
            for name, own in mine.items():
                narrowed = metric.value(around, where={dimension: name}).whole
                assert numbers(narrowed) == expected(metric, count, own), (metric.id, dimension)


def test_the_values_of_every_dimension_are_known(stored, around):
    for metric in counted():
        count, rows = stored.of(metric)
        counts = [row for row in rows if metric.id != "vitals.fid" or count([row])[1]]
        for dimension in metric.dimensions:
            values = {valued(row, dimension) for row in counts}
            assert set(metric.known(around, dimension, 100)) - {""} == values - {""}, (
                metric.id,
                dimension,
            )


def test_a_filter_may_name_several_values(stored, around):
    names = {
        "requests.p95": ("endpoint", ["GET /a", "task.mail"]),
        "issues.events": ("group", ["a" * 16, "c" * 16]),
        "vitals.lcp": ("page", ["/", "/cart"]),
        "intake.stored": ("item_type", ["event", "log"]),
    }
    for name, (dimension, chosen) in names.items():
        metric = CATALOGUE[name]
        count, rows = stored.of(metric)
        mine = [row for row in rows if valued(row, dimension) in chosen]
        narrowed = metric.value(around, where={dimension: chosen}).whole
        assert numbers(narrowed) == expected(metric, count, mine), name


@pytest.mark.usefixtures("both_databases")
def test_series_of_every_metric_equal_counts_per_bucket(stored, around):
    width = 2 * 3600
    for metric in counted():
        count, rows = stored.of(metric)
        for dimension in (None, *metric.dimensions):
            mine, rest = parts(rows, dimension) if dimension else ({"": rows}, [])
            found = metric.series(around, width, dimension, limit=LIMIT)
            courses = [(found.by_value.get(name), own) for name, own in mine.items()]
            for course, own in [*courses, (found.rest, rest)]:
                buckets = [
                    [row for row in own if (row["timestamp"] - NOON) // timedelta(hours=2) == n]
                    for n in range(HOURS // 2)
                ]
                wanted = [expected(metric, count, rows) for rows in buckets]
                got = list(zip(course.numbers, course.samples, strict=True)) if course else []
                assert got == wanted or not (course or any(n for _, n in wanted)), (
                    metric.id,
                    dimension,
                )


def test_adoption_is_a_release_s_share_of_all_sessions(stored, around):
    metric, whole = CATALOGUE["sessions.adoption"], sessions(stored.sessions)
    mine, rest = parts(stored.sessions, "release")
    found = metric.value(around, "release", limit=LIMIT)
    assert {name: numbers(reading) for name, reading in found.by_value.items()} == {
        name: share_of(rows, whole) for name, rows in mine.items()
    }
    assert found.rest
    assert numbers(found.rest) == share_of(rest, whole)
    for name, rows in mine.items():
        share = share_of(rows, whole)
        assert numbers(metric.value(around, where={"release": name}).whole) == share
        if name:
            assert numbers(metric.value(replace(around, release=name)).whole) == share
        named = metric.value(around, "release", where={"release": name}, limit=1)
        assert {value: numbers(reading) for value, reading in named.by_value.items()} == {
            name: share
        }
        by_place = metric.value(around, "environment", where={"release": name})
        places, _ = parts(stored.sessions, "environment")
        for place, own in places.items():
            of_release = [row for row in own if row["release"] == name]
            assert numbers(by_place.by_value[place]) == share_of(of_release, sessions(own))
    courses = metric.series(around, 3600, "release")
    for numbers_ in zip(*(course.numbers for course in courses.by_value.values()), strict=True):
        assert sum(number or 0 for number in numbers_) in (0, pytest.approx(1))


def test_filters_of_the_scope_narrow_requests_and_are_refused_where_rows_do_not_know_them(
    stored, around
):
    _, requests = stored.of(CATALOGUE["requests.count"])
    narrowed = replace(around, environment="staging", status_class="5", text="get")
    mine = [
        row
        for row in requests
        if row["environment"] == "staging"
        and row["http_status"] == 500
        and "get" in row["endpoint"].lower()
    ]
    assert numbers(performance.COUNT.value(narrowed).whole) == (weight(mine), len(mine))
    for metric in map(asked, CATALOGUE.values()):
        if not metric.id.startswith("requests"):
            with pytest.raises(CannotAskError):
                metric.value(replace(around, status_class="5"))
        with pytest.raises(CannotAskError):
            metric.value(around, "password")
        with pytest.raises(CannotAskError):
            metric.value(around, where={"password": ""})


@pytest.mark.parametrize("metric", ["issues.events", "errors.events"])
def test_an_issue_that_is_gone_has_no_events(stored, around, metric):
    reading = CATALOGUE[metric].value(around, where={"issue": ["999999"]}).whole
    assert (reading.number, reading.samples) == (0, 0)


def test_issues_are_those_seen_in_the_environment(stored, around, acme):
    del stored
    for environment in ("production", "staging", "staging"):
        issue = Issue(
            organization_id=acme.organization_id,
            project_id=acme.id,
            title="A bug",
            events=1,
            first_seen=hour(1),
            last_seen=hour(1),
        )
        db.session.add(issue)
        db.session.flush()
        place = {"organization_id": acme.organization_id, "first_seen": NOON, "last_seen": NOON}
        db.session.add(IssueRelease(issue_id=issue.id, environment=environment, **place))
    db.session.commit()
    reading = CATALOGUE["issues.new"].value(replace(around, environment="staging")).whole
    assert reading == Reading(2, 2)


def test_what_nothing_came_of_is_a_zero_or_a_gap(app, acme, inside, around):
    with inside(acme):
        for metric in map(asked, CATALOGUE.values()):
            nothing = 0.0 if metric.empty == "zero" else None
            assert metric.value(around).whole == Reading(nothing, 0)
            assert metric.value(around, metric.dimensions[0]) == Parts({})
            course = metric.series(around, 3600).whole
            assert (course.numbers, course.samples) == ([nothing] * HOURS, [0] * HOURS)
            assert metric.is_enough(Reading(nothing, 0)) == (metric.empty == "zero")


def test_several_metrics_of_the_same_rows_are_one_statement(stored, around, monkeypatch):
    statements, rows = [], TelemetryStore.rows

    def counted(*arguments: Any) -> Any:
        statements.append(arguments)
        return rows(*arguments)

    monkeypatch.setattr(TelemetryStore, "rows", counted)
    kpis = [performance.COUNT, performance.ERROR_RATE, performance.P50, performance.P95]
    together = values(kpis, around, "endpoint")
    assert len(statements) == 1
    assert together == {metric.id: metric.value(around, "endpoint") for metric in kpis}
    performance.P95.series(around, 3600, "endpoint")
    assert len(statements) == 6


def test_a_metric_is_declared_in_one_place(stored, around):
    """Declared here and nowhere else, it answers with every dimension of its rows."""
    p90 = Metric(
        id="requests.p90",
        title="P90",
        unit="ms",
        better="lower",
        format="milliseconds",
        empty="gap",
        measure=span_measures.percentile(span_measures.REQUESTS, 0.9),
    )
    assert gathered((*performance.METRICS, p90))["requests.p90"] is p90
    _, requests = stored.of(CATALOGUE["requests.count"])
    for name, reading in p90.value(around, "endpoint").by_value.items():
        durations = [row["duration_us"] / 1000 for row in requests if row["endpoint"] == name]
        assert reading.number == pytest.approx(quantile(durations, 0.9))


def test_ids_are_unique_and_a_parameter_is_not_guessed(around):
    with pytest.raises(ValueError, match=r"two metrics are called requests\.p95"):
        gathered((performance.P95, performance.P95))
    with pytest.raises(CannotAskError, match="parameter"):
        performance.APDEX.value(around)
    with pytest.raises(CannotAskError, match="no parameter"):
        performance.P95.given_that(threshold_ms=1)


@pytest.mark.parametrize("name", ["checks.uptime", "checks.down"])
def test_checks_of_no_environment_count_in_each(stored, around, name):
    """As the strips of checks beside the number show them."""
    metric = CATALOGUE[name]
    count, rows = stored.of(metric)
    own = [row for row in rows if row["environment"] in ("", "staging")]
    assert 0 < len(own) < len(rows)
    reading = metric.value(replace(around, environment="staging")).whole
    assert numbers(reading) == expected(metric, count, own)
