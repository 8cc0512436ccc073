"""The page "What changed", its markers, and the list for scripts."""

from datetime import timedelta

import pytest

from console.changes import queries
from console.changes.judged import ChangeState
from console.core.db import db
from console.errors.models import Issue
from tests.changes.conftest import TODAY, YESTERDAY
from tests.support.clients import HTMX
from tests.support.pages import Page
from tests.support.statements import statements_of

PAGE, API = "/acme/shop/changes", "/api/v1/acme/shop/changes"
SLOWER = [400.0] * 9 + [650.0]


@pytest.fixture
def changed(past, acme, judged):
    """A checkout that got slower with a release, and a page that got faster."""
    past.requests("POST /checkout", [*SLOWER[:-1], None])
    past.requests("POST /checkout", [650.0], release="shop@2")
    past.loads("/cart", [3_000.0] * 9 + [1_500.0])
    return judged(acme)


@pytest.mark.usefixtures("changed")
def test_the_page_lists_what_changed_the_largest_first(as_vic):
    page = Page(as_vic.get(PAGE))
    checkout, cart = page.rows()
    assert checkout.title == "POST /checkout"
    assert checkout["Before → after"] == "400 ms → 650 ms P95"
    assert checkout["Change"] == "+62.5% , worse"
    assert "Got slower" in checkout["What"]
    assert "since release shop@2 yesterday" in checkout["What"]
    assert checkout["Since"] == "yesterday"
    assert checkout.link.startswith("/acme/shop/performance/endpoint?")
    assert (cart.title, cart["Change"]) == ("/cart", "-50.1% , better")
    assert (
        "POST /checkout got slower: P95 650 ms, 62.5% above the week before,"
        " since release shop@2 yesterday." in page.text
    )


@pytest.mark.usefixtures("changed")
def test_filters_narrow_the_list(as_vic):
    def titles(query):
        return [row.title for row in Page(as_vic.get(f"{PAGE}?{query}")).rows()]

    assert titles("kind=page") == ["/cart"]
    assert titles("side=worse") == ["POST /checkout"]
    assert titles("side=better") == ["/cart"]
    assert titles("q=check") == ["POST /checkout"]
    assert titles("environment=production") == ["POST /checkout", "/cart"]
    assert titles("state=over") == titles("state=worse") == []
    assert titles("state=new") == ["POST /checkout", "/cart"]
    assert titles("since=2026-11-01T00:00Z&until=2026-11-10T00:00Z") == []
    page = as_vic.get(f"{PAGE}?environment=staging").text
    assert "No change matches" in page
    assert as_vic.get(f"{PAGE}?kind=people").status_code == 422


def test_an_empty_page_says_why(as_vic, past, acme, judged):
    assert "the first day is compared after it is over" in as_vic.get(PAGE).text
    judged(acme)
    assert "There is too little data" in as_vic.get(PAGE).text


def test_an_empty_page_says_that_nothing_changed(as_vic, past, acme, judged):
    past.requests("POST /checkout", [400.0] * 10)
    judged(acme)
    page = as_vic.get(PAGE).text
    assert "Nothing changed: 2 numbers were compared with the week before." in page
    assert "No change ended" in as_vic.get(f"{PAGE}?state=over").text


def test_a_change_that_went_back_shows_how_far_it_had_gone(as_vic, past, acme, judged):
    past.requests("GET /a", [*[400.0] * 9, 800.0, 700.0, *[400.0] * 3])
    judged(acme)
    (row,) = Page(as_vic.get(f"{PAGE}?state=over")).rows()
    assert row["Before → after"] == "400 ms → 800 ms P95"
    assert "It is back where it was." in row["What"]
    assert Page(as_vic.get(PAGE)).rows() == []


@pytest.mark.usefixtures("changed")
def test_the_part_is_polled_and_is_not_sent_twice(as_vic):
    part = as_vic.get(PAGE, headers=HTMX)
    assert part.text.lstrip().startswith('<div id="changes"')
    again = as_vic.get(PAGE, headers={**HTMX, "Pharos-Part": part.headers["Pharos-Part"]})
    assert again.status_code == 204


@pytest.mark.usefixtures("changed")
def test_strangers_find_nothing(as_eve, client):
    assert as_eve.get(PAGE).status_code == 404
    assert client.get(PAGE).status_code == 303


def test_an_issue_has_its_title_and_page_and_one_that_is_gone_keeps_its_name(
    as_vic, past, acme, judged, make_issue, inside
):
    issue = make_issue(acme, hash="a" * 32, title="KeyError: 'sku'")
    past.errors("a" * 32, [1] * 9 + [50])
    judged(acme)
    (row,) = Page(as_vic.get(PAGE)).rows()
    assert row.title == "KeyError: 'sku'"
    assert row.link.startswith(f"/acme/shop/issues/{issue.id}/")
    with inside(acme):
        db.session.delete(db.session.get_one(Issue, issue.id))
        db.session.commit()
    (row,) = Page(as_vic.get(PAGE)).rows()
    assert (row.title, "KeyError: 'sku'" in row["What"]) == ("", True)


def test_the_page_asks_as_much_of_one_change_as_of_twenty(app, as_vic, past, acme, judged, clock):
    counts = []
    for number in (1, 20):
        for endpoint in range(number):
            past.requests(f"GET /{number}/{endpoint}", SLOWER, received_at=clock.now())
        clock.move(minutes=20)
        assert len(judged(acme)) == (1 if number == 1 else 21)
        as_vic.get(PAGE)
        with statements_of(app) as seen:
            assert as_vic.get(PAGE).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_changes_are_marked_in_charts_about_their_subject(app, inside, changed, acme):
    since, until = TODAY - timedelta(days=14), TODAY
    with inside(acme):
        about = [
            queries.markers(acme, since, until, "production", subject)
            for subject in (("endpoint", "POST /checkout"), ("page", "/cart"), None)
        ]
        assert [[marker.text for marker in markers] for markers in about] == [
            ["P95: got slower"],
            ["LCP P75: showed its content sooner"],
            [],
        ]
        assert about[0][0].tone == "bad"
        assert about[0][0].at.date() == YESTERDAY
        elsewhere = queries.markers(acme, since, until, "staging", ("endpoint", "POST /checkout"))
        assert elsewhere == []


def test_the_chart_of_an_endpoint_has_the_marker(as_vic, changed):
    chart = as_vic.get("/acme/shop/performance/latency?name=POST+/checkout&range=7d").text
    assert "P95: got slower" in chart
    assert "P95: got slower" not in as_vic.get("/acme/shop/performance/latency?range=7d").text


@pytest.mark.usefixtures("changed")
def test_a_script_reads_the_list_with_every_number(acme, as_script):
    script = as_script(acme, "changes:read")
    answer = script.get(API, query_string={"limit": 1}).json
    (change,) = answer["changes"]
    assert change["text"].startswith("POST /checkout got slower")
    assert change["cause"]["value"] == "shop@2"
    assert (change["before"], change["after"], change["better"]) == (400, 650, False)
    assert [day["number"] for day in change["days"]] == [650]
    assert change["state"] == ChangeState.NEW
    (second,) = script.get(answer["next"]).json["changes"]
    assert second["subject"] == "/cart"
    assert script.get(API, query_string={"kind": "x"}).status_code == 400


def test_a_script_needs_the_permission(acme, globex, as_script, client):
    assert as_script(acme, "metrics:read").get(API).status_code == 403
    assert as_script(globex, "changes:read").get(API).status_code == 404
    assert client.get(API).status_code == 401
