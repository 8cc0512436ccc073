"""A dashboard and its tiles, for members."""

import re
from datetime import datetime, timedelta

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from console.core import clock
from console.core.db import db
from console.dashboards import making
from console.dashboards.models import Dashboard
from console.dashboards.shelf import EXTENSION, Shelf
from console.web.htmx import AS_OF_HEADER, VERSION_HEADER
from tests.support.clients import HTMX
from tests.support.counted import Stored
from tests.support.scheduled import perform


@pytest.fixture
def stored(app, acme, inside):
    with inside(acme):
        return Stored(app, acme)


@pytest.fixture
def operational(app, acme, inside):
    with app.app_context():
        perform("keep-standard-dashboards")
    with inside(acme):
        made = db.session.query(Dashboard).filter_by(template="operational").one()
        return made.id, [tile["id"] for tile in made.document["tabs"][0]["sections"][0]["tiles"]]


def test_a_project_opens_with_its_operational_dashboard(as_alice, operational):
    dashboard_id, tiles = operational
    page = as_alice.get("/acme/shop/").text
    assert "<h1>Operations</h1>" in page
    assert re.search(r'aria-current="page"[^>]*>.*?Dashboards', page, re.DOTALL)
    assert all(f'id="tile-{tile}"' in page for tile in tiles)
    assert as_alice.get(f"/acme/shop/dashboards/{dashboard_id}").status_code == 200


@pytest.mark.usefixtures("stored")
def test_every_tile_of_a_template_is_drawn(as_alice, operational):
    dashboard_id, tiles = operational
    for tile in tiles:
        answer = as_alice.get(f"/acme/shop/dashboards/{dashboard_id}/tiles/{tile}", headers=HTMX)
        assert answer.status_code == 200
        assert f'id="tile-{tile}"' in answer.text
        assert "tile-error" not in answer.text


def test_a_deleted_standard_dashboard_stays_deleted(app, acme, inside, operational):
    with inside(acme):
        making.remove(db.session.get_one(Dashboard, operational[0]))
        db.session.commit()
    with app.app_context():
        perform("keep-standard-dashboards")
    with inside(acme):
        assert db.session.get(Dashboard, operational[0]) is None
        assert db.session.query(Dashboard).filter_by(template="operational").count() == 0


def test_dashboards_of_others_are_not_there(as_eve, operational):
    dashboard_id, tiles = operational
    for path in ("", f"/tiles/{tiles[0]}"):
        assert as_eve.get(f"/acme/shop/dashboards/{dashboard_id}{path}").status_code == 404
        assert as_eve.get(f"/globex/web/dashboards/{dashboard_id}{path}").status_code == 404


def test_a_poll_of_a_tile_that_did_not_change_is_answered_204(app, as_alice, operational):
    dashboard_id, tiles = operational
    url = f"/acme/shop/dashboards/{dashboard_id}/tiles/{tiles[1]}"
    first = as_alice.get(url, headers=HTMX)
    app.extensions[EXTENSION] = Shelf()  # it is asked anew, and as of another second
    known = {VERSION_HEADER: first.headers[VERSION_HEADER]}
    same = as_alice.get(url, headers={**HTMX, **known})
    assert same.status_code == 204
    assert clock.now() - datetime.fromisoformat(same.headers[AS_OF_HEADER]) < timedelta(seconds=30)
    assert as_alice.get(url, headers={**HTMX, VERSION_HEADER: "another"}).status_code == 200


def test_on_paper_a_dashboard_says_whose_it_is_its_range_and_environment(
    as_alice, acme, make_dashboard
):
    dashboard_id, _ = make_dashboard(acme)
    page = as_alice.get(f"/acme/shop/dashboards/{dashboard_id}?range=7d&environment=production")
    line = HTMLParser(page.text).css_first(".on-paper")
    assert line is not None
    words = " ".join(line.text().split())
    assert words.startswith("Acme / Shop · Last 7 days · production · as of ")
