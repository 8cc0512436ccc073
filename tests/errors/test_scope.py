"""Every number of the inbox and of an issue's page is of what stands above it."""

import re
from datetime import timedelta

import pytest

from console.core import clock
from console.core.db import db
from console.errors import ranking
from console.errors.models import Issue, Level
from console.errors.queries import SORTS, Filter
from console.telemetry.event_terms import EventTerm
from console.telemetry.leading import leading
from console.telemetry.scope import Scope
from console.web.timerange import RANGES, Range
from tests.support.clients import HTMX
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"
HOURS = (1, 30, 200)


def ago(hours):
    return (clock.now() - timedelta(hours=hours)).isoformat()


def counts(page):
    """Events and users of each issue of the list, in its order."""
    rows = Page(page).rows()
    return [(row.title, int(row["Events"]), int(row["Users"])) for row in rows]


def bars(part):
    """What the bars of a chart's answer add up to, and what it is compared to."""
    page = Page(part)
    return page.charted(kind="bar"), page.charted(kind="line")


@pytest.fixture
def fire(acme, send):
    """An old noisy issue with two users, and a new one that three users of staging met."""
    for hours, times in zip(HOURS, (1, 2, 4), strict=True):
        for number in range(times):
            send(
                acme,
                {"message": "Old and noisy", "level": "warning"},
                timestamp=ago(hours),
                environment="production",
                release="shop@1",
                user={"id": number % 2},
            )
    for number in range(3):
        send(
            acme,
            {"message": "New fire", "level": "error"},
            timestamp=ago(0.5),
            environment="staging",
            release="shop@2",
            user={"id": number},
        )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("range=14d", [("New fire", 3, 3), ("Old and noisy", 7, 2)]),
        ("range=14d&sort=events", [("Old and noisy", 7, 2), ("New fire", 3, 3)]),
        ("range=7d&sort=events", [("New fire", 3, 3), ("Old and noisy", 3, 2)]),
        ("range=24h&sort=events", [("New fire", 3, 3), ("Old and noisy", 1, 1)]),
        ("range=14d&environment=production", [("Old and noisy", 7, 2)]),
        ("range=14d&environment=staging", [("New fire", 3, 3)]),
        ("range=14d&release=shop@1", [("Old and noisy", 7, 2)]),
        ("range=24h&level=warning", [("Old and noisy", 1, 1)]),
        ("range=14d&q=fire", [("New fire", 3, 3)]),
        ("range=14d&q=zzzz", []),
        ("range=14d&status=muted", []),
        ("range=14d&category=performance", []),
        ("range=14d&assignee=me", []),
    ],
)
def test_the_inbox_and_its_chart_count_what_stands_above_them(as_alice, fire, query, expected):
    page = as_alice.get(f"{INBOX}?{query}")
    assert counts(page) == expected
    chart = as_alice.get(f"{INBOX}volume?{query}", headers=HTMX).text
    assert bars(chart)[0] == sum(events for _, events, _ in expected)
    trends = re.findall(r'aria-label="(\d+) events?, at most', page.text)
    assert [int(events) for events in trends] == [events for _, events, _ in expected]


def test_the_chart_says_so_where_issues_are_too_many_to_tell_apart(as_vic, fire, monkeypatch):
    monkeypatch.setattr("console.errors.queries.FEW", 0)
    part = as_vic.get(f"{INBOX}volume?range=14d&level=warning", headers=HTMX).text
    assert bars(part)[0] == 10
    assert "of all issues: those that match are too many to tell apart" in part


@pytest.mark.parametrize(
    ("query", "events", "users", "before"),
    [
        ("range=14d", 7, 2, 0),
        ("range=7d&compare=previous", 3, 2, 4),
        ("range=24h&compare=previous", 1, 1, 2),
        ("range=24h", 1, 1, 0),
        ("range=14d&environment=production", 7, 2, 0),
        ("range=14d&environment=staging", 0, 0, 0),
    ],
)
def test_an_issues_page_obeys_its_top_bar(as_vic, acme, fire, inside, query, events, users, before):
    with inside(acme):
        issue = db.session.query(Issue).filter_by(title="Old and noisy").one().id
    url = f"{INBOX}{issue}/"
    page = as_vic.get(f"{url}?{query}").text
    assert [card.value for card in Page(page).cards()][:2] == [str(events), str(users)]
    assert bars(as_vic.get(f"{url}trend?{query}", headers=HTMX).text) == (events, before)
    listed = as_vic.get(f"{url}events/?{query}").text
    assert len(Page(listed).rows()) == events
    released = as_vic.get(f"{url}releases?{query}", headers=HTMX).text
    assert [int(row["Events"]) for row in Page(released).rows()] == ([events] if events else [])
    assert (f"of {events}</h2>" in page) is bool(events)
    assert ("An event outside of the time range" in page) is not bool(events)


def test_links_and_acts_of_an_issue_keep_its_scope(as_alice, acme, fire, inside):
    with inside(acme):
        issue = db.session.query(Issue).filter_by(title="Old and noisy").one().id
    page = as_alice.get(f"{INBOX}{issue}/?range=24h&environment=production").text
    main = page.partition("<main")[2].partition("</main>")[0]
    addresses = set(re.findall(rf'(?:href|hx-get|hx-post|action)="({INBOX}{issue}/[^"]*)"', main))
    assert len(addresses) > 8
    for address in addresses:
        assert "range=24h&amp;environment=production" in address, address


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("name", ["24h", "14d"])
def test_the_first_issues_are_the_same_whichever_were_looked_at(
    app, acme, make_issue, inside, monkeypatch, sort, name
):
    """Chunks of two issues, from either store, against all of them at once."""
    monkeypatch.setattr(ranking, "GROWTH", 1)
    for number in range(12):
        make_issue(
            acme,
            title=f"Issue {number}",
            events=1 + number * 7 % 5,
            users=number * 5 % 4,
            first_seen=clock.now() - timedelta(hours=30 + number * 7 % 12),
            last_seen=clock.now() - timedelta(hours=1 + number * 5 % 40),
        )
    until = clock.now()
    scope = Scope.of(acme, Range(name, until - RANGES[name], until))
    by = Filter(sort=sort, since=scope.since, until=scope.until)
    with app.test_request_context(), inside(acme):
        whole = ranking.ranking(acme, by, scope, need=12)
        assert whole.complete
        monkeypatch.setattr(ranking, "CHUNK", 2)
        for need in (1, 3, 5, len(whole.rows)):
            found = ranking.ranking(acme, by, scope, need=need)
            places = [row.place for row in found.rows[:need]]
            assert places == [row.place for row in whole.rows[:need]]
        looked_at = ranking.ranking(acme, by, scope, need=1)
        assert len(looked_at.rows) < len(whole.rows)
        assert not looked_at.complete


def test_groups_of_other_projects_and_times_are_none_of_the_leading(app, acme, globex, make_issue):
    make_issue(globex, events=9)
    make_issue(acme, events=5, first_seen=clock.now() - timedelta(days=3),
               last_seen=clock.now() - timedelta(days=3))  # fmt: skip
    mine = make_issue(acme, events=2, hash="ab" * 16)
    until = clock.now()
    scope = Scope.of(acme, Range("24h", until - timedelta(days=1), until))
    with app.app_context():
        leaders = leading(scope, "events", limit=10)
    assert [(leader.hash, leader.place[0]) for leader in leaders] == [("ab" * 16, 2)]
    assert mine.events == 2


@pytest.mark.parametrize("sort", SORTS)
def test_the_first_issues_of_a_search_are_the_same_in_pieces(
    app, acme, make_issue, inside, monkeypatch, sort
):
    monkeypatch.setattr(ranking, "GROWTH", 1)
    for number in range(12):
        make_issue(
            acme,
            title=f"Issue {number}",
            level=Level.WARNING if number % 4 else Level.FATAL,
            events=1 + number * 7 % 5,
            users=number * 5 % 4,
            first_seen=clock.now() - timedelta(hours=30 + number * 7 % 12),
            last_seen=clock.now() - timedelta(hours=1 + number * 5 % 40),
        )
    until = clock.now()
    shown = Range("14d", until - RANGES["14d"], until)
    scope = Scope.of(acme, shown, terms=(EventTerm("level", ("warning",)),))
    by = Filter(sort=sort, since=scope.since, until=scope.until)
    with app.test_request_context(), inside(acme):
        whole = ranking.ranking(acme, by, scope, need=12)
        assert whole.complete
        assert len(whole.rows) == 9
        places = [row.place for row in whole.rows]
        assert places == sorted(places, reverse=True)
        monkeypatch.setattr(ranking, "CHUNK", 2)
        for need in (1, 3, 5, 9):
            some = ranking.ranking(acme, by, scope, need=need)
            assert [row.place for row in some.rows[:need]] == places[:need]
        if sort in ("first_seen", "last_seen"):  # in the others, many are equal
            assert not ranking.ranking(acme, by, scope, need=1).complete


def test_of_equal_issues_the_latest_comes_first_at_the_edge_of_a_chunk(
    app, acme, make_issue, inside, monkeypatch
):
    made = [make_issue(acme, title=f"Issue {number}").id for number in range(9)]
    until = clock.now() + timedelta(hours=1)
    scope = Scope.of(acme, Range("24h", until - RANGES["24h"], until))
    monkeypatch.setattr(ranking, "CHUNK", 2)
    for sort in ("users", "events", "trend"):
        by = Filter(sort=sort, since=scope.since, until=scope.until)
        with app.test_request_context(), inside(acme):
            rows = ranking.ranking(acme, by, scope, need=3).rows
        assert [row.issue_id for row in rows[:3]] == made[:-4:-1], sort
