"""A histogram says what it shows: where bars and marks stand, and in words."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.web.histogram import TICK_GAP, Histogram
from console.web.units import even_ticks

EDGES = [1_000.0, 10_000.0, 100_000.0, 1_000_000.0]


def histogram(**fields):
    return Histogram(**({"title": "Durations", "edges_us": EDGES, "counts": [1, 4, 0]} | fields))


def test_bars_share_the_width_and_the_highest_has_room():
    bars = histogram().bars()
    assert [round(bar.x * 3) for bar in bars] == [0, 1, 2]
    assert [bar.height for bar in bars] == [0.25, 1, 0]
    assert bars[1].words == "10 ms to 100 ms: 4"


def test_marks_stand_between_the_edges_around_them():
    lines = histogram(marks={"P99": 550_000, "P50": 5_500}).lines()
    assert [(line.text, round(line.x, 3)) for line in lines] == [
        ("P50 5.5 ms", round(1 / 6, 3)),
        ("P99 550 ms", round(5 / 6, 3)),
    ]


def test_marks_that_would_touch_stand_below_each_other():
    lines = histogram(marks={"P50": 20_000, "P95": 21_000, "P99": 900_000}).lines()
    assert [line.level for line in lines] == [0, 1, 0]


def test_a_label_to_the_left_of_its_line_touches_none_before_it():
    lines = histogram(marks={"P50": 14_000, "P95": 100_000, "P99": 400_000}).lines()
    assert [line.is_left for line in lines] == [False, False, True]
    assert [line.level for line in lines] == [0, 0, 1]


def test_a_mark_beyond_the_last_edge_stands_at_the_end():
    assert histogram(marks={"max": 9e9}).lines()[0].x == 1


def test_it_says_what_it_shows():
    said = histogram(marks={"P50": 5_500}).sentence()
    assert said == "Durations: 5 requests, most often 10 ms to 100 ms. P50 5.5 ms."
    assert histogram(counts=[0, 0, 0]).sentence() == "Durations: nothing was counted."


@pytest.mark.parametrize("wrong", [{"counts": [1]}, {"hrefs": ["/"]}])
def test_edges_counts_and_links_belong_together(wrong):
    with pytest.raises(ValueError, match="a histogram has"):
        histogram(**wrong)


@pytest.mark.parametrize(
    ("edges", "labels"),
    [
        ([1e3, 1e4, 1e5, 1e6], ["1 ms", "10 ms", "100 ms", "1 s"]),
        ([3e5, 6e5, 1.2e6], ["300 ms", "500 ms", "1 s"]),
        ([8e5, 1.5e6, 3e6, 6e6], ["1 s", "2 s", "3 s", "5 s"]),
        ([4.1e3, 4.4e3, 4.7e3], ["4.1 ms", "4.7 ms"]),
        ([0, 1, 10], ["1 µs", "10 µs"]),
    ],
)
def test_ticks_are_round_whatever_the_range(edges, labels):
    axis = histogram(edges_us=edges, counts=[1] * (len(edges) - 1)).axis()
    assert [tick.text for tick in axis] == labels


@given(low=st.floats(1, 1e9), ratio=st.floats(1.01, 1e4), bars=st.integers(1, 40))
def test_labels_of_ticks_have_room(low, ratio, bars):
    edges = [low * ratio ** (index / bars) for index in range(bars + 1)]
    axis = histogram(edges_us=edges, counts=[1] * bars).axis()
    assert len(axis) >= 1
    places = [tick.x for tick in axis]
    assert all(later - earlier >= TICK_GAP for earlier, later in pairwise(places))


@given(low=st.integers(0, 10**9), length=st.integers(0, 10**10))
def test_an_even_axis_has_a_few_round_ticks(low, length):
    ticks = list(even_ticks(low, low + length))
    steps = {later - earlier for earlier, later in pairwise(ticks)}
    assert len(ticks) <= 7
    assert len(steps) <= 1
    assert all(low <= tick <= low + length for tick in ticks)
    assert all(str(step).rstrip("0") in {"1", "2", "5"} for step in steps)
    assert length < 6 or len(ticks) >= 2
