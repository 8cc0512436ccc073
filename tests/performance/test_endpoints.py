"""The pages of endpoints: who may see them, what they say, and what they refuse."""

from datetime import timedelta

import pytest

from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.support.at_once import at_once
from tests.support.clients import HTMX
from tests.support.pages import Page
from tests.telemetry.samples import span

LIST, ONE = "/acme/shop/performance/endpoints/", "/acme/shop/performance/endpoint"
CHARTS = "/acme/shop/performance/latency"
TRACES = "/acme/shop/performance/traces/"
MS = 1000


@pytest.fixture
def requests_of(app, clock):
    """Store requests of a project, a minute ago unless told otherwise."""
    position = iter(range(1, 1_000))

    def store(project, count=1, *, ago=timedelta(minutes=1), **fields):
        plain = {
            "organization_id": project.organization_id,
            "project_id": project.id,
            "op": "http.server",
            "category": "request",
            "endpoint": "GET /books/:id",
            "is_segment": True,
            "http_status": 200,
            "status": "ok",
            "duration_us": 100 * MS,
            "release": "shop@1",
        }
        number = next(position)
        at = clock.now() - ago
        spans = [span(number, **(plain | {"at": at} | fields)) for _ in range(count)]
        app.extensions[EXTENSION].write(project.organization_id, Batch(spans=spans), number)
        return spans

    return store


def test_the_list_says_what_is_slow_in_words(as_vic, acme, requests_of):
    requests_of(acme, 3)
    requests_of(acme, endpoint="POST /checkout", duration_us=900 * MS, http_status=500)
    page = as_vic.get(LIST).text
    assert page.index("POST /checkout") < page.index("GET /books/:id")
    assert page.count("Over 300 ms") == 1


def test_a_screen_of_an_app_stands_in_the_list(as_vic, acme, requests_of):
    requests_of(acme, op="ui.load", category="screen", endpoint="CartActivity", http_status=None)
    requests_of(acme, op="pageload", category="page", endpoint="/cart", http_status=None)
    page = as_vic.get(LIST).text
    assert "CartActivity" in page
    assert "/cart" not in page, "pages stand among the vitals"
    assert as_vic.get(ONE, query_string={"name": "CartActivity"}).status_code == 200


@pytest.mark.parametrize(
    ("others", "called", "head"),
    [
        ((), "Requests", "Requests"),
        (("task",), "Requests and tasks", "Count"),
        (("screen", "task"), "Requests, tasks and screens", "Count"),
    ],
)
def test_figures_and_charts_are_called_by_what_they_count(
    as_vic, acme, requests_of, others, called, head
):
    requests_of(acme, 3)
    for category in others:
        requests_of(acme, category=category, endpoint=f"a {category}", http_status=None)
    page = Page(as_vic.get(LIST).text)
    assert page.card(called).value == str(3 + len(others))
    assert sum(int(row[head]) for row in page.rows()) == 3 + len(others)
    for name, words in (("", called), *((f"a {own}", f"{own.title()}s") for own in others)):
        charts = as_vic.get(CHARTS, query_string={"name": name}, headers=HTMX).text
        assert f"<h2>{words}</h2>" in charts
        if name:
            shown = as_vic.get(ONE, query_string={"name": name}).text
            assert Page(shown).card(words).value == "1"
            assert ">Requests<" not in shown
            assert f"Fewer than 10 {words.lower()}" in shown


def test_the_list_swaps_as_a_part_and_answers_204_when_nothing_changed(as_vic, acme, requests_of):
    requests_of(acme)
    part = as_vic.get(LIST, headers=HTMX)
    assert part.text.startswith('<div id="endpoints"')
    again = as_vic.get(LIST, headers=HTMX | {"Pharos-Part": part.headers["Pharos-Part"]})
    assert again.status_code == 204


def test_a_period_with_enough_requests_is_compared_with(as_vic, acme, requests_of):
    requests_of(acme, 20)
    requests_of(acme, 20, ago=timedelta(hours=25), duration_us=50 * MS)
    assert "+100%" not in as_vic.get(LIST, headers=HTMX).text
    assert "+100%" in as_vic.get(f"{LIST}?compare=previous", headers=HTMX).text


def test_few_requests_have_no_histogram(as_vic, acme, requests_of):
    """One bar over the whole width is a picture of nothing."""
    requests_of(acme, 9)
    page = as_vic.get(ONE, query_string={"name": "GET /books/:id"}).text
    assert "Fewer than 10 requests" in page
    assert "histogram-plot" not in page
    requests_of(acme, 1)
    assert "histogram-plot" in as_vic.get(ONE, query_string={"name": "GET /books/:id"}).text


def test_few_requests_are_compared_with_nothing(as_vic, acme, requests_of):
    requests_of(acme, 19)
    requests_of(acme, 20, ago=timedelta(hours=25), duration_us=50 * MS)
    page = as_vic.get(f"{LIST}?compare=previous", headers=HTMX).text
    assert "Fewer than 20 requests" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, {"GET /books/:id", "POST /checkout"}),
        ({"q": "BOOKS"}, {"GET /books/:id"}),
        ({"status": "5"}, {"POST /checkout"}),
        ({"over": "1"}, {"POST /checkout"}),
        ({"attribute": "user.plan=pro"}, {"POST /checkout"}),
        ({"release": "shop@1"}, {"GET /books/:id"}),
        ({"environment": "nowhere"}, set()),
        ({"page": "99"}, {"GET /books/:id", "POST /checkout"}),
    ],
)
def test_filters(as_vic, acme, requests_of, query, shown):
    requests_of(acme)
    requests_of(
        acme,
        endpoint="POST /checkout",
        duration_us=900 * MS,
        http_status=500,
        release="shop@2",
        attributes={"user.plan": "pro"},
    )
    part = as_vic.get(LIST, query_string=query, headers=HTMX).text
    assert {name for name in ("GET /books/:id", "POST /checkout") if name in part} == shown


@at_once(
    ("path", "query", "status"),
    [
        (LIST, {"sort": "nonsense"}, 422),
        (LIST, {"status": "9"}, 422),
        (LIST, {"attribute": "no equals sign"}, 422),
        (LIST, {"q": "x" * 201}, 422),
        (LIST, {"range": "nonsense"}, 422),
        (TRACES, {"over": "much"}, 422),
        (LIST, {"release": "a\0"}, 400),
        (ONE, {}, 400),
        (ONE, {"name": "x" * 201}, 400),
        (f"{ONE}/time", {}, 400),
        (f"{ONE}/traces", {"name": "a\0"}, 400),
        (TRACES, {"cursor": "made up"}, 400),
        (TRACES, {"cursor": "2026-13-45T00:00:00+00:00~1~" + "a" * 16}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(as_vic, acme, path, query, status):
    answer = as_vic.get(path, query_string=query)
    assert answer.status_code == status
    assert next(iter(query or {"name": 0})) in answer.text
    if status == 422:  # in its page, at the field, with the way to the other pages
        assert 'aria-invalid="true"' in answer.text
        assert 'href="/acme/shop/performance/traces/' in answer.text


def test_sampled_requests_are_shown_as_estimates(as_vic, acme, requests_of):
    requests_of(acme, 5, sample_rate=0.1)
    page = as_vic.get(LIST).text
    assert "~50" in page
    assert "estimated" in page


def test_an_endpoint_shows_its_figures_and_loads_its_panels(as_vic, acme, requests_of):
    (slow,) = requests_of(acme, duration_us=900 * MS, segment_id="a" * 16, span_id="a" * 16)
    name = {"name": "GET /books/:id"}
    page = as_vic.get(ONE, query_string=name).text
    assert "over the threshold of 300 ms" in page
    assert "hx-get" in page
    time = as_vic.get(f"{ONE}/time", query_string=name, headers=HTMX).text
    assert "Application code" in time
    examples = as_vic.get(f"{ONE}/traces", query_string=name, headers=HTMX).text
    assert slow.trace_id in examples
    charts = as_vic.get("/acme/shop/performance/latency", query_string=name, headers=HTMX).text
    assert "P95 threshold" in charts


def test_an_endpoint_without_requests_says_so(as_vic, acme):
    assert "No call of this endpoint" in as_vic.get(ONE, query_string={"name": "GET /x"}).text


def test_an_endpoint_may_have_a_threshold_of_its_own(as_alice, acme, requests_of):
    requests_of(acme, duration_us=200 * MS)
    name = {"name": "GET /books/:id"}
    assert "over the threshold" not in as_alice.get(ONE, query_string=name).text
    answer = as_alice.post(f"{ONE}/threshold", data=name | {"p95_ms": "150"})
    assert answer.status_code == 303
    assert "over the threshold of 150 ms" in as_alice.get(ONE, query_string=name).text
    as_alice.post(f"{ONE}/threshold", data=name | {"p95_ms": ""})
    assert "over the threshold" not in as_alice.get(ONE, query_string=name).text


def test_a_threshold_that_is_none_is_said_beside_the_field(as_alice, acme, requests_of):
    requests_of(acme)
    answer = as_alice.post(f"{ONE}/threshold", data={"name": "GET /books/:id", "p95_ms": "0"})
    assert answer.status_code == 422
    assert "Between 1 and 600,000 ms." in answer.text


def test_a_viewer_sets_no_threshold(as_vic, acme):
    data = {"name": "GET /a", "p95_ms": "150"}
    assert as_vic.post(f"{ONE}/threshold", data=data).status_code == 403


@pytest.mark.parametrize(
    "path",
    [LIST, f"{ONE}?name=a", "/acme/shop/performance/traces/", "/acme/shop/performance/latency"],
)
def test_a_stranger_finds_nothing(as_eve, acme, path):
    assert as_eve.get(path).status_code == 404


def test_traces_lead_to_their_waterfall_and_page_on(as_vic, acme, requests_of):
    spans = requests_of(acme, 60)
    page = as_vic.get("/acme/shop/performance/traces/").text
    assert sum(one.trace_id in page for one in spans) == 50
    older = page.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    assert sum(one.trace_id in as_vic.get(older.replace("&amp;", "&")).text for one in spans) == 10


def test_traces_are_narrowed_by_endpoint_and_duration(as_vic, acme, requests_of):
    (slow,) = requests_of(acme, duration_us=900 * MS)
    (quick,) = requests_of(acme)
    part = as_vic.get(
        "/acme/shop/performance/traces/",
        query_string={"over": "500", "name": "GET /books/:id"},
        headers=HTMX,
    ).text
    assert slow.trace_id in part
    assert quick.trace_id not in part
