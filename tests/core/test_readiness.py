import threading

import pytest
from sqlalchemy.exc import OperationalError

from console.core import canary, readiness
from console.core.readiness import Readiness

KEY, NEXT, OTHER = "k" * 40, "n" * 40, "o" * 40


@pytest.fixture
def checks(app, monkeypatch):
    """Checks that are asked anew each time."""
    monkeypatch.setattr(readiness, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(readiness, "WAIT_SECONDS", 30.0)
    return Readiness(app)


def codes(checks: Readiness) -> list[str]:
    return [reason.code for reason in checks.reasons()]


def test_a_good_state_needs_several_bad_readings_and_a_bad_one_none(checks):
    answers = iter(["", "slow", "slow", "", "slow", "slow", "slow", "slow", ""])
    checks.add("database", lambda: next(answers), patience=3)
    seen = [codes(checks) for _ in range(9)]
    assert seen == [[], [], [], [], [], [], ["database"], ["database"], []]


def test_two_bad_readings_with_time_between_them_are_enough(checks, clock):
    answers = iter(["", "slow", "slow", "", "slow", "slow"])
    checks.add("database", lambda: next(answers), patience=3)
    seen = []
    for _ in range(6):
        seen.append(codes(checks))
        clock.move(seconds=30)
    assert seen == [[], [], ["database"], [], [], ["database"]]


def test_what_was_never_good_is_a_reason_at_once(checks):
    checks.add("database", lambda: "gone", patience=3)
    checks.add("disk", lambda: "full")
    assert codes(checks) == ["database", "disk"]


def test_a_check_that_fails_is_a_reason_without_the_words_of_the_failure(checks):
    def fail() -> str:
        raise ValueError("hunter2")

    checks.add("broken", fail)
    checks.add("fine", lambda: "")
    (reason,) = checks.reasons()
    assert (reason.code, reason.detail) == ("broken", "the check fails: ValueError")


def test_a_database_that_does_not_answer_is_one_reason_however_many_checks_ask_it(checks):
    def ask() -> str:
        raise OperationalError("SELECT 1", {}, ConnectionError("hunter2"))

    for code in ("migrations", "secret-key", "jobs-late"):
        checks.add(code, ask)
    checks.add("disk", lambda: "full")
    reasons = [(reason.code, reason.detail, reason.stops) for reason in checks.reasons()]
    assert reasons == [
        ("state-database", "the state database does not answer", True),
        ("disk", "full", True),
    ]


def test_strangers_make_it_ask_no_more_often(app, monkeypatch):
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 3600.0)
    checks, asked = Readiness(app), []
    checks._asked_at = -4000.0

    def ask() -> str:
        asked.append(1)
        return ""

    checks.add("counted", ask)
    for _ in range(50):
        checks.reasons()
    assert len(asked) == 1


def test_a_check_that_hangs_holds_up_no_answer_and_becomes_the_reason(checks, monkeypatch):
    monkeypatch.setattr(readiness, "WAIT_SECONDS", 0.0)
    hangs, asked = threading.Event(), []

    def wait() -> str:
        asked.append(1)
        hangs.wait(60)
        return ""

    checks.add("hanging", wait)
    assert codes(checks) == [readiness.UNKNOWN]
    monkeypatch.setattr(readiness, "STUCK_SECONDS", -1.0)
    for _ in range(5):
        assert codes(checks) == [readiness.STUCK]
    assert len(asked) == 1
    hangs.set()
    assert checks._answered.wait(30)
    monkeypatch.setattr(readiness, "WAIT_SECONDS", 30.0)
    assert codes(checks) == []


def test_the_canary_opens_under_present_and_former_keys_and_no_other(both_databases, app):
    with app.app_context():
        assert canary.opens((KEY,)), "nothing is stored yet"
        canary.renew((KEY,))
        assert canary.opens((KEY,))
        assert not canary.opens((OTHER,))
        canary.renew((OTHER,))
        assert canary.opens((KEY,)), "a foreign key replaces nothing"
        canary.renew((NEXT, KEY))
        assert canary.opens((NEXT,))
        assert not canary.opens((KEY,))
