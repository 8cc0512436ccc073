import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from console import jobs
from console import ticker as machinery
from console.accounts.models import LoginSession
from console.app import create_app
from console.core import absences
from console.core import clock as console_clock
from console.core.config import config
from console.core.cron import Cron
from console.core.db import db
from console.core.leases import JobRun
from console.core.owner import delete_organization
from console.errors.models import Issue, Status
from console.telemetry import store
from console.telemetry.records import Batch, ErrorEvent
from console.ticker import Job, Ticker, run_job
from tests.support.factories import in_name_of
from tests.support.scheduled import perform
from tests.support.waiting import until

DAY = timedelta(days=1)


@pytest.fixture
def two_consoles(both_databases, settings):
    """Two processes' worth of console on one state database."""
    apps = [create_app(settings), create_app(settings)]
    yield apps
    for app in apps:
        with app.app_context():
            db.engine.dispose()


def noting(ran: list[str], word: str) -> Callable[[], str]:
    """A job that adds a word to `ran`."""

    def note() -> str:
        ran.append(word)
        return "done"

    return note


def test_two_schedulers_run_each_tick_once(two_consoles, capsys):
    ran: list[str] = []
    job = Job("count", timedelta(seconds=1), noting(ran, "tick"))
    tickers = [Ticker(app, [job]) for app in two_consoles]
    for ticker in tickers:
        ticker.start()
    time.sleep(3.2)
    for ticker in tickers:
        ticker.stop()
    with two_consoles[0].app_context():
        runs = db.session.scalar(select(func.count()).select_from(JobRun))
        ticks = db.session.scalars(select(func.count(JobRun.due_at.distinct()))).one()
    with capsys.disabled():
        print(f"\n{len(ran) / ticks:g} runs per tick, {ticks} ticks, 2 schedulers")
    assert len(ran) == runs == ticks
    assert ticks >= 3


def test_a_job_is_late_when_a_due_time_passed_without_a_run(app, clock):
    clock.set(datetime(2026, 5, 1, 12, tzinfo=UTC))
    began = datetime(2026, 5, 1, 11, 59, 30, tzinfo=UTC)
    ticker = Ticker(app, [Job("often", timedelta(minutes=1), lambda: ""), Job("daily", DAY, str)])
    ticker.lead()
    with app.app_context():
        assert ticker.late(began) == [], "everything is as young as the process"
        clock.move(minutes=1)
        ticker.lead()
        ticker.tick(ticker._jobs[0])
        clock.move(minutes=3)
        assert ticker.late(began) == ["often"]
        ticker.lead()
        ticker.tick(ticker._jobs[0])
        assert ticker.late(began) == []
        clock.move(days=1)
        assert ticker.late(began) == ["often", "daily"]


def test_only_the_leader_runs_and_another_takes_over(two_consoles, clock):
    clock.set(datetime(2026, 5, 1, 12, tzinfo=UTC))
    ran: list[str] = []
    first, second = (
        Ticker(app, [Job("who", timedelta(minutes=1), noting(ran, name))])
        for app, name in zip(two_consoles, "ab", strict=True)
    )
    for ticker in (first, second):
        ticker.lead()
        ticker.tick(ticker._jobs[0])
    assert ran == ["a"]
    clock.move(seconds=60)  # the first one is frozen, its lease runs out
    second.lead()
    second.tick(second._jobs[0])
    clock.move(seconds=60)
    first.tick(first._jobs[0])  # it wakes up and believes that it still leads
    assert ran == ["a", "b"]


def test_a_process_that_ends_hands_the_lease_over(two_consoles):
    first, second = (Ticker(app, []) for app in two_consoles)
    for ticker in (first, second):
        ticker.start()
    assert (first._epoch, second._epoch) == (1, None)
    first.stop()
    second.lead()
    assert second._epoch == 2
    second.stop()


def test_a_period_is_run_once_however_often_it_is_asked_for(app, clock):
    clock.set(datetime(2026, 5, 1, 12, 20, tzinfo=UTC))
    ran: list[str] = []
    job = Job("hourly", timedelta(hours=1), noting(ran, "x"))
    ticker = Ticker(app, [job])
    ticker.lead()
    for _ in range(3):
        ticker.tick(job)
    assert len(ran) == 1
    with app.app_context():
        assert db.session.scalars(select(JobRun.due_at)).one() == datetime(
            2026, 5, 1, 12, tzinfo=UTC
        )


def test_a_failing_job_is_noted_and_does_not_stop_the_next(app):
    def fail() -> str:
        raise ZeroDivisionError

    with app.app_context():
        run = JobRun(job="x", due_at=datetime.now(UTC), epoch=1)
        db.session.add(run)
        db.session.commit()
        run_job(Job("x", timedelta(minutes=1), fail), run.id)
        found = db.session.scalars(select(JobRun)).one()
        assert (found.error, found.finished_at is not None) == ("ZeroDivisionError", True)


def test_mutes_end_in_every_organization(app, acme, globex, make_issue, inside, clock):
    for project in (acme, globex):
        make_issue(project, status=Status.MUTED, muted_until=clock.now() + timedelta(minutes=5))
    clock.move(seconds=400)
    with app.app_context():
        assert perform("end-mutes") == "2 mutes ended"
    with inside(globex):
        assert db.session.scalars(select(Issue.status)).one() is Status.OPEN


def test_what_has_ended_is_forgotten(app, acme, globex, clock):
    people = ("alice@acme.test", "eve@globex.test")
    for email in people:
        with in_name_of(app, email) as user_id:
            for age, days in (("old", 1), ("new", 20)):
                ends, now = clock.now() + timedelta(days=days), clock.now()
                own = {"hash": f"{age} {email}", "user_id": user_id, "expires_at": ends}
                seen = now + timedelta(days=days)
                db.session.add(LoginSession(**own, last_seen_at=seen))
            db.session.commit()
    with app.app_context():
        db.session.add(JobRun(job="x", due_at=clock.now(), epoch=1))
        db.session.commit()
        clock.move(seconds=15 * 86400)
        for name in ("forget-sign-ins", "forget-throttles", "forget-runs"):
            perform(name)
        assert db.session.scalars(select(JobRun)).all() == []
    for email in people:
        with in_name_of(app, email):
            assert db.session.scalars(select(LoginSession.hash)).all() == [f"new {email}"]


def test_retention_keeps_what_is_young_and_somebodys(app, acme, globex, clock, inside):
    """Old rows go, the telemetry of a deleted organization goes, everything else stays."""
    with app.app_context():
        telemetry = store.current()
        for project in (acme, globex):
            old = [_event(project, 1, clock.now() - timedelta(days=91))]
            young = [_event(project, 2, clock.now())]
            telemetry.write(project.organization_id, Batch(errors=[*old, *young]), 2)
        db.session.rollback()
        assert delete_organization(config(), globex.organization_id)
        assert perform("forget-organizations").startswith("1 telemetry files of deleted")
        assert perform("retention") == "1 rows deleted"
        assert telemetry.organizations() == [acme.organization_id]
        telemetry.close()


def _event(project, position: int, at: datetime) -> ErrorEvent:
    return ErrorEvent(
        organization_id=project.organization_id,
        project_id=project.id,
        position=position,
        event_id=f"{position:032x}",
        timestamp=at,
        received_at=at,
        grouping_hash="0" * 32,
    )


def test_upkeep_waits_for_a_backup_and_is_made_up_for_in_its_period(app, clock):
    clock.set(datetime(2026, 5, 1, 12, 20, tzinfo=UTC))
    ran: list[str] = []
    upkeep = Job("upkeep", timedelta(hours=1), noting(ran, "upkeep"), upkeep=True)
    other = Job("other", timedelta(hours=1), noting(ran, "other"))
    ticker = Ticker(app, [upkeep, other])
    ticker.lead()
    with app.app_context():
        gate = store.current().upkeep
    with gate.closed(5):
        for job in (upkeep, other):
            ticker.tick(job)
    assert ran == ["other"]
    ticker.tick(upkeep)
    assert ran == ["other", "upkeep"]


def test_every_job_that_writes_telemetry_is_upkeep():
    assert {job.name for job in jobs.JOBS if job.upkeep} == {
        "erase-former-projects",
        "forget-organizations",
        "erase-deleted-issues",
        "retention",
        "tidy-telemetry",
        "roll-up-vitals",
        "count-people",
        "group-errors",
        "detect",
        "close-checks",
        "mark-maintenance",
        "settle-check-ins",
        "store-check-results",
    }


def test_jobs_go_on_when_the_machines_clock_is_set_back(app, monkeypatch):
    """APScheduler plans by the time of day: an hour back was an hour without jobs and leases."""
    monkeypatch.setattr(machinery, "FOLLOW_SECONDS", 0.05)
    follower = Ticker(app, [Job("tell", timedelta(minutes=1), lambda: "told")])
    follower.start()
    try:
        planned = follower._scheduler.get_jobs()
        for each in planned:
            each.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))
        soon = datetime.now(UTC) + timedelta(minutes=5)
        until(
            lambda: all(each.next_run_time < soon for each in follower._scheduler.get_jobs()),
            "jobs that are due soon again",
        )
    finally:
        follower.stop()


@pytest.mark.parametrize("back", [timedelta(minutes=50), DAY])
def test_a_clock_that_is_set_back_costs_no_job_its_runs(app, clock, back):
    """What had its run on the later clock would have none until that time is there again."""
    clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
    ran: list[str] = []
    job = Job("often", timedelta(seconds=5), noting(ran, "x"))
    ticker = Ticker(app, [job])
    for _ in range(3):
        ticker.lead()
        ticker.tick(job)
        clock.move(minutes=20)
    clock.jump(seconds=-back.total_seconds())
    for _ in range(3):
        ticker.lead()
        ticker.tick(job)
        clock.move(seconds=5)
    assert len(ran) == 6


def test_a_lease_of_a_clock_that_was_set_back_is_free(two_consoles, clock):
    clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
    first, second = (Ticker(app, []) for app in two_consoles)
    first.lead()
    clock.jump(days=-1)  # the process is killed, and the machine's clock put right
    second.lead()
    assert second._epoch == 2


@pytest.mark.parametrize("both_databases", ["postgresql"], indirect=True)
def test_who_leads_does_not_depend_on_the_clock_of_a_process(two_consoles, monkeypatch):
    """One that was 90 s ahead took the lease, and the digest, from the one that had it."""
    first, second = (Ticker(app, []) for app in two_consoles)
    first.lead()
    ahead = datetime.now(UTC) + timedelta(seconds=90)
    monkeypatch.setattr(console_clock, "now", lambda: ahead)
    second.lead()
    assert second._epoch is None


def test_long_jobs_keep_no_punctual_job_waiting(app):
    """Two of them, such as a backup and an RDAP service that hangs, stopped rules and checks."""
    ran: list[str] = []
    held = threading.Event()
    second = timedelta(seconds=1)
    long = [Job(f"long {n}", second, lambda: str(held.wait(20))) for n in range(2)]
    punctual = Job("punctual", second, noting(ran, "x"), punctual=True)
    leader = Ticker(app, [*long, punctual])
    leader.start()
    try:
        until(lambda: len(ran) >= 2, "two runs beside the long jobs")
    finally:
        held.set()
        leader.stop()
    assert {"evaluate", "try-checks", "settle-check-ins"} <= {
        job.name for job in jobs.JOBS if job.punctual
    }


def test_a_time_without_a_leader_is_noted(two_consoles, clock):
    clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
    first, second = (Ticker(app, []) for app in two_consoles)
    first.lead()
    clock.move(hours=3)
    second.lead()
    clock.move(seconds=10)
    second.lead()
    with two_consoles[0].app_context():
        (away,) = absences.between(clock.now() - DAY, clock.now())
        noon = datetime(2026, 5, 2, 12, tzinfo=UTC)
        assert (away.since, away.until) == (noon, noon + timedelta(hours=3))


def test_a_process_that_was_frozen_notes_it_before_it_runs_a_job(app, clock):
    clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
    ran: list[str] = []
    job = Job("often", timedelta(seconds=5), noting(ran, "x"))
    ticker = Ticker(app, [job])
    ticker.lead()
    clock.move(minutes=5)
    ticker.tick(job)
    assert ran == []
    ticker.lead()
    ticker.tick(job)
    assert ran == ["x"]
    with app.app_context():
        assert len(absences.between(clock.now() - DAY, clock.now())) == 1


def test_a_job_by_cron_text_runs_once_for_each_due_time(app, clock):
    """08:00 in Vilnius is 06:00 in UTC before the clocks go forward on 29 March, 05:00 after."""
    ran: list[str] = []
    job = Job("report", Cron("0 8 * * *", "Europe/Vilnius"), noting(ran, "x"))
    leader = Ticker(app, [job])
    moments = [(28, 5, 59), (28, 6, 0), (28, 23, 0), (29, 4, 59), (29, 5, 0), (29, 6, 0)]
    runs = []
    for day, hour, minute in moments:
        clock.set(datetime(2026, 3, day, hour, minute, tzinfo=UTC))
        leader.lead()
        leader.tick(job)
        runs.append(len(ran))
    assert runs == [1, 2, 2, 2, 3, 3], "the first is that of the day before, made up for"
    clock.set(datetime(2026, 3, 28, 7, tzinfo=UTC))  # set back: what has had its run has had it
    leader.tick(job)
    assert len(ran) == 3
    with app.app_context():
        clock.set(datetime(2026, 3, 30, 5, 1, tzinfo=UTC))
        began = datetime(2026, 3, 28, tzinfo=UTC)
        assert leader.late(began) == []
        clock.move(minutes=5)
        assert leader.late(began) == ["report"]


def test_a_job_that_is_not_whole_is_refused():
    with pytest.raises(ValueError, match="either"):
        Job("x", DAY)
    with pytest.raises(ValueError, match="either"):
        Job("x", DAY, str, per_organization=lambda _: {})
    with pytest.raises(ValueError, match="period"):
        Job("x", timedelta(0), str)
