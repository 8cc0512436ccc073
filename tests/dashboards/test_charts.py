"""Add to dashboard: a chart of the console becomes a tile that draws the same number."""

import pytest
from werkzeug.datastructures import MultiDict

from console.core.db import db
from console.dashboards.document import MOST_TILES, Document, Section, Tab, Tile, faults
from console.dashboards.models import Dashboard
from console.telemetry.tile import tile_kinds
from tests.dashboards.documents import document, fields
from tests.support.clients import HTMX

CHART = "/acme/shop/dashboards/chart"
ASKED = "kind=bar&title=Requests&metric=requests.count&where.endpoint=GET+%2F&by=release"
APDEX = "metric=requests.apdex&parameters.threshold_ms=300"


def sent(as_alice, asked: str, **changes) -> MultiDict[str, str]:
    own = fields(as_alice.get(f"{CHART}?{asked}").text, "#chart-form form")
    for name, value in changes.items():
        own.setlist(name, [value])
    return own


def test_a_chart_becomes_a_tile_below_the_others(as_alice, acme, make_dashboard, stored_document):
    own, tiles = make_dashboard(acme)
    answer = as_alice.post(CHART, data=sent(as_alice, ASKED, dashboard=str(own)))
    added = next(tile for tile in stored_document(own).tiles if tile.id not in tiles)
    assert answer.status_code == 303
    assert answer.location == f"/acme/shop/dashboards/{own}#tile-{added.id}"
    assert (added.kind, added.title) == ("bar", "Requests")
    assert added.settings == {
        "queries": [{"metric": "requests.count", "where": {"endpoint": "GET /"}}],
        "by": "release",
    }
    part = as_alice.get(f"/acme/shop/dashboards/{own}/tiles/{added.id}", headers=HTMX)
    assert "tile-error" not in part.text


def test_parameters_are_numbers(as_alice, acme, make_dashboard, stored_document, app):
    own, tiles = make_dashboard(acme)
    as_alice.post(CHART, data=sent(as_alice, APDEX, dashboard=str(own), title="Apdex"))
    saved = stored_document(own)
    added = next(tile for tile in saved.tiles if tile.id not in tiles)
    assert added.settings["queries"][0]["parameters"] == {"threshold_ms": 300.0}
    with app.app_context():
        assert list(faults(saved.stored, tile_kinds())) == []


def test_without_a_dashboard_one_is_made(as_alice, acme, inside):
    answer = as_alice.post(CHART, data=sent(as_alice, ASKED, dashboard="new"))
    assert answer.status_code == 303
    with inside(acme):
        made = db.session.query(Dashboard).one()
        assert [tile.title for tile in Document.of(made.document).tiles] == ["Requests"]


@pytest.mark.parametrize(
    "asked",
    ["", "metric=gone.gone", "metric=requests.count&where.colour=red",
     "metric=requests.apdex&parameters.threshold_ms=fast",
     "metric=requests.count&where.endpoint=a&where.endpoint=b",
     "metric=requests.count&where.endpoint=" + "x" * 300],
)  # fmt: skip
def test_what_is_no_chart_says_why_and_adds_nothing(as_alice, acme, make_dashboard, asked,
                                                    stored_document):  # fmt: skip
    own, tiles = make_dashboard(acme)
    answer = as_alice.get(f"{CHART}?{asked}")
    assert answer.status_code == 422
    assert "field-error" in answer.text
    pairs = fields(answer.text, "#chart-form form")
    pairs["dashboard"] = str(own)
    assert as_alice.post(CHART, data=pairs).status_code == 422
    assert [tile.id for tile in stored_document(own).tiles] == tiles


def test_a_full_dashboard_takes_no_more(as_alice, acme, make_dashboard):
    many = [Tile(id="", kind="text", settings={"text": "a"}) for _ in range(MOST_TILES)]
    own, _ = make_dashboard(acme, document(tabs=(Tab(sections=(Section(tiles=many),)),)))
    answer = as_alice.post(CHART, data=sent(as_alice, ASKED, dashboard=str(own)), headers=HTMX)
    assert answer.status_code == 422
    assert f"{MOST_TILES} tiles" in answer.text


def test_viewers_may_not_and_strangers_find_nothing(as_alice, as_vic, as_eve, acme, make_dashboard):
    own, _ = make_dashboard(acme)
    data = sent(as_alice, ASKED, dashboard=str(own))
    assert as_vic.get(f"{CHART}?{ASKED}").status_code == 403
    assert as_vic.post(CHART, data=data).status_code == 403
    assert as_eve.get(f"{CHART}?{ASKED}").status_code == 404
    assert as_eve.post(CHART, data=data).status_code == 404
    assert as_eve.post("/globex/web/dashboards/chart", data=data).status_code in {404, 422}
