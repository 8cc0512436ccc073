"""How long people took, counted in working hours: over changes of the clock and in every zone."""

from datetime import datetime, time

import pytest

from console.alerting.escalation.hours import WorkingHours
from console.core import clock
from console.metrics.response_times import ACKNOWLEDGE, DETECT, RESOLVE, Response, wall

WEEK, ALL = [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6]


def response(opened: datetime, answered: datetime | None, **moments: datetime | None) -> Response:
    return Response(
        id=1, project_id=1, rule_id=1, severity="high", policy="", is_member=False,
        breached_at=opened, opened_at=opened, noticed_at=moments.get("noticed_at"),
        notified_at=None, acknowledged_at=answered, acknowledged_by_id=1,
        acknowledged_via="console", resolved_at=moments.get("resolved_at"), resolved_by_id=None,
        resolved_via="", closed_by_hand=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "days", "hours", "opened", "answered", "expected"),
    [
        ("Europe/Berlin", WEEK, "09-17", "2026-11-20T15:30Z", "2026-11-23T08:30Z", 1.0),
        ("Europe/Berlin", ALL, "00-08", "2026-03-28T23:00Z", "2026-03-29T06:00Z", 7.0),
        ("Europe/Berlin", ALL, "00-08", "2026-10-24T22:00Z", "2026-10-25T07:00Z", 9.0),
        ("Europe/Berlin", ALL, "22-06", "2026-10-24T20:00Z", "2026-10-25T05:00Z", 9.0),
        ("Europe/Berlin", ALL, "22-06", "2026-10-24T12:00Z", "2026-10-25T12:00Z", 9.0),
        ("America/New_York", WEEK, "09-17", "2026-03-06T21:30Z", "2026-03-09T13:30Z", 1.0),
        ("Australia/Lord_Howe", ALL, "00-08", "2026-04-04T13:00Z", "2026-04-04T21:30Z", 8.5),
        ("Asia/Kathmandu", ALL, "09-17", "2026-06-01T00:00Z", "2026-06-02T00:00Z", 8.0),
        ("Pacific/Kiritimati", WEEK, "09-17", "2026-06-01T00:00Z", "2026-06-08T00:00Z", 40.0),
        ("UTC", ALL, "00-00", "2026-06-01T00:00Z", "2026-06-03T12:00Z", 60.0),
    ],
)
def test_only_the_hours_of_the_zone_count(zone, days, hours, opened, answered, expected):
    since, until = (time(int(hour)) for hour in hours.split("-"))
    working = WorkingHours(zone, days, since, until)
    began, ended = clock.instant(opened), clock.instant(answered)
    own = response(began, ended)
    assert ACKNOWLEDGE.of(own, working.seconds_between) == expected * 3600
    assert ACKNOWLEDGE.of(own) == wall(began, ended)


def test_what_lies_outside_them_has_no_time_and_what_has_no_end_neither():
    working = WorkingHours("UTC", WEEK, time(9), time(17))
    saturday = clock.instant("2026-11-21T12:00Z"), clock.instant("2026-11-21T13:00Z")
    assert ACKNOWLEDGE.of(response(*saturday), working.seconds_between) is None
    assert ACKNOWLEDGE.of(response(saturday[0], None)) is None


def test_a_moment_set_before_its_beginning_is_no_negative_time():
    at, earlier = clock.instant("2026-11-21T12:00Z"), clock.instant("2026-11-21T11:00Z")
    own = response(at, earlier, noticed_at=earlier, resolved_at=earlier)
    assert [time.of(own) for time in (DETECT, ACKNOWLEDGE, RESOLVE)] == [0.0, 0.0, 0.0]
