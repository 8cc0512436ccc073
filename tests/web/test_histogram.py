"""A histogram says what it shows: where bars and marks stand, and in words."""

import pytest

from console.web.histogram import Histogram

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
