"""The curve says of every threshold what a replay with that threshold alone does."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from console.alerting.backtest import replay
from console.alerting.condition import Condition, Evaluated, Gap, Level
from console.alerting.editor.curve import Sweep, Tally, alone

LEVELS = (1.0, 2.0, 3.0, 5.0)
PENDINGS = (0.0, 60.0, 150.0)


def at_night(at: float) -> bool:
    return at % 7 < 3


@st.composite
def conditions(draw):
    op = draw(st.sampled_from([">", ">=", "<", "<="]))
    recovery = draw(st.sampled_from([None, 1.0, 3.0]))
    of = draw(st.integers(1, 4))
    level = {">": 3.0, ">=": 3.0, "<": 2.0, "<=": 2.0}[op]
    if recovery is not None and (recovery > level if op in (">", ">=") else recovery < level):
        recovery = None
    return Condition(
        op=op,
        levels={Level.WARNING: level},
        recovery=recovery,
        keep_firing_seconds=draw(st.sampled_from([0, 120])),
        pending_seconds=draw(st.sampled_from([0, 60])),
        breaches=draw(st.integers(1, of)),
        of=of,
        no_data=draw(st.sampled_from(list(Gap))),
        minimum_samples=draw(st.sampled_from([0, 5])),
    )


points = st.builds(
    lambda number, samples: (number, samples),
    st.one_of(st.none(), st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0])),
    st.sampled_from([3, 9]),
)


@given(condition=conditions(), numbers=st.lists(points, max_size=60))
def test_the_curve_is_what_replays_do(condition, numbers):
    series = [
        Evaluated(60.0 * place, number, samples)
        for place, (number, samples) in enumerate(numbers, start=1)
    ]
    curve = Sweep.of(condition, [series], LEVELS, at_night).curve(PENDINGS)
    assert set(LEVELS) <= set(curve.levels)
    for pending, row in zip(PENDINGS, curve.rows, strict=True):
        for level, tally in zip(curve.levels, row, strict=True):
            own = replace(alone(condition, level), pending_seconds=pending)
            assert tally == expected(own, series), (pending, level)


@given(condition=conditions(), numbers=st.lists(points, max_size=40))
def test_recovery_levels_as_well(condition, numbers):
    series = [Evaluated(60.0 * n, *point) for n, point in enumerate(numbers, start=1)]
    curve = Sweep.of(condition, [series], LEVELS, at_night).curve(PENDINGS)
    (level,) = condition.levels.values()
    for recovery, tally in zip(curve.levels, curve.recoveries, strict=True):
        own = alone(condition, level)
        limit = (min if condition.op in (">", ">=") else max)(recovery, level)
        assert tally == expected(replace(own, recovery=limit), series)


def expected(condition: Condition, series: list[Evaluated]) -> Tally:
    replayed = replay(condition, series)
    night = sum(at_night(episode.opened) for episode in replayed.episodes)
    return Tally(len(replayed.episodes), replayed.firing_seconds, replayed.longest, night)


def test_two_series_are_counted_together():
    condition = Condition(op=">", levels={Level.CRITICAL: 2.0})
    short, long_ = (
        [Evaluated(60.0 * n, number) for n, number in enumerate(numbers, start=1)]
        for numbers in ([3, 1, 3, 1], [3, 3, 3, 1])
    )
    curve = Sweep.of(condition, [short, long_], [2.0], lambda _: True).curve([0])
    assert curve.rows[0] == [Tally(incidents=3, seconds=300, longest=180, at_night=3)]
