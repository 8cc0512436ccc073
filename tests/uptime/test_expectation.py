"""What a client's `monitor_config` asks for, and what of it makes sense."""

import pytest

from console.uptime.expectation import Expectation, asked

HOURLY = {"type": "crontab", "value": "0 * * * *"}


@pytest.mark.parametrize(
    ("schedule", "zone", "words"),
    [
        ({"type": "crontab", "value": "0 0 31 2 *"}, "UTC", "bad day-of-month"),
        ({"type": "crontab", "value": "* * *"}, "UTC", "five fields"),
        ({"type": "crontab", "value": "0 0 * * *"}, "Mars/Base", "no time zone"),
        ({"type": "crontab", "value": None}, "UTC", "five fields"),
        ({"type": "interval", "value": 0, "unit": "day"}, "UTC", "at least a minute"),
        ({"type": "interval", "value": 10**30, "unit": "day"}, "UTC", "at most a year"),
        ({"type": "interval", "value": 1, "unit": "blink"}, "UTC", "neither"),
        ({"type": "moon"}, None, "neither"),
    ],
)
def test_a_schedule_that_means_no_time_leaves_the_known_one_and_is_said(schedule, zone, words):
    known = asked({"schedule": HOURLY, "timezone": "Europe/Berlin"}, Expectation())
    wrong = asked({"schedule": schedule, "timezone": zone}, known)
    assert words in wrong.fault
    assert (wrong.cron, wrong.zone) == ("0 * * * *", "Europe/Berlin")


@pytest.mark.parametrize(
    ("sent", "cron"),
    [
        ("* * * * * *", "* * * * *"),  # the packages cron and node-schedule
        ("30 0 3 * * MON-FRI", "0 3 * * MON-FRI"),
        ("0 0 12 ? * 1", "0 12 * * 1"),  # Spring
    ],
)
def test_a_cron_text_that_says_the_second_is_expected_to_the_minute(sent, cron):
    wanted = asked({"schedule": {"type": "crontab", "value": sent}}, Expectation())
    assert (wanted.cron, wanted.fault) == (cron, "")
