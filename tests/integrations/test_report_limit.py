import sys

import pytest

from console.core.clock import instant
from console.integrations.report_limit import LEFT_OUT, MOST, ReportLimit


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def limit(seconds):
    return ReportLimit(seconds)


def raised(text: str) -> dict[str, object]:
    """The hint of a fault of the console's own code; the sender's text differs each time."""
    try:
        instant(text)
    except ValueError:
        return {"exc_info": sys.exc_info()}
    raise AssertionError(text)


def test_a_flood_of_one_fault_is_reported_some_times_a_minute_and_counted(limit, seconds):
    sent = [limit({}, raised(f"{number}")) for number in range(100)]
    assert sent == [{}] * MOST + [None] * (100 - MOST)
    seconds.now = 61.0
    assert limit({}, raised("later")) == {"extra": {LEFT_OUT: 100 - MOST}}
    assert limit({}, raised("later")) == {}


def test_another_fault_is_reported_all_the_same(limit):
    for _ in range(100):
        limit({}, raised("no moment"))
    assert limit({}, raised("1066-10-14T09:00")) == {}  # of the same type, from another line
    assert limit({"message": "another"}, {}) == {"message": "another"}


def test_traces_are_not_limited(limit):
    trace = {"type": "transaction"}
    assert [limit(trace, {}) for _ in range(100)] == [trace] * 100


def test_a_flood_of_different_faults_does_not_fill_the_memory(limit):
    for number in range(5_000):
        limit({"message": f"fault {number}"}, {})
    assert len(limit._windows) == 500
