"""Due times by cron text: also where a zone's clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest

from console.core.cron import Cron

STEP = timedelta(minutes=10)


def due_between(cron: Cron, since: datetime, until: datetime) -> list[str]:
    """Day and time in UTC of every due time that somebody sees who looks every ten minutes."""
    seen = []
    while since <= until:
        seen.append(cron.latest(since))
        since += STEP
    assert all(earlier <= later for earlier, later in pairwise(seen)), "never back"
    return [f"{at:%d %H:%M}" for at in dict.fromkeys(seen)]


def on(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "now", "latest"),
    [
        ("*/15 * * * *", on(2026, 5, 1, 12, 44, 59), on(2026, 5, 1, 12, 30)),
        ("*/15 * * * *", on(2026, 5, 1, 12, 45), on(2026, 5, 1, 12, 45)),
        ("0 8 * * mon", on(2026, 5, 3, 12), on(2026, 4, 27, 8)),
        ("30 4 1 * *", on(2026, 5, 1, 4), on(2026, 4, 1, 4, 30)),
        ("0 0 1 1 *", on(2026, 5, 1), on(2026, 1, 1)),
        ("0 0 29 2 *", on(2026, 5, 1), on(2024, 2, 29)),
        ("0 0 29 2 *", on(2104, 2, 28), on(2096, 2, 29)),
        ("0 8 * * 0", on(2026, 5, 4, 12), on(2026, 5, 3, 8)),
        ("0 8 * * 7", on(2026, 5, 4, 12), on(2026, 5, 3, 8)),
        ("0 8 * * 1-5", on(2026, 5, 3, 12), on(2026, 5, 1, 8)),
        ("0 8 13 * fri", on(2026, 5, 9), on(2026, 5, 8, 8)),
        ("0 8 13 * fri", on(2026, 5, 14), on(2026, 5, 13, 8)),
        ("@daily", on(2026, 5, 3, 12), on(2026, 5, 3)),
    ],
)
def test_the_latest_due_time(text, now, latest):
    assert Cron(text).latest(now) == latest


def test_a_day_without_its_due_time_has_it_later():
    """In Berlin, 29 March 2026 has no 02:30: its clocks go from 02:00 to 03:00 at 01:00 UTC."""
    days = on(2026, 3, 28, 12), on(2026, 3, 30, 12)
    due = due_between(Cron("30 2 * * *", "Europe/Berlin"), *days)
    assert due == ["28 01:30", "29 01:00", "30 00:30"]
    assert due_between(Cron("0 4 * * *", "Europe/Berlin"), *days) == [
        "28 03:00",
        "29 02:00",
        "30 02:00",
    ]


def test_a_day_that_has_its_due_time_twice_is_due_once():
    """In Berlin, 25 October 2026 has 02:30 at 00:30 UTC and again at 01:30."""
    days = on(2026, 10, 24, 12), on(2026, 10, 26, 12)
    due = due_between(Cron("30 2 * * *", "Europe/Berlin"), *days)
    assert due == ["24 00:30", "25 00:30", "26 01:30"]


def test_what_is_due_every_hour_is_due_in_a_repeated_one_too():
    night = on(2026, 10, 25, 0), on(2026, 10, 25, 3)
    due = due_between(Cron("40 * * * *", "Europe/Berlin"), *night)
    assert due == ["24 23:40", "25 00:40", "25 01:40", "25 02:40"]
    night = on(2026, 3, 29, 0), on(2026, 3, 29, 3)
    due = due_between(Cron("40 * * * *", "Europe/Berlin"), *night)
    assert due == ["28 23:40", "29 00:40", "29 01:40", "29 02:40"]


def test_a_zone_of_half_hours_and_one_far_away():
    assert Cron("0 9 * * *", "Asia/Kolkata").latest(on(2026, 5, 1, 4)) == on(2026, 5, 1, 3, 30)
    due = Cron("0 9 * * fri", "Pacific/Kiritimati").latest(on(2026, 5, 1, 4))
    assert due == on(2026, 4, 30, 19)


def test_a_zone_whose_clocks_change_by_half_an_hour():
    """On Lord Howe Island, 4 April 2026 has 01:45 at 14:45 UTC and again at 15:15."""
    night = on(2026, 4, 4, 13, 30), on(2026, 4, 4, 16, 30)
    hourly, daily = (Cron(text, "Australia/Lord_Howe") for text in ("45 * * * *", "45 1 * * *"))
    assert due_between(hourly, *night) == [
        "04 12:45",
        "04 13:45",
        "04 14:45",
        "04 15:15",
        "04 16:15",
    ]
    assert due_between(daily, *night) == ["03 14:45", "04 14:45"]
    night = on(2026, 10, 3, 14, 30), on(2026, 10, 3, 17)
    assert due_between(hourly, *night) == ["03 14:15", "03 15:15", "03 15:45", "03 16:45"]
    lost = Cron("15 2 * * *", "Australia/Lord_Howe")  # its clocks go from 02:00 to 02:30
    assert due_between(lost, *night) == ["02 15:45", "03 15:30"]


@pytest.mark.parametrize(
    ("text", "zone", "words"),
    [
        ("* * * *", "UTC", "fields"),
        ("", "UTC", "fields"),
        ("60 * * * *", "UTC", "minute"),
        ("x * * * *", "UTC", "minute"),
        ("* * * * * *", "UTC", "fields"),
        ("0 8 * * 8", "UTC", "day-of-week"),
        ("0 0 31 2 *", "UTC", "day-of-month"),
        ("0 0 30 2 *", "UTC", "day-of-month"),
        ("0 0 * 2 mon#6", "UTC", "day-of-week"),
        ("@fortnightly", "UTC", "fields"),
        ("0 " * 200, "UTC", "characters"),
        ("0 8 * * *", "Europe/Nowhere", "no time zone"),
        ("0 8 * * *", "../etc/passwd", "no time zone"),
        ("0 8 * * *", "", "no time zone"),
    ],
)
def test_a_text_that_names_no_time_is_refused_when_it_is_made(text, zone, words):
    with pytest.raises(ValueError, match=words):
        Cron(text, zone)


@pytest.mark.parametrize("text", ["30 2 * * *", "15,45 1-3 * * *", "40 * * * *", "*/20 2 * * *"])
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", on(2026, 3, 28)),
        ("Europe/Berlin", on(2026, 10, 24)),
        ("America/New_York", on(2026, 3, 7)),
        ("America/New_York", on(2026, 10, 31)),
        ("Australia/Lord_Howe", on(2026, 4, 3)),
        ("Australia/Lord_Howe", on(2026, 10, 2)),
    ],
)
def test_the_next_due_times_are_the_latest_ones_of_later(text, zone, day):
    cron = Cron(text, zone)
    until = day + timedelta(days=3)
    times = list(takewhile(lambda at: at <= until, cron.following(day)))
    assert times == sorted(set(times))
    for at, after in pairwise(times):
        assert cron.latest(at) == cron.latest(after - timedelta(seconds=1)) == at
        assert cron.upcoming(at, 1) == [after]


def test_it_is_said_in_words():
    assert Cron("0 8 * * 1").words == "At 08:00 on Monday"
