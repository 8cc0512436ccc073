"""Checks begin when they are due, and nothing is looked at before."""

import time
from datetime import timedelta

import pytest

from console.core import clock as console_clock
from console.core.alarm import Alarm
from console.uptime import schedule
from tests.support.scheduled import perform
from tests.support.waiting import until

CHECKS = "/acme/shop/uptime/"


@pytest.fixture
def rung():
    """When an alarm rang that has begun to wait, and for which organizations."""
    times = []
    alarm = Alarm("tests", lambda ids: times.append((time.monotonic(), list(ids))))
    alarm.start()
    yield alarm, times
    alarm.stop()


def test_it_rings_once_when_the_first_moment_comes(rung):
    alarm, times = rung
    began, now = time.monotonic(), console_clock.now()
    for seconds in (60, 0.3, 5):
        alarm.note(7, now + timedelta(seconds=seconds))
    alarm.note(8, now + timedelta(seconds=60))
    until(lambda: times, "the alarm")
    time.sleep(0.5)
    ((at, ids),) = times
    assert ids == [7]
    assert 0.25 < at - began < 0.8


def test_a_round_that_fails_ends_nothing():
    rounds = []

    def ring(ids):
        rounds.append(list(ids))
        raise RuntimeError

    alarm = Alarm("tests", ring)
    alarm.start()
    alarm.note(1, console_clock.now())
    until(lambda: len(rounds) == 1, "the first round")
    alarm.note(2, console_clock.now())
    until(lambda: len(rounds) == 2, "the second round")
    alarm.stop()
    alarm.note(3, console_clock.now())
    time.sleep(0.3)
    assert rounds == [[1], [2]]


@pytest.fixture
def waiting(app):
    """The alarm of a console, as a served one has it; its job does nothing more."""
    with app.app_context():
        alarm, prober = schedule.alarm(), schedule.current()
    alarm.start()
    yield prober
    alarm.stop()
    assert prober.settled(20)


def test_checks_begin_within_a_second_of_their_due_time(
    app, acme, peer, make_check, waiting, results, capsys
):
    now = console_clock.now()
    for number in range(20):
        due = now + timedelta(seconds=2 + number / 10)
        make_check(acme, peer.url(), slug=f"c{number}", next_due=due, interval_seconds=10)
    with app.app_context():
        assert perform("try-checks") == "0 checks tried"
    until(lambda: len(peer.requests) == 20, "20 tries")
    assert waiting.settled(20)
    late = [row.timestamp - row.client_timestamp for row in results(acme)]
    assert len(late) == 20
    # The least busy half: the machine that tests has more to do than this.
    assert timedelta(0) <= min(late) <= sorted(late)[10] < timedelta(seconds=1)
    assert max(late) < timedelta(seconds=4), "no round of the jobs' five seconds was waited for"
    with capsys.disabled():
        middle, latest = sorted(late)[10], max(late)
        print(f"\n20 checks answered {middle} after their due time, at most {latest}")


@pytest.mark.usefixtures("waiting")
def test_a_check_that_is_made_or_resumed_is_tried_at_once(as_alice, peer):
    made = as_alice.post(f"{CHECKS}new", data={"name": "Shop", "url": peer.url()}).location
    until(lambda: len(peer.requests) == 1, "the first try", seconds=20)
    as_alice.post(f"{made}/pause")
    as_alice.post(f"{made}/resumption")
    until(lambda: len(peer.requests) == 2, "the try after the pause", seconds=20)
