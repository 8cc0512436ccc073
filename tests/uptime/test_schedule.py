"""Checks are tried on time, once each, and what came of them is stored once."""

import time
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select

from console.core import clock as console_clock
from console.core.db import db
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.records import CheckOutcome, CheckResult
from console.telemetry.store import TelemetryStore
from console.uptime import kept, schedule
from console.uptime.models import Check, CheckClosing, CheckState, MaintenanceWindow, Outage
from console.uptime.prober import slots
from tests.fakes.peer import Peer, plain
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")
BROKEN = plain(b"Oh no", "500 Broken")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.fixture
def outages(inside):
    def outages(project):
        with inside(project):
            rows = db.session.scalars(select(Outage).order_by(Outage.id)).all()
            return [(row.began_at, row.ended_at, row.why) for row in rows]

    return outages


def test_a_check_goes_down_and_comes_back(
    acme, peer, clock, make_check, try_all, stored, results, outages
):
    clock.set(NOON)
    check_id = make_check(acme, peer.url(), interval_seconds=60)
    try_all()
    assert stored(acme, check_id).state is CheckState.UP
    peer.answers["/"] = BROKEN
    clock.move(seconds=61)
    try_all()
    check = stored(acme, check_id)
    assert (check.state, check.since) == (CheckState.DOWN, NOON + seconds(61))
    assert check.next_due == NOON + seconds(120)
    del peer.answers["/"]
    clock.move(minutes=3)
    try_all()
    check = stored(acme, check_id)
    assert check.state is CheckState.UP
    assert check.last_why == "Up again after 3 min."
    assert check.next_due == NOON + seconds(300)
    rows = results(acme)
    assert [(row.outcome, row.state, row.counts, row.http_status) for row in rows] == [
        ("up", "up", True, 200),
        ("down", "up", False, 500),
        ("down", "down", True, 500),
        ("up", "up", True, 200),
    ]
    assert rows[2].answered == "Oh no"
    why = "Status 500 instead of 200-299."
    assert outages(acme) == [(NOON + seconds(61), NOON + seconds(241), why)]


def test_nothing_is_tried_before_it_is_due_or_while_it_is_paused(
    acme, peer, clock, make_check, try_all, inside
):
    clock.set(NOON)
    check_id = make_check(acme, peer.url(), interval_seconds=60)
    assert try_all() == "1 checks tried"
    clock.move(seconds=59)
    assert try_all() == "0 checks tried"
    with inside(acme):
        db.session.get_one(Check, check_id).next_due = None
        db.session.commit()
    clock.move(hours=1)
    assert try_all() == "0 checks tried"
    assert len(peer.requests) == 1


def test_flaps_are_tolerated(acme, peer, clock, make_check, try_all, stored):
    clock.set(NOON)
    check_id = make_check(acme, peer.url(), failures_needed=3, successes_needed=2)
    course = []
    for works in (True, False, False, True, False, False, False, True, False, True, True):
        peer.answers["/"] = plain(b"") if works else BROKEN
        try_all()
        course.append(stored(acme, check_id).state.value)
        clock.move(seconds=61)
    assert course == ["up"] * 6 + ["down"] * 4 + ["up"]


def test_two_processes_claim_a_try_once(acme, peer, clock, make_check, app, inside):
    clock.set(NOON)
    make_check(acme, peer.url())
    with inside(acme):
        waiting = schedule._due(frozenset())[0]
        assert len(schedule._claimed(acme.organization_id, waiting)) == 1
        assert schedule._claimed(acme.organization_id, waiting) == []
        assert schedule._due(frozenset())[0] == []


def test_a_try_that_was_never_stored_is_made_again(
    acme, peer, clock, make_check, try_all, inside, results
):
    """Its process was killed: the claim runs out."""
    clock.set(NOON)
    make_check(acme, peer.url())
    with inside(acme):
        assert schedule._claimed(acme.organization_id, schedule._due(frozenset())[0])
    clock.move(seconds=49)
    assert try_all() == "0 checks tried"
    clock.move(seconds=2)
    assert try_all() == "1 checks tried"
    assert [row.outcome for row in results(acme)] == ["up"]


def test_what_a_frozen_process_stores_afterwards_changes_nothing(
    acme, peer, clock, make_check, try_all, app, inside, stored, results, monkeypatch
):
    clock.set(NOON)
    check_id = make_check(acme, peer.url())
    late, record = [], schedule.record
    schedule_of = app.extensions[schedule.EXTENSION]
    monkeypatch.setattr(schedule_of, "_record", lambda *args: late.append(args))
    peer.answers["/"] = BROKEN
    try_all()
    monkeypatch.setattr(schedule_of, "_record", record)
    del peer.answers["/"]
    clock.move(minutes=2)
    try_all()
    assert stored(acme, check_id).state is CheckState.UP
    with inside(acme):
        record(*late[0])
    assert stored(acme, check_id).state is CheckState.UP
    assert [row.outcome for row in results(acme)] == ["up"]


def test_results_that_telemetry_cannot_take_are_kept_and_checks_move_on_time(
    app, acme, as_vic, peer, clock, make_check, try_all, stored, results, outages, monkeypatch,
    caplog,
):  # fmt: skip
    clock.set(NOON)
    check_id = make_check(acme, peer.url())

    def full(*_args):
        raise TelemetryUnavailable("1.duckdb", "disk full")

    with monkeypatch.context() as failing:
        failing.setattr(TelemetryStore, "write_own", full)
        try_all()
        peer.answers["/"] = BROKEN
        for _ in range(3):
            clock.move(minutes=1)
            try_all()
            with app.app_context():
                assert "failed for 1 of" in perform("store-check-results")
        assert stored(acme, check_id).state is CheckState.DOWN
        assert [began for began, *_ in outages(acme)] == [NOON + seconds(60)]
    assert caplog.text.count("results of checks of organization") == 1
    assert caplog.text.count("store-check-results is left out") == 1
    page = as_vic.get("/acme/shop/intake").text
    assert 'The job <span class="mono">store-check-results</span> fails' in page
    assert results(acme) == []
    clock.move(seconds=5)
    with app.app_context():
        assert perform("store-check-results") == "7 late results of checks stored"
    rows = results(acme)
    assert [row.timestamp for row in rows if row.counts] == [
        NOON + timedelta(minutes=minute) for minute in range(4)
    ]
    assert {row.received_at for row in rows} == {NOON + timedelta(minutes=3, seconds=5)}
    assert "store-check-results" not in as_vic.get("/acme/shop/intake").text


def _result(at):
    return CheckResult(
        organization_id=1, project_id=1, position=-1, result_id=f"{at:%S}", check_id=1, slug="shop",
        kind="http", timestamp=at, client_timestamp=at, received_at=at, outcome=CheckOutcome.UP,
        state="up",
    )  # fmt: skip


def test_results_that_find_no_room_are_the_oldest_of_their_own_organization(monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    keeps = kept.Kept()
    early, late = (_result(at) for at in (NOON, NOON + seconds(1)))
    assert keeps.keep(1, [late]) == 0
    assert keeps.keep(2, [late, early, late]) == 1
    assert keeps.keep(2, [late]) == 1
    assert keeps.take(2) == [late, late]
    assert (keeps.take(1), keeps.organizations()) == ([late], [])


def test_a_crash_between_the_two_stores_counts_once(
    acme, peer, clock, make_check, try_all, stored, results, monkeypatch
):
    clock.set(NOON)
    check_id = make_check(acme, peer.url())
    with monkeypatch.context() as failing:
        failing.setattr(schedule, "_store", lambda _story: 1 / 0)
        try_all()
    assert (stored(acme, check_id).state, len(results(acme))) == (CheckState.UNKNOWN, 1)
    clock.move(minutes=2)
    try_all()
    assert (stored(acme, check_id).state, len(results(acme))) == (CheckState.UP, 1)


def test_maintenance_is_counted_apart(acme, peer, clock, make_check, try_all, inside, results):
    clock.set(NOON)
    check_id = make_check(acme, peer.url())
    make_check(acme, peer.url(), slug="cart")
    with inside(acme):
        window = MaintenanceWindow(
            project_id=acme.id, check_id=check_id, starts_at=NOON, ends_at=NOON + seconds(60)
        )
        db.session.add(window)
        db.session.commit()
    peer.answers["/"] = BROKEN
    try_all()
    counted = [(row.slug, row.maintenance) for row in results(acme) if row.counts]
    assert sorted(counted) == [("cart", False), ("shop", True)]


def test_headers_that_nobody_can_read_are_said(acme, peer, clock, make_check, try_all, stored,
                                               inside):  # fmt: skip
    clock.set(NOON)
    check_id = make_check(acme, peer.url())
    with inside(acme):
        db.session.get_one(Check, check_id).sealed = b"sealed under another key"
        db.session.commit()
    try_all()
    check = stored(acme, check_id)
    assert "another SECRET_KEY" in check.last_why
    assert check.state is CheckState.UNKNOWN
    assert not peer.requests


def test_a_check_that_is_closed_has_a_few_last_results(acme, clock, app, inside, results):
    clock.set(NOON)
    with inside(acme):
        note = CheckClosing(
            project_id=acme.id, check_id=7, slug="shop", kind="http", environment="", at=NOON,
            until=NOON + seconds(60),
        )  # fmt: skip
        db.session.add(note)
        db.session.commit()
    with app.app_context():
        assert perform("close-checks") == "1 checks closed"
        assert perform("close-checks") == "0 checks closed"
        clock.move(seconds=61)
        assert perform("close-checks") == "1 checks closed"
        clock.move(hours=1)
        assert perform("close-checks") == "0 checks closed"
    assert [(row.outcome, row.state, row.counts) for row in results(acme)] == [
        ("paused", "paused", False)
    ] * 2


@pytest.mark.parametrize("both_databases", ["sqlite"], indirect=True)
def test_500_servers_that_hang_delay_nobody(acme, peer, make_check, try_all, app, inside):
    """Their tries take their time; a check beside them is stored long before."""

    def hang(_connection, _request):
        time.sleep(6)

    with closing(Peer()) as hanging:
        hanging.answers["/"] = hang
        for number in range(500):
            make_check(acme, hanging.url(), slug=f"h{number}", timeout_seconds=5)
        make_check(acme, peer.url(), slug="shop", next_due=console_clock.now() + seconds(0.01))
        time.sleep(0.02)
        began = time.monotonic()
        with app.app_context():
            assert perform("try-checks") == "501 checks tried"
        while True:
            with inside(acme):
                own = select(Check.state).where(Check.slug == "shop")
                if db.session.scalars(own).one() is CheckState.UP:
                    break
            assert time.monotonic() - began < 4, "it waits for the others"
            time.sleep(0.05)
        with app.app_context():
            assert len(schedule.current().under_way) == 500
            assert schedule.current().settled(30)
        with inside(acme):
            states = db.session.scalars(select(Check.state).where(Check.slug != "shop")).all()
            assert set(states) == {CheckState.DOWN}


@pytest.mark.parametrize(
    ("files", "expected"),
    [(65_536, (512, 256)), (-1, (512, 256)), (1_024, (256, 128)), (256, (64, 32)), (2, (1, 1))],
)
def test_tries_leave_files_to_the_rest_of_the_console(files, expected):
    """With `ulimit -n 256`, checks of servers that hang kept the digest from opening its files."""
    assert slots(files) == expected
