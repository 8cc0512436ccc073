"""Dashboards of the organization for scripts: under a permission of their own."""

import pytest

from console.accounts.models import Organization
from console.core.db import db
from tests.dashboards.documents import document
from tests.support import factories
from tests.support.counted import Stored

URL = "/api/v1/acme/shop/organization-dashboards"
READ, WRITE = "organization-dashboards:read", "organization-dashboards:write"
FILE = document("All shops").stored


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, READ, WRITE)


@pytest.mark.usefixtures("both_databases")
def test_a_file_is_applied_to_the_organization_and_again_changes_nothing(script):
    made = script.put(URL, json=FILE)
    assert made.status_code == 201, made.text
    assert made.json["url"] == f"http://localhost/acme/dashboards/{made.json['id']}"
    again = script.put(URL, json=FILE)
    assert (again.status_code, again.json["version"]) == (200, 1)
    own = f"{URL}/{made.json['id']}"
    assert script.get(own).json["title"] == "All shops"
    renamed = script.put(own, json={**FILE, "title": "Every shop"})
    assert renamed.json["version"] == 2
    assert [row["number"] for row in script.get(f"{own}/versions").json["versions"]] == [2, 1]
    assert script.get(f"{own}/versions/1").json["title"] == "All shops"
    assert script.delete(own).status_code == 204
    assert script.get(URL).json == {"dashboards": []}


def test_a_tile_has_the_numbers_of_every_project_but_the_consoles_own(
    app, acme, inside, script, make_dashboard
):
    with inside(acme):
        home = db.session.get_one(Organization, acme.organization_id)
        db.session.expunge(home)
        Stored(app, acme)
    factories.make_project(app, home, "blog")
    dashboard_id, tiles = make_dashboard(acme, across=True)
    answer = script.get(f"{URL}/{dashboard_id}/tiles/{tiles[0]}?range=90d")
    assert answer.status_code == 200, answer.text
    assert [row[0] for row in answer.json["rows"]] == ["Blog", "Shop"]
    sheet = script.get(f"{URL}/{dashboard_id}/tiles/{tiles[0]}?format=csv")
    assert sheet.mimetype == "text/csv"


def test_it_has_links(script, client, acme, make_dashboard):
    dashboard_id, _ = make_dashboard(acme, across=True)
    links = f"{URL}/{dashboard_id}/links"
    made = script.post(links, json={"name": "Carol"})
    assert made.status_code == 201, made.text
    assert client.get(made.json["url"].removeprefix("http://localhost")).status_code == 200
    assert len(script.get(links).json["links"]) == 1


def test_a_token_without_the_permission_sees_none(as_script, acme, globex, make_dashboard):
    dashboard_id, tiles = make_dashboard(acme, across=True)
    own = f"{URL}/{dashboard_id}"
    plain = as_script(acme, "dashboards:read", "dashboards:write")
    reader, strange = as_script(acme, READ), as_script(globex, READ, WRITE)
    foreign = f"/api/v1/globex/web/organization-dashboards/{dashboard_id}"
    for path in ("", "/versions", "/versions/1", f"/tiles/{tiles[0]}", "/links"):
        assert plain.get(own + path).status_code == 403
        assert strange.get(own + path).status_code == 404
        assert strange.get(foreign + path).status_code == 404
    refused = (
        reader.post(URL, json=FILE),
        reader.put(URL, json=FILE),
        reader.put(own, json=FILE),
        reader.delete(own),
        reader.post(f"{own}/links", json={"name": "x"}),
    )
    assert {answer.status_code for answer in refused} == {403}
    assert reader.get(f"/api/v1/acme/shop/dashboards/{dashboard_id}").status_code == 403


def test_a_dashboard_of_a_project_is_not_at_the_organizations_address(
    script, as_script, acme, make_dashboard
):
    of_project, _ = make_dashboard(acme)
    across, _ = make_dashboard(acme, across=True)
    both = as_script(acme, READ, "dashboards:read")
    assert both.get(f"{URL}/{of_project}").status_code == 404
    assert both.get(f"/api/v1/acme/shop/dashboards/{across}").status_code == 404
