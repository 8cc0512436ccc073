"""How the events of issues changed against the time of the same length before."""

from datetime import timedelta

import pytest

from console.core import clock
from tests.errors.searches import raised
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"


def fire(acme, send, name, now, before):
    """An issue with events of the last day, and of the day before."""
    frames = [{"function": name, "module": "m", "filename": "m.py", "in_app": True}]
    for hours, times in ((2, now), (30, before)):
        for _ in range(times):
            at = (clock.now() - timedelta(hours=hours)).isoformat()
            send(acme, raised(name, "x", frames=frames, timestamp=at, environment="production"))


@pytest.fixture
def fired(acme, send):
    fire(acme, send, "Steady", 4, 4)
    fire(acme, send, "Rising", 3, 1)
    fire(acme, send, "Falling", 1, 4)
    fire(acme, send, "Sudden", 3, 0)


def test_a_row_says_how_its_events_changed_and_the_list_is_ordered_by_it(as_vic, acme, fired, send):
    page = Page(as_vic.get(f"{INBOX}?range=24h&sort=trend"))
    assert [row.title.partition(":")[0] for row in page.rows()] == [
        "Sudden", "Rising", "Steady", "Falling",
    ]  # fmt: skip
    shown = [row["Trend"].split(",")[0].split() for row in page.rows()]
    assert all("from 0" not in " ".join(words) for words in shown), "nothing older is known"

    fire(acme, send, "Old", 0, 0)
    at = (clock.now() - timedelta(hours=60)).isoformat()
    send(acme, raised("Older", "y", timestamp=at))
    page = as_vic.get(f"{INBOX}?range=24h&sort=trend").text
    trends = {row.title.partition(":")[0]: row["Trend"] for row in Page(page).rows()}
    assert "from 0" in trends["Sudden"]
    assert "+200%" in trends["Rising"]
    assert "-75%" in trends["Falling"]
    assert "0%" in trends["Steady"]
    assert "3 events in this time range, 1 in the one before" in page
    assert "sort=trend" in page


def test_scripts_read_the_events_before_and_order_by_the_rise(get, acme, send, fired):
    since = (clock.now() - timedelta(hours=24)).isoformat()

    def listed(**more):
        rows = get("/api/v1/acme/shop/issues", since=since, sort="trend", **more).json["issues"]
        return [(row["kind"], row["events"], row["events_before"]) for row in rows]

    assert [row[2] for row in listed()] == [None] * 4
    send(acme, raised("Older", "y", timestamp=(clock.now() - timedelta(hours=60)).isoformat()))
    expected = [("Sudden", 3, 0), ("Rising", 3, 1), ("Steady", 4, 4), ("Falling", 1, 4)]
    assert listed() == expected
    assert listed(environment="production") == expected
    assert listed(q="environment:production", limit=2) == expected[:2]
    assert listed(q="!type:sudden") == expected[1:]
    unbounded = get("/api/v1/acme/shop/issues", sort="trend")
    assert unbounded.status_code == 400
    assert "give since as well" in unbounded.text


def test_what_is_older_than_is_kept_is_compared_with_nothing(get, acme, send, fired, inside):
    old = (clock.now() - timedelta(days=80)).isoformat()
    send(acme, raised("Older", "y", timestamp=old))
    since = (clock.now() - timedelta(days=60)).isoformat()
    rows = get("/api/v1/acme/shop/issues", since=since).json["issues"]
    assert {row["events_before"] for row in rows} == {None}
