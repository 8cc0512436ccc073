"""What moved in a part of a tile's time."""

from datetime import timedelta

import pytest

from console.core.db import db
from console.dashboards import making
from console.dashboards.document import Document, Section, Tab, Tile
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON, error, hour

TIME = {"since": NOON.isoformat(), "until": hour(1).isoformat()}


@pytest.fixture
def tile(app, acme, inside):
    """A chart of errors; in the hour after noon most come of a new release, before of another."""
    own = {"organization_id": acme.organization_id, "project_id": acme.id, "kind": "KeyError"}
    counts = {"shop@1": (8, 2), "shop@2": (2, 8)}
    events = [
        error(1, timestamp=NOON + timedelta(minutes=minutes), release=release, **own)
        for release, (before, after) in counts.items()
        for minutes in (*range(-before, 0), *range(1, after + 1))
    ]
    app.extensions[EXTENSION].write(acme.organization_id, Batch(errors=events), 1)
    settings = {"queries": [{"metric": "errors.events"}]}
    tile = Tile(id="", kind="bar", title="Errors", settings=settings)
    with inside(acme):
        document = Document(title="Own", tabs=[Tab(sections=[Section(tiles=[tile])])])
        made = making.create(acme, document)
        db.session.commit()
        own_tile = next(Document.of(made.document).tiles)
        return f"/dashboards/{made.id}/tiles/{own_tile.id}"


def test_the_release_whose_share_moved_most_is_named_with_both_shares(as_vic, tile):
    page = as_vic.get(f"/acme/shop{tile}/moved", query_string=TIME).text
    assert "What moved: Errors" in page
    assert "shop@2 (release) from 20% to 80%" in page
    assert "shop@1 (release) from 80% to 20%" in page


def test_its_values_lead_to_the_issues_of_that_time(as_vic, tile):
    part = as_vic.get(f"/acme/shop{tile}/moved", query_string=TIME, headers=HTMX).text
    assert part.startswith("<section")
    assert "/acme/shop/issues/?" in part
    assert "release=shop%402" in part or "release=shop@2" in part


def test_a_time_in_which_nothing_came_says_so(as_vic, tile):
    early = {"since": hour(-9).isoformat(), "until": hour(-8).isoformat()}
    page = as_vic.get(f"/acme/shop{tile}/moved", query_string=early).text
    assert "Nothing arrived in this time range" in page


def test_a_chart_offers_it_and_a_stranger_does_not_see_it(as_vic, as_eve, tile):
    assert f'data-moved="/acme/shop{tile}/moved' in as_vic.get(f"/acme/shop{tile}").text
    assert as_eve.get(f"/acme/shop{tile}/moved").status_code == 404
