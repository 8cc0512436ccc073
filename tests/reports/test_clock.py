"""Reports on a clock that leaps, repeats an hour, is set back or stood still: one edition each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console.core import clock as console_clock
from console.core.db import db
from console.reports import editions, standard
from console.reports.models import EditionState, Report, ReportEdition
from tests.support.scheduled import perform

STEP = timedelta(minutes=15)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.fixture
def tick(app, acme, inside, clock):
    """`tick()`: let the jobs of reports run now; the due times of all editions so far."""

    def tick() -> list[datetime]:
        with app.app_context():
            perform("keep-due-times")
            perform("send-reports")
        with inside(acme):
            own = select(ReportEdition.due_at).order_by(ReportEdition.id)
            return list(db.session.scalars(own))

    return tick


# Each begins the day before clocks change there; 02:15 is leapt over, or shown twice.
@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("Europe/Berlin", "2026-03-28"),
        ("Europe/Berlin", "2026-10-24"),
        ("America/New_York", "2026-03-07"),
        ("America/New_York", "2026-10-31"),
        ("Australia/Lord_Howe", "2026-04-04"),
        ("Australia/Lord_Howe", "2026-10-03"),
        ("Africa/Casablanca", "2026-02-14"),
        ("Africa/Casablanca", "2026-03-21"),
        ("Asia/Kathmandu", "2026-03-28"),
    ],
)
def test_a_daily_report_goes_out_once_each_day_whatever_clocks_do(
    clock, make_report, tick, zone, begin
):
    clock.set(at(begin, zone))
    make_report(zone=zone, cron="15 2 * * *")
    due: list[datetime] = []
    for _ in range(3 * 24 * 4):
        clock.move(minutes=15)
        with_minutes = console_clock.now()
        if with_minutes.minute in {0, 15, 30, 45}:
            due = tick() if _may_be_due(with_minutes, zone) else due
    days = [own.astimezone(ZoneInfo(zone)).date().isoformat() for own in due]
    first = datetime.fromisoformat(begin)
    assert days == [(first + timedelta(days=n)).date().isoformat() for n in range(3)]


def _may_be_due(now: datetime, zone: str) -> bool:
    """Whether it is between one and four o'clock: the rest of the day is not worth a tick."""
    return 1 <= now.astimezone(ZoneInfo(zone)).hour <= 4


@pytest.mark.parametrize("back", [{"hours": -1}, {"days": -1}])
def test_a_clock_that_is_set_back_brings_no_edition_again(clock, make_report, tick, back, caplog):
    clock.set(at("2026-05-05T07:00"))
    make_report(cron="0 8 * * *")
    clock.move(hours=1, minutes=10)
    assert tick() == [at("2026-05-05T08:00")]
    clock.move(**back)
    due = tick()
    for _ in range(2 * 24):
        clock.move(hours=1)
        due = tick()
    assert len(due) == len(set(due))
    assert at("2026-05-05T08:00") in due
    assert at("2026-05-06T08:00") in due
    assert "was due twice" in caplog.text


def test_a_clock_that_was_ahead_by_a_year_holds_no_report_back(clock, make_report, tick):
    clock.set(at("2026-05-05T07:00"))
    make_report(cron="0 8 * * *")
    clock.move(days=365)
    assert len(tick()) == 1
    clock.move(days=-365)
    tick()
    clock.move(hours=2)
    assert at("2026-05-05T08:00") in tick()


def test_an_edition_that_was_being_made_when_the_clock_was_set_back_is_made(
    acme, inside, clock, make_report, tick
):
    make_report(cron="0 8 * * *")
    clock.move(days=1)
    with inside(acme):
        for report_id in db.session.scalars(select(Report.id)):
            editions.claim(report_id, console_clock.now())
        own = db.session.scalars(select(ReportEdition)).one()
        own.lease, own.leased_until = (
            "of a process that ended",
            console_clock.now() + editions.LEASE,
        )
        db.session.commit()
    clock.move(hours=-2)
    tick()
    with inside(acme):
        assert db.session.scalars(select(ReportEdition.state)).one() is EditionState.SKIPPED


def test_a_week_without_the_console_brings_one_edition_of_a_daily_report(clock, make_report, tick):
    clock.set(at("2026-05-05T07:00"))
    make_report(cron="0 8 * * *")
    clock.move(days=7, hours=2)
    assert tick() == [at("2026-05-12T08:00")]
    clock.move(hours=23, minutes=5)
    assert len(tick()) == 2


def test_an_edition_whose_making_ends_the_console_is_given_up(acme, inside, clock, make_report):
    make_report(cron="0 8 * * *")
    clock.move(days=1)
    with inside(acme):
        for report_id in db.session.scalars(select(Report.id)).all():
            editions.claim(report_id, console_clock.now())
        own = db.session.scalars(select(ReportEdition)).one()
        # Each start so far was the last that its process did.
        own.attempts, own.leased_until = editions.MOST_STARTS, console_clock.now()
        db.session.commit()
        clock.move(minutes=6)
        editions.send_due(acme.organization_id)
        db.session.expire_all()
        edition = db.session.scalars(select(ReportEdition)).one()
        assert edition.state is EditionState.FAILED
        assert edition.why == "The console ended each time while it made this edition."


def test_a_report_with_a_zone_that_is_gone_stops_no_other(acme, inside, clock, make_report, app):
    clock.set(at("2026-05-05T07:00"))
    first, damaged, last = (make_report(name=name) for name in ("First", "Damaged", "Last"))
    with inside(acme):
        db.session.get_one(Report, damaged).zone = "Mars/Olympus"
        for report_id in (first, last):
            db.session.get_one(Report, report_id).next_at = at("2026-05-05T09:00")
        db.session.commit()
        with pytest.raises(Exception, match="reports failed"):
            standard.keep_due_times(acme.organization_id)
        for report_id in (first, last):
            assert db.session.get_one(Report, report_id).next_at == at("2026-05-05T08:00")
