"""Reports that browsers send by themselves are events of their own: grouped by cause, and quiet."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import select

from console.core.db import db
from console.errors.metrics import METRICS
from console.errors.models import Category, Issue, Level
from console.telemetry.scope import Scope
from console.telemetry.tables import error_event
from tests.ingest.conftest import error
from tests.ingest.envelopes import item

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"
    " Safari/537.36"
)
PAGE, OTHER = "https://shop.test/cart?coupon=abc", "https://shop.test/checkout"
HOST = {"hostname": "shop.test", "port": 443}
PINS = HOST | {"noted-hostname": "shop.test", "known-pins": ['pin-sha256="x"']}
UNLOAD = {"id": "UnloadHandler", "message": "Unload handlers go away.\nSee there."}
CAMERA = {"policyId": "camera", "message": ""}


def csp(**fields):
    """As browsers send it to a `report-uri`."""
    report = {
        "document-uri": PAGE,
        "referrer": "",
        "violated-directive": "script-src-elem",
        "effective-directive": "script-src-elem",
        "original-policy": "script-src 'self'; report-uri /api/1/security/",
        "disposition": "enforce",
        "blocked-uri": "https://cdn.evil.test/tracker.js?id=7",
        "line-number": 12,
        "source-file": "https://shop.test/cart",
        "status-code": 200,
    }
    return {"csp-report": report | fields}


def reported(kind, body, *, url=PAGE, age=1500):
    """As the Reporting API sends one of a list."""
    return {"type": kind, "age": age, "url": url, "user_agent": CHROME, "body": body}


def csp_of_reporting_api(**fields):
    body = {
        "documentURL": PAGE,
        "blockedURL": "https://cdn.evil.test/other.js",
        "effectiveDirective": "script-src-elem",
        "originalPolicy": "script-src 'self'",
        "disposition": "enforce",
        "statusCode": 200,
        **fields,
    }
    return reported("csp-violation", body)


def nel(kind="tcp.timed_out", *, url=PAGE, **fields):
    body = {"type": kind, "phase": "connection", "protocol": "h2", "sampling_fraction": 1.0}
    return reported("network-error", body | fields, url=url)


@pytest.fixture
def report(client, acme, key):
    """Post a report to an address of acme's project, as a browser does."""

    def report(content, *, path="security", media="application/csp-report", query=""):
        return client.post(
            f"/api/{acme.id}/{path}/?sentry_key={key}{query}",
            data=content if isinstance(content, bytes) else json.dumps(content),
            content_type=media,
            headers={"User-Agent": CHROME, "Origin": "https://shop.test"},
        )

    return report


@pytest.fixture
def issues(acme, inside, digest):
    """The issues of acme by title, after everything was digested."""

    def issues():
        digest.drain()
        with inside(acme):
            listed = db.session.scalars(select(Issue)).all()
            return {issue.title: issue for issue in listed}

    return issues


def test_a_csp_report_is_an_event_of_its_directive_and_the_blocked_origin(
    both_databases, report, issues, stored, acme, as_alice
):
    answer = report(csp(), query="&sentry_release=shop%401.2&sentry_environment=production")
    assert answer.status_code == 200
    (issue,) = issues().values()
    assert issue.title == "Blocked 'script-src' from 'https://cdn.evil.test'"
    assert (issue.category, issue.level, issue.culprit) == (Category.REPORT, Level.INFO, "/cart")
    assert (issue.first_release, issue.events, issue.users) == ("shop@1.2", 1, 1)
    assert stored(acme).ledger() == {("event", "stored", ""): 1}
    page = as_alice.get(f"/acme/shop/issues/{issue.id}/").text
    for words in ("Browser report", "Chrome 130", "script-src &#39;self&#39;", "production"):
        assert words in page
    assert "Further attributes" not in page


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (csp(), csp(**{"blocked-uri": "https://cdn.evil.test/b.js", "document-uri": OTHER}), True),
        (csp(), [csp_of_reporting_api()], True),
        (csp(), csp(**{"effective-directive": "script-src"}), True),
        (csp(), csp(**{"effective-directive": "", "violated-directive": "script-src x"}), True),
        (csp(), csp(**{"blocked-uri": "https://cdn.evil.test:443/b.js"}), True),
        (csp(), csp(**{"blocked-uri": "https://other.test/b.js"}), False),
        (csp(), csp(**{"effective-directive": "img-src"}), False),
        (csp(**{"blocked-uri": ""}), csp(**{"blocked-uri": "inline"}), True),
        (csp(**{"blocked-uri": "self"}), csp(**{"blocked-uri": "https://shop.test/x.js"}), True),
        (csp(**{"blocked-uri": "data"}), csp(**{"blocked-uri": "data:text/plain,x"}), True),
        (csp(**{"blocked-uri": "blob"}), csp(**{"blocked-uri": "blob:https://shop.test/4"}), True),
        (csp(**{"blocked-uri": "eval"}), csp(**{"blocked-uri": "inline"}), False),
        ([nel()], [nel(url="https://shop.test/other")], True),
        ([nel()], [nel("dns.name_not_resolved")], False),
        ([nel()], [nel(url="https://api.shop.test/")], False),
        ([nel("http.error", status_code=503)], [nel("http.error", status_code=404)], False),
    ],
)  # fmt: skip
def test_which_reports_are_one_matter(report, issues, first, second, together):
    for content in (first, second):
        assert report(content).status_code == 200
    assert len(issues()) == (1 if together else 2)


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ({"expect-ct-report": HOST}, "Expect-CT failed for 'shop.test'"),
        ({"expect-staple-report": HOST}, "Expect-Staple failed for 'shop.test'"),
        (PINS, "Public key pinning failed for 'shop.test'"),
        ([nel()], "Network error tcp.timed_out at https://shop.test"),
        ([nel("http.error", status_code=503)], "Network error http.error 503 at https://shop.test"),
        ([reported("deprecation", UNLOAD)], "Deprecation: UnloadHandler: Unload handlers go away."),
        ([reported("crash", {"reason": "oom"})], "Crash: oom"),
        (
            [reported("permissions-policy-violation", CAMERA)],
            "Permissions policy violation: camera",
        ),
        (csp()["csp-report"], "Blocked 'script-src' from 'https://cdn.evil.test'"),
    ],
)  # fmt: skip
def test_reports_of_every_kind_have_a_title(report, issues, content, title):
    report(content, media="application/reports+json")
    (issue,) = issues().values()
    assert (issue.title, issue.category) == (title, Category.REPORT)


def test_a_batch_is_as_many_events_and_says_what_was_wrong_with_the_rest(
    report, stored, digest, acme
):
    extension = csp_of_reporting_api(blockedURL="chrome-extension://abcdef/inject.js")
    batch = [csp_of_reporting_api(), csp_of_reporting_api(), nel(), nel("ok"), extension, {"a": 1}]
    assert report(batch, path="nel", media="application/reports+json").status_code == 200
    digest.drain()
    assert stored(acme).ledger() == {
        ("event", "stored", ""): 3,
        ("nel", "ignored", "a request that succeeded"): 1,
        ("nel", "ignored", "caused by an extension of the browser"): 1,
        ("nel", "invalid", "undecodable"): 1,
    }


def test_more_reports_than_a_browser_sends_are_counted(report, stored, digest, acme):
    report([nel() for _ in range(130)])
    digest.drain()
    assert stored(acme).ledger() == {
        ("event", "stored", ""): 100,
        ("raw_security", "invalid", "undecodable"): 30,
    }


def test_a_report_waited_in_the_browser(report, digest, stored, acme, clock):
    report([reported("network-error", {"type": "dns.failed"}, age=3_600_000)])
    digest.drain()
    (row,) = stored(acme).rows(error_event)
    waited = row.received_at - row.timestamp
    assert waited.total_seconds() == pytest.approx(3600, abs=1)


def test_a_replay_makes_no_second_event(report, digest, stored, acme, waiting):
    report([csp_of_reporting_api(), csp_of_reporting_api()])
    (row,) = waiting.read()
    digest.drain()
    first = stored(acme).events()
    assert len(set(first)) == 2
    assert digest.digest_once() == 0
    assert stored(acme).events() == first
    assert row.kind == "sentry.reports"


@pytest.mark.parametrize("content", [b"", b"{", b'"text"', b"\xff\xfe", b"[" * 5000])
def test_what_is_no_report_is_the_senders_fault(report, ledger, content):
    answer = report(content)
    assert answer.status_code == 400
    assert [count.outcome for count in ledger()] == ["invalid"]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"csp-report": {}},
        [[]],
        [{"body": {}}],
        [{"type": "csp-violation", "body": []}],
        [None],
        [{"type": "network-error", "body": {"type": []}, "age": "x", "url": ["a"]}],
    ],
)
def test_a_report_that_says_nothing_is_counted(report, digest, stored, acme, content):
    assert report(content).status_code == 200
    digest.drain()
    assert stored(acme).ledger() == {("raw_security", "invalid", "undecodable"): 1}


def test_reports_in_envelopes_are_events_too(send, issues, acme):
    raw = item("raw_security", csp(), sentry_release="shop@1")
    event_id = uuid4().hex
    send(json.dumps({"event_id": event_id}).encode() + b"\n" + raw)
    (issue,) = issues().values()
    assert (issue.category, issue.first_release) == (Category.REPORT, "shop@1")


def test_an_event_is_not_quiet_because_its_client_says_so(accepted, acme, issues):
    accepted(acme, error(browser_report={"name": "CSP", "parts": []}))
    (issue,) = issues().values()
    assert issue.category is Category.ERROR


def test_reports_are_quiet(report, issues, accepted, acme, inside, clock, as_alice):
    report(csp())
    accepted(acme, error(user={"id": "7"}))
    assert {issue.category for issue in issues().values()} == {Category.REPORT, Category.ERROR}
    now = clock.now()
    scope = Scope(
        organization_id=acme.organization_id,
        project_id=acme.id,
        since=now.replace(hour=0, minute=0),
        until=now.replace(hour=23, minute=59, second=59),
    )
    numbers = {metric.id: metric for metric in METRICS}
    with inside(acme):
        for metric in ("issues.new", "issues.events", "issues.users", "errors.events"):
            assert numbers[metric].value(scope).whole.number == 1, metric
        asked = numbers["issues.new"].value(scope, where={"category": "report"})
        assert asked.whole.number == 1
    for asked_for in ("?category=report", "?q=is:report", "?q=category:report"):
        inbox = as_alice.get(f"/acme/shop/issues/{asked_for}").text
        assert "cdn.evil.test" in inbox
        assert "it broke" not in inbox
    inbox = as_alice.get("/acme/shop/issues/?q=!is:report").text
    assert "cdn.evil.test" not in inbox
    assert "it broke" in inbox
