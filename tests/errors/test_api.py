"""The JSON API of issues, as docs/api.md describes it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from console.core import clock
from console.errors.models import Level, Status
from tests.support.clients import script

ISSUES = "/api/v1/acme/shop/issues"
ISSUE_FIELDS = {
    "id", "category", "title", "kind", "culprit", "level", "status", "platform", "handled",
    "events", "users", "first_seen", "last_seen", "first_release", "last_release", "assignee",
    "resolved_at", "resolved_after", "fixed_in_release", "regressed_at", "muted_until", "url",
}  # fmt: skip
EVENT_FIELDS = {
    "id", "timestamp", "received_at", "title", "kind", "culprit", "message", "level", "platform",
    "environment", "release", "transaction", "handled", "user", "trace_id", "span_id", "sdk",
    "tags", "url",
}  # fmt: skip


def test_issues_have_the_fields_that_are_documented(get, acme, send):
    send(acme)
    answer = get(ISSUES)
    assert answer.mimetype == "application/json"
    (issue,) = answer.json["issues"]
    assert set(issue) == ISSUE_FIELDS
    assert issue["title"] == "KeyError: 'coupon'"
    assert (issue["events"], issue["users"], issue["handled"]) == (1, 1, False)
    assert issue["last_seen"].endswith("+00:00")
    assert re.fullmatch(rf"http://[^/]+/acme/shop/issues/{issue['id']}/", issue["url"])
    assert answer.json["next"] is None


def test_the_documentation_names_every_field():
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for field in ISSUE_FIELDS | EVENT_FIELDS:
        assert f"`{field}`" in text, field


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["Bad", "Old"]),
        ({"status": "resolved"}, ["Done"]),
        ({"status": "all", "sort": "first_seen"}, ["Bad", "Done", "Old"]),
        ({"level": "fatal"}, ["Bad"]),
        ({"q": "ol"}, ["Old"]),
        ({"assignee": "none"}, ["Bad", "Old"]),
        ({"assignee": "alice@acme.test"}, []),
        ({"environment": "production"}, []),
        ({"since": "2026-11-02T12:00:00Z"}, ["Bad"]),
        ({"until": "2026-11-01T12:00"}, ["Old"]),
    ],
)
def test_filters_are_the_inboxes(get, acme, make_issue, clock, arguments, expected):
    def at(days):
        moment = clock.now() - timedelta(days=days)
        return {"first_seen": moment, "last_seen": moment}

    clock.set(clock.now().replace(year=2026, month=11, day=3))
    make_issue(acme, title="Bad", users=9, level=Level.FATAL, **at(0))
    make_issue(acme, title="Old", users=1, **at(40))
    make_issue(acme, title="Done", users=5, status=Status.RESOLVED, **at(3))
    assert [issue["title"] for issue in get(ISSUES, **arguments).json["issues"]] == expected


def test_pages_follow_the_link(get, acme, make_issue):
    made = [make_issue(acme, title=f"{n}", events=n + 1).id for n in range(5)]
    answer = get(ISSUES, sort="events", limit=2)
    seen = [issue["id"] for issue in answer.json["issues"]]
    while following := answer.json["next"]:
        assert answer.headers["Link"] == f'<{following}>; rel="next"'
        answer = get(following.partition("localhost")[2] or following)
        seen += [issue["id"] for issue in answer.json["issues"]]
    assert seen == made[::-1]
    assert "Link" not in answer.headers


def test_one_issue_with_its_releases(get, acme, send):
    send(acme, release="shop@1")
    send(acme, release="shop@2")
    issue_id = get(ISSUES).json["issues"][0]["id"]
    issue = get(f"{ISSUES}/{issue_id}").json
    assert set(issue) == ISSUE_FIELDS | {"releases", "hashes"}
    assert {row["release"] for row in issue["releases"]} == {"shop@1", "shop@2"}
    assert len(issue["hashes"]) == 1


def test_the_events_of_an_issue(get, acme, send, clock):
    sent = []
    for _ in range(3):
        sent.append(send(acme))
        clock.move(seconds=5)
    issue_id = get(ISSUES).json["issues"][0]["id"]
    answer = get(f"{ISSUES}/{issue_id}/events", limit=2)
    seen = [event["id"] for event in answer.json["events"]]
    assert set(answer.json["events"][0]) == EVENT_FIELDS
    assert answer.json["events"][0]["tags"]["plan"] == "trade"
    answer = get(answer.json["next"].partition("localhost")[2])
    seen += [event["id"] for event in answer.json["events"]]
    assert seen == sent[::-1]
    assert answer.json["next"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"level": "loud"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
        {"since": "yesterday"},
        {"cursor": "nonsense"},
        {"assignee": "me"},
        {"assignee": "eve@globex.test"},
        {"environment": "x" * 65},
    ],
)
def test_a_bad_parameter_is_a_problem_that_names_it(get, acme, globex, arguments):
    answer = get(ISSUES, **arguments)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    (name,) = arguments
    assert name in answer.json["detail"]


@pytest.mark.parametrize("path", ["", "/{issue}", "/{issue}/events"])
def test_who_may_not_read(app, client, acme, globex, make_issue, as_script, path):
    ours, theirs = make_issue(acme), make_issue(globex)
    url = ISSUES + path.format(issue=ours.id)
    allowed = as_script(acme, "issues:read")
    for asking, status in [
        (client, 401),
        (script(app, "pht_made-up"), 401),
        (as_script(globex, "issues:read"), 404),
        (as_script(acme, "outcomes:read"), 403),
        (allowed, 200),
    ]:
        answer = asking.get(url)
        assert answer.status_code == status
        if status != 200:
            assert answer.mimetype == "application/problem+json"
    if path:
        foreign = ISSUES + path.format(issue=theirs.id)
        assert allowed.get(foreign).status_code == 404


def test_the_number_of_statements_does_not_grow_with_the_issues(get, acme, make_issue, statements):
    def cost():
        with statements() as seen:
            assert get(ISSUES).status_code == 200
        return len(seen)

    make_issue(acme)
    get(ISSUES)
    one = cost()
    for _ in range(19):
        make_issue(acme, last_seen=clock.now())
    assert cost() == one <= 8
