"""Searches by how many events and users an issue has of those that the page counts."""

from datetime import timedelta

import pytest

from console.core import clock
from console.errors import ranking
from tests.support.clients import HTMX
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"
MADE = {"a": (1, 1), "b": (2, 0), "c": (5, 5), "d": (12, 3), "e": (40, 1)}
WANTED = {
    "events:>10": {"d", "e"},
    "events:>=12": {"d", "e"},
    "events:<3": {"a", "b"},
    "events:<=5": {"a", "b", "c"},
    "events:5": {"c"},
    "!events:5": {"a", "b", "d", "e"},
    "!events:>10": {"a", "b", "c"},
    "timesSeen:>10 users:<=1": {"e"},
    "users:0": {"b"},
    "users:>=3": {"c", "d"},
    "!users:<3": {"c", "d"},
    "users:>=1 events:<20 level:error": {"a", "c", "d"},
    "events:>1000000": set(),
}


@pytest.fixture
def made(acme, make_issue):
    for title, (events, users) in MADE.items():
        make_issue(acme, title=title, events=events, users=users)
    long_ago = clock.now() - timedelta(days=3)
    make_issue(acme, title="old", events=1, users=1, first_seen=long_ago, last_seen=long_ago)


def titles(client, query, **more):
    answer = client.get(INBOX, query_string={"q": query, **more}, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return {row.title for row in Page(answer).rows()}


@pytest.mark.parametrize("chunk", [250, 2])
def test_counts_of_the_time_range_are_compared(
    both_databases, as_vic, get, made, monkeypatch, chunk
):
    monkeypatch.setattr(ranking, "CHUNK", chunk)
    if chunk == 2:  # few enough to be listed are none
        monkeypatch.setattr("console.errors.conditions.FEW", 0)
    for query, wanted in WANTED.items():
        for sort in ("users", "first_seen"):
            assert titles(as_vic, query, range="24h", sort=sort) == wanted, query
            assert titles(as_vic, query, range="14d", sort=sort) - {"old"} == wanted, query
        volume = as_vic.get(f"{INBOX}volume", query_string={"q": query, "range": "24h"})
        events = sum(MADE[title][0] for title in wanted)
        assert Page(volume).charted(kind="bar") == events, query
        rows = get("/api/v1/acme/shop/issues", q=query).json["issues"]
        assert {row["title"] for row in rows} - {"old"} == wanted, query


@pytest.mark.parametrize(
    "query", ["events:many", "users:>", "events:[1, 2]", "events:-1", "users:1.5"]
)
def test_what_is_no_count_is_refused_at_the_field(as_vic, acme, query):
    answer = as_vic.get(INBOX, query_string={"q": query})
    assert answer.status_code in (400, 422)
    assert "with a whole number, as in" in answer.text
