"""Kinds of tiles that no template has, and the ways from page to page."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import render_template

from console.dashboards.document import Document, Tile
from console.dashboards.drawn import Board, drawn
from console.dashboards.tiles import heat
from console.telemetry.journeys import steps
from console.telemetry.records import Batch, PageLoad
from console.telemetry.scope import Scope
from console.telemetry.store import EXTENSION
from console.web.timerange import Range
from tests.support.counted import Stored
from tests.telemetry.samples import NOON, hour

COUNT, P95 = {"metric": "requests.count"}, {"metric": "requests.p95"}
LOADS = [
    (1, "/", "a" * 16),
    (2, "/cart", "a" * 16),
    (3, "/cart", "a" * 16),
    (50, "/", "a" * 16),
    (1, "/", "b" * 16),
    (4, "/books", "b" * 16),
    (2, "/help", ""),
]
"""Minute, page and person of each page load."""


@pytest.mark.parametrize(
    ("kind", "chosen", "words"),
    [
        ("table", {"queries": [COUNT, P95], "by": "endpoint"}, "By endpoint: GET /a: 130; "),
        ("table", {"queries": [COUNT, P95], "by": "endpoint", "formula": "a / b"}, "GET /a: 0.396"),
        ("top", {"queries": [COUNT], "by": "endpoint"}, "Requests by endpoint: GET /a: 130; "),
        ("heat", {"queries": [COUNT], "by": "endpoint"}, "Requests: highest GET /a, "),
        ("heat", {"queries": [P95]}, "Requests: P95: highest Fri, 14:00: "),
        ("histogram", {}, "Durations of requests: 271 requests, most often "),
        ("histogram", {"endpoint": "GET /a"}, "GET /a: 130 requests, most often "),
        ("area", {"queries": [COUNT]}, "Requests: highest "),
        ("number", {"queries": [COUNT, P95], "formula": "a/b", "threshold": 3}, "a/b: "),
    ],
)
def test_a_kind_draws_its_numbers_and_says_them(app, acme, inside, kind, chosen, words):
    board = Board(
        organization_id=acme.organization_id,
        document=Document(title="Own"),
        projects=[acme],
        shown=Range("", NOON, hour(6)),
        values={},
        way=lambda project, endpoint, /, **_: f"/{project.slug}/{endpoint}",
    )
    with inside(acme), app.test_request_context():
        Stored(app, acme)
        own = drawn(board, Tile(id="a" * 12, kind=kind, settings=chosen))
        part = render_template("dashboards/_tile.html", drawn=own)
    assert own.content
    assert words in own.content.words
    assert own.content.table.rows
    assert 'id="tile-body-aaaaaaaaaaaa"' in part


def test_a_field_of_hours_leads_to_its_highest_one_and_a_mail_has_the_shades(app, acme, inside):
    board = Board(
        organization_id=acme.organization_id,
        document=Document(title="Own"),
        projects=[acme],
        shown=Range("24h", NOON, hour(24)),
        values={},
        way=lambda project, endpoint, /, **_: f"/{project.slug}/{endpoint}",
    )
    with inside(acme), app.test_request_context():
        Stored(app, acme)
        own = drawn(board, Tile(id="a" * 12, kind="heat", settings={"queries": [COUNT]})).content
    assert own
    fields = [cell for row in own.own.rows for cell in row.cells if cell.number]
    assert all("; highest on " in cell.words and cell.url for cell in fields)
    assert not any(cell.url for row in own.own.rows for cell in row.cells if not cell.number)
    picture = heat.still(own).whole
    assert picture.count("≤ ") == len(own.own.shades) > 0


def test_a_number_without_data_says_what_has_to_come_and_its_part_says_its_period(
    app, acme, inside
):
    board = Board(
        organization_id=acme.organization_id,
        document=Document(title="Own"),
        projects=[acme],
        shown=Range("24h", NOON, hour(24)),
        values={},
        way=lambda project, endpoint, /, **_: f"/{project.slug}/{endpoint}",
    )

    def part(metric: str, board: Board = board) -> str:
        settings = {"queries": [{"metric": metric}]}
        own = drawn(board, Tile(id="a" * 12, kind="number", settings=settings))
        return render_template("dashboards/_tile.html", drawn=own)

    with inside(acme), app.test_request_context():
        assert "No sessions with a user in the last 24 hours." in part("sessions.crash_free_users")
        assert "No data in the last 24 hours." in part("rules.lag")
        Stored(app, acme)
        page = part("requests.count")
        later = replace(board, shown=Range("3h", hour(3), hour(6)))
        assert part("requests.count", later).count("3 h vs before</span>") == 1
    assert page.count("24 h</span>") == 1, "nothing was before"
    assert 'class="truncate">24 h' not in page


def test_steps_are_from_a_page_to_another_of_the_same_person_within_half_an_hour(app, acme):
    own = {"organization_id": acme.organization_id, "project_id": acme.id}
    loads = [
        PageLoad(
            **own,
            position=1,
            page_id=f"{number:016x}",
            timestamp=NOON + timedelta(minutes=minute),
            received_at=NOON,
            page=page,
            user_key=person,
        )
        for number, (minute, page, person) in enumerate(LOADS, 1)
    ]
    with app.app_context():
        app.extensions[EXTENSION].write(acme.organization_id, Batch(page_loads=loads), 1)
        ways = steps(Scope(since=NOON, until=hour(3), **own))
    listed = [(step.page, step.following, step.times, step.of) for step in ways]
    assert listed == [("/", "/books", 1, 2), ("/", "/cart", 1, 2)]
