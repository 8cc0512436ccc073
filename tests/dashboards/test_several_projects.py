"""Tiles of a dashboard across projects show every project, not the first alone."""

from datetime import timedelta
from typing import Any

import pytest

from console.accounts.models import Organization, Project
from console.core.db import db
from console.dashboards.document import Document, Tile
from console.dashboards.drawn import Board, drawn
from console.dashboards.tiles.heat import level, shades
from console.telemetry.records import Batch, PageLoad
from console.telemetry.store import EXTENSION
from console.web.charts import Marker
from console.web.timeline import provide_markers
from console.web.timerange import Range
from tests.support.factories import make_project
from tests.telemetry.samples import NOON, hour, span

COUNT = {"queries": [{"metric": "requests.count"}]}


@pytest.fixture
def both(app, acme, inside) -> tuple[Project, Project]:
    """Two projects: shop with many requests of many endpoints, and api with few of one."""
    with inside(acme):
        organization = db.session.get_one(Organization, acme.organization_id)
    api = make_project(app, organization, "api")
    names = {acme.id: [f"GET /{n}" for n in range(12)] * 3, api.id: ["GET /only"] * 50}
    for place, project in enumerate((acme, api), 1):
        own: dict[str, Any] = {
            "organization_id": project.organization_id,
            "project_id": project.id,
        }
        requests = [
            span(
                place,
                **own,
                at=NOON + timedelta(minutes=minute),
                endpoint=name,
                category="request",
                is_segment=True,
                release=f"{project.slug}@{minute // 30}",
                duration_us=1000 * (1 + minute),
            )
            for minute, name in enumerate(names[project.id])
        ]
        loads = [
            PageLoad(
                **own,
                position=place,
                page_id=f"{place}{n:015x}",
                timestamp=hour(1),
                received_at=hour(1),
                page="/",
                lcp=900.0,
            )
            for n in range(3)
        ]
        with app.app_context():
            store = app.extensions[EXTENSION]
            store.write(project.organization_id, Batch(spans=requests, page_loads=loads), place)
    return acme, api


@pytest.fixture
def shown(app, inside, both):
    """A function that draws a tile on a dashboard across both projects."""

    def draw(kind, since=NOON, until=None, **settings):
        board = Board(
            organization_id=both[0].organization_id,
            document=Document(title="All"),
            projects=list(both),
            shown=Range("", since, until or hour(6)),
            values={},
            way=lambda project, endpoint, /, **_: f"/{project.slug}/{endpoint}",
        )
        with inside(both[0]), app.test_request_context():
            own = drawn(board, Tile(id="a" * 12, kind=kind, settings=settings))
        assert own.content, own.error
        return own.content

    return draw


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        ("heat", {**COUNT, "by": "endpoint"}),
        ("heat", COUNT),
        ("vitals", {}),
        ("table", {**COUNT, "by": "endpoint"}),
        ("top", {**COUNT, "by": "endpoint"}),
        ("endpoints", {}),
    ],
)
def test_a_tile_across_projects_has_rows_of_each(shown, both, kind, chosen):
    names = [str(row[0].value) for row in shown(kind, **chosen).table.rows]
    assert {name.partition(": ")[0] for name in names} == {project.name for project in both}


def test_what_moved_is_looked_for_in_each_project(shown, both):
    rows = shown("moved", **COUNT, limit=40, since=hour(0.5), until=hour(1)).table.rows
    names = {str(row[0].value).partition(": ")[0] for row in rows}
    assert names == {project.name for project in both}


def test_a_histogram_says_whose_requests_it_shows_and_how_to_see_the_others(shown, both):
    content = shown("histogram")
    assert f"of {both[0].name} alone: the tile can name another project" in content.subtitle
    assert "alone" not in shown("histogram", project=both[1].slug).subtitle


def test_a_chart_leads_to_the_project_whose_number_is_highest_and_marks_moments_of_all(
    app, shown, both
):
    provide_markers(
        app,
        lambda _project, _since, until, _where, _about: [
            Marker(until - timedelta(minutes=1), "v1", page="errors.inbox")
        ],
    )
    content = shown("line", **COUNT)
    assert content.chart.links[0].startswith("/shop/")  # 30 against 29
    assert content.chart.links[1].startswith("/api/")  # 6 against 20
    marked = {(marker.text, marker.url) for marker in content.chart.markers}
    assert marked == {(f"{own.name}: v1", f"/{own.slug}/errors.inbox") for own in both}


@pytest.mark.parametrize(
    ("numbers", "bounds", "levels"),
    [
        ([], [], []),
        ([5], [1, 2, 3, 4, 5], [5]),
        ([0, None, 10, 20, 30, 40, 50], [10, 20, 30, 40, 50], [0, 0, 1, 2, 3, 4, 5]),
        ([10, 20, 30, 40, 9_000], [10, 20, 30, 40, 9_000], [1, 2, 3, 4, 5]),
        ([7] * 9 + [900], [1.75, 3.5, 5.25, 7, 900], [4] * 9 + [5]),
    ],
)
def test_a_number_far_beyond_the_others_leaves_them_their_shades(numbers, bounds, levels):
    assert shades([number for number in numbers if number]) == bounds
    assert [level(number, bounds) for number in numbers] == levels
