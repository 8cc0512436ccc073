"""A tile for somebody who looks: asked once, within its time, and its faults stay its own."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import func, select, text

from console.accounts.models import Project
from console.core import patience
from console.core.db import db
from console.dashboards import drawn as module
from console.dashboards import shelf as shelf_module
from console.dashboards.document import Document, Section, Tab, Tile
from console.dashboards.drawn import Board, drawn, filled
from console.dashboards.shelf import Shelf, StillAskedError
from console.dashboards.tiles.text import rendered
from console.telemetry import store
from console.telemetry.tile import EXTENSION, Table, TileContent, TileKind
from console.web.charts import chartjs
from console.web.drawing import fluid_svg
from console.web.timerange import Range
from tests.support.counted import Stored
from tests.support.waiting import until
from tests.telemetry.samples import NOON, hour

ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 7"
NOTHING = TileContent(table=Table([], []), words="Nothing.")


@pytest.fixture
def kind(app):
    """Make a kind of tiles for this console alone."""

    def made(answer, name="made-up"):
        own = TileKind(name=name, title="Made up", icon="chart", help="", takes=(), answer=answer)
        app.extensions[EXTENSION] = {**app.extensions[EXTENSION], name: own}
        return Tile(id="0" * 12, kind=name)

    return made


def board(project, *tiles, **changes):
    given = {
        "organization_id": project.organization_id,
        "document": Document(title="Own", tabs=[Tab(sections=[Section(tiles=tiles)])]),
        "projects": [project],
        "shown": Range("", NOON, hour(6)),
        "values": {},
        "way": lambda project, endpoint, /, **_: f"/{project.slug}/{endpoint}",
    }
    return Board(**{**given, **changes})


def metric(name="errors.events", kind="line", **settings):
    return Tile(id="1" * 12, kind=kind, settings={"queries": [{"metric": name}], **settings})


def test_a_tile_whose_question_takes_too_long_says_so_within_its_time(
    app, acme, inside, kind, monkeypatch
):
    def slow(_viewing):
        with store.current().using(acme.organization_id) as database, database.transaction() as own:
            own.exec_driver_sql(ENDLESS)

    monkeypatch.setattr(module, "SECONDS", 0.5)
    with inside(acme), app.test_request_context():
        began = time.monotonic()
        tile = drawn(board(acme), kind(slow))
        assert time.monotonic() - began < 10
    assert tile.error.startswith("No answer within 0.5 seconds.")
    assert tile.retry
    assert tile.request_id


def test_several_questions_of_a_tile_share_its_time(app, acme, inside, kind, monkeypatch):
    left = []

    def several(_viewing):
        for _ in range(2):
            left.append(patience.statement_seconds())
            time.sleep(0.2)
        return NOTHING

    monkeypatch.setattr(module, "SECONDS", 0.5)
    with inside(acme), app.test_request_context():
        assert not drawn(board(acme), kind(several)).error
        assert patience.statement_seconds() == patience.PAGE_SECONDS
    assert left[0] <= 0.5
    assert left[1] <= 0.31


@pytest.mark.usefixtures("both_databases")
def test_a_statement_that_fails_spoils_no_other_tile_of_the_page(app, acme, inside, kind):
    def broken(_viewing):
        db.session.execute(text("SELECT * FROM there_is_none"))

    with inside(acme), app.test_request_context():
        first = drawn(board(acme), kind(broken))
        second = drawn(board(acme), metric())
        assert db.session.scalar(select(func.count(Project.id))) == 1
    assert first.error
    assert not second.error


SLOW = {
    "postgresql": "SELECT pg_sleep(30)",
    "sqlite": "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) "
    "SELECT count(*) FROM n",
}


@pytest.mark.usefixtures("both_databases")
def test_a_tile_has_no_longer_on_the_state_database_and_the_page_has_its_time_back(
    app, acme, inside, kind, both_databases, monkeypatch
):
    def slow(_viewing):
        db.session.execute(text(SLOW[both_databases])).all()

    monkeypatch.setattr(module, "SECONDS", 0.5)
    with inside(acme), app.test_request_context():
        began = time.monotonic()
        tile = drawn(board(acme), kind(slow))
        assert time.monotonic() - began < 10
        if both_databases == "postgresql":
            assert db.session.scalar(text("SHOW statement_timeout")) == "15s"
        time.sleep(0.6)
        assert db.session.scalar(select(func.count(Project.id))) == 1
        monkeypatch.undo()
        assert not drawn(board(acme), metric()).error
    assert tile.error.startswith("No answer within 0.5 seconds.")
    assert tile.retry


def test_a_tile_that_fails_again_and_again_is_logged_ever_less_often(
    app, acme, inside, kind, clock, caplog
):
    def broken(_viewing):
        raise RuntimeError("no ink")

    clock.move()
    with inside(acme), app.test_request_context():
        for _ in range(240):  # an hour on a wall
            tile = drawn(board(acme), kind(broken))
            assert tile.error == "Something broke on our side. It was logged."
            clock.move(seconds=15)
    lines = [own.getMessage() for own in caplog.records if own.name == module.log.name]
    assert 5 <= len(lines) <= 8
    assert all("no ink" in line for line in lines)


def test_an_error_card_names_the_request_that_the_log_names(app, acme, inside, kind, caplog):
    def broken(_viewing):
        raise RuntimeError("no paper")

    with inside(acme), app.test_request_context():
        first, again = (drawn(board(acme), kind(broken)) for _ in range(2))
    assert first.request_id
    assert f"request {first.request_id}" in caplog.text
    assert not again.request_id


def test_twenty_who_look_at_once_ask_each_spec_once(app, acme, inside, kind):
    asked = []

    def counted(viewing):
        asked.append(viewing)
        time.sleep(0.3)
        return NOTHING

    tile = kind(counted)

    def look(_number):
        with inside(acme), app.test_request_context():
            return drawn(board(acme), tile)

    with ThreadPoolExecutor(20) as people:
        tiles = list(people.map(look, range(20)))
    assert len(asked) == 1
    assert {own.at for own in tiles} == {tiles[0].at}
    assert not any(own.error for own in tiles)


def test_another_environment_variable_or_audience_is_another_question(app, acme, inside, kind):
    asked = []

    def counted(viewing):
        asked.append(viewing)
        return NOTHING

    tile = kind(counted)
    boards = [
        board(acme),
        board(acme, shown=Range("", NOON, hour(6), "staging")),
        board(acme, shown=Range("", NOON, hour(5))),
        board(acme, audience="link-1"),
    ]
    with inside(acme), app.test_request_context():
        for own in (*boards, *boards):
            drawn(own, tile)
    assert len(asked) == len(boards)


def test_a_question_that_fails_is_asked_again():
    shelf, tries = Shelf(), []

    def failing():
        tries.append(1)
        raise LookupError("no answer")

    for _ in range(2):
        with pytest.raises(LookupError, match="no answer"):
            shelf.take("key", 60, 1, failing)
    assert len(tries) == 2


def test_a_wall_leaves_no_answers_behind(monkeypatch):
    """It asks for another range every quarter of a minute, for months."""
    monkeypatch.setattr(shelf_module, "LONGEST_FRESH", 0.05)
    shelf = Shelf()
    for poll in range(20):
        for tile in range(12):
            shelf.take(f"{tile} {poll}", 15, 1, lambda: NOTHING)
        time.sleep(0.06)
    assert len(shelf._kept) <= 2 * 12
    assert shelf.asked == 20 * 12


def test_who_waits_for_the_answer_of_another_gives_up_in_time():
    shelf, begun, end = Shelf(), threading.Event(), threading.Event()

    def slow():
        begun.set()
        end.wait(10)
        return NOTHING

    first = threading.Thread(target=shelf.take, args=("key", 60, 1, slow))
    first.start()
    until(begun.is_set, "the first question begins")
    with pytest.raises(StillAskedError):
        shelf.take("key", 60, 0.1, slow)
    end.set()
    first.join(10)


@pytest.mark.parametrize(
    ("tile", "sentence"),
    [
        (metric("requests.gone"), "It cannot be drawn: there is no metric requests.gone."),
        (metric(by="planet"), "It cannot be drawn: error events: not known by planet."),
        (metric(kind="table"), "It cannot be drawn: it names no dimension to list the values of."),
        (metric(kind="pie"), "This console has no tiles of the kind pie."),
        (metric(project="gone"), "It cannot be drawn: its project is gone."),
        (Tile(id="2" * 12, kind="line"), "It cannot be drawn: it names no metric."),
    ],
)
def test_a_tile_that_cannot_be_drawn_says_why(app, acme, inside, tile, sentence):
    with inside(acme), app.test_request_context():
        own = drawn(board(acme), tile)
    assert own.error == sentence
    assert not own.retry


def test_a_formula_that_divides_by_zero_is_a_gap(app, acme, inside):
    tile = metric(formula="a / 0")
    with inside(acme), app.test_request_context():
        own = drawn(board(acme), tile)
    assert not own.error
    assert own.content
    assert own.content.chart
    assert set(own.content.chart.series[0].values) == {None}
    assert own.content.empty


def test_a_point_of_a_chart_and_a_number_of_its_table_lead_to_what_came_then(app, acme, inside):
    asked = []

    def way(_project, endpoint, /, **values):
        asked.append((endpoint, values))
        return f"/{endpoint}"

    with inside(acme), app.test_request_context():
        Stored(app, acme)
        own = drawn(board(acme, way=way), metric(kind="stacked", by="level"))
    assert own.content
    assert own.content.chart
    assert set(own.content.chart.links) <= {"", "/errors.inbox"}
    assert "/errors.inbox" in own.content.chart.links
    endpoint, values = asked[-1]
    assert endpoint == "errors.inbox"
    assert values["level"] in {"error", "warning", "fatal"}
    assert values["range"] is None
    assert values["since"] < values["until"]


def test_areas_stand_on_each_other(app, acme, inside):
    with inside(acme), app.test_request_context():
        Stored(app, acme)
        own = drawn(board(acme), metric(kind="stacked", by="level"))
        assert own.content
        assert own.content.chart
        picture, config = fluid_svg(own.content.chart), chartjs(own.content.chart)
    assert picture.count('class="c-stack ') == len(own.content.chart.series)
    fills = [dataset["fill"] for dataset in config["data"]["datasets"]]
    assert fills == ["origin", *["-1"] * (len(fills) - 1)]
    assert config["options"]["scales"]["y"]["stacked"]


@pytest.mark.parametrize(
    "value",
    ["[Log in](http://evil.test)", "<http://evil.test>", "x](http://evil.test) [y", "\n\n# Now"],
)
def test_values_of_variables_are_text_in_markdown(value):
    html = rendered(
        filled({"text": "Hello [$who](https://acme.test/) $who"}, {"who": value})["text"]
    )
    tree = HTMLParser(html)
    links = [link.attributes["href"] for link in tree.css("a")]
    assert set(links) <= {"https://acme.test/"}
    assert not tree.css("h1")
    assert " ".join(value.split()) in tree.text()
