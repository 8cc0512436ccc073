"""Each control of the performance pages is turned, and every number has to follow it."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from console.performance import metrics
from console.telemetry.metric import values
from console.telemetry.records import Batch, PageLoad, Span
from console.telemetry.scope import Scope
from console.telemetry.store import EXTENSION, TelemetryStore
from console.web.timerange import Range
from tests.support.clients import HTMX
from tests.support.pages import Page
from tests.telemetry.samples import span

HOME = "/acme/shop/performance"
API = "/api/v1/acme/shop/performance"
MS = 1000
RECENT, EARLIER = timedelta(minutes=10), timedelta(hours=30)
Matches = Callable[[Mapping[str, Any]], bool]
CONTROLS: list[tuple[dict[str, str], Matches]] = [
    ({}, lambda _: True),
    ({"q": "BOOK"}, lambda row: "book" in row["endpoint"]),
    ({"status": "5"}, lambda row: row["http_status"] == 500),
    ({"release": "shop@1"}, lambda row: row["release"] == "shop@1"),
    ({"attribute": "plan=pro"}, lambda row: row["attributes"]["plan"] == "pro"),
    ({"environment": "staging"}, lambda row: row["environment"] == "staging"),
    ({"range": "7d"}, lambda _: True),
    ({"q": "nothing", "range": "7d"}, lambda _: False),
]


@pytest.fixture
def rows(app, acme, clock) -> list[dict[str, Any]]:
    """Two traces of three requests for each combination of what can be chosen; as they are kept."""
    combinations = product(
        ("GET /books/:id", "POST /checkout"),
        (200, 500),
        ("shop@1", "shop@2"),
        ("free", "pro"),
        ("production", "staging"),
        (RECENT, EARLIER),
    )
    made = []
    for number, (name, status, release, plan, environment, ago) in enumerate(combinations):
        for trace, part in product(range(1 + number % 2), range(3)):
            made.append({
                "organization_id": acme.organization_id,
                "project_id": acme.id,
                "at": clock.now() - ago + timedelta(seconds=part),
                "ago": ago,
                "trace_id": f"{number * 2 + trace + 1:032x}",
                "endpoint": name,
                "category": "request",
                "is_segment": True,
                "http_status": status,
                "release": release,
                "attributes": {"plan": plan},
                "environment": environment,
                "duration_us": (10 + number) * MS,
            })  # fmt: skip
    spans: list[Span] = [
        span(1, **{name: value for name, value in row.items() if name != "ago"}) for row in made
    ]
    app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 1)
    return made


def kpi(page: str, label: str) -> str:
    """The value of a card by its label, as text."""
    return Page(page).card(label).value


@pytest.mark.parametrize(("asked", "matches"), CONTROLS, ids=[str(asked) for asked, _ in CONTROLS])
def test_every_number_of_the_endpoints_follows_each_control(as_vic, rows, asked, matches):
    in_time = [row for row in rows if row["ago"] == RECENT or "range" in asked]
    mine = [row for row in in_time if matches(row)]
    page = as_vic.get(f"{HOME}/endpoints/", query_string=asked).text
    if not mine:
        assert "No endpoints match these filters" in page
        return
    failed = sum(row["http_status"] == 500 for row in mine)
    assert kpi(page, "Requests") == str(len(mine))
    assert f"{failed} failure" in page
    assert sum(int(row["Requests"]) for row in Page(page).rows()) == len(mine)
    charts = Page(as_vic.get(f"{HOME}/latency", query_string=asked, headers=HTMX))
    assert charts.charted("Succeeded", "Failed") == len(mine)
    assert charts.charted("Failed") == failed


@pytest.mark.parametrize(("asked", "matches"), CONTROLS, ids=[str(asked) for asked, _ in CONTROLS])
def test_traces_are_listed_once_and_follow_each_control(as_vic, rows, asked, matches):
    in_time = [row for row in rows if row["ago"] == RECENT or "range" in asked]
    mine = [row for row in in_time if matches(row)]
    page = as_vic.get(f"{HOME}/traces/", query_string=asked, headers=HTMX).text
    listed = re.findall(rf"{HOME}/traces/([0-9a-f]{{32}})", page)
    if "rel=" in page:
        older = page.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
        following = as_vic.get(older.replace("&amp;", "&"), headers=HTMX).text
        listed += re.findall(rf"{HOME}/traces/([0-9a-f]{{32}})", following)
    assert sorted(listed) == sorted({row["trace_id"] for row in mine})


def test_an_endpoint_has_one_p50(as_vic, rows):
    for asked in ({}, {"environment": "staging"}, {"range": "7d"}):
        query = {"name": "GET /books/:id", **asked}
        page = as_vic.get(f"{HOME}/endpoint", query_string=query).text
        spent = as_vic.get(f"{HOME}/endpoint/time", query_string=query, headers=HTMX).text
        for label in ("P50", "P95", "P99"):
            in_panel = re.search(
                rf'<th scope="row">{label}</th>.*?title="[^"]*">([^<]*)</td>', spent, re.DOTALL
            )
            assert in_panel
            assert in_panel[1] == kpi(page, label) != ""


def test_pages_and_the_catalogue_say_the_same(as_vic, acme, rows, inside, clock):
    with inside(acme):
        scope = Scope(
            organization_id=acme.organization_id,
            project_id=acme.id,
            since=clock.now() - timedelta(days=1),
            until=clock.now(),
        )
        found = values(metrics.ENDPOINT_PAGE, scope, "endpoint")
    for name in {row["endpoint"] for row in rows}:
        page = as_vic.get(f"{HOME}/endpoint", query_string={"name": name}).text
        count, p95, rate = (
            found[metric.id].by_value[name].number or 0.0
            for metric in (metrics.COUNT, metrics.P95, metrics.ERROR_RATE)
        )
        assert kpi(page, "Requests") == f"{count:.0f}"
        assert float(kpi(page, "P95").removesuffix(" ms")) == pytest.approx(p95, rel=0.01)
        assert float(kpi(page, "Error rate").removesuffix("%")) == pytest.approx(rate * 100)


@pytest.mark.parametrize(("path", "more"), [("endpoints", 0), ("traces", 2)])
def test_many_rows_cost_as_many_questions_as_few(as_vic, rows, path, more, monkeypatch):
    """But for traces of several requests, of which another bounded round is read."""
    statements, ask = [], TelemetryStore.rows

    def counted(*arguments: Any) -> Any:
        statements.append(arguments)
        return ask(*arguments)

    monkeypatch.setattr(TelemetryStore, "rows", counted)

    def asked(**query: str) -> int:
        statements.clear()
        assert "data-row" in as_vic.get(f"{HOME}/{path}/", query_string=query).text
        return len(statements)

    few = asked(q="book", status="5", attribute="plan=pro", release="shop@1", environment="staging")
    assert asked() == few + more
    assert few <= 6


def test_changes_are_shown_where_a_comparison_is_chosen(as_vic, app, acme, clock):
    spans = [
        span(1, organization_id=acme.organization_id, project_id=acme.id, endpoint="GET /a",
             category="request", is_segment=True, at=clock.now() - ago, duration_us=ms * MS)
        for ago, count, ms in ((RECENT, 420, 100), (EARLIER, 20, 50)) for _ in range(count)
    ]  # fmt: skip
    app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 1)
    for address in (f"{HOME}/endpoints/", f"{HOME}/endpoint"):
        asked = {"name": "GET /a"}
        assert "×21" not in as_vic.get(address, query_string=asked).text
        page = as_vic.get(address, query_string=asked | {"compare": "previous"}).text
        assert "×21" in page
        assert "vs previous period" in page


def test_every_panel_of_the_vitals_follows_the_search(as_vic, app, acme, clock, inside):
    loads = [
        PageLoad(organization_id=acme.organization_id, project_id=acme.id, position=1,
                 page_id=f"{number + 1:016x}", timestamp=clock.now() - RECENT,
                 received_at=clock.now(), page=page, lcp=lcp, device=device)
        for number, (page, lcp, device) in enumerate(
            [("/cart", 1000.0, "mobile")] * 3 + [("/books", 5000.0, "desktop")] * 5)
    ]  # fmt: skip
    app.extensions[EXTENSION].write(acme.organization_id, Batch(page_loads=loads), 1)
    page = as_vic.get(f"{HOME}/vitals/?q=CART").text
    panels = [
        part.replace("&amp;", "&")
        for part in re.findall(r'hx-get="([^"]*/vitals/\w+\?[^"]*)', page)
    ]
    assert {panel.partition("?")[0].rpartition("/")[2] for panel in panels} == {
        "cards",
        "trend",
        "splits",
    }
    cards, trend, splits = (as_vic.get(panel, headers=HTMX).text for panel in panels)
    assert "1 s" in cards
    with inside(acme):
        scope = Scope.of(acme, Range("", clock.now() - timedelta(days=1), clock.now()), text="cart")
        assert metrics.VITALS["LCP"].value(scope).whole.number == pytest.approx(1000, rel=0.01)
    assert Page(trend).charted("Good", "Needs improvement", "Poor") == 3
    assert "mobile" in splits
    assert "desktop" not in splits
