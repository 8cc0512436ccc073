"""A tile is added and changed: its form, what is wrong with it, and its preview."""

from dataclasses import replace

import pytest

from console.dashboards.document import Variable
from console.telemetry.tile import tile_kinds
from tests.dashboards.documents import document, fields, filled
from tests.support.clients import HTMX
from tests.support.counted import Stored

HOME = "/acme/shop/dashboards"


@pytest.fixture
def stored(app, acme, inside):
    with inside(acme):
        return Stored(app, acme)


@pytest.fixture
def at(acme, make_dashboard):
    """The address of a dashboard with a variable, its id, and the ids of its tiles."""
    variables = (
        Variable(name="endpoint", metric="requests.p95", dimension="endpoint", kind="dimension"),
    )
    first, tiles = make_dashboard(acme, replace(document(), variables=variables))
    return f"{HOME}/{first}", first, tiles


def test_a_kind_is_chosen_first(as_alice, app, at):
    page = as_alice.get(f"{at[0]}/tiles/new?section=0.0").text
    with app.app_context():
        kinds = list(tile_kinds())
    assert all(f"section=0.0&amp;kind={kind}" in page for kind in kinds)


def test_every_kind_has_a_form_that_can_be_saved(as_alice, app, at, stored_document):
    with app.app_context():
        kinds = list(tile_kinds())
    for kind in kinds:
        page = as_alice.get(f"{at[0]}/tiles/new?section=0.0&kind={kind}").text
        answer = as_alice.post(
            f"{at[0]}/tiles/", data=filled(page, "#tile-form", title=f"My {kind}")
        )
        assert answer.status_code == 303, (kind, answer.text)
    titles = [tile.title for tile in stored_document(at[1]).tiles]
    assert all(f"My {kind}" in titles for kind in kinds)


@pytest.mark.usefixtures("stored")
def test_the_preview_is_drawn_by_the_code_that_draws_the_page(as_alice, at):
    page = as_alice.get(f"{at[0]}/tiles/new?kind=line").text
    sent = filled(page, "#tile-form", **{"queries-0-metric": "requests.count", "title": "Visits"})
    shown = as_alice.post(f"{at[0]}/tiles/draft", data=sent, headers=HTMX).text
    assert shown.startswith('<form id="tile-form"')
    assert "data-chart" in shown
    assert "Visits" in shown


def test_a_metric_has_filters_a_formula_and_a_breakdown(as_alice, at, stored_document):
    page = as_alice.get(f"{at[0]}/tiles/new?kind=line").text
    more = as_alice.post(f"{at[0]}/tiles/draft", data=filled(page, "#tile-form", act="add-metric"))
    sent = filled(
        more.text,
        "#tile-form",
        **{
            "title": "Share",
            "queries-0-metric": "requests.count",
            "queries-0-was": "requests.count",
            "queries-0-where.endpoint": "$endpoint",
            "queries-1-metric": "requests.count",
            "queries-1-was": "requests.count",
            "formula": "a / b * 100",
            "by": "endpoint",
        },
    )
    answer = as_alice.post(f"{at[0]}/tiles/", data=sent)
    assert answer.status_code == 303, answer.text
    made = next(tile for tile in stored_document(at[1]).tiles if tile.title == "Share")
    assert made.settings["formula"] == "a / b * 100"
    assert made.settings["by"] == "endpoint"
    assert [dict(own) for own in made.settings["queries"]] == [
        {"metric": "requests.count", "where": {"endpoint": "$endpoint"}},
        {"metric": "requests.count"},
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"formula": "a +"}, "Not a formula"),
        ({"queries-0-metric": "gone"}, "Not a valid choice"),
        ({"queries-0-where.endpoint": "$nothing"}, "The dashboard has no variable nothing."),
        ({"limit": "99"}, "A whole number from 1 to 20."),
        ({"threshold": "many"}, "Not a number."),
        ({"title": "x" * 101}, "A text of at most 100 characters."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_alice, at, stored_document, changes, words):
    page = as_alice.get(f"{at[0]}/tiles/new?kind=line").text
    answer = as_alice.post(f"{at[0]}/tiles/", data=filled(page, "#tile-form", **changes))
    assert answer.status_code == 422
    assert words in answer.text
    assert len(list(stored_document(at[1]).tiles)) == 3


def test_a_tile_is_changed_in_its_place_and_keeps_its_id(as_alice, at, stored_document):
    here, first, tiles = at
    page = as_alice.get(f"{here}/tiles/{tiles[1]}/edit").text
    assert fields(page, "#tile-form")["queries-0-metric"] == "requests.p95"
    sent = filled(page, "#tile-form", kind="bar", title="Slower")
    assert as_alice.post(f"{here}/tiles/{tiles[1]}", data=sent).status_code == 303
    changed = stored_document(first).tile(tiles[1])
    assert (changed.kind, changed.title, changed.place) == (
        "bar",
        "Slower",
        document().tabs[0].sections[0].tiles[1].place,
    )


def test_another_metric_leaves_out_what_was_asked_of_the_one_before(as_alice, at):
    here, _, tiles = at
    page = as_alice.get(f"{here}/tiles/{tiles[1]}/edit").text
    sent = filled(
        page,
        "#tile-form",
        **{
            "queries-0-where.endpoint": "GET /",
            "by": "endpoint",
            "queries-0-metric": "errors.events",
        },
    )
    shown = as_alice.post(f"{here}/tiles/{tiles[1]}/draft", data=sent).text
    again = fields(shown, "#tile-form")
    assert again["queries-0-metric"] == "errors.events"
    assert again["by"] == ""
    assert "GET /" not in again.values()


def test_a_tile_of_an_older_version_meets_the_conflict(as_alice, as_ada, at, stored_document):
    here, first, tiles = at
    page = as_alice.get(f"{here}/tiles/{tiles[0]}/edit").text
    editor = as_ada.get(f"{here}/edit").text
    as_ada.post(f"{here}/versions", data=filled(editor, title="Ada's"))
    answer = as_alice.post(f"{here}/tiles/{tiles[0]}", data=filled(page, "#tile-form", title="P96"))
    assert answer.status_code == 409
    assert "renamed from" in answer.text
    assert stored_document(first).tile(tiles[0]).title == "P95"


def test_a_tile_that_is_not_there_is_not_edited(as_alice, as_vic, as_eve, at):
    here, _, tiles = at
    for path in ("/edit",):
        assert as_alice.get(f"{here}/tiles/{'0' * 12}{path}").status_code == 404
    for path in ("", "/draft"):
        address = f"{here}/tiles/{tiles[0]}{path}"
        assert (
            as_alice.post(f"{here}/tiles/{'0' * 12}{path}", data={"version": "1"}).status_code
            == 404
        )
        assert as_vic.post(address).status_code == 403
        assert as_eve.post(address).status_code == 404
    assert as_vic.post(f"{here}/tiles/").status_code == 403
    assert as_eve.post(f"{here}/tiles/draft").status_code == 404


def test_variables_are_saved_and_stand_above_the_tiles(as_alice, at, stored_document):
    here, first, tiles = at
    page = as_alice.get(f"{here}/variables").text
    more = as_alice.post(f"{here}/variables", data=filled(page, "#variables-form", act="add")).text
    changes = {
        "rows-1-name": "stage",
        "rows-1-kind": "list",
        "rows-1-values": "test, live",
        "rows-1-default": "live",
    }
    answer = as_alice.post(f"{here}/variables", data=filled(more, "#variables-form", **changes))
    assert answer.status_code == 303
    assert stored_document(first).variables[1] == Variable(
        name="stage", kind="list", values=["test", "live"], default="live"
    )
    shown = as_alice.get(f"{here}?var.endpoint=GET+/a").text
    assert 'name="var.endpoint"' in shown
    assert '<option value="GET /a" selected>' in shown
    assert '<option value="live" selected>' in shown
    assert f"tiles/{tiles[0]}?var.endpoint=GET" in shown


def test_a_variable_that_is_none_is_marked(as_alice, at):
    here, _, _ = at
    page = as_alice.get(f"{here}/variables").text
    sent = filled(page, "#variables-form", **{"rows-0-name": "Not a name"})
    answer = as_alice.post(f"{here}/variables", data=sent)
    assert answer.status_code == 422
    assert "Small letters, digits and _" in answer.text


def test_parameters_that_are_no_words_of_the_page_break_nothing(as_alice, at):
    here, _, tiles = at
    for name in ("tile_id", "dashboard_id", "_external", "_anchor", "endpoint", "values"):
        assert as_alice.get(f"{here}?{name}=x").status_code == 200
        assert as_alice.get(f"{here}/tiles/{tiles[0]}?{name}=x", headers=HTMX).status_code == 200
        assert as_alice.get(f"{here}/wall?{name}=x").status_code == 200


def test_a_wall_goes_from_tab_to_tab_and_on_to_other_dashboards(
    as_vic, as_eve, acme, make_dashboard
):
    first, tiles = make_dashboard(acme)
    second, _ = make_dashboard(acme, document("Search"))
    page = as_vic.get(f"{HOME}/{first}/wall?every=10&also={second},999").text
    assert 'data-wall-every="10"' in page
    assert (
        f'data-wall="{HOME}/{second}/wall?tab=1&amp;every=10&amp;also={second},999"'
        in page.replace("%2C", ",")
    )
    assert f"tiles/{tiles[0]}" in page
    assert 'class="rail"' not in page
    scope = "range=7d&environment=prod&compare=week&every=5&var.who=A%26B"
    on = as_vic.get(f"{HOME}/{first}/wall?{scope}").text
    assert f'data-wall="{HOME}/{first}/wall?tab=1&amp;{scope.replace("&", "&amp;")}"' in on
    assert as_vic.get(f"{HOME}/{first}/wall?every=1").text.count('data-wall-every="5"') == 1
    assert as_eve.get(f"{HOME}/{first}/wall").status_code == 404


def test_a_text_that_is_too_long_is_said_in_place_and_nothing_is_lost(as_alice, at):
    here, *_ = at
    page = as_alice.get(f"{here}/tiles/new?kind=text").text
    written = "word " * 5_000
    answer = as_alice.post(f"{here}/tiles/", data=filled(page, "#tile-form", text=written))
    assert answer.status_code == 422
    assert "Markdown of at most 20,000 characters." in answer.text
    assert written.strip() in answer.text
    enormous = "x" * 10_000_000
    refused = as_alice.post(f"{here}/tiles/", data=filled(page, "#tile-form", text=enormous))
    assert refused.status_code == 413
    assert "larger than allowed" in refused.text


def test_a_reversed_range_is_said_on_the_page_and_in_the_tile(as_alice, as_script, acme, at):
    here, dashboard_id, tiles = at
    reversed_ = "?since=2026-11-27T12:00&until=2026-11-20T12:00"
    page = as_alice.get(here + reversed_)
    assert page.status_code == 422
    assert "The range ends before it starts." in page.text
    assert "</html>" in page.text
    part = as_alice.get(f"{here}/tiles/{tiles[0]}{reversed_}", headers=HTMX)
    assert part.status_code == 422
    assert "The range ends before it starts." in part.text
    own = f"/api/v1/acme/shop/dashboards/{dashboard_id}/tiles/{tiles[0]}{reversed_}"
    answer = as_script(acme, "dashboards:read").get(own)
    assert answer.status_code == 400
    assert "The range ends before it starts." in answer.json["detail"]
