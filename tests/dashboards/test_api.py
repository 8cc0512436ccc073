"""Dashboards for scripts: one document each, sorted, checked, saved over a version."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from console.accounts.models import Organization
from console.core.db import db
from console.dashboards import sheet
from console.dashboards.document import LONGEST_DOCUMENT
from console.dashboards.models import Dashboard
from console.telemetry.tile import Table, TableCell, TableColumn
from tests.dashboards.documents import document
from tests.support import factories
from tests.support.counted import Stored

URL = "/api/v1/acme/shop/dashboards"
FILE = document().stored
WRONG = {
    "another version": ({"format": 2}, "format"),
    "no tabs": ({"tabs": "x"}, "tabs"),
    "an unknown member": ({"uid": "x"}, "uid"),
    "a long title": ({"title": "x" * 101}, "title"),
    "a title of white space": ({"title": "  "}, "title"),
    "a range that there is not": ({"range": "now-6h"}, "range"),
    "a variable twice": ({"variables": [{"name": "a"}, {"name": "a"}]}, "variables.1.name"),
}
OF_A_TILE = {
    "an unknown kind": ({"kind": "funnels"}, "kind"),
    "a metric that is gone": (
        {"settings": {"queries": [{"metric": "gone.gone"}]}},
        "settings.queries.0.metric",
    ),
    "a place beyond the grid": ({"place": {"x": 10, "w": 6}}, "place.w"),
    "a number that no column holds": ({"place": {"y": 10**18}}, "place.y"),
    "a fraction": ({"place": {"y": 1.5}}, "place.y"),
    "a threshold beyond bounds": (
        {
            "settings": {
                **FILE["tabs"][0]["sections"][0]["tiles"][1]["settings"],
                "threshold": 1e300,
            }
        },
        "settings.threshold",
    ),
    "a formula that is none": (
        {"settings": {"queries": [{"metric": "requests.p95"}], "formula": "__import__('os')"}},
        "settings.formula",
    ),
}


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, "dashboards:read", "dashboards:write")


@pytest.fixture
def made(script):
    answer = script.post(URL, json=FILE)
    assert answer.status_code == 201, answer.text
    return answer.json


def organization_of(app, project) -> Organization:
    with factories.inside(app, project):
        return db.session.get_one(Organization, project.organization_id)


def with_tile(**changes):
    """The file with other members in its second tile."""
    own = json.loads(json.dumps(FILE))
    own["tabs"][0]["sections"][0]["tiles"][1].update(changes)
    return own


def test_a_document_is_the_same_bytes_each_time_and_sorted(script, made):
    first, second = (script.get(f"{URL}/{made['id']}") for _ in range(2))
    assert first.data == second.data
    assert first.text == json.dumps(first.json, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert first.headers["ETag"] == '"1"'
    kept = script.get(f"{URL}/{made['id']}", headers={"If-None-Match": '"1"'})
    assert (kept.status_code, kept.data) == (304, b"")


def test_what_was_read_is_put_back_without_a_version(script, made):
    text = script.get(f"{URL}/{made['id']}").data
    answer = script.put(f"{URL}/{made['id']}", data=text)
    assert answer.status_code == 200, answer.text
    assert (answer.json["version"], answer.json["differences"]) == (1, [])
    assert script.get(f"{URL}/{made['id']}").data == text


def test_a_change_says_what_it_changed_and_is_a_version(script, made):
    own = script.get(f"{URL}/{made['id']}").json
    own["tabs"][0]["sections"][0]["tiles"][1]["settings"]["queries"][0]["metric"] = "requests.p99"
    answer = script.put(f"{URL}/{made['id']}", json=own, headers={"If-Match": '"1"'})
    assert answer.json["version"] == 2
    assert answer.json["differences"] == [
        {"place": "Slow", "words": "metric requests.p95 → requests.p99"}
    ]
    versions = script.get(f"{URL}/{made['id']}/versions").json["versions"]
    assert [row["number"] for row in versions] == [2, 1]
    former = script.get(f"{URL}/{made['id']}/versions/1")
    assert "requests.p99" not in former.text
    assert "requests.p95" in former.text


def test_a_version_that_somebody_saved_meanwhile_is_a_conflict_with_the_differences(script, made):
    url = f"{URL}/{made['id']}"
    own = script.get(url).json
    theirs = {**own, "title": "Theirs"}
    assert script.put(url, json=theirs, headers={"If-Match": '"1"'}).status_code == 200
    answer = script.put(url, json={**own, "tags": ["mine"]}, headers={"If-Match": '"1"'})
    assert answer.status_code == 409
    assert answer.mimetype == "application/problem+json"
    assert answer.json["version"] == 2
    assert answer.json["saved_since"] == [
        {"place": "The dashboard", "words": "title Shop → Theirs"}
    ]
    assert {"place": "Tag mine", "words": "added"} in answer.json["would_change"]
    assert script.get(url).json["title"] == "Theirs"
    assert script.put(url, json=own, headers={"If-Match": "nonsense"}).status_code in {200, 409}


@pytest.mark.parametrize(("changes", "place"), WRONG.values(), ids=WRONG)
def test_a_document_is_refused_with_each_fault_by_place(script, changes, place):
    answer = script.post(URL, json=FILE | changes)
    assert answer.status_code == 400
    assert place in {fault["place"] for fault in answer.json["faults"]}
    assert place in answer.json["detail"]
    assert script.get(URL).json == {"dashboards": []}


@pytest.mark.parametrize(("changes", "place"), OF_A_TILE.values(), ids=OF_A_TILE)
def test_a_tile_is_refused_with_each_fault_by_place(script, made, changes, place):
    answer = script.put(f"{URL}/{made['id']}", json=with_tile(**changes))
    assert answer.status_code == 400
    places = {fault["place"] for fault in answer.json["faults"]}
    assert f"tabs.0.sections.0.tiles.1.{place}" in places
    assert script.get(URL).json["dashboards"][0]["version"] == 1


def test_all_faults_come_at_once(script):
    wrong = with_tile(kind="funnels") | {"range": "2y", "title": ""}
    faults = script.post(URL, json=wrong).json["faults"]
    assert {fault["place"] for fault in faults} >= {
        "title", "range", "tabs.0.sections.0.tiles.1.kind"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"title": ' * 2_000 + b"1" + b"}" * 2_000, 400),
        (b'{"title": "\\u0000"}', 400),
        (b'{"title": "\\ud800"}', 400),
        (b'{"title": "a", "tabs": [1, null, "x"]}', 400),
        (b'{"title": NaN}', 400),
        (b"[]", 400),
        (b"", 400),
        (b'{"title": "' + b"x" * (LONGEST_DOCUMENT * 2) + b'"}', 413),
        (b'{"title": "' + b"x" * 10_000_000 + b'"}', 413),
    ],
    ids=["open", "deep", "NUL", "surrogate", "no objects", "NaN", "list", "empty", "long", "10 MB"],
)
def test_a_body_that_is_no_document_is_refused(script, body, status):
    answer = script.post(URL, data=body)
    assert answer.status_code == status, answer.text
    assert script.get(URL).json == {"dashboards": []}


def test_ids_of_a_document_name_nothing(script, made, make_dashboard, globex):
    _, foreign = make_dashboard(globex)
    own = script.get(f"{URL}/{made['id']}").json
    tiles = own["tabs"][0]["sections"][0]["tiles"]
    ids = [tile["id"] for tile in tiles]
    for tile in tiles:
        tile["id"] = ids[0]
    tiles.append({**tiles[0], "id": foreign[0], "title": "Foreign", "place": {"y": 9}})
    assert script.put(f"{URL}/{made['id']}", json=own).status_code == 200
    saved = script.get(f"{URL}/{made['id']}").json["tabs"][0]["sections"][0]["tiles"]
    now = [tile["id"] for tile in saved]
    assert len(set(now)) == 4
    assert set(ids) <= set(now)
    assert not set(now) & set(foreign)


def test_a_file_is_applied_to_projects_and_again_changes_nothing(app, script, as_script, acme):
    beside = factories.make_project(app, organization_of(app, acme), "blog")
    other = as_script(beside, "dashboards:read", "dashboards:write")
    there = "/api/v1/acme/blog/dashboards"
    file = replace(document("Ours"), tags=("team",)).stored
    for script_, url in ((script, URL), (other, there)):
        assert script_.put(url, json=file).status_code == 201
        again = script_.put(url, json=file)
        assert (again.status_code, again.json["version"]) == (200, 1)
        assert again.json["differences"] == []
    file["tags"] = ["team", "morning"]
    assert other.put(there, json=file).json["differences"] == [
        {"place": "Tag morning", "words": "added"}
    ]
    assert script.get(URL).json["dashboards"][0]["tags"] == ["team"]


def test_a_title_that_several_have_is_no_place_to_apply_to(script, made):
    assert script.post(URL, json=FILE).status_code == 201
    answer = script.put(URL, json=FILE)
    assert answer.status_code == 409
    assert "2 dashboards have the title Shop" in answer.json["detail"]


def test_a_dashboard_is_deleted(script, made):
    assert script.delete(f"{URL}/{made['id']}").status_code == 204
    assert script.get(f"{URL}/{made['id']}").status_code == 404


def test_a_token_needs_the_permission_and_its_own_project(as_script, acme, globex, made, inside):
    reader, strange = as_script(acme, "dashboards:read"), as_script(globex, "dashboards:read")
    url = f"{URL}/{made['id']}"
    assert reader.get(url).status_code == 200
    for answer in (reader.post(URL, json=FILE), reader.put(URL, json=FILE),
                   reader.put(url, json=FILE), reader.delete(url)):  # fmt: skip
        assert answer.status_code == 403
    assert strange.get(url).status_code == 404
    with inside(acme):
        tile = db.session.get_one(Dashboard, made["id"]).document["tabs"][0]["sections"][0]["tiles"]
    foreign = f"/api/v1/globex/web/dashboards/{made['id']}"
    for path in ("", "/versions", "/versions/1", f"/tiles/{tile[0]['id']}"):
        assert strange.get(foreign + path).status_code == 404
    assert as_script(acme, "issues:read").get(URL).status_code == 403


@pytest.fixture
def tile(app, acme, inside, made, script):
    with inside(acme):
        Stored(app, acme)
    tiles = script.get(f"{URL}/{made['id']}").json["tabs"][0]["sections"][0]["tiles"]
    line = next(own["id"] for own in tiles if own["kind"] == "line")
    return f"{URL}/{made['id']}/tiles/{line}"


def test_a_tile_answers_its_numbers(script, tile):
    answer = script.get(f"{tile}?range=14d").json
    assert (answer["title"], answer["kind"]) == ("Slow", "line")
    assert answer["columns"][0] == {"title": "Time", "format": "time", "unit": ""}
    assert any(row[1] is not None for row in answer["rows"])
    assert answer["words"]
    assert answer["environment"] == ""
    times = [datetime.fromisoformat(row[0]) for row in answer["rows"]]
    assert times == sorted(times)


def test_the_same_numbers_are_a_sheet(script, tile):
    numbers = script.get(f"{tile}?range=14d").json["rows"]
    answer = script.get(f"{tile}?range=14d&format=csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0][0] == "Time"
    assert rows[1:] == [["" if cell is None else str(cell) for cell in row] for row in numbers]


@pytest.mark.parametrize(
    "query",
    ["range=2y", "since=2026-11-02T00:00&until=2026-11-01T00:00", "format=xml", "var.page=x",
     "colour=red", "environment=" + "x" * 65],
)  # fmt: skip
def test_a_parameter_that_makes_no_sense_is_named(script, tile, query):
    answer = script.get(f"{tile}?{query}")
    assert answer.status_code == 400
    assert answer.json["detail"]


def test_a_tile_whose_metric_is_gone_says_so(script, made, inside, acme):
    url = f"{URL}/{made['id']}"
    tile_id = script.get(url).json["tabs"][0]["sections"][0]["tiles"][0]["id"]
    with inside(acme):
        own = db.session.get_one(Dashboard, made["id"])
        text = json.dumps(own.document).replace("requests.p95", "gone.gone")
        own.document = json.loads(text)
        db.session.commit()
    answer = script.get(f"{url}/tiles/{tile_id}")
    assert answer.status_code == 400
    assert "there is no metric gone.gone" in answer.json["detail"]


def test_a_sheet_holds_no_formula():
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|calc", "%0A"]
    evil += ["\uff1d1", "\u00a0=1", "\u200b=1", "\ufeff@a"]
    moment = datetime(2026, 11, 2, tzinfo=UTC)
    rows = [[TableCell(text), TableCell(-1.5), TableCell(moment)] for text in evil]
    table = Table([TableColumn("=cmd", "text", "ms"), TableColumn("B"), TableColumn("C")], rows)
    written = list(csv.reader(io.StringIO(sheet.csv_of(table))))
    assert written[0][0] == "'=cmd (ms)"
    assert [row[0] for row in written[1:]] == [f"'{text}" for text in evil]
    assert {tuple(row[1:]) for row in written[1:]} == {("-1.5", "2026-11-02T00:00:00+00:00")}


def test_a_title_is_the_same_however_its_letters_are_spelled(as_script, acme):
    script = as_script(acme, "dashboards:read", "dashboards:write")
    for title, status in (("\u00dcberblick", 201), ("U\u0308berblick", 200)):
        stored = document(title=title).stored
        assert script.put("/api/v1/acme/shop/dashboards", json=stored).status_code == status
