from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.web import filters


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (12_843, "12.8k"),
        (1_200_456, "1.2M"),
        (999_600, "1M"),
        (-12_843, "-12.8k"),
        (0.1234, "0.123"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (2.5e9, "2.5B"),
        (3e15, "3,000T"),
        (None, "–"),
    ],
)
def test_compact_keeps_three_digits(value, text):
    assert filters.compact(value) == text


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_compact_is_never_off_by_more_than_half_a_percent(value):
    text = filters.compact(value).replace(",", "")
    factor = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}.get(text[-1], 1)
    shown = float(text.rstrip("kMBT")) * factor
    assert abs(shown - value) <= abs(value) * 0.005


def test_number_keeps_the_exact_figure_in_the_tooltip():
    assert filters.number(12_843, "ms") == '<span title="12,843 ms">12.8k ms</span>'
    assert filters.number(950) == "950"


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (340, "340 µs"),
        (12_345, "12.3 ms"),
        (999_900, "1 s"),
        (1_204_000, "1.2 s"),
        (timedelta(minutes=2, seconds=5), "2 min 5 s"),
        (timedelta(hours=3, minutes=4), "3 h 4 min"),
        (timedelta(days=2), "2 d"),
        (1e300, "1e+294 s"),
        (float("inf"), "inf s"),
        (None, "–"),
    ],
)
def test_duration_takes_its_natural_unit(microseconds, text):
    assert filters.duration(microseconds) == text


def test_ago_is_relative_with_the_moment_on_hover(clock):
    clock.set(datetime(2026, 11, 23, 12, tzinfo=UTC))
    shown = filters.ago(datetime(2026, 11, 23, 11, 57, tzinfo=UTC))
    assert ">3 min ago</time>" in shown
    assert 'title="Mon 23 Nov 2026, 11:57:00 UTC"' in shown
    assert ">11:57:00</time>" in filters.stamp(datetime(2026, 11, 23, 11, 57, tzinfo=UTC))
    assert ">22 Nov 11:57:00</time>" in filters.stamp(datetime(2026, 11, 22, 11, 57, tzinfo=UTC))
    a_year_ago = datetime(2025, 11, 22, 11, 57, tzinfo=UTC)
    assert ">22 Nov 2025 11:57:00</time>" in filters.stamp(a_year_ago)
    assert ">in 2 h</time>" in filters.ago(datetime(2026, 11, 23, 14, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (timedelta(days=7, seconds=-1), "in 7 d"),
        (timedelta(days=90, seconds=-1), "in 3 mo"),
        (timedelta(seconds=40), "in 40 s"),
        (timedelta(seconds=4), "just now"),
    ],
)
def test_what_is_to_come_is_said_to_the_nearest(clock, ahead, text):
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    clock.set(now)
    assert f">{text}</time>" in filters.ago(now + ahead)


def test_the_small_ones():
    assert filters.percent(0.1234) == "12.3%"
    assert filters.percent(0.00001) == "<0.01%"
    assert [filters.percent(share) for share in (0.000514, 0.00226, 0.0101)] == [
        "0.05%",
        "0.23%",
        "1.01%",
    ]
    assert [filters.percent(share) for share in (0.9996, 0.999_999, 1)] == [
        "99.96%",
        "99.99%",
        "100%",
    ]
    assert filters.size(38_000) == "37.1 KB"
    assert filters.middle("b1946ac92492d2347c6235b4d2611184") == "b1946a…611184"
    assert filters.middle("short") == "short"
    assert filters.plural(1, "event") == "1 event"
    assert filters.plural(12_000, "reply", "replies") == "12k replies"
    assert filters.initials("alice.rivers@acme.test") == "AR"


@pytest.mark.parametrize(
    ("value", "how", "text"),
    [
        (12.3, "milliseconds", "12.3 ms"),
        (2_500, "milliseconds", "2.5 s"),
        (0.039, "share", "3.9%"),
        (0.0274, "score", "0.027"),
        (0, "score", "0"),
        (1283.4, "number", "1,283"),
        (7.0, "number", "7"),
        (3.14, "number", "3.14"),
        (None, "share", "–"),
    ],
)
def test_a_metric_is_written_in_its_format(value, how, text):
    assert str(filters.measured(value, how)) == text
