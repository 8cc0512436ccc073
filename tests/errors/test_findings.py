"""Findings in the inbox, on their page and in the API."""

import pytest

from console.core.db import db
from console.errors.changes import happened
from console.errors.models import Category, Issue
from console.errors.spread import FEW, ROWS, spread
from console.errors.triage import mark_fixed
from console.telemetry.records import Finding
from tests.errors.findings import ENDPOINT, LOOK_UP, find, finding
from tests.support.clients import HTMX

INBOX = "/acme/shop/issues/"
FINDINGS = "/api/v1/acme/shop/performance/findings"


@pytest.fixture
def issue_id(app, acme):
    """The id of an issue of acme about an N+1."""
    return find(app, acme)


@pytest.fixture
def fixed(issue_id, acme, inside):
    """The same, which release 2 has fixed."""
    with inside(acme):
        happened([mark_fixed(db.session.get_one(Issue, issue_id), "shop@2", 7)])
        db.session.commit()
    return issue_id


def test_the_inbox_shows_errors_and_findings_and_either_alone(as_vic, acme, issue_id, make_issue):
    make_issue(acme)
    every, errors, findings = (
        as_vic.get(INBOX, query_string={"category": category} if category else None).text
        for category in ("", "error", "performance")
    )
    assert ("N+1 query" in every, "ZeroDivisionError" in every) == (True, True)
    assert ("N+1 query" in errors, "ZeroDivisionError" in errors) == (False, True)
    assert ("N+1 query" in findings, "ZeroDivisionError" in findings) == (True, False)
    assert "Performance</span>" in findings
    assert "Clear filters" in findings


@pytest.mark.parametrize("sort", ["users", "events", "last_seen", "first_seen"])
def test_either_category_in_every_order(both_databases, as_vic, acme, issue_id, make_issue, sort):
    for number in range(3):
        make_issue(acme, title=f"Error {number}", category=Category.ERROR)
    page = as_vic.get(INBOX, query_string={"category": "error", "sort": sort}).text
    assert page.count("data-row") == 3
    assert as_vic.get(INBOX, query_string={"category": "performance"}).text.count("data-row") == 1


def test_an_unknown_category_is_refused(as_vic, acme):
    answer = as_vic.get(INBOX, query_string={"category": "weather"})
    assert answer.status_code == 422
    assert "category" in answer.text


def test_the_volume_of_errors_is_without_findings(as_vic, acme, issue_id, send):
    part = as_vic.get(f"{INBOX}volume?category=error", headers=HTMX).text
    assert "Warning" not in part
    assert '"label":"Error","role":"bad","data":[0,' in part
    assert as_vic.get(f"{INBOX}summary").text.count("0 events in 14 d") == 1
    send(acme)
    assert "1 event in 14 d" in as_vic.get(f"{INBOX}summary").text


def test_a_fixed_one_says_so_in_the_inbox_and_on_its_page(as_vic, fixed):
    assert "Fixed in shop@2" in as_vic.get(INBOX, query_string={"status": "resolved"}).text
    page = as_vic.get(f"{INBOX}{fixed}/").text
    assert "Fixed in release" in page
    assert "7 requests without it" in page


def test_its_page_shows_the_finding(as_vic, as_ada, issue_id):
    as_ada.post("/acme/shop/settings/repository", data={"repository": "https://github.com/a/b"})
    page = as_vic.get(f"{INBOX}{issue_id}/").text
    for shown in (
        LOOK_UP, "SELECT book.id FROM book", "2 ms", "4% of the request", "1.88 ms", "50 ms",
        "shop/views.py:42 in books", ENDPOINT, "selectinload",
    ):  # fmt: skip
        assert shown in page, shown
    assert "/acme/shop/performance/traces/" + "c" * 32 in page
    assert "/acme/shop/performance/statements/" + "a" * 16 in page
    assert "/acme/shop/performance/endpoint?name=GET" in page
    assert 'href="https://github.com/a/b/blob/HEAD/shop/views.py#L42"' in page
    assert "Stack trace" not in page


def test_without_a_code_line_it_says_how_to_get_one(as_vic, app, acme):
    issue_id = find(app, acme, code="")
    assert "db_query_source_threshold_ms=0" in as_vic.get(f"{INBOX}{issue_id}/").text


@pytest.mark.parametrize(
    "kind", ["write_loop", "slow_query", "repeated_call", "gap", "of the future"]
)
def test_a_finding_of_every_kind_has_a_page(as_vic, app, acme, kind):
    issue_id = find(app, acme, kind=kind, category="" if kind == "gap" else "http", segment_us=0)
    assert as_vic.get(f"{INBOX}{issue_id}/").status_code == 200
    assert as_vic.get(f"{INBOX}{issue_id}/spread").status_code == 200


def test_across_requests(as_vic, app, acme, clock):
    issue_id = find(app, acme)
    for number in (16, 40):
        clock.move(seconds=1)
        find(app, acme, count=number, segment_us=number * 3000)
    part = as_vic.get(f"{INBOX}{issue_id}/spread", headers=HTMX).text
    assert part.startswith('<section id="spread"')
    assert "from 16 to 40 times" in part
    assert "120 ms" in part
    assert "Back to the issue" in as_vic.get(f"{INBOX}{issue_id}/spread").text


def test_its_parts_are_nobody_elses(as_eve, issue_id):
    for path in ("", "spread", "summary"):
        assert as_eve.get(f"{INBOX}{issue_id}/{path}").status_code == 404


def test_a_member_may_resolve_it_and_a_viewer_not(as_alice, as_vic, issue_id):
    assert as_vic.post(f"{INBOX}{issue_id}/resolution").status_code == 403
    assert "Resolved by" in as_alice.post(f"{INBOX}{issue_id}/resolution", headers=HTMX).text


def test_an_error_has_no_finding_and_no_spread(as_vic, acme, send, the_issue):
    send(acme)
    page = as_vic.get(f"{INBOX}{the_issue().id}/").text
    assert "Stack trace" in page
    assert 'id="finding"' not in page
    assert "No events in this time range" in as_vic.get(f"{INBOX}{the_issue().id}/spread").text


def test_the_api_lists_issues_with_their_finding(as_script, acme, issue_id, make_issue):
    make_issue(acme)
    script = as_script(acme, "performance:read")
    answer = script.get(FINDINGS).json
    (found,) = answer["findings"]
    assert (found["id"], found["category"], answer["next"]) == (issue_id, "performance", None)
    assert found["finding"] == finding()
    narrowed = {"status": "resolved", "category": "error"}  # the category is given by the address
    assert script.get(FINDINGS, query_string=narrowed).json["findings"] == []
    assert script.get(FINDINGS, query_string={"level": "x"}).status_code == 400


def test_the_api_tells_findings_to_tokens_of_the_project_alone(
    as_script, client, acme, globex, issue_id
):
    for project, permission, status in (
        (acme, "issues:read", 403),
        (globex, "performance:read", 404),
    ):
        assert as_script(project, permission).get(FINDINGS).status_code == status
    assert client.get(FINDINGS).status_code == 401


def test_the_api_tells_findings_whose_requests_are_gone(as_script, acme, make_issue):
    make_issue(acme, category=Category.PERFORMANCE)
    (found,) = as_script(acme, "performance:read").get(FINDINGS).json["findings"]
    assert found["finding"] is None


def findings(*counts: int, kind: str = "n_plus_one") -> list[Finding]:
    found = [
        Finding.of_body({"finding": finding(count=count, kind=kind, total_us=count * 100)})
        for count in counts
    ]
    return [one for one in found if one is not None]


def test_a_count_that_stays_and_one_that_grows():
    same, grows, few = (spread(findings(*counts)) for counts in ([7] * FEW, [5, 9, 30], [5, 9]))
    assert same is not None
    assert grows is not None
    assert few is not None
    assert same.verdict.startswith("Always 7 times in these requests")
    assert "from 5 to 30 times, 0.1 ms each" in grows.verdict
    assert few.verdict.startswith("Too few")
    assert spread([]) is None


def test_many_counts_are_put_together():
    found = spread(findings(*range(5, 205)))
    assert found is not None
    assert len(found.levels) <= ROWS
    assert sum(level.requests for level in found.levels) == 200
    assert (found.levels[0].least, found.levels[-1].most) == (5, 204)


def test_slow_queries_are_compared_by_their_time():
    found = spread(findings(1, 2, 3, kind="slow_query"))
    assert found is not None
    assert (found.by_count, found.verdict) == (False, "")
    assert (found.levels[0].least, found.levels[-1].most) == (100, 300)


@pytest.mark.parametrize("body", [{}, {"finding": None}, {"finding": "n_plus_one"}])
def test_other_bodies_are_no_findings(body):
    assert Finding.of_body(body) is None
