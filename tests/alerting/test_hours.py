"""Hours of a week on the clocks of many zones: gaps, times that come twice, midnight."""

from datetime import UTC, datetime, time, timedelta

import pytest

from console.alerting.escalation.hours import WorkingHours

EVERY_DAY, WORKDAYS = range(7), range(5)


def hours(zone: str, since: str, until: str, days=EVERY_DAY) -> WorkingHours:
    return WorkingHours(zone, days, time.fromisoformat(since), time.fromisoformat(until))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NEW_YORK, BERLIN, CAIRO = "America/New_York", "Europe/Berlin", "Africa/Cairo"


@pytest.mark.parametrize(
    ("spell", "begin", "end"),
    [
        # winter and summer, west and east of Greenwich, and half an hour beside
        (hours(BERLIN, "09:00", "17:00"), "2026-01-15T08:00", "2026-01-15T16:00"),
        (hours(BERLIN, "09:00", "17:00"), "2026-07-15T07:00", "2026-07-15T15:00"),
        (hours(NEW_YORK, "09:00", "17:00"), "2026-01-15T14:00", "2026-01-15T22:00"),
        (hours("Asia/Kolkata", "09:00", "17:00"), "2026-01-15T03:30", "2026-01-15T11:30"),
        (hours("Pacific/Auckland", "09:00", "17:00"), "2026-01-14T20:00", "2026-01-15T04:00"),
        # over midnight, and all day
        (hours(BERLIN, "22:00", "06:00"), "2026-01-15T21:00", "2026-01-16T05:00"),
        (hours(BERLIN, "00:00", "00:00", [3]), "2026-01-14T23:00", "2026-01-15T23:00"),
        # the clock skips 02:00 to 03:00: what lies in the gap is its end
        (hours(NEW_YORK, "02:30", "05:00"), "2026-03-08T07:00", "2026-03-08T09:00"),
        (hours(NEW_YORK, "00:30", "02:30"), "2026-03-08T05:30", "2026-03-08T07:00"),
        # Cairo skips midnight, and with it the end of the day
        (hours(CAIRO, "00:00", "08:00"), "2026-04-23T22:00", "2026-04-24T05:00"),
        (hours(CAIRO, "20:00", "00:00"), "2026-04-23T18:00", "2026-04-23T22:00"),
        # 01:00 to 02:00 comes twice: the first counts
        (hours(NEW_YORK, "01:30", "05:00"), "2026-11-01T05:30", "2026-11-01T10:00"),
        (hours(NEW_YORK, "22:00", "01:30"), "2026-11-01T02:00", "2026-11-01T05:30"),
        # a night around the change is an hour shorter, or longer
        (hours(BERLIN, "22:00", "06:00"), "2026-03-28T21:00", "2026-03-29T04:00"),
        (hours(BERLIN, "22:00", "06:00"), "2026-10-24T20:00", "2026-10-25T05:00"),
        # Lord Howe Island moves its clock by half an hour
        (hours("Australia/Lord_Howe", "02:15", "04:00"), "2026-10-03T15:30", "2026-10-03T17:00"),
    ],
)
def test_hours_begin_and_end_by_the_clock_of_their_zone(spell, begin, end):
    first, last = utc(begin), utc(end)
    second = timedelta(seconds=1)
    assert not spell.holds(first - second) or spell.since == spell.until
    assert spell.holds(first)
    assert spell.holds(last - second)
    assert not spell.holds(last)
    assert spell.next_begin(first - second) == first
    assert spell.seconds_between(first, last) == (last - first).total_seconds()
    hour = timedelta(hours=1)
    assert spell.seconds_between(first - hour, first) == 0


def test_weekends_are_passed():
    office = hours(BERLIN, "09:00", "17:00", WORKDAYS)
    friday_evening = utc("2026-11-20T16:30")
    assert not office.holds(friday_evening)
    assert office.next_begin(friday_evening) == utc("2026-11-23T08:00")
    week = office.seconds_between(utc("2026-11-16T00:00"), utc("2026-11-23T00:00"))
    assert week == 5 * 8 * 3_600


def test_a_night_belongs_to_the_day_on_which_it_begins():
    friday_night = hours(BERLIN, "22:00", "06:00", [4])
    assert friday_night.holds(utc("2026-11-21T04:59"))  # Saturday, 05:59
    assert not friday_night.holds(utc("2026-11-20T04:00"))  # Friday, 05:00


def test_a_day_that_an_island_skipped_has_no_hours():
    """Samoa had no 30 December 2011: it went from Thursday to Saturday."""
    friday = hours("Pacific/Apia", "09:00", "17:00", [4])
    assert friday.next_begin(utc("2011-12-28T00:00")) == utc("2012-01-05T19:00")


def test_no_day_never_begins():
    assert hours(BERLIN, "09:00", "17:00", []).next_begin(utc("2026-11-20T16:30")) is None


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (range(7), "every day 09:00 to 17:00, Europe/Berlin"),
        (range(5), "Mon to Fri 09:00 to 17:00, Europe/Berlin"),
        ([5, 6], "Sat, Sun 09:00 to 17:00, Europe/Berlin"),
        ([2, 0, 4], "Mon, Wed, Fri 09:00 to 17:00, Europe/Berlin"),
    ],
)
def test_hours_are_said_in_words(days, words):
    assert hours(BERLIN, "09:00", "17:00", days).words == words


def test_a_document_is_read_and_written_alike():
    document = {"zone": BERLIN, "days": [0, 4], "since": "22:00", "until": "06:30"}
    assert WorkingHours.of(document).document == document
