from datetime import UTC, datetime, timedelta

import pytest

from console.core import audit
from console.core.db import db
from console.web import clocks
from console.web.axis import time_labels
from console.web.charts import Chart, Series, sentence
from tests.support.factories import the_person

AT = datetime(2026, 11, 23, 19, 21, tzinfo=UTC)
BERLIN, TEHRAN = "Europe/Berlin", "Asia/Tehran"


@pytest.fixture
def looked_at_from(app):
    """`looked_at_from("Europe/Berlin")` is a request of a browser there."""
    return lambda zone: app.test_request_context(headers={"Cookie": f"{clocks.COOKIE}={zone}"})


def test_times_are_of_the_browsers_zone_until_the_person_chooses_one(as_vic):
    as_vic.set_cookie(clocks.COOKIE, "America/New_York")
    page = as_vic.get("/acme/shop/issues/").text
    assert 'data-zone="America/New_York"' in page
    assert ">America/New York</a>" in page
    saved = as_vic.post("/account/profile", data={"name": "Vic", "zone": BERLIN})
    assert saved.status_code == 303
    assert f'data-zone="{BERLIN}"' in as_vic.get("/acme/shop/issues/").text
    as_vic.post("/account/profile", data={"name": "Vic", "zone": ""})
    assert 'data-zone="America/New_York"' in as_vic.get("/acme/shop/issues/").text


@pytest.mark.parametrize("odd", ["../etc/passwd", "Nowhere/Else", "x" * 5000, ""])
def test_a_zone_that_is_none_is_utc(odd, as_vic, app):
    with app.test_request_context(headers={"Cookie": f"{clocks.COOKIE}={odd}"}):
        assert clocks.zone_name() == "UTC"
    refused = as_vic.post("/account/profile", data={"name": "Vic", "zone": odd or "-"})
    assert refused.status_code == 422
    with app.app_context():
        assert not the_person("vic@acme.test").zone
        db.session.remove()


def test_a_moment_is_shown_on_the_persons_clock(looked_at_from):
    with looked_at_from(BERLIN):
        assert clocks.zoned(AT) == "2026-11-23 20:21:00 CET"
        assert clocks.clock_time(AT) == "20:21:00.000"
    with looked_at_from(TEHRAN):
        assert clocks.zoned(AT) == "2026-11-23 22:51:00 UTC+03:30"


def test_the_audit_log_has_the_persons_clock(as_ada, acme, inside, clock):
    clock.set(AT)
    with inside(acme):
        audit.record("project.created", "Another", actor="ada@acme.test")
        db.session.commit()
    as_ada.set_cookie(clocks.COOKIE, BERLIN)
    assert "23 Nov 2026, 20:21:00 CET" in as_ada.get("/acme/settings/audit").text


def test_a_range_says_the_same_to_everybody_who_follows_the_link(as_vic, clock):
    clock.set(AT)
    link = "/acme/shop/issues/?since=2026-11-23T08:00&until=2026-11-23T09:00"
    assert "23 Nov 2026 08:00 to 23 Nov 2026 09:00 UTC" in as_vic.get(link).text
    of_berlin = f"{link}&zone={BERLIN}"
    assert "23 Nov 2026 07:00 to 23 Nov 2026 08:00 UTC" in as_vic.get(of_berlin).text
    as_vic.set_cookie(clocks.COOKIE, BERLIN)
    page = as_vic.get(of_berlin).text
    assert "23 Nov 2026 08:00 to 23 Nov 2026 09:00 CET" in page
    assert 'name="since" value="2026-11-23T08:00"' in page
    assert f'name="zone" value="{BERLIN}"' in page


def test_a_zone_in_the_address_that_is_none_is_marked(as_vic):
    answer = as_vic.get("/acme/shop/issues/?since=2026-11-23T08:00&zone=Nowhere")
    assert answer.status_code == 422
    assert "Unknown time zone" in answer.text
    assert 'name="zone" value="Nowhere" aria-invalid="true"' in answer.text


def chart(since: datetime, hours: int, grain: timedelta) -> Chart:
    count = timedelta(hours=hours) // grain
    buckets = [since + grain * number for number in range(count)]
    return Chart(title="Errors", buckets=buckets, grain=grain, series=[Series("all", [1] * count)])


def test_labels_stand_at_round_times_of_the_persons_clock(looked_at_from):
    day = chart(datetime(2026, 11, 22, 12, 30, tzinfo=UTC), 24, timedelta(minutes=30))
    with looked_at_from(TEHRAN):
        labels = time_labels(day, 900)
    at_midnight = next(label for label in labels if label.text == "23 Nov")
    since_noon = timedelta(hours=8)  # 20:30 UTC is midnight in Tehran
    assert at_midnight.at == pytest.approx(since_noon / timedelta(hours=24))


@pytest.mark.parametrize("month", [3, 10])
def test_labels_cross_a_change_to_or_from_summer_time(looked_at_from, month):
    last_sunday = datetime(2026, month, 29 if month == 3 else 25, tzinfo=UTC)
    night = chart(last_sunday - timedelta(hours=2), 8, timedelta(minutes=10))
    with looked_at_from(BERLIN):
        labels = time_labels(night, 1200)
    places = [label.at for label in labels]
    assert len(places) > 4
    assert places == sorted(set(places))
    assert all(label.text.endswith((":00", ":30", "Mar", "Oct")) for label in labels)


def test_the_words_of_a_chart_name_the_zone(looked_at_from):
    with looked_at_from(BERLIN):
        words = sentence(chart(AT, 1, timedelta(minutes=30)))
    assert words.startswith("Errors, 23 Nov 20:21 to 23 Nov 21:21 CET.")


def test_without_a_request_times_are_utc():
    assert clocks.zoned(AT) == "2026-11-23 19:21:00 UTC"
