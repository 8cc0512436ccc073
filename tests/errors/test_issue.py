"""An issue's page: its events, its panels, and what people do with it."""

import html
import json
import re
from datetime import timedelta
from secrets import token_hex

import pytest
from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.errors.models import Comment, Issue, IssueChange, Status
from tests.errors.samples import frame, raised
from tests.support import factories
from tests.support.at_once import at_once
from tests.support.clients import HTMX


@pytest.fixture
def url(acme, send, the_issue):
    """Address of an issue of acme with one event."""
    send(acme)
    return f"/acme/shop/issues/{the_issue().id}/"


def test_it_says_what_broke_how_bad_and_where(as_vic, url):
    page = as_vic.get(url).text
    assert "KeyError: " in page
    assert "shop.checkout in price" in page
    assert "Unhandled" in page
    assert "Users affected" in page
    first_open = re.search(r'<details class="frame" open>.*?</details>', page, re.DOTALL)
    assert first_open is not None
    assert "shop/checkout.py:42" in first_open[0]
    assert "<li data-current>" in first_open[0]
    assert "raise_in_price(country)" in first_open[0]
    assert ">country</span>" in first_open[0]
    assert "2 library frames" in page


def test_it_shows_what_surrounds_the_error(as_vic, url):
    page = as_vic.get(url).text
    for shown in [
        "Caused by",
        "LookupError",
        "https://shop.test/checkout",
        "SELECT price FROM product",
        "mia@customer.test",
        "CPython",
        "shop@1.4.2",
        "Why in this group",
        "in-app frames",
        "sentry.python.flask",
        "First seen in",
    ]:
        assert shown in page, shown


def test_locals_are_a_tree_of_what_the_client_sent(as_vic, acme, send, the_issue):
    local = {"total": "49", "owner": {"name": "'Mia'"}}
    raising = frame("shop.cart", "total", 17, vars={"cart": local, "note": "'<b>'"})
    error = {"type": "E", "value": "v", "stacktrace": {"frames": [raising]}}
    send(acme, exception={"values": [error]})
    page = as_vic.get(f"/acme/shop/issues/{the_issue().id}/").text
    assert "{total: 49, owner: {name: &#39;Mia&#39;}}</span></summary>" in page
    assert (
        '<span class="tree-name">name</span> <span class="tree-text">&#39;Mia&#39;</span>' in page
    )
    assert "&#39;&lt;b&gt;&#39;" in page


def test_what_is_not_understood_is_shown_as_json_and_what_was_left_out_is_named(
    as_vic, acme, send, the_issue
):
    send(
        acme,
        breadcrumbs={
            "values": [{"category": "query", "data": ["a", {"b": 1}], "origin": "native"}]
        },
        contexts={"state": ["c", 1], "note": "Linux"},
        extra=["x", 2],
        user="mia",
        turbine={"speed": 12},
        tags={f"t{number}": "v" for number in range(102)},
        _meta={"extra": {"0": {"": {"len": 4096}}}},
    )
    page = html.unescape(as_vic.get(f"/acme/shop/issues/{the_issue().id}/").text)
    for shown in (
        '["a", {"b": 1}]', "origin=native", '["c", 1]', '"Linux"', '["x", 2]', "turbine",
        "Further attributes", '{"speed": 12}', "2 more tags were sent", "User-Agent",
        "The client shortened extra.0; it had 4,096",
    ):  # fmt: skip
        assert shown in page, shown


def test_each_message_is_shown_as_its_own_instead_of_an_empty_stack(as_vic, acme, send, the_issue):
    ids = {
        name: send(
            acme,
            {"logentry": {"message": "cart of %s", "params": [name]}, "level": "info"},
        )
        for name in ("Bea", "Cy")
    }
    for name, event_id in ids.items():
        page = as_vic.get(f"/acme/shop/issues/{the_issue().id}/events/{event_id}").text
        card = page.partition('aria-label="Message"')[2].partition("</section>")[0]
        assert f"cart of {name}" in card
        assert "Stack trace" not in page


def test_the_stack_of_a_message_is_open_though_it_is_a_threads(as_vic, acme, send, the_issue):
    """Go sends a panic with a text so, and others a message with the stack it came from."""
    stack = {"frames": [{"function": "pay", "context_line": "pay()", "lineno": 7}]}
    send(acme, {"message": "text panic", "threads": [{"current": True, "stacktrace": stack}]})
    page = as_vic.get(f"/acme/shop/issues/{the_issue().id}/").text
    assert re.search(r'<details class="fold" open><summary>.*?Thread', page, re.DOTALL)
    assert '<details class="frame" open>' in page


def test_its_statements_do_not_grow_with_its_events(as_vic, acme, url, send, statements):
    def cost():
        with statements() as seen:
            assert as_vic.get(url).status_code == 200
        return len(seen)

    as_vic.get(url)
    one = cost()
    for number in range(19):
        send(acme, release=f"shop@2.{number}")
    assert cost() == one <= 20


def test_events_follow_one_another(as_vic, acme, send, the_issue, clock):
    sent = []
    for _ in range(3):
        sent.append(send(acme))
        clock.move(minutes=1)
    url = f"/acme/shop/issues/{the_issue().id}/"
    assert f'title="{sent[2]}"' in as_vic.get(url).text
    middle = as_vic.get(f"{url}events/{sent[1]}").text
    assert "Event 2 of 3" in middle
    for neighbour in (sent[0], sent[2]):
        assert f"{url}events/{neighbour}" in middle
    assert f'title="{sent[0]}"' in as_vic.get(f"{url}?event={sent[0]}").text
    part = as_vic.get(f"{url}events/{sent[0]}", headers=HTMX).text
    assert part.lstrip().startswith('<div id="event"')


def test_an_event_is_found_under_its_own_issue_only(as_vic, acme, globex, send, app, make_issue):
    ours, theirs = send(acme), send(globex)
    other = make_issue(acme)
    for event_id in (ours, theirs, token_hex(16), "x" * 32, "ab"):
        assert as_vic.get(f"/acme/shop/issues/{other.id}/events/{event_id}").status_code == 404
        assert as_vic.get(f"/acme/shop/issues/{other.id}/?event={event_id}").status_code == 404
        assert as_vic.get(f"/acme/shop/issues/{other.id}/events/{event_id}/json").status_code == 404


PANELS = ["", "summary", "events/", "tags", "trend", "releases"]


@pytest.mark.parametrize("panel", PANELS)
def test_its_pages_are_the_projects_alone(as_vic, as_eve, url, globex, make_issue, panel):
    theirs = make_issue(globex)
    assert as_vic.get(f"{url}{panel}").status_code == 200
    assert as_eve.get(f"{url}{panel}").status_code == 404
    assert as_vic.get(f"/acme/shop/issues/{theirs.id}/{panel}").status_code == 404
    assert as_vic.get(f"/acme/shop/issues/999999/{panel}").status_code == 404


@pytest.mark.parametrize("panel", PANELS)
def test_htmx_gets_the_panel_alone(as_vic, url, panel):
    part = as_vic.get(f"{url}{panel}", headers=HTMX)
    assert part.status_code == 200
    assert re.match(r'\s*<(section|div|header) id="\w+"', part.text)
    assert "<html" not in part.text


def test_an_issue_whose_events_have_expired_still_has_its_page(app, as_vic, acme):
    issue = factories.make_issue(app, acme)
    page = as_vic.get(f"/acme/shop/issues/{issue.id}/")
    assert page.status_code == 200
    assert "No event is kept" in page.text
    for panel in PANELS:
        assert as_vic.get(f"/acme/shop/issues/{issue.id}/{panel}").status_code == 200


def test_the_tags_spread_over_all_events(as_vic, acme, url, send):
    for _ in range(3):
        send(acme, tags={"plan": "private"})
    part = as_vic.get(f"{url}tags", headers=HTMX).text
    assert re.search(r"private.*75%.*trade.*25%", part, re.DOTALL)


def test_the_events_are_listed_newest_first(as_vic, acme, send, the_issue, clock):
    sent = []
    for _ in range(60):
        sent.append(send(acme))
        clock.move(seconds=1)
    url = f"/acme/shop/issues/{the_issue().id}/events/"
    first = as_vic.get(url).text
    older = re.search(r'href="([^"]*)" rel="next"', first)
    assert older is not None
    second = as_vic.get(older[1].replace("&amp;", "&")).text
    listed = [re.findall(r"/events/([0-9a-f]{32})", page) for page in (first, second)]
    assert listed[0] + listed[1] == sent[::-1]
    assert as_vic.get(f"{url}?cursor=nonsense").status_code == 400


def test_the_raw_event_is_the_scrubbed_one(as_vic, acme, send, the_issue):
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    event_id = send(acme, extra={"password": secret, "seats": 4})
    url = f"/acme/shop/issues/{the_issue().id}/events/{event_id}/json"
    page, file = as_vic.get(url), as_vic.get(f"{url}?download=1")
    assert secret not in page.text + file.text
    assert json.loads(file.text)["extra"]["seats"] == 4
    assert file.headers["Content-Disposition"] == f'attachment; filename="event-{event_id}.json"'
    assert file.mimetype == "application/json"


def test_the_trace_lists_its_errors_in_other_issues_too(as_vic, acme, send, inside):
    event_id = send(acme)
    send(acme, {"message": "Also in this trace", "contexts": {"trace": {"trace_id": "ab" * 16}}})
    with inside(acme):
        first, second = db.session.scalars(select(Issue).order_by(Issue.id)).all()
        urls = [f"/acme/shop/issues/{issue.id}/" for issue in (first, second)]
    part = as_vic.get(f"{urls[0]}events/{event_id}/trace", headers=HTMX).text
    assert "2 errors" in part
    assert urls[1] in part
    assert "Open the waterfall" not in part  # a trace without spans has none


ACTS = [
    ("resolution", {}, Status.RESOLVED),
    ("resolution", {"in_next_release": "y"}, Status.RESOLVED),
    ("mute", {}, Status.MUTED),
    ("mute", {"hours": "24"}, Status.MUTED),
    ("mute", {"events": "100", "users": "10"}, Status.MUTED),
    ("assignment", {"assignee": "alice@acme.test"}, Status.OPEN),
    ("comments", {"text": "Looking into it"}, Status.OPEN),
]


@pytest.mark.parametrize(("act", "form", "status"), ACTS)
def test_triage(as_alice, acme, url, the_issue, inside, act, form, status):
    answer = as_alice.post(f"{url}{act}", data=form)
    assert (answer.status_code, answer.location.partition("#")[0]) == (303, url)
    assert the_issue().status is status
    page = as_alice.get(url).text
    with inside(acme):
        done = [it.kind for it in db.session.scalars(select(IssueChange)) if it.actor_id]
        said = db.session.scalars(select(Comment)).all()
    assert len(done) + len(said) == 1
    assert "Alice" in page


@pytest.mark.parametrize(("act", "form", "_status"), [*ACTS, ("reopening", {}, None)])
def test_who_may_not_triage(as_vic, as_eve, as_alice, globex, make_issue, url, the_issue,
                            act, form, _status):  # fmt: skip
    assert as_vic.post(f"{url}{act}", data=form).status_code == 403
    assert as_eve.post(f"{url}{act}", data=form).status_code == 404
    theirs = make_issue(globex)
    foreign = f"/acme/shop/issues/{theirs.id}/{act}"
    assert as_alice.post(foreign, data=form).status_code == 404
    assert the_issue().status is Status.OPEN


def test_a_viewer_sees_no_forms_that_would_be_refused(as_vic, url):
    page = as_vic.get(url).text
    assert "/resolution" not in page
    assert "/comments" not in page


@at_once(
    ("act", "form", "said"),
    [
        ("mute", {"hours": "0"}, "Between 1 hour and a year"),
        ("mute", {"events": "-5"}, "Between 1 and 10,000,000"),
        ("mute", {"users": "all"}, "Not a whole number"),
        ("assignment", {"assignee": "eve@globex.test"}, "Not a valid choice"),
        ("comments", {"text": "  "}, "Write something first"),
        ("comments", {"text": "x" * 10_001}, "at most 10,000 characters"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_form_that_makes_no_sense_says_so_beside_the_field(
    as_alice, globex, url, the_issue, act, form, said, headers
):
    answer = as_alice.post(f"{url}{act}", data=form, headers=headers)
    assert answer.status_code == 422
    assert said in answer.text
    assert ("<html" in answer.text) is (headers == {})
    assert the_issue().status is Status.OPEN


def test_htmx_gets_the_head_and_the_activity(as_alice, url):
    part = as_alice.post(f"{url}resolution", headers=HTMX).text
    assert part.lstrip().startswith('<header id="summary"')
    assert "Resolved by Alice" in part
    assert '<hx-partial hx-target="#activity"' in part
    comments = as_alice.post(f"{url}comments", data={"text": "Fixed"}, headers=HTMX).text
    assert comments.lstrip().startswith('<section id="activity"')
    assert "Fixed" in comments


def test_a_later_event_marks_the_regression(
    both_databases, as_alice, acme, url, send, the_issue, clock
):
    as_alice.post(f"{url}resolution")
    clock.move(minutes=5)
    send(acme, release="shop@1.5.0")
    assert the_issue().status is Status.OPEN
    page = as_alice.get(url).text
    assert "Regression: it came back" in page
    assert re.search(r"<strong>Regressed</strong> in\s+<span class=\"mono\">shop@1.5.0", page)
    assert "Came back after it was resolved" in as_alice.get("/acme/shop/issues/").text


def test_reopening_and_unassigning(both_databases, as_alice, url, the_issue):
    as_alice.post(f"{url}assignment", data={"assignee": "alice@acme.test"})
    as_alice.post(f"{url}mute")
    as_alice.post(f"{url}reopening")
    as_alice.post(f"{url}assignment", data={"assignee": ""})
    assert the_issue().status is Status.OPEN
    assert the_issue().assignee_id is None


def test_hostile_events_stay_text(as_vic, acme, send, the_issue):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    send(
        acme,
        raised(
            kind=evil,
            value=evil,
            tags={evil: evil},
            extra={evil: evil},
            transaction=evil,
            release=evil,
            environment=evil,
            user={"id": evil, "email": evil},
            request={"url": "javascript:alert(1)", "headers": {evil: evil}, "data": evil},
            breadcrumbs=[{"message": evil, "category": evil, "type": evil, "data": {evil: evil}}],
            exception={
                "values": [
                    {
                        "type": evil,
                        "value": evil,
                        "stacktrace": {
                            "frames": [frame(evil, evil, 1, context_line=evil, vars={evil: evil})]
                        },
                    }
                ]
            },
        ),
    )
    url = f"/acme/shop/issues/{the_issue().id}/"
    for panel in ("", "tags", "trend", "events/"):
        page = as_vic.get(f"{url}{panel}").text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'href="javascript:' not in page


def test_a_mute_for_a_time_says_until_when(as_alice, url, the_issue):
    as_alice.post(f"{url}mute", data={"hours": "24"})
    until = the_issue().muted_until
    assert until is not None
    assert abs(until - clock.now() - timedelta(hours=24)) < timedelta(minutes=1)
    assert f"{until:%Y-%m-%d %H:%M}" in as_alice.get(url).text
