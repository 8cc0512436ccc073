"""Check-ins of Sentry's clients: what is expected, missed, timed out, failed, and recovers."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from console.accounts.models import Key
from console.core.db import db
from console.intake.models import Outcome
from console.uptime import course, taking_in
from console.uptime.check_in import LONGEST_SLUG, CheckIn, place_of, slug_of
from console.uptime.expectation import Expectation
from console.uptime.models import Check, CheckRun, CheckState, Outage, WaitingCheckIn
from tests.ingest.conftest import accepted, digest, envelope, waiting
from tests.support.scheduled import perform

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUN = "a" * 32
__all__ = ["accepted", "digest", "waiting"]  # fixtures
CONFIG = {
    "schedule": {"type": "crontab", "value": "0 * * * *"},
    "checkin_margin": 5,
    "max_runtime": 10,
    "timezone": "Europe/Berlin",
}


@pytest.fixture(autouse=True)
def _noon(clock):
    clock.set(NOON)


@pytest.fixture
def says(acme, accepted, digest):
    """`says("ok", …)` is a check-in of the nightly job, digested."""

    def says(status, config=CONFIG, slug="nightly", run=RUN, **fields):
        sent = {"check_in_id": run, "monitor_slug": slug, "status": status, **fields}
        if config is not None:
            sent["monitor_config"] = config
        accepted(acme, body=envelope(("check_in", sent)))
        digest.drain()

    return says


@pytest.fixture
def settle(app, clock):
    """`settle(minutes)` lets time pass, and the job run."""

    def settle(minutes=0.0):
        clock.move(minutes=minutes)
        with app.app_context():
            return perform("settle-check-ins")

    return settle


@pytest.fixture
def check(acme, inside):
    """`check()` is the job's only check."""

    def check(slug="nightly"):
        with inside(acme):
            found = db.session.scalars(select(Check).where(Check.slug == slug)).one()
            db.session.expunge(found)
            return found

    return check


@pytest.fixture
def outcomes(acme, results):
    return lambda: [(row.outcome, row.state) for row in results(acme)]


def test_a_check_in_makes_its_check_with_what_is_expected(says, settle, check, outcomes):
    says("in_progress", failure_issue_threshold=2)
    settle()
    assert outcomes() == []
    says("ok")
    settle(2)
    made = check()
    assert (made.kind, made.environment, made.state) == ("monitor", "production", CheckState.UP)
    assert Expectation.of(made.settings).words.endswith("(Europe/Berlin)")
    assert made.next_due == NOON + timedelta(hours=1, minutes=5)
    assert outcomes() == [("up", "up")]


def test_the_run_has_a_duration_and_is_stored_once(says, settle, results, acme, as_vic):
    says("in_progress")
    settle(3)
    says("ok")
    settle()
    settle()
    (row,) = results(acme)
    assert row.duration_us == 180_000_000
    assert row.seconds == 57 * 60
    page = as_vic.get(f"/acme/shop/uptime/{row.check_id}").text
    assert ">Duration<" in page
    assert "Response time" not in page.replace("Response times", "")


def test_a_time_that_is_missed_is_a_failure_and_recovery_says_for_how_long(
    says, settle, check, outcomes, results, acme, inside
):
    says("ok")
    settle(64)
    assert check().state is CheckState.UP
    settle(2)
    assert check().state is CheckState.DOWN
    assert check().last_why == (
        "It was expected at 20 Nov 13:00 UTC, and nothing came within 5 minutes."
    )
    settle(60)
    says("ok", run="b" * 32)
    settle()
    assert outcomes() == [("up", "up"), ("missed", "down"), ("missed", "down"), ("up", "up")]
    assert results(acme)[-1].why.startswith("Up again after 1 h 1 min")
    with inside(acme):
        outage = db.session.scalars(select(Outage)).one()
        assert outage.began_at == NOON + timedelta(minutes=65)
        assert outage.ended_at == NOON + timedelta(minutes=126)


def test_a_run_that_takes_too_long_times_out(says, settle, check, inside, acme, outcomes):
    says("in_progress")
    settle(9)
    assert outcomes() == []
    settle(2)
    assert outcomes() == [("timed_out", "down")]
    assert "did not end within 10 minutes" in check().last_why
    with inside(acme):
        assert db.session.scalars(select(CheckRun)).all() == []
    says("ok")  # late, but it came
    settle()
    assert check().state is CheckState.UP


def test_thresholds_are_heeded(says, settle, check):
    config = CONFIG | {"failure_issue_threshold": 2, "recovery_threshold": 2}
    states: list[CheckState] = []
    for status in ("ok", "error", "error", "ok", "ok"):
        says(status, config, run=f"{len(states):032x}")
        settle(1)
        states.append(check().state)
    up, down = CheckState.UP, CheckState.DOWN
    assert states == [up, up, down, down, up]


def test_environments_are_checks_of_their_own(says, settle, inside, acme):
    says("ok")
    says("error", environment="staging", run="c" * 32)
    settle()
    with inside(acme):
        rows = db.session.execute(select(Check.environment, Check.state)).all()
        assert sorted(rows) == [("production", "up"), ("staging", "down")]


def test_what_is_missed_for_long_is_bounded(says, settle, outcomes, check):
    says("ok", {"schedule": {"type": "interval", "value": 1, "unit": "minute"}})
    settle(60 * 24 * 30)
    assert 1 < len(outcomes()) <= 21
    assert check().next_due > NOON + timedelta(days=30)


def test_a_job_without_a_schedule_is_never_missed(says, settle, check):
    says("ok", None)
    settle(60 * 24 * 30)
    assert (check().state, check().next_due) == (CheckState.UP, None)
    assert Expectation.of(check().settings).words == "At no fixed time"


def test_numbers_of_scripts_may_be_text(says, settle, check):
    schedule = {"type": "interval", "value": "30", "unit": "minutes"}
    times = {"checkin_margin": "2", "max_runtime": "7", "failure_issue_threshold": "3"}
    says("ok", {"schedule": schedule, **times}, duration="1.5")
    settle()
    expected = Expectation.of(check().settings)
    assert (expected.every_seconds, expected.margin_seconds) == (1800, 120)
    assert (expected.runtime_seconds, check().failures_needed) == (420, 3)


@pytest.mark.parametrize("config", [{}, [], "x", {"schedule": []}, {"checkin_margin": "soon"}])
def test_an_odd_config_breaks_nothing(says, settle, check, config):
    says("ok", config)
    settle()
    assert check().state is CheckState.UP


def test_names_become_slugs():
    assert slug_of("Nightly Backup (EU)!") == "nightly-backup-eu"
    assert slug_of("x" * 90) == "x" * 50
    assert slug_of(7) == slug_of("…") == ""


@pytest.mark.parametrize("sent", [{}, {"status": "asleep"}, {"status": "ok", "monitor_slug": "!"}])
def test_what_is_no_check_in_is_invalid(acme, accepted, digest, inside, sent):
    accepted(acme, body=envelope(("check_in", sent)))
    digest.drain()
    with inside(acme):
        assert db.session.scalars(select(Outcome.outcome)).all() == ["invalid"]


def test_too_many_names_are_bounded_and_counted(monkeypatch, says, settle, acme, inside):
    monkeypatch.setattr(taking_in, "MOST_MONITORS", 2)
    for slug in ("one", "two", "three", "one"):
        says("ok", slug=slug)
    settle()
    with inside(acme):
        assert set(db.session.scalars(select(Check.slug))) == {"one", "two"}
        assert db.session.scalars(select(WaitingCheckIn)).all() == []
        counted = db.session.execute(select(Outcome.outcome, Outcome.quantity)).all()
        assert sorted(counted) == [("ignored", 1), ("stored", 3)]


def test_a_plain_request_checks_in(client, acme, inside, digest, settle, check):
    with inside(acme):
        key = db.session.scalars(select(Key.public_key)).first()
    address = f"/api/{acme.id}/cron/nightly/{key}/"
    answer = client.get(address, query_string={"status": "in_progress", "check_in_id": RUN})
    assert answer.status_code == 202
    sent = {"status": "error", "check_in_id": RUN, "monitor_config": CONFIG}
    assert client.post(address, json=sent).status_code == 202
    digest.drain()
    settle()
    assert (check().state, check().last_outcome) == (CheckState.DOWN, "failed")
    assert client.get(f"/api/{acme.id}/cron/nightly/{'0' * 32}/").status_code == 403
    assert client.get(f"/api/{acme.id}/cron/nightly/{key}/?status=odd").status_code == 202
    digest.drain()


def test_the_word_that_a_run_began_may_come_after_the_word_that_it_ended(
    says, settle, clock, check, outcomes
):
    says("ok")
    settle()
    clock.move(seconds=2)
    says("in_progress")
    settle(12)  # longer than the job may run
    assert (outcomes(), check().state) == ([("up", "up")], CheckState.UP)


def test_a_repeated_end_counts_once_and_the_next_run_of_the_same_id_counts(says, settle, outcomes):
    twice = {**CONFIG, "failure_issue_threshold": 2}
    says("error", twice)
    says("error", twice)
    settle()
    assert outcomes() == [("failed", "unknown")]
    settle(course.LATE / timedelta(minutes=1))
    says("error", twice)
    settle()
    assert outcomes()[-1] == ("failed", "down")


def test_nothing_is_missed_that_waits_behind_a_flood_of_other_words(
    says, settle, clock, check, outcomes, monkeypatch
):
    monkeypatch.setattr(taking_in, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(taking_in, "ROUNDS", 1)
    says("ok")
    settle()
    clock.move(minutes=64)
    for number in range(4):
        says("ok", slug="noise", run=f"{number:032x}")
    says("ok", run="c" * 32)
    settle(2)  # the hour is over, and so is its margin
    settle()
    assert {outcome for outcome, _ in outcomes()} == {"up"}
    settle(60)
    assert outcomes()[-1] == ("missed", "down")


def test_a_flood_of_runs_leaves_so_many_open(says, settle, inside, acme, monkeypatch):
    monkeypatch.setattr(course, "MOST_RUNS", 2)
    for number in range(4):
        says("in_progress", run=f"{number:032x}")
    settle()
    with inside(acme):
        assert len(db.session.scalars(select(CheckRun)).all()) == 2


def test_many_checks_are_stored_a_few_at_a_time(says, settle, check, app, monkeypatch):
    monkeypatch.setattr(taking_in, "MOST_STORED", 2)
    for number in range(5):
        says("ok", slug=f"job-{number}")
    commits: list[None] = []
    with app.app_context():
        monkeypatch.setattr(db.session, "commit", _counting(db.session.commit, commits))
    settle()
    assert len(commits) == 3
    assert {check(f"job-{number}").state for number in range(5)} == {CheckState.UP}


def _counting(commit, commits):
    def counted():
        commits.append(None)
        commit()

    return counted


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("nightly", "staging"), ("nightly-staging", "production")),
        (("nightly", "eu/1"), ("nightly", "eu-1")),
        (("nightly", "Staging"), ("nightly", "staging")),
        (("nightly", "review-of-the-shop-1"), ("nightly", "review-of-the-shop-2")),
        (("x" * 49 + "1", "staging"), ("x" * 49 + "2", "staging")),
        (("x" * 49 + "1", "€"), ("x" * 49 + "2", "€")),
    ],
)
def test_no_two_monitors_share_a_name_in_metrics(first, second):
    places = {place_of(*first), place_of(*second)}
    assert len(places) == 2
    assert max(map(len, places)) <= LONGEST_SLUG


def test_long_monitors_outside_of_production_are_checks_of_their_own(says, settle, check):
    for number, status in enumerate(("ok", "error")):
        says(status, slug=f"{'x' * 48}-{number}", environment="staging", run=f"{number:032x}")
    settle()
    states = [check(place_of(f"{'x' * 48}-{n}", "staging")).state for n in range(2)]
    assert states == [CheckState.UP, CheckState.DOWN]


def test_a_flood_of_names_is_counted_and_stops_nothing(both_databases, acme, inside, monkeypatch):
    monkeypatch.setattr(taking_in, "MOST_MONITORS", 2)
    flood = [
        CheckIn(
            organization_id=acme.organization_id,
            project_id=acme.id,
            position=1,
            timestamp=NOON,
            received_at=NOON,
            run=RUN,
            slug=f"flood-{number}",
            status="ok",
        )
        for number in range(33_000)  # with their environments more values than a statement may have
    ]
    with inside(acme):
        assert taking_in.keep(acme.id, flood) == 33_000 - 2
        db.session.commit()
        assert taking_in.keep(acme.id, flood[:3]) == 1
        assert db.session.scalar(select(func.count(Check.id))) == 2


def test_silent_monitors_are_deleted_together_and_give_room(
    monkeypatch, says, settle, clock, acme, inside, as_alice, as_vic, as_script
):
    """A thousand names that a stranger made with the public key kept every other job out."""
    monkeypatch.setattr(taking_in, "MOST_MONITORS", 3)
    says("ok", slug="junk", config=None)
    says("ok", slug="monthly", config={"schedule": {"type": "crontab", "value": "0 0 1 * *"}})
    says("ok", slug="paused", config=None)
    settle()
    with inside(acme):
        db.session.scalars(
            select(Check).where(Check.slug == "paused")
        ).one().state = CheckState.PAUSED
        db.session.commit()
    clock.move(days=2)
    page = as_alice.get("/acme/shop/uptime/silent-monitors?days=1").text
    assert [slug for slug in ("junk", "monthly", "paused") if f">{slug}</a>" in page] == ["junk"]
    assert as_alice.get("/acme/shop/uptime/silent-monitors?days=x").status_code == 422
    deletion = "/acme/shop/uptime/silent-monitors/deletion"
    assert as_vic.post(deletion, data={"days": "1"}).status_code == 403
    script = as_script(acme, "checks:read", "checks:write")
    here = "/api/v1/acme/shop/checks/silent-monitors/deletion"
    assert script.post(here, json={"days": 3}).json == {"deleted": 0}
    assert as_alice.post(deletion, data={"days": "1"}).status_code == 303
    says("ok", slug="real", config=None)
    settle()
    with inside(acme):
        assert set(db.session.scalars(select(Check.slug))) == {"monthly", "paused", "real"}
    clock.move(days=60)
    settle()
    clock.move(days=2)
    assert script.post(here, json={"days": 1}).json == {"deleted": 2}  # missed, and unheard of
