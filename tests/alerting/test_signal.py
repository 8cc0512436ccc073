"""The series of a rule: windows that overlap, what they are compared with, and their limits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from console.alerting import baseline, signal
from console.alerting.baseline import NORMAL, WEEK, Usual
from console.alerting.condition import Condition, Evaluated, Level, Verdict
from console.alerting.definition import Definition
from console.metrics.catalogue import CATALOGUE
from console.telemetry.scope import Scope
from tests.alerting.conftest import RULE
from tests.telemetry.samples import NOON

RULED = Definition.of(RULE)
P95 = CATALOGUE["requests.p95"]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def bound(acme, inside):
    with inside(acme):
        yield acme


def test_windows_overlap_and_each_says_what_the_metric_says_of_it(bound, counted_requests):
    counted_requests(bound, lambda at: 100 + 37 * at.minute % 500, minutes=20)
    asked = signal.over(RULED, bound, NOON, NOON + minutes(22))
    (evaluations,) = asked.by_value.values()
    assert [each.at - NOON.timestamp() for each in evaluations] == [60 * n for n in range(1, 23)]
    for number, each in enumerate(evaluations, start=1):
        until = NOON + minutes(number)
        scope = Scope(
            organization_id=bound.organization_id,
            project_id=bound.id,
            since=until - RULED.window,
            until=until,
        )
        reading = P95.value(scope).whole
        assert (each.number, each.samples) == (reading.number, reading.samples)


def test_a_number_is_compared_with_that_of_the_period_before(bound, counted_requests):
    counted_requests(bound, lambda at: 100 if at.minute < 10 else 250, minutes=20)
    condition = replace(
        RULED.condition, compare="percent", levels={Level.WARNING: 200}, recovery=None
    )
    rule = replace(RULED, condition=condition, window_seconds=60, base_seconds=600)
    evaluations = signal.over(rule, bound, NOON + minutes(10), NOON + minutes(20)).by_value[""]
    assert {(each.number, each.base) for each in evaluations} == {(250, 100)}
    assert condition.judge(evaluations[0]).number == 250
    first = signal.over(rule, bound, NOON, NOON + minutes(1)).by_value[""][0]
    assert condition.judge(first).verdict is Verdict.INCONCLUSIVE


def test_what_is_usual_is_the_median_of_this_hour_in_earlier_weeks(bound, counted_requests):
    """Three weeks ago 100 ms, two weeks ago 120, last week 900 of an incident, none before."""
    for weeks, milliseconds in ((3, 100), (2, 120), (1, 900)):
        counted_requests(bound, lambda _, ms=milliseconds: ms, 30, NOON - WEEK * weeks)
    counted_requests(bound, lambda _: 130, 30, NOON)
    condition = replace(
        RULED.condition, compare="deviation", levels={Level.WARNING: 3}, recovery=None
    )
    rule = replace(RULED, condition=condition)
    asked = signal.over(rule, bound, NOON + minutes(15), NOON + minutes(25)).by_value[""]
    assert {each.base for each in asked} == {120}
    assert asked[0].spread == pytest.approx(NORMAL * 20)
    judgement = condition.judge(asked[0])
    assert judgement.number == pytest.approx(10 / (NORMAL * 20))
    one = signal.at(rule, bound, [NOON + minutes(20)]).by_value[""]
    assert one == [each for each in asked if each.at == one[0].at]


def test_without_enough_weeks_nothing_is_usual(bound, counted_requests):
    counted_requests(bound, lambda _: 100, 5, NOON - WEEK)
    counted_requests(bound, lambda _: 900, 5, NOON)
    condition = replace(
        RULED.condition, compare="deviation", levels={Level.WARNING: 3}, recovery=None
    )
    (each,) = signal.at(replace(RULED, condition=condition), bound, [NOON + minutes(5)]).by_value[
        ""
    ]
    assert each.base is None
    assert condition.judge(each).verdict is Verdict.INCONCLUSIVE


def test_what_never_varied_may_vary_a_little():
    flat = baseline._usual([100.0] * 10)
    assert flat == Usual(100, 5)
    assert baseline._usual([0.0] * 10) is None
    noisy = baseline._usual([90.0, 100, 110] * 4)
    assert noisy
    assert noisy.median == 100
    assert noisy.spread == pytest.approx(NORMAL * 10)


def test_a_floor_is_the_least_that_a_number_is_compared_with():
    """Six errors after one or none are no spike, sixty are."""
    condition = Condition(op=">", levels={Level.CRITICAL: 300}, compare="percent", floor=10)
    judged = [
        condition.judge(Evaluated(60, number, 1, base))
        for number, base in ((6, 1), (6, 0), (60, 0), (60, 20), (61, 20), (60, None))
    ]
    assert [each.number for each in judged] == [60, 60, 600, 300, 305, None]
    assert [each.verdict.value for each in judged] == [
        "clear", "clear", "critical", "clear", "critical", "inconclusive",
    ]  # fmt: skip


def test_a_range_with_too_many_evaluations_is_refused(bound):
    with pytest.raises(signal.RangeTooLong, match="20,160 evaluations"):
        signal.over(RULED, bound, NOON, NOON + timedelta(days=14))
    with pytest.raises(signal.UnknownMetric, match=r"requests\.p42"):
        signal.at(replace(RULED, metric="requests.p42"), bound, [NOON])
