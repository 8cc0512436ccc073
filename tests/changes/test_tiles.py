"""What changed on a dashboard: as a list, and as one sentence."""

from datetime import timedelta

import pytest

from console.accounts.models import Project
from console.changes.tiles import KINDS
from console.core.db import db
from console.dashboards import making
from console.dashboards.document import Document, Section, Tab, Tile
from console.telemetry.tile import Viewing
from console.web.timeline import Timeline
from console.web.timerange import Range
from tests.changes.conftest import TODAY, Past
from tests.changes.test_daily import SLOWER
from tests.support.factories import make_project

LIST, SENTENCE = KINDS
DAY = timedelta(days=1)


@pytest.fixture
def shown(app, inside):
    """What a kind answers about some projects for members, or for outsiders without any way."""

    def shown(kind, *projects, outside=False, environment="", **settings):
        def way(project, endpoint, /, **values):
            return "" if outside else f"/{project.slug}/{endpoint}?{sorted(values.items())}"

        with inside(projects[0]), app.test_request_context():
            own = [db.session.get_one(Project, project.id) for project in projects]
            week = Range("7d", TODAY - 7 * DAY, TODAY, environment)
            line = Timeline(week, DAY)
            return kind.answer(Viewing(projects=own, line=line, settings=settings, way=way))

    return shown


@pytest.fixture
def changed(past, acme, judged):
    past.requests("POST /checkout", SLOWER)
    past.loads("/cart", [3_000.0] * 9 + [1_500.0])
    return judged(acme)


@pytest.mark.usefixtures("changed")
def test_the_list_has_the_largest_first_with_its_numbers(acme, shown):
    content = shown(LIST, acme)
    assert [column.title for column in content.table.columns] == [
        "What", "Number", "Before", "After", "Change", "Since",
    ]  # fmt: skip
    first, second = content.table.rows
    assert [cell.word for cell in first] == [
        "POST /checkout got slower", "", "400 ms", "650 ms", "+62.5%", "yesterday",
    ]  # fmt: skip
    assert [cell.value for cell in first][2:5] == [400, 650, 62.5]
    assert (first[0].tone, second[0].tone) == ("bad", "good")
    assert first[0].url == "/shop/performance.endpoint?[('name', 'POST /checkout')]"
    assert content.words.startswith("POST /checkout got slower: P95 650 ms")
    assert len(shown(LIST, acme, limit=1).table.rows) == 1


@pytest.mark.usefixtures("changed")
def test_whoever_may_not_open_pages_sees_no_links(acme, shown):
    rows = shown(LIST, acme, outside=True).table.rows
    assert {cell.url for row in rows for cell in row} == {""}
    assert shown(SENTENCE, acme, outside=True).own.url == ""


@pytest.mark.usefixtures("changed")
def test_of_several_projects_each_row_names_its_own(app, acme, judged, shown):
    second = make_project(app, acme.organization, "api")
    Past(app, second).requests("GET /a", SLOWER)
    judged(acme)
    content = shown(LIST, acme, second)
    assert {row[0].value for row in content.table.rows} == {"Shop", "Api"}
    assert len(shown(LIST, second).table.rows) == 1


@pytest.mark.usefixtures("changed")
def test_the_sentence_says_what_changed_most(acme, shown):
    content = shown(SENTENCE, acme)
    assert content.words == (
        "POST /checkout got slower: P95 650 ms, 62.5% above the week before, since yesterday."
    )
    assert content.own.tone == "bad"
    assert content.own.url.startswith("/shop/changes.changes?")


@pytest.mark.usefixtures("past")
def test_where_nothing_changed_both_say_so(acme, judged, shown):
    judged(acme)
    assert shown(LIST, acme).empty.startswith("Nothing changed in this time")
    assert shown(SENTENCE, acme).words.startswith("There is too little data")


@pytest.mark.usefixtures("changed")
def test_both_are_drawn_on_a_dashboard(as_alice, acme, inside):
    tiles = tuple(Tile(id="", kind=kind.name, title="", settings={}) for kind in KINDS)
    tab = Tab(title="", sections=(Section(title="", tiles=tiles),))
    with inside(acme):
        own = db.session.get_one(Project, acme.id)
        made = making.create(own, Document(title="Changes", tabs=(tab,)), by=None)
        db.session.commit()
        where, ids = (
            made.id,
            [tile["id"] for tile in made.document["tabs"][0]["sections"][0]["tiles"]],
        )
    drawn = [as_alice.get(f"/acme/shop/dashboards/{where}/tiles/{id_}").text for id_ in ids]
    assert "POST /checkout got slower" in drawn[0]
    assert "62.5% above the week before" in drawn[1]
    assert all("tile-error" not in text for text in drawn)
