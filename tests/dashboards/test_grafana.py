"""Dashboards of Grafana become documents without faults, with a list of what was lost."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.app import TILES
from console.core.db import db
from console.dashboards.document import COLUMNS, MOST_TILES, Document, faults
from console.dashboards.grafana import MOST_LOSSES, NotGrafanaError, converted
from console.dashboards.grid import overlaps
from console.dashboards.models import Dashboard
from console.dashboards.promql import recognised
from tests.support.clients import HTMX

KINDS = {kind.name: kind for kind in TILES}
FILES = Path(__file__).parent / "grafana"
WEB = json.loads((FILES / "web_service.json").read_text())
ROWS = json.loads((FILES / "rows.json").read_text())
SHARED = json.loads((FILES / "shared.json").read_text())
RESOURCE = json.loads((FILES / "resource.json").read_text())
PAGE, URL = "/acme/shop/dashboards/import", "/api/v1/acme/shop/dashboards/grafana"
COUNT = "sum(rate(http_requests_total[5m]))"
PARTS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["timeseries", "stat", "row", "text", "table", COUNT, "custom", "now-6h"]),
)  # fmt: skip
NAMES = st.sampled_from(
    ["type", "title", "gridPos", "x", "y", "w", "h", "targets", "expr", "rawSql", "panels",
     "options", "content", "mode", "fieldConfig",
     "defaults", "unit", "thresholds", "steps", "value", "custom",
     "name", "query", "current", "list", "span", "hide", "description", "repeat", "alert"]
)  # fmt: skip
TREES = st.recursive(
    PARTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


def tiles_of(document: Document):
    return {tile.title: tile for tile in document.tiles}


def words_of(conversion, panel: str) -> set[str]:
    return {loss.words for loss in conversion.losses if loss.panel == panel}


def test_a_dashboard_of_today_keeps_its_sections_places_and_variables():
    document = converted(WEB, KINDS).document
    assert list(faults(document.stored, KINDS)) == []
    assert (document.title, document.range, document.tags) == (
        "Web service", "24h", ("http", "prometheus")
    )  # fmt: skip
    sections = document.tabs[0].sections
    assert [section.title for section in sections] == ["", "Latency of $tier", "Storage"]
    assert [(v.name, v.kind, v.values, v.default) for v in document.variables] == [
        ("tier", "list", ("web", "worker", "batch"), "web"), ("team", "text", (), "payments"),
    ]  # fmt: skip
    places = {tile.title: tile.place for tile in sections[1].tiles}
    assert (places["Latency"].x, places["Latency"].w) == (0, 6)
    assert (places["Requests"].x, places["Requests"].w, places["Requests"].y) == (6, 6, 0)


def test_panels_of_known_metrics_become_tiles_of_the_same_number():
    conversion = converted(WEB, KINDS)
    tiles = tiles_of(conversion.document)
    assert tiles["Error share"].settings == {"queries": [{"metric": "requests.error_rate"}]}
    latency = tiles["Latency"]
    assert [own["metric"] for own in latency.settings["queries"]] == [
        "requests.p50", "requests.p95", "requests.p99",
    ]  # fmt: skip
    assert (latency.kind, latency.settings["threshold"]) == ("line", 500)
    assert latency.description == "By the load balancer."
    assert (tiles["Requests"].kind, tiles["Requests"].settings["by"]) == ("bar", "status")
    assert words_of(conversion, "Latency") == {"the filter job=$job", "its overrides of fields"}


def test_what_is_not_converted_keeps_its_title_and_query_and_says_why():
    conversion = converted(WEB, KINDS)
    tiles = tiles_of(conversion.document)
    for title, query in (("CPU", "node_cpu_seconds_total"), ("Orders", "SELECT $__timeGroup"),
                         ("Logs", '{job="$job"} |= `error`')):  # fmt: skip
        assert tiles[title].kind == "text"
        assert "```" in tiles[title].settings["text"]
        assert query in tiles[title].settings["text"]
        assert any(words.startswith("became a text") for words in words_of(conversion, title))
    lost = words_of(conversion, "The dashboard")
    assert any("variable job" in words for words in lost)
    assert any("annotations Deploys" in words for words in lost)
    assert "the link Runbook" in lost
    assert any("now-6h" in words for words in lost)


def test_of_very_much_that_was_lost_some_is_listed():
    links = [{"title": "x"}] * (MOST_LOSSES + 5)
    losses = converted({"title": "L", "panels": [], "links": links}, KINDS).losses
    assert len(losses) == MOST_LOSSES + 1
    assert losses[-1].words == "5 more things could not be converted"


def test_texts_name_variables_as_here():
    text = next(tile for tile in converted(WEB, KINDS).document.tiles if not tile.title)
    assert text.settings["text"] == "# Tier $tier\n\nCall **$team**."


def test_a_dashboard_of_rows_gets_places():
    conversion = converted(ROWS, KINDS)
    document = conversion.document
    assert list(faults(document.stored, KINDS)) == []
    tiles = tiles_of(document)
    assert tiles["Up"].settings == {"queries": [{"metric": "checks.uptime"}]}
    assert (tiles["Up"].place.w, tiles["Carbon"].place.x) == (4, 4)
    assert tiles["Failures"].settings["queries"] == [{"metric": "requests.failures"}]
    assert tiles["Failures"].place.y > 0
    assert "its time shift" in words_of(conversion, "Failures")
    assert "<" not in tiles["Note"].settings["text"]
    assert "alert(1)" not in tiles["Note"].settings["text"]
    assert "Call & ask" in tiles["Note"].settings["text"]


@pytest.mark.parametrize(
    "query",
    [
        "up", "", "x" * 5_000, "sum(rate(http_requests_total[5m]", COUNT + " * 2",
        'sum(rate(http_requests_total{status!~"5.."}[5m]))',
        'sum(rate(http_requests_total{handler="/x"}[5m]))',
        'sum(rate(http_requests_total{status=~"5..", tenant="a"}[5m]))',
        "sum(rate(http_requests_total[5m])) by (tenant)",
        "histogram_quantile(0.9, sum(rate(http_request_duration_seconds_bucket[5m])) by (le))",
        "histogram_quantile(0.95, sum(rate(grpc_server_seconds_bucket[5m])) by (le))",
        "sum(rate(http_request_duration_seconds_bucket[5m]))",
        "sum(rate(http_request_duration_seconds_sum[5m]))",
        'sum(rate(http_requests_total{code=~"5.."}[5m]))/sum(rate(http_requests_total{a="5"}[5m]))',
        "sum(rate(http_requests_total[5m])) / sum(rate(http_requests_total[5m]))",
        "max(probe_success)", 'probe_success{target="a"}', "(" * 500, "{" * 500, '"' * 500,
    ],
)  # fmt: skip
def test_a_query_that_asks_for_another_number_is_not_recognised(query):
    assert recognised(query) is None


@pytest.mark.parametrize(
    "given_",
    [None, [], {}, "x", {"panels": "x"}, {"dashboard": {"title": "x"}},
     {"apiVersion": "dashboard.grafana.app/v2beta1", "spec": {"title": "x", "elements": {}}},
     {"spec": "x"}, {"json": "{}"}, {"elements": [], "layout": {}}, {"spec": {"spec": WEB}}],
)  # fmt: skip
def test_what_is_no_dashboard_is_refused(given_):
    with pytest.raises(NotGrafanaError):
        converted(given_, KINDS)


@pytest.mark.parametrize(
    "given_",
    [{"dashboard": WEB, "meta": {}}, {"id": 1860, "json": WEB},
     {"kind": "Dashboard", "apiVersion": "dashboard.grafana.app/v1beta1", "spec": WEB}],
)  # fmt: skip
def test_answers_of_grafanas_apis_and_its_first_resources_are_dashboards(given_):
    assert converted(given_, KINDS).document == converted(WEB, KINDS).document


def test_the_second_format_keeps_tabs_rows_places_and_variables():
    document = converted(RESOURCE, KINDS).document
    assert list(faults(document.stored, KINDS)) == []
    assert (document.title, document.range) == ("Web", "24h")
    shape = [(tab.title, [own.title for own in tab.sections]) for tab in document.tabs]
    assert shape == [("First", ["Traffic"]), ("Second", [""])]
    assert [(own.name, own.default) for own in document.variables] == [
        ("tier", "web"), ("team", "pay"),
    ]  # fmt: skip
    tiles = tiles_of(document)
    assert tiles["Requests"].settings == {"queries": [{"metric": "requests.count"}], "by": "status"}
    assert (tiles["Requests"].kind, tiles["Requests"].place.x) == ("stacked", 6)
    assert tiles["Note"].settings == {"text": "Hi $team"}
    assert (tiles["Shared"].place.x, tiles["Shared"].place.y) == (6, 0)


def test_the_second_format_says_what_it_lost():
    conversion = converted(RESOURCE, KINDS)
    again = "its repetition for each value of a variable"
    assert words_of(conversion, "Traffic") == {again}
    assert words_of(conversion, "Requests") >= {again, "its transformations", "its own time range"}
    assert "became a text: it stands in Grafana's library, and not in this file" in words_of(
        conversion, "Shared"
    )
    lost = " ".join(words_of(conversion, "The dashboard"))
    for words in ("Deploys", "Runbook", "time zone utc", "variable job", "variable s"):
        assert words in lost


def test_the_json_model_of_the_second_format_is_a_dashboard_too():
    alone = converted(RESOURCE["spec"], KINDS).document
    assert alone == converted({"dashboard": RESOURCE["spec"]}, KINDS).document
    assert alone == converted(RESOURCE, KINDS).document


def test_more_tabs_than_a_dashboard_has_become_titles_of_sections():
    named = {"element": {"name": "panel-2"}, "x": 0, "y": 0, "width": 24, "height": 8}
    grid = {"kind": "GridLayout", "spec": {"items": [{"kind": "GridLayoutItem", "spec": named}]}}
    tabs = [{"spec": {"title": f"Team {n}", "layout": grid}} for n in range(20)]
    layout = {"kind": "TabsLayout", "spec": {"tabs": tabs}}
    document = converted({**RESOURCE["spec"], "layout": layout}, KINDS).document
    assert list(faults(document.stored, KINDS)) == []
    titles = [section.title for tab in document.tabs for section in tab.sections]
    assert titles == [f"Team {n}" for n in range(20)]


def test_layouts_in_layouts_without_end_are_left_out():
    layout = {"kind": "GridLayout", "spec": {}}
    for _ in range(5_000):
        layout = {"kind": "RowsLayout", "spec": {"rows": [{"spec": {"layout": layout}}]}}
    document = converted({**RESOURCE["spec"], "layout": layout}, KINDS).document
    assert list(document.tiles) == []


def test_a_file_for_sharing_has_its_library_and_no_copies_of_repeated_panels():
    conversion = converted(SHARED, KINDS)
    document = conversion.document
    assert list(faults(document.stored, KINDS)) == []
    tiles = tiles_of(document)
    assert set(tiles) == {"Failures", "Old graph", "Requests", "Stacked"}
    assert tiles["Failures"].settings == {"queries": [{"metric": "requests.failures"}]}
    assert (tiles["Old graph"].kind, tiles["Old graph"].settings["threshold"]) == ("line", 500)
    assert tiles["Requests"].kind == "number"
    assert (tiles["Stacked"].kind, tiles["Stacked"].settings["by"]) == ("stacked", "method")
    assert words_of(conversion, "Server $server") == {"its repetition for each value of a variable"}
    assert any("time zone utc" in words for words in words_of(conversion, "The dashboard"))


def test_more_panels_than_a_dashboard_holds_are_counted():
    panels = [
        {"type": "timeseries", "title": f"{n}", "gridPos": {"x": 0, "y": n * 40, "w": 24, "h": 48}}
        for n in range(100)
    ]
    conversion = converted({"title": "Many", "panels": panels}, KINDS)
    assert len(list(conversion.document.tiles)) == MOST_TILES
    assert list(faults(conversion.document.stored, KINDS)) == []
    assert any(loss.words.startswith("40 panels are left out") for loss in conversion.losses)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(
        {"panels": st.lists(st.dictionaries(NAMES, TREES, max_size=8), max_size=8)},
        optional={"title": TREES, "tags": TREES, "templating": st.fixed_dictionaries({
            "list": st.lists(st.dictionaries(NAMES, TREES, max_size=6), max_size=4)}),
            "time": st.fixed_dictionaries({"from": PARTS}), "annotations": TREES, "links": TREES},
    )
)  # fmt: skip
def test_whatever_a_file_holds_the_document_has_no_faults(model):
    document = converted(model, KINDS).document
    assert list(faults(document.stored, KINDS)) == []
    for tab in document.tabs:
        for section in tab.sections:
            places = [tile.place for tile in section.tiles]
            assert all(place.x + place.w <= COLUMNS for place in places)
            assert not any(
                overlaps(place, beside)
                for at, place in enumerate(places)
                for beside in places[at + 1 :]
            )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), TREES, max_size=3),
    st.recursive(
        st.dictionaries(st.just("element"), st.dictionaries(st.just("name"),
                        st.sampled_from(["a", "b", "z"])), max_size=1) | TREES,
        lambda inner: st.fixed_dictionaries(
            {"kind": st.sampled_from(["GridLayout", "AutoGridLayout", "RowsLayout", "TabsLayout"]),
             "spec": st.dictionaries(
                 st.sampled_from(["items", "rows", "tabs", "elements", "layout", "maxColumnCount",
                                  "repeat", "title"]),
                 st.lists(inner, max_size=3) | inner, max_size=4)}),
        max_leaves=20,
    ).filter(lambda layout: isinstance(layout, dict)),
    st.lists(TREES, max_size=3),
)  # fmt: skip
def test_whatever_a_resource_holds_the_document_has_no_faults(elements, layout, variables):
    spec = {"elements": elements, "layout": layout, "variables": variables, "links": variables}
    assert list(faults(converted({"spec": spec}, KINDS).document.stored, KINDS)) == []


def test_a_member_imports_a_file_and_sees_what_was_lost(as_alice, inside, acme):
    assert as_alice.get(PAGE, headers=HTMX).text.startswith('<section id="import-form"')
    file = (io.BytesIO(json.dumps(WEB).encode()), "web.json")
    answer = as_alice.post(PAGE, data={"file": file}, content_type="multipart/form-data")
    assert answer.status_code == 201
    assert "Web service was imported" in answer.text
    assert "the filter job=$job" in answer.text
    with inside(acme):
        made = db.session.query(Dashboard).one()
        tiles = [tile.id for tile in Document.of(made.document).tiles]
        url = f"/acme/shop/dashboards/{made.id}"
    assert as_alice.get(url).status_code == 200
    for tile in tiles:
        assert "tile-error" not in as_alice.get(f"{url}/tiles/{tile}", headers=HTMX).text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_windows_has_written_is_imported(as_alice, encoding):
    body = io.BytesIO(
        json.dumps({**ROWS, "title": "Überblick"}, ensure_ascii=False).encode(encoding)
    )
    data = {"file": (body, "board.json")}
    answer = as_alice.post(PAGE, data=data, content_type="multipart/form-data")
    assert answer.status_code == 201
    assert "Überblick was imported" in answer.text


def test_a_pasted_model_is_imported(as_alice):
    answer = as_alice.post(PAGE, data={"model": json.dumps(ROWS)}, headers=HTMX)
    assert answer.status_code == 201
    assert answer.text.startswith('<section id="import-form"')


@pytest.mark.parametrize(
    "model", ["", "{", "[]", "{}", "[" * 5_000, '{"panels": "\\u0000"}', '{"panels": "\\ud800"}']
)
def test_what_cannot_be_imported_is_marked_at_its_field(as_alice, model):
    answer = as_alice.post(PAGE, data={"model": model})
    assert answer.status_code == 422
    assert 'id="model-error"' in answer.text


def test_ten_megabytes_are_refused(as_alice):
    answer = as_alice.post(PAGE, data={"model": "x" * 10_000_000})
    assert answer.status_code == 413


def test_viewers_may_not_import_and_strangers_find_nothing(as_vic, as_eve):
    for client, status in ((as_vic, 403), (as_eve, 404)):
        assert client.get(PAGE).status_code == status
        assert client.post(PAGE, data={"model": json.dumps(ROWS)}).status_code == status


def test_a_script_imports_and_reads_what_was_lost(as_script, acme):
    script = as_script(acme, "dashboards:read", "dashboards:write")
    answer = script.post(URL, json=WEB)
    assert answer.status_code == 201, answer.text
    assert {"panel": "Latency", "words": "the filter job=$job"} in answer.json["not_converted"]
    assert script.post(URL, json={"title": "x"}).status_code == 400
    assert as_script(acme, "dashboards:read").post(URL, json=WEB).status_code == 403
