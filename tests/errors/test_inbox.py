"""The inbox: what it lists, in which order, and what is done to many issues at once."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product

import pytest

from console.core import clock
from console.core.db import db
from console.errors import trends
from console.errors.models import Category, Issue, Level, Status
from console.errors.queries import Filter
from console.telemetry.scope import Scope
from console.web.timerange import current_range
from tests.support.clients import HTMX
from tests.support.factories import detached, make_user
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"


def titles(response):
    return [row.title for row in Page(response).rows()]


def test_it_lists_what_is_open_with_the_most_users_first(as_vic, acme, make_issue):
    make_issue(acme, title="Few", users=2)
    make_issue(acme, title="Many", users=9)
    make_issue(acme, title="Muted", users=99, status=Status.MUTED)
    make_issue(acme, title="Nothing counted yet", users=99, events=0)
    assert titles(as_vic.get(INBOX)) == ["Many", "Few"]


def test_browser_reports_are_listed_apart_unless_they_are_asked_for(
    both_databases, as_vic, acme, make_issue
):
    make_issue(acme, title="Error")
    make_issue(acme, title="Blocked", category=Category.REPORT, level=Level.INFO, users=9)
    make_issue(acme, title="Muted", category=Category.REPORT, status=Status.MUTED)
    apart = "1 issue from browser reports"
    for query, shown in (
        ("", ["Error"]),
        ("?q=e", ["Error"]),
        ("?status=muted", []),
        ("?category=report", ["Blocked"]),
        ("?category=all", ["Blocked", "Error"]),
        ("?q=is:report", ["Blocked"]),
        ("?q=category:[error,report]", ["Blocked", "Error"]),
    ):
        answer = as_vic.get(INBOX + query)
        assert titles(answer) == shown, query
        assert (apart in answer.text) is (query in {"", "?q=e", "?status=muted"}), query
    assert "Info" in as_vic.get(INBOX + "volume?category=all", headers=HTMX).text
    assert "Info" not in as_vic.get(INBOX + "volume", headers=HTMX).text
    assert "1 open issue<" in as_vic.get(INBOX + "summary").text


def test_a_stranger_finds_nothing(as_eve, acme, make_issue):
    make_issue(acme)
    assert as_eve.get(INBOX).status_code == 404


def test_a_visitor_signs_in_first(client, acme):
    answer = client.get(INBOX)
    assert answer.status_code in {302, 303}
    assert answer.location.startswith("/login")


def test_htmx_gets_the_list_alone_and_nothing_when_nothing_changed(as_vic, acme, make_issue):
    make_issue(acme, last_seen=clock.now() - timedelta(hours=5))
    part = as_vic.get(INBOX, headers=HTMX)
    assert part.text.lstrip().startswith('<section id="issues"')
    assert "<html" not in part.text
    seen = {"Pharos-Part": part.headers["Pharos-Part"]}
    assert as_vic.get(INBOX, headers=HTMX | seen).status_code == 204
    make_issue(acme, title="A new one")
    assert titles(as_vic.get(INBOX, headers=HTMX | seen))[0] == "A new one"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Fatal", "Price", "Slow"]),
        ("level=fatal", ["Fatal"]),
        ("status=resolved", ["Done"]),
        ("status=all", ["Done", "Fatal", "Price", "Slow"]),
        ("q=PRI", ["Price"]),
        ("q=checkout", ["Price"]),
        ("q=100%25", []),
        ("sort=events", ["Slow", "Price", "Fatal"]),
        ("sort=first_seen", ["Price", "Fatal", "Slow"]),
        ("sort=last_seen", ["Slow", "Price", "Fatal"]),
        ("assignee=alice@acme.test", ["Slow"]),
        ("assignee=me", ["Slow"]),
        ("assignee=none", ["Fatal", "Price"]),
        ("range=1h", ["Slow"]),
        ("environment=staging", []),
        ("release=nothing", []),
    ],
)
def test_filters_and_sorts(as_alice, acme, make_issue, app, query, expected):
    def ago(hours):
        return clock.now() - timedelta(hours=hours)

    alice = make_user(app, "alice@acme.test")
    make_issue(acme, title="Fatal", users=3, events=3, level=Level.FATAL, first_seen=ago(30),
               last_seen=ago(9), culprit="worker")  # fmt: skip
    make_issue(acme, title="Price", users=2, events=5, first_seen=ago(20), last_seen=ago(8),
               culprit="shop.checkout")  # fmt: skip
    make_issue(acme, title="Slow", users=1, events=9, first_seen=ago(40), culprit="worker",
               assignee_id=alice.id)  # fmt: skip
    make_issue(acme, title="Done", users=4, status=Status.RESOLVED, first_seen=ago(50),
               last_seen=ago(7))  # fmt: skip
    assert titles(as_alice.get(f"{INBOX}?{query}")) == expected


def test_text_is_found_in_any_case_and_as_it_is_written(both_databases, as_vic, acme, make_issue):
    make_issue(acme, title="Only 5% of Orders", culprit="shop.views")
    make_issue(acme, title="Another", culprit="SHOP.other")
    texts = {"ORDERS": 1, "shop": 2, "5%": 1, "5% o": 1, "_": 0, "%": 1}
    for sort, text in product(("users", "events", "first_seen", "last_seen"), texts):
        part = as_vic.get(INBOX, query_string={"q": text, "sort": sort}, headers=HTMX)
        assert len(titles(part)) == texts[text], (sort, text)


@pytest.mark.parametrize("status", ["open", "muted", "resolved", "all"])
def test_the_filter_form_without_scripts_sends_what_the_inbox_takes(as_vic, acme, status):
    page = as_vic.get(f"{INBOX}?status={status}&range=24h").text
    form = re.search(r'<form class="toolbar".*?</form>', page, re.DOTALL)
    assert form is not None
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w*)"', form[0]))
    assert hidden == {"range": "24h"} | ({} if status == "open" else {"status": status})
    assert 'name="sort"' in form[0]
    asked = hidden | {"q": "", "level": "", "release": "", "assignee": "", "sort": "users"}
    assert as_vic.get(INBOX, query_string=asked).status_code == 200


def test_environment_and_release_are_where_an_issue_occurred(both_databases, as_vic, acme, send):
    send(acme, environment="production", release="shop@1.0")
    send(acme, environment="staging", release="shop@1.1")
    for query, found in [
        ("environment=staging", 1),
        ("release=shop@1.0", 1),
        ("environment=staging&release=shop@1.0", 0),
        ("environment=moon", 0),
    ]:
        assert len(titles(as_vic.get(f"{INBOX}?{query}"))) == found, query
    page = as_vic.get(INBOX).text
    assert '<option value="shop@1.1">' in page
    assert '<option value="staging">' in page


@pytest.mark.parametrize(
    "query",
    [
        "level=loud",
        "status=lost",
        "sort=colour",
        "assignee=eve@globex.test",
        "q=" + "x" * 501,
    ],
)
def test_a_filter_that_makes_no_sense_is_marked_in_the_page(as_vic, globex, query):
    answer = as_vic.get(f"{INBOX}?{query}&release=shop@7")
    assert answer.status_code == 422
    name, _, value = query.partition("=")
    toolbar = answer.text.partition('<form class="toolbar"')[2]
    field = re.search(rf'<(?:input|select)[^>]*name="{name}"[^>]*>', toolbar)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert "autofocus" in field[0]
    assert f'id="{name}-error"' in answer.text
    assert '<nav class="rail"' in answer.text
    assert '<option selected value="shop@7">' in answer.text
    assert name != "q" or value in field[0]


def test_htmx_is_answered_with_what_is_wrong_alone(as_vic, acme):
    answer = as_vic.get(f"{INBOX}?level=loud", headers=HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<div class="tile-error"')
    assert "level:" in answer.text


@pytest.mark.parametrize("query", ["cursor=%00%ff", "q=%00"])
def test_what_no_field_of_the_page_says_is_named_beside_the_rail(as_vic, acme, query):
    answer = as_vic.get(f"{INBOX}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] + ":" in answer.text
    assert '<nav class="rail"' in answer.text


def test_pages_follow_one_another_without_gap_or_repeat(both_databases, as_vic, acme, make_issue):
    for number in range(120):
        make_issue(acme, title=f"Issue {number:03}", users=number % 3)
    first = as_vic.get(INBOX)
    assert "120 issues" in first.text
    second = as_vic.get(link(first, "next"))
    third = as_vic.get(link(second, "next"))
    shown = [titles(page) for page in (first, second, third)]
    assert [len(page) for page in shown] == [50, 50, 20]
    assert len({title for page in shown for title in page}) == 120
    assert link(third, "next") is None
    assert titles(as_vic.get(link(third, "prev"))) == shown[1]
    assert titles(as_vic.get(link(second, "prev"))) == shown[0]


def test_the_number_of_statements_does_not_grow_with_the_issues(
    as_vic, acme, make_issue, statements
):
    def cost():
        with statements() as seen:
            assert as_vic.get(INBOX).status_code == 200
        return len(seen)

    make_issue(acme)
    as_vic.get(INBOX)
    one = cost()
    for _ in range(19):
        make_issue(acme)
    assert cost() == one <= 20


def test_new_and_regressed_issues_are_marked(as_vic, acme, make_issue):
    old = clock.now() - timedelta(days=3)
    make_issue(acme, title="Old", first_seen=old)
    assert "Regressed" not in as_vic.get(INBOX, headers=HTMX).text
    assert ">New<" not in as_vic.get(INBOX, headers=HTMX).text.replace("</svg>", ">")
    make_issue(acme, title="Back", first_seen=old, regressed_at=clock.now())
    make_issue(acme, title="Fresh")
    page = as_vic.get(INBOX).text
    assert page.count("Came back after it was resolved") == 1
    assert page.count("First seen within the last day") == 1
    assert re.search(r'rail-count">1<', page)


def test_an_empty_project_leads_to_the_connect_page(as_vic, acme):
    assert "/acme/shop/connect" in as_vic.get(INBOX, headers=HTMX).text


def test_the_trend_of_each_issue_is_its_own(as_vic, acme, send):
    for _ in range(3):
        send(acme)
    send(acme, {"message": "Only once"})
    page = as_vic.get(f"{INBOX}?range=24h").text
    assert "3 events, at most 3 per hour" in page
    assert "1 event, at most 1 per hour" in page


def test_the_volume_is_by_level(as_vic, as_eve, acme, globex, send):
    send(acme)
    send(acme, {"message": "Careful", "level": "warning"})
    part = as_vic.get(f"{INBOX}volume", headers=HTMX).text
    assert part.lstrip().startswith('<section id="volume"')
    assert "Error" in part
    assert "Warning" in part
    assert as_eve.get(f"{INBOX}volume").status_code == 404


def test_the_volume_is_compared_with_the_period_that_the_top_bar_names(
    app, acme, as_vic, send, inside
):
    now = clock.now()
    for days in (1, 4, 8, 9):
        send(acme, timestamp=(now - timedelta(days=days)).isoformat())

    def compared(**bar: str) -> list[float]:
        with app.test_request_context(f"{INBOX}volume", query_string=bar), inside(acme):
            shown = current_range()
            scope = Scope.of(acme, shown)
            *_levels, last = trends.volume_chart(acme, Filter(), scope, shown).series
            assert last.role == "previous"
            return [value for value in last.values if value]

    assert compared(range="7d", compare="previous") == [1, 1]
    assert compared(range="24h", compare="week") == [1]
    part = as_vic.get(f"{INBOX}volume?range=7d&compare=previous", headers=HTMX).text
    assert "Previous period" in part
    assert "Previous period" not in as_vic.get(f"{INBOX}volume?range=7d", headers=HTMX).text


ACTS = [
    ("resolution", {}, Status.RESOLVED),
    ("mute", {"hours": "24"}, Status.MUTED),
    ("mute", {}, Status.MUTED),
    ("assignment", {"assignee": "alice@acme.test"}, Status.OPEN),
]


@pytest.mark.parametrize(("act", "fields", "status"), ACTS)
def test_many_issues_are_triaged_at_once(as_alice, acme, make_issue, read, act, fields, status):
    chosen = [make_issue(acme) for _ in range(3)]
    other = make_issue(acme)
    form = {"issue": [issue.id for issue in chosen], **fields}
    answer = as_alice.post(f"{INBOX}{act}?sort=events", data=form)
    assert (answer.status_code, answer.location) == (303, f"{INBOX}?sort=events")
    assert "3 issues" in as_alice.get(answer.location).text
    for issue in chosen:
        assert read(issue).status is status
        assert bool(read(issue).assignee_id) is (act == "assignment")
    assert read(other).status is Status.OPEN


def test_a_bulk_act_swaps_the_list_and_offers_the_way_back(
    both_databases, as_alice, acme, make_issue, read
):
    issue = make_issue(acme, title="Going")
    make_issue(acme, title="Staying")
    part = as_alice.post(f"{INBOX}resolution", data={"issue": issue.id}, headers=HTMX)
    assert part.text.lstrip().startswith('<section id="issues"')
    assert titles(part) == ["Staying"]
    assert "1 issue resolved." in part.text
    assert f'name="issue" value="{issue.id}"' in part.text
    as_alice.post(f"{INBOX}reopening", data={"issue": issue.id}, headers=HTMX)
    assert read(issue).status is Status.OPEN


@pytest.mark.parametrize(("act", "fields", "_status"), [*ACTS, ("reopening", {}, None)])
def test_who_may_not_triage(as_vic, as_alice, as_eve, acme, globex, make_issue, read,
                            act, fields, _status):  # fmt: skip
    ours, theirs = make_issue(acme), make_issue(globex)
    url = f"{INBOX}{act}"
    assert as_vic.post(url, data={"issue": ours.id, **fields}).status_code == 403
    assert as_eve.post(url, data={"issue": ours.id, **fields}).status_code == 404
    mixed = {"issue": [ours.id, theirs.id], **fields}
    assert as_alice.post(url, data=mixed).status_code == 404
    assert read(ours).status is Status.OPEN
    assert read(theirs).status is Status.OPEN


@pytest.mark.parametrize(
    ("act", "form"),
    [
        ("resolution", {}),
        ("resolution", {"issue": "none"}),
        ("mute", {"issue": "1", "hours": "0"}),
        ("mute", {"issue": "1", "events": "many"}),
        ("assignment", {"issue": "1", "assignee": "eve@globex.test"}),
    ],
)
def test_a_bulk_form_that_makes_no_sense_changes_nothing(
    as_alice, acme, globex, make_issue, read, act, form
):
    issue = make_issue(acme)
    assert as_alice.post(f"{INBOX}{act}", data=form).status_code == 422
    assert read(issue).status is Status.OPEN


def test_hostile_text_stays_text(as_vic, acme, make_issue):
    make_issue(acme, title='<script>alert("x")</script>' + "A" * 170, culprit='"><img src=x>')

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert not (tag == "img" and ("src", "x") in attrs)
            assert not (tag == "script" and not attrs)

    Tags().feed(as_vic.get(INBOX).text)


def link(response, relation):
    return next(iter(Page(response).links(f'a[rel="{relation}"][href]')), None)


@pytest.fixture
def read(app, inside):
    """Read an issue anew, whoever's it is."""

    def read(issue):
        with inside(issue.organization_id):
            return detached(db.session.get_one(Issue, issue.id))

    return read
