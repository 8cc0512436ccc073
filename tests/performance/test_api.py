"""The JSON API of performance, as docs/api.md describes it."""

from datetime import timedelta

import pytest

from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import span

API = "/api/v1/acme/shop/performance"


@pytest.fixture
def stored(app, acme, clock):
    """Five requests of two endpoints, one minute ago, and a query in one of them."""
    at = clock.now() - timedelta(minutes=1)
    home = {"organization_id": acme.organization_id, "project_id": acme.id, "at": at}
    plain = home | {"op": "http.server", "category": "request", "is_segment": True}
    spans = [
        *[
            span(**plain, endpoint="GET /a", duration_us=(n + 1) * 1000, http_status=200)
            for n in range(4)
        ],
        span(**plain, endpoint="POST /b", duration_us=900_000, http_status=500, trace_id="b" * 32),
        span(**home, op="db", category="db", name="SELECT 1", trace_id="b" * 32),
    ]
    app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 1)
    return spans


def test_endpoints_have_the_figures_of_the_page(get, stored):
    answer = get(f"{API}/endpoints").json
    slow, quick = answer["endpoints"]
    assert (slow["name"], slow["failed"], slow["over_threshold"]) == ("POST /b", 1, True)
    assert (quick["requests"], quick["p50_ms"], quick["estimated"]) == (4, 2.5, False)
    assert quick["url"].endswith("/acme/shop/performance/endpoint?name=GET+/a")
    assert sum(one["time_share"] for one in answer["endpoints"]) == pytest.approx(1, abs=0.001)
    assert answer["releases"] == {"newest": None, "former": None}


def test_one_endpoint_has_its_series_and_statuses(get, stored):
    answer = get(f"{API}/endpoint", name="GET /a", step="3600").json
    assert sum(step["requests"] for step in answer["series"]) == 4
    assert answer["statuses"] == [{"http_status": 200, "status": "", "requests": 4}]
    assert get(f"{API}/endpoint", name="GET /nowhere").status_code == 404


def test_traces_are_followed_page_by_page(get, stored):
    answer = get(f"{API}/traces", limit="2")
    seen = [one["span_id"] for one in answer.json["traces"]]
    while following := answer.json["next"]:
        assert answer.headers["Link"] == f'<{following}>; rel="next"'
        answer = get(following)
        seen += [one["span_id"] for one in answer.json["traces"]]
    assert sorted(seen) == sorted(one.span_id for one in stored[:5])


def test_a_trace_has_all_its_spans(get, stored):
    answer = get(f"{API}/traces/{'b' * 32}").json
    assert {one["name"] for one in answer["spans"]} == {"", "SELECT 1"}
    assert answer["complete"]
    assert get(f"{API}/traces/{'c' * 32}").status_code == 404


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("endpoints", {"since": "yesterday"}),
        ("endpoints", {"since": "2026-01-02", "until": "2026-01-01"}),
        ("endpoints", {"since": "0001-01-01T00:00+14:00"}),
        ("endpoints", {"sort": "x"}),
        ("endpoint", {}),
        ("endpoint", {"name": "GET /a", "step": "60", "since": "2026-01-01"}),
        ("traces", {"limit": "0"}),
        ("traces", {"cursor": "x"}),
    ],
)
def test_what_makes_no_sense_is_a_problem_with_its_parameter(get, stored, path, arguments):
    answer = get(f"{API}/{path}", **arguments)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]


def test_a_token_needs_the_permission(as_script, acme, stored):
    assert as_script(acme, "issues:read").get(f"{API}/endpoints").status_code == 403


def test_a_token_reads_no_other_project(get, stored, globex):
    assert get("/api/v1/globex/shop/performance/endpoints").status_code == 404
