"""The state machine: a table of series, and what holds for every series."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.alerting.backtest import replay
from console.alerting.condition import Condition, ConditionError, Evaluated, Gap, Level, Verdict
from console.alerting.decide import BROKEN_AFTER, Decision, Standing, State, decide, decisions

W, C = Level.WARNING, Level.CRITICAL
ERROR = "error"


def condition(**changes: Any) -> Condition:
    given_: dict[str, Any] = {"op": ">", "levels": {C: 1000, W: 500}, "recovery": 450}
    return Condition(**(given_ | changes))


def series(items: Sequence[Any], step: float = 60) -> list[Evaluated]:
    evaluations = []
    for number, item in enumerate(items, start=1):
        at = number * step
        if isinstance(item, tuple):
            value, samples, base = (*item, None, None)[:3]
            evaluations.append(Evaluated(at, value, samples, base))
        elif item == ERROR:
            evaluations.append(Evaluated(at, error="the question took too long"))
        else:
            evaluations.append(Evaluated(at, item))
    return evaluations


def changes(rule: Condition, items: Sequence[Any]) -> str:
    """The transitions in short: when, and to which state; the first one begins at ok."""
    made = replay(rule, series(items)).transitions
    assert [each.before for each in made] == [State.OK, *(each.after for each in made)][: len(made)]
    return ", ".join(f"{each.at} {each.after}" for each in made)


TABLE: list[tuple[str, dict[str, Any], list[Any], str]] = [
    ("an equal number is no breach of >", {}, [500, 500], ""),
    ("an equal number breaches >=", {"op": ">="}, [500], "60 warning"),
    (
        "below: an equal number is no breach of <",
        {"op": "<", "levels": {W: 10, C: 5}, "recovery": 12},
        [10, 9, 5, 4, 11, 12],
        "120 warning, 240 critical, 300 warning, 360 ok",
    ),
    ("critical at once", {}, [1001], "60 critical"),
    (
        "up, down to warning, and out",
        {},
        [600, 1200, 700, 100],
        "60 warning, 120 critical, 180 warning, 240 ok",
    ),
    (
        "between recovery and warning it goes on firing",
        {},
        [600, 480, 451, 450],
        "60 warning, 240 ok",
    ),
    ("between recovery and warning it does not begin", {}, [480, 499], ""),
    (
        "without a recovery level, the lowest level is it",
        {"recovery": None},
        [600, 500],
        "60 warning, 120 ok",
    ),
    (
        "a breach must last",
        {"pending_seconds": 90},
        [600, 600, 600],
        "60 pending, 180 warning",
    ),
    (
        "a breach that ends early was none",
        {"pending_seconds": 90},
        [600, 600, 499, 600],
        "60 pending, 180 ok, 240 pending",
    ),
    (
        "each level lasts by itself",
        {"pending_seconds": 90},
        [600, 1200, 1200, 1200],
        "60 pending, 180 warning, 240 critical",
    ),
    (
        "a second breach within an incident need not last again",
        {"pending_seconds": 60, "keep_firing_seconds": 600},
        [1200, 1200, 100, 1200],
        "60 pending, 120 critical, 180 recovering, 240 critical",
    ),
    (
        "it keeps firing from the first clear evaluation on",
        {"keep_firing_seconds": 120},
        [600, 100, 100, 100],
        "60 warning, 120 recovering, 240 ok",
    ),
    (
        "2 of 3, not in a row",
        {"breaches": 2, "of": 3},
        [600, 100, 600, 600, 100, 100],
        "180 warning, 360 ok",
    ),
    ("missing data is not zero", {"op": "<", "levels": {C: 5}, "recovery": 6}, [None, 7], ""),
    ("missing data changes nothing", {}, [600, None, None], "60 warning"),
    (
        "missing data keeps the pending time running",
        {"pending_seconds": 120},
        [600, None, 600],
        "60 pending, 180 warning",
    ),
    (
        "missing data counts as ok",
        {"no_data": Gap.OK},
        [600, None],
        "60 warning, 120 ok",
    ),
    ("missing data counts as a breach", {"no_data": Gap.FIRING}, [None], "60 critical"),
    (
        "missing data is a state, and what fired goes on under it",
        {"no_data": Gap.NO_DATA},
        [600, None, 600, None, 100],
        "60 warning, 120 no_data, 180 warning, 240 no_data, 300 ok",
    ),
    (
        "few samples decide nothing",
        {"minimum_samples": 10},
        [(600, 9), (600, None)],
        "120 warning",
    ),
    (
        "few samples recover nothing",
        {"minimum_samples": 10},
        [(1, 9), (600, 10), (1, 9)],
        "120 warning",
    ),
    (
        "percent of a base",
        {"compare": "percent", "levels": {W: 150}, "recovery": None},
        [(150, 9, 100), (151, 9, 100), (151, 9, 0), (151, 9), (151, 9, 101)],
        "120 warning, 300 ok",
    ),
    (
        "distance from a base",
        {"compare": "absolute", "levels": {W: 50}, "recovery": None},
        [(150, 9, 100), (51, 9, 0)],
        "120 warning",
    ),
    ("four errors are none", {}, [600, *[ERROR] * 4, 600], "60 warning"),
    (
        "five errors in a row break a rule, and what fired goes on under it",
        {},
        [600, *[ERROR] * 5, ERROR, 600],
        "60 warning, 360 broken, 480 warning",
    ),
    ("errors with a number between are not in a row", {}, [*[ERROR] * 4, 1, *[ERROR] * 4], ""),
    (
        "an answer without data ends being broken",
        {},
        [*[ERROR] * 5, None],
        "300 broken, 360 ok",
    ),
    (
        "an error counts as a breach until the rule is broken",
        {"on_error": Gap.FIRING},
        [*[ERROR] * 5, 1],
        "60 critical, 300 broken, 360 ok",
    ),
]


@pytest.mark.parametrize(
    ("rule", "items", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_table(rule, items, expected):
    assert changes(condition(**rule), items) == expected


def test_what_came_before_or_is_known_is_left_out():
    rule = condition()
    late = [Evaluated(60, 100), Evaluated(180, 600), Evaluated(120, 9999), Evaluated(180, 1)]
    outcome = list(decisions(rule, late))
    assert [decision.judgement is None for decision in outcome] == [False, False, True, True]
    assert outcome[-1].standing == outcome[1].standing


def test_a_transition_says_why():
    (change,) = replay(condition(pending_seconds=0), series([1200])).transitions
    assert change.why == "1200 > 1000 (critical)"
    rule = condition(minimum_samples=10)
    assert rule.judge(Evaluated(60, 600, 3)).why == "3 samples, 10 are needed"
    assert rule.judge(Evaluated(60, 470, 10)).verdict is Verdict.BETWEEN
    broken = replay(rule, series([ERROR] * 5)).transitions[-1]
    assert broken.why == "5 errors in a row: the question took too long"


def test_the_reason_names_the_level_that_fires_though_the_number_is_worse():
    rule = condition(pending_seconds=120)
    changes = replay(rule, series([600, 600, 1200, 1200, 1200])).transitions
    assert [(change.after.value, change.why) for change in changes[1:]] == [
        ("warning", "1200 > 500 (warning), for 120 s"),
        ("critical", "1200 > 1000 (critical), for 120 s"),
    ]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"levels": {}}, "levels"),
        ({"levels": {W: 1000, C: 500}}, "levels"),
        ({"levels": {W: 500, C: 500}}, "levels"),
        ({"op": "<", "recovery": 2000}, "levels"),
        ({"levels": {W: float("nan")}}, "levels"),
        ({"recovery": 501}, "recovery"),
        ({"recovery": float("inf")}, "recovery"),
        ({"pending_seconds": -1}, "pending_seconds"),
        ({"keep_firing_seconds": 10**9}, "keep_firing_seconds"),
        ({"breaches": 3, "of": 2}, "breaches"),
        ({"breaches": 0}, "breaches"),
        ({"interval_seconds": 0}, "interval_seconds"),
        ({"minimum_samples": -1}, "minimum_samples"),
        ({"on_error": Gap.NO_DATA}, "on_error"),
    ],
)
def test_a_condition_that_contradicts_itself_names_its_field(changed, field):
    with pytest.raises(ConditionError) as error:
        condition(**changed)
    assert error.value.field == field


# What holds for every series --------------------------------------------------------------------

ITEMS = st.one_of(
    st.sampled_from([None, ERROR, 440, 450, 480, 500, 501, 700, 1000, 1001]),
    st.tuples(st.sampled_from([100, 600, 1200]), st.sampled_from([1, 9, 10, 50])),
)
CONDITIONS = st.builds(
    condition,
    pending_seconds=st.sampled_from([0, 60, 90, 300]),
    keep_firing_seconds=st.sampled_from([0, 60, 150]),
    breaches=st.sampled_from([1, 2]),
    of=st.sampled_from([2, 3]),
    no_data=st.sampled_from(list(Gap)),
    on_error=st.sampled_from([Gap.KEEP, Gap.OK, Gap.FIRING]),
    minimum_samples=st.sampled_from([0, 10]),
)
SERIES = st.lists(ITEMS, max_size=40)


@given(CONDITIONS, SERIES)
def test_transitions_follow_each_other_without_a_gap(rule, items):
    made = replay(rule, series(items)).transitions
    assert all(change.before is not change.after for change in made)
    assert all(first.after is second.before for first, second in pairwise(made))
    assert not made or made[0].before is State.OK


@given(CONDITIONS, SERIES)
def test_incidents_are_resolved_after_they_opened_and_do_not_overlap(rule, items):
    episodes = replay(rule, series(items)).episodes
    for episode in episodes:
        assert episode.resolved is None or episode.opened < episode.resolved
    for first, second in pairwise(episodes):
        assert first.resolved is not None
        assert first.resolved <= second.opened


@given(CONDITIONS, SERIES, st.integers(0, 40))
def test_deciding_again_changes_nothing(rule, items, cut):
    evaluations = series(items)
    cut = min(cut, len(evaluations))
    again = [*evaluations[:cut], *evaluations[:cut], *evaluations[cut:]]
    once, twice = replay(rule, evaluations), replay(rule, again)
    assert twice.transitions == once.transitions
    assert twice.episodes == once.episodes


@given(CONDITIONS, SERIES, st.integers(0, 40))
def test_a_standing_is_all_that_a_restart_needs(rule, items, cut):
    evaluations = series(items)
    before: list[Decision] = list(decisions(rule, evaluations[:cut]))
    standing = Standing.of(before[-1].standing.document) if before else Standing()
    after = list(decisions(rule, evaluations[cut:], standing))
    assert [*before, *after] == list(decisions(rule, evaluations))


@given(CONDITIONS, SERIES)
def test_answers_that_decide_nothing_change_nothing_but_being_broken(rule, items):
    standing = Standing()
    for evaluated in series(items):
        decision = decide(rule, standing, evaluated)
        verdict = decision.judgement.verdict if decision.judgement else None
        if verdict is Verdict.INCONCLUSIVE and standing.state is not State.BROKEN:
            assert decision.transition is None
            assert decision.standing.window == standing.window
        standing = decision.standing


@given(CONDITIONS, st.integers(1, 12))
def test_only_five_errors_in_a_row_break_a_rule(rule, errors):
    state = replay(rule, series([ERROR] * errors)).decisions[-1].standing.state
    assert (state is State.BROKEN) == (errors >= BROKEN_AFTER)
