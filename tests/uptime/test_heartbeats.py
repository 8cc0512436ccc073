"""Heartbeats: their addresses, forms and pages."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from console.core.db import db
from console.uptime import heartbeats
from console.uptime.models import Check, CheckState, WaitingCheckIn
from tests.support.clients import HTMX
from tests.support.scheduled import perform

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGE = "/acme/shop/uptime/"
FIELDS = {"name": "Nightly backup", "every_minutes": "60", "margin_minutes": "5", "zone": "UTC"}


@pytest.fixture(autouse=True)
def _noon(clock):
    clock.set(NOON)


@pytest.fixture
def made(as_alice):
    """The page of a heartbeat that was just made, and the path of its address."""
    answer = as_alice.post(f"{PAGE}heartbeats/new", data=FIELDS)
    page = as_alice.get(answer.location).text
    (address,) = set(re.findall(r"/beat/phh_[\w-]{43}", page))
    return answer.location, address


@pytest.fixture
def settle(app, clock):
    def settle(minutes=0.0):
        clock.move(minutes=minutes)
        with app.app_context():
            perform("settle-check-ins")

    return settle


@pytest.fixture
def check(acme, inside):
    def check():
        with inside(acme):
            row = db.session.scalars(select(Check)).one()
            db.session.expunge(row)
            return row

    return check


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_ping_without_signing_in_is_a_beat(client, as_vic, made, settle, check, method):
    assert check().state is CheckState.UNKNOWN
    answer = client.open(made[1], method=method)
    assert answer.status_code == 200
    settle()
    assert check().state is CheckState.UP
    assert ">Duration<" not in as_vic.get(made[0]).text  # it says nothing of how long it took
    settle(64)
    assert check().state is CheckState.UP
    settle(2)
    assert (check().state, check().last_outcome) == (CheckState.DOWN, "missed")
    client.open(made[1], method=method)
    settle()
    assert check().state is CheckState.UP


@pytest.mark.parametrize(
    ("word", "state", "why"),
    [
        ("fail", CheckState.DOWN, "disk full"),
        ("0", CheckState.UP, ""),
        ("3", CheckState.DOWN, "Exit code 3. disk full"),
    ],
)
def test_a_job_says_how_it_ended(client, as_vic, made, settle, check, word, state, why):
    client.post(f"{made[1]}/start?rid=one")
    settle(2)
    assert client.post(f"{made[1]}/{word}?rid=one", data="disk full").text == "OK\n"
    settle()
    assert (check().state, check().last_why) == (state, why)
    settle(1)
    page = as_vic.get(made[0]).text
    assert (">Duration<" in page) == (word == "0"), "failures have no part in it"


def test_runs_that_overlap_are_apart_and_one_that_does_not_end_times_out(
    client, made, settle, check
):
    client.get(f"{made[1]}/start?rid=one")
    client.get(f"{made[1]}/start?rid=two")
    client.get(f"{made[1]}?rid=two")
    settle(30)
    assert check().state is CheckState.UP
    settle(31)
    assert check().last_outcome == "timed_out"


@pytest.mark.parametrize("path", ["/beat/phh_x", "/beat/phh_x/start"])
def test_strange_addresses_are_404(client, made, path):
    assert client.get(path).status_code == 404
    assert client.get(f"{made[1]}/maybe").status_code == 404
    assert client.get(f"{made[1]}/9999").status_code == 404


def test_too_many_pings_are_refused(client, made, monkeypatch, acme, inside):
    monkeypatch.setattr(heartbeats, "MOST_WAITING", 2)
    statuses = [client.get(made[1]).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    with inside(acme):
        assert len(db.session.scalars(select(WaitingCheckIn)).all()) == 2


def test_a_paused_heartbeat_is_deaf_and_a_resumed_one_waits(as_alice, client, made, settle, check):
    client.get(made[1])
    settle()
    as_alice.post(f"{made[0]}/pause")
    client.get(f"{made[1]}/fail")
    settle(600)
    assert check().state is CheckState.PAUSED
    as_alice.post(f"{made[0]}/resumption")
    settle(600)
    assert check().state is CheckState.UNKNOWN
    client.get(made[1])
    settle()
    assert check().state is CheckState.UP


def test_it_is_changed(as_alice, made, check):
    form = as_alice.get(f"{made[0]}/expectation")
    assert 'value="Nightly backup"' in form.text
    changed = FIELDS | {"cron": "30 3 * * 1-5", "zone": "Europe/Berlin"}
    assert as_alice.post(f"{made[0]}/expectation", data=changed).status_code == 303
    page = as_alice.get(made[0]).text
    assert "Europe/Berlin" in page
    assert "Next: " in page
    assert check().settings["every_seconds"] == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Give it a name."),
        ({"cron": "0 0 31 2 *"}, "bad day-of-month"),
        ({"cron": "soon"}, "five fields"),
        ({"zone": "Mars/Base"}, "is no time zone"),
        ({"every_minutes": "0"}, "Between a minute and a year."),
        ({"every_minutes": "x"}, "Not a whole number."),
        ({"margin_minutes": "-1"}, "Between 0 minutes and a year."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(as_alice, wrong, words):
    answer = as_alice.post(f"{PAGE}heartbeats/new", data=FIELDS | wrong, headers=HTMX)
    assert answer.status_code == 422
    assert words in answer.text


def test_members_make_heartbeats_and_viewers_do_not_see_the_address(as_vic, as_eve, made):
    assert as_vic.get(f"{PAGE}heartbeats/new").status_code == 403
    page = as_vic.get(made[0])
    assert page.status_code == 200
    assert "/beat/" not in page.text
    assert as_eve.get(made[0]).status_code == 404
    assert as_eve.post(f"{made[0]}/expectation", data=FIELDS).status_code == 404


def test_what_a_job_prints_may_be_put(client, made, settle, check):
    """As `job 2>&1 | curl -T - …/fail` does."""
    assert client.put(f"{made[1]}/fail", data="disk full").text == "OK\n"
    settle()
    assert check().last_why == "disk full"


def test_the_end_of_a_job_with_a_log_of_10_mb_is_heard(client, made, settle, check):
    answer = client.post(f"{made[1]}/fail", data=b"x" * 10_000_000)
    assert answer.status_code == 200
    settle()
    assert check().state is CheckState.DOWN
    assert check().last_why == "The job reported a failure."
