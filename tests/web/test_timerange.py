import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from console.web.frame import url_with
from console.web.timerange import RANGES, Range, aligned, current_range, scoped_url
from tests.web.gallery import NOW


def scope(gallery, query):
    with gallery.test_request_context(f"/acme/shop/issues/?{query}"):
        return current_range()


def test_a_range_ends_now(gallery):
    value = scope(gallery, "range=24h&environment=production&compare=previous")
    assert (value.until, value.length) == (NOW, timedelta(hours=24))
    assert value.environment == "production"
    assert value.compared == (NOW - timedelta(hours=48), NOW - timedelta(hours=24))
    assert scope(gallery, "").name == "14d"


def test_a_range_of_ones_own_is_utc_unless_it_says_otherwise(gallery):
    value = scope(gallery, "since=2026-11-20T08:00&until=2026-11-21T09:00%2B01:00")
    assert (value.since.isoformat(), value.until.isoformat()) == (
        "2026-11-20T08:00:00+00:00",
        "2026-11-21T08:00:00+00:00",
    )
    assert "20 Nov 2026 08:00" in value.label


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("range=2y", "Not a valid choice"),
        ("since=yesterday", "is not a date and time"),
        ("until=tomorrow", "is not a date and time"),
        ("since=2026-11-21&until=soon", "is not a date and time"),
        ("since=2026-11-21&until=2026-11-20", "ends before it starts"),
        ("since=2020-11-21&until=2026-11-20", "at most 400 days"),
        ("compare=never", "Not a valid choice"),
        ("environment=" + "x" * 65, "at most 64"),
        ("since=0001-01-02", "is not a date and time"),
        ("since=0001-01-01T00:00%2B23:00", "is not a date and time"),
        ("since=0001-01-01T00:00&zone=Europe/Berlin", "is not a date and time"),
        ("since=2026-11-21&until=9999-12-31T23:59&zone=Asia/Tehran", "is not a date and time"),
    ],
)
def test_nonsense_is_marked_in_the_top_bar_beside_the_rail(visitor, query, sentence):
    answer = visitor.get(f"/acme/shop/issues/?{query}&q=kept")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert '<nav class="rail"' in answer.text
    bar = answer.text.partition('<header class="bar"')[2].partition("</header>")[0]
    marked = re.findall(r'name="(\w+)"[^>]*aria-invalid="true" aria-describedby="([\w-]+)"', bar)
    assert [name for name, _ in marked if f"{name}=" in query]
    assert all(f'id="{error}"' in bar for _, error in marked)
    assert '<input type="hidden" name="q" value="kept">' in bar
    for name, value in parse_qsl(query):
        if name in {"since", "until"}:
            assert f'name="{name}" value="{value}"' in bar


@pytest.mark.parametrize("name", RANGES)
def test_a_chart_of_any_range_has_a_readable_number_of_buckets(name):
    value = Range(name, NOW - RANGES[name], NOW)
    assert 28 <= value.length / value.grain <= 60


def test_links_keep_the_scope(gallery):
    with gallery.test_request_context("/acme/shop/issues/?range=7d&environment=staging&page=3&q=a"):
        url = scoped_url("gallery.issue", organization="acme", project="shop")
        assert url == "/acme/shop/issues/7/?range=7d&environment=staging"
        assert url_with(page=None, sort="users") == (
            "/acme/shop/issues/?range=7d&environment=staging&q=a&sort=users"
        )


def test_the_top_bar_keeps_the_filters_of_the_page(visitor):
    page = visitor.get("/acme/shop/issues/?q=boom&page=2&environment=canary").text
    assert '<input type="hidden" name="q" value="boom">' in page
    assert 'name="page"' not in page.partition('<form class="toolbar"')[0]
    assert '<option value="canary" selected>' in page
    assert 'data-environment="other"' in page


@pytest.mark.parametrize("hours", [-8, 0, 2])
def test_weeks_begin_on_monday_and_days_at_midnight_of_the_clock(hours):
    offset, at = timedelta(hours=hours), datetime(2026, 11, 26, 13, tzinfo=UTC)
    week, day = (aligned(at, timedelta(days=days), offset) + offset for days in (7, 1))
    assert week == datetime(2026, 11, 23, tzinfo=UTC)
    assert day == datetime(2026, 11, 26, tzinfo=UTC)


def test_a_range_in_a_sentence_keeps_the_capitals_of_its_months(app):
    with app.test_request_context("/?since=2026-11-20T08:00Z&until=2026-11-27T08:00Z"):
        assert current_range().in_words == "20 Nov 2026 08:00 to 27 Nov 2026 08:00 UTC"
    with app.test_request_context("/?range=7d"):
        assert current_range().in_words == "last 7 days"
