"""A subject's days are judged by pure functions: what begins, grows, turns and ends, and when."""

from datetime import date, timedelta
from itertools import pairwise
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.changes.judged import (
    BACK,
    LASTING_DAYS,
    QUIET_DAYS,
    SILENT_DAYS,
    ChangeState,
    Day,
    Ending,
    changed_days,
    lives,
    moved,
    opened,
    replayed,
)
from console.changes.rules import BY_ID, RULES

FIRST = date(2026, 10, 5)  # a Monday
LATENCY, TRAFFIC = BY_ID["endpoint-latency"], BY_ID["endpoint-traffic"]
ISSUES, UPTIME = BY_ID["issue-events"], BY_ID["check-uptime"]


def course(numbers, samples=200):
    """A day for each number, from FIRST on; None is a day without enough samples."""
    return {
        (at := FIRST + timedelta(days=place)): Day(
            at, number, 0 if number is None else samples, float(samples)
        )
        for place, number in enumerate(numbers)
    }


def days(numbers):
    return [FIRST + timedelta(days=place) for place in range(len(numbers))]


def judged(rule, numbers):
    return lives(rule, course(numbers), days(numbers))


def the_life(rule, numbers):
    (life,) = judged(rule, numbers)
    return life


def test_a_day_beyond_the_week_before_begins_a_change():
    life = the_life(LATENCY, [400] * 7 + [650])
    assert (life.before, life.first_day, life.way) == (400, FIRST + timedelta(days=7), 1)
    assert (life.state, life.ending) == (ChangeState.NEW, None)


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ([400] * 7 + [440], "less than a fifth"),
        ([40] * 7 + [90], "below the floor of 100 ms, where nobody notices"),
        ([110] * 7 + [140], "a fifth, but less than 50 ms"),
        ([400, None, None, None, None, 400, 400, 650], "three days are too few to compare with"),
        ([400, 700, 400, 400, 700, 400, 400, 650], "it swings as far every week"),
    ],
)
def test_what_nobody_would_call_a_change_is_none(numbers, why):
    assert judged(LATENCY, numbers) == [], why


def test_a_day_with_few_samples_begins_nothing():
    ordinary = course([400] * 7)
    at = FIRST + timedelta(days=7)
    assert lives(LATENCY, ordinary | {at: Day(at, 900, 49)}, [at]) == []
    assert len(lives(LATENCY, ordinary | {at: Day(at, 900, 50)}, [at])) == 1


@pytest.mark.parametrize(("count", "one_in"), [(7, 100), (14, 500)])
def test_days_that_chance_alone_tells_apart_are_rarely_news(count, one_in):
    """Few requests a day: P95 swings by a fifth, far beyond what the rule's percentage forgives."""
    chance = Random(5)
    count_of_days, news = 20_000, 0
    for _ in range(count_of_days):
        numbers = [chance.gauss(1_000, 200) for _ in range(count)]
        read, at = course(numbers), FIRST + timedelta(days=count)
        news += opened(LATENCY, read, Day(at, chance.gauss(1_000, 200), 60)) is not None
    assert news <= count_of_days / one_in


def test_one_bad_day_of_the_week_before_hides_no_change():
    assert the_life(LATENCY, [400, 400, 2_000, 400, 400, 400, 400, 650]).before == 400


def test_a_change_that_grows_by_half_is_worse_and_one_for_the_better_is_not():
    life = the_life(LATENCY, [400] * 7 + [600, 610, 720])
    assert (life.state, life.moved_on) == (ChangeState.WORSE, FIRST + timedelta(days=9))
    life = the_life(LATENCY, [1_000] * 7 + [700, 300])
    assert (life.state, life.way, life.peak) == (ChangeState.NEW, -1, 300)


def test_a_change_turns_when_it_goes_to_the_opposite_side():
    life = the_life(LATENCY, [400] * 7 + [650, 640, 250])
    assert (life.state, life.way) == (ChangeState.TURNED, -1)
    assert life.before == 400, "it is compared with what it began with"


def test_a_change_is_over_after_quiet_days_and_they_are_in_a_row():
    numbers = [400] * 7 + [650, 400, 400, 650, *[400] * QUIET_DAYS]
    life = the_life(LATENCY, numbers[:-1])
    assert life.ending is None
    life = the_life(LATENCY, numbers)
    assert (life.state, life.ending) == (ChangeState.OVER, Ending.BACK)


def test_what_passed_is_no_example_of_the_days_before():
    """Four slow days of seven would make the ordinary ones look fast."""
    numbers = [400] * 7 + [650] * 4 + [400] * 12
    assert [life.ending for life in judged(LATENCY, numbers)] == [Ending.BACK]


def test_what_lasts_is_normal_after_two_weeks():
    numbers = [400] * 7 + [650] * (LASTING_DAYS + 1)
    assert the_life(LATENCY, numbers).ending is Ending.LASTS
    assert len(judged(LATENCY, numbers + [650] * 20)) == 1, "it is compared with itself by then"
    *_, later = judged(LATENCY, numbers + [650] * 3 + [400])
    assert (later.before, later.way) == (650, -1)


def test_a_subject_without_samples_is_gone_and_a_quiet_weekend_ends_nothing():
    numbers = [400] * 7 + [650, None, None, 650]
    assert the_life(LATENCY, numbers).quiet == 0
    numbers = [400] * 7 + [650] + [None] * SILENT_DAYS
    assert the_life(LATENCY, numbers[:-1]).ending is None
    assert the_life(LATENCY, numbers).ending is Ending.GONE


def test_traffic_of_a_sunday_is_compared_with_sundays():
    weeks = [1_000, 1_000, 1_000, 1_000, 1_000, 300, 250] * 4
    assert judged(TRAFFIC, weeks) == []
    assert the_life(TRAFFIC, [*weeks, 400]).way == -1


def test_an_issue_that_nobody_had_is_new_and_one_that_ends_is_over():
    life = the_life(ISSUES, [0.0] * 7 + [340, 300])
    assert (life.before, life.way) == (0, 1)
    assert judged(ISSUES, [340.0] * 7 + [0.0]) == [], "fewer events are no change of their own"
    assert the_life(ISSUES, [0.0] * 7 + [340] + [0.0] * QUIET_DAYS).ending is Ending.BACK


def test_a_share_is_taken_by_what_it_lacks():
    assert UPTIME.relative(0.999, 0.99) == pytest.approx(9)
    assert moved(UPTIME, 1.0, 0.99) == -1
    assert moved(UPTIME, 1.0, 0.996) == 0, "less than half a point"


NUMBERS = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, 1.0]), st.floats(0, 5_000)), max_size=50
)
A_RULE = st.sampled_from(RULES)


@given(A_RULE, NUMBERS, st.integers(0, 50))
def test_days_are_judged_the_same_one_by_one_and_all_at_once(rule, numbers, cut):
    """What the job has done yesterday, and what it makes up for after a week, agree."""
    whole = judged(rule, numbers)
    read, asked = course(numbers), days(numbers)
    first = lives(rule, read, asked[:cut])
    rest = lives(rule, read, asked[cut:], first)
    assert [life for life in first if life.is_over] + rest == whole


@given(A_RULE, NUMBERS, st.integers(0, 50))
def test_a_change_is_replayed_to_any_day(rule, numbers, cut):
    """Late data has days judged again: what stood before them comes from the change itself."""
    asked = days(numbers)
    day = FIRST + timedelta(days=cut)
    before = lives(rule, course(numbers), [at for at in asked if at < day])
    after = [replayed(rule, life, day) for life in judged(rule, numbers)]
    assert [life for life in after if life is not None] == before


@given(A_RULE, NUMBERS)
def test_lives_follow_each_other_and_say_why_they_end(rule, numbers):
    known = judged(rule, numbers)
    assert all(life.is_over for life in known[:-1])
    for former, later in pairwise(known):
        assert former.days[-1].at < later.first_day
    for life in known:
        assert (life.state is ChangeState.OVER) == (life.ending is not None)
        assert life.before == median(life.former[-7:])
        assert moved(rule, life.before, life.days[0].number) != 0
        assert life.first_day <= life.moved_on <= life.days[-1].at
        assert life.impact(rule) >= 0
        assert life.first_day in changed_days(rule, [life]) or life.ending is Ending.LASTS


@given(A_RULE, st.floats(0, 5_000), st.integers(1, 60))
def test_what_never_moves_never_changes(rule, number, count):
    assert judged(rule, [number] * count) == []


@given(A_RULE, NUMBERS, st.integers(1, 1_000))
def test_what_is_long_past_changes_nothing(rule, numbers, ago):
    past = {
        (at := FIRST - BACK - timedelta(days=ago + place)): Day(at, 9.0, 500) for place in range(9)
    }
    assert lives(rule, past | course(numbers), days(numbers)) == judged(rule, numbers)
