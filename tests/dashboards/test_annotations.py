"""Notes on the time axis: written by people and scripts, shown in every chart."""

from datetime import timedelta

import pytest

from console.core import clock
from console.core.db import db
from console.dashboards import annotations as domain
from console.dashboards.models import LONGEST_NOTE, Annotation
from console.web.timeline import Timeline
from console.web.timerange import Range
from tests.support.clients import HTMX

PAGE, URL = "/acme/shop/annotations", "/api/v1/acme/shop/annotations"


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, "dashboards:read", "dashboards:write")


@pytest.fixture
def note(as_alice, inside, acme):
    as_alice.post(PAGE, data={"text": "Sale begins", "environment": "production"})
    with inside(acme):
        return db.session.query(Annotation).one().id


def test_a_member_marks_a_moment(as_alice, note):
    page = as_alice.get(PAGE).text
    assert "Sale begins" in page
    assert "production" in page
    assert as_alice.get(PAGE, headers=HTMX).text.startswith('<div id="annotations"')
    form = as_alice.get(f"{PAGE}/new", headers=HTMX).text
    assert form.startswith('<section id="annotation-form"')


def test_a_note_is_changed_and_deleted(as_alice, note, inside, acme):
    form = as_alice.get(f"{PAGE}/{note}").text
    assert "Sale begins" in form
    answer = as_alice.post(f"{PAGE}/{note}", data={"text": "Sale ends", "at": "2026-11-02T08:00Z"})
    assert (answer.status_code, answer.location) == (303, PAGE)
    with inside(acme):
        own = db.session.get_one(Annotation, note)
        assert (own.text, own.environment, own.at.day) == ("Sale ends", "", 2)
    assert as_alice.post(f"{PAGE}/{note}/removal").status_code == 303
    assert "Sale" not in as_alice.get(PAGE).text


@pytest.mark.parametrize(
    "wrong",
    [{"text": ""}, {"text": "  "}, {"text": "x" * (LONGEST_NOTE + 1)}, {"at": "yesterday"},
     {"at": "1999-01-01T00:00"}, {"environment": "x" * 65}],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field(as_alice, wrong):
    answer = as_alice.post(PAGE, data={"text": "a", **wrong}, headers=HTMX)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "No notes yet" in as_alice.get(PAGE).text


def test_viewers_read_and_strangers_find_nothing(as_vic, as_eve, note):
    assert "Sale begins" in as_vic.get(PAGE).text
    assert "Mark a moment" not in as_vic.get(PAGE).text
    for path in ("", f"/{note}", f"/{note}/removal"):
        assert as_vic.post(PAGE + path, data={"text": "a"}).status_code == 403
        assert as_eve.post(PAGE + path, data={"text": "a"}).status_code == 404
        assert as_eve.post(f"/globex/web/annotations{path}").status_code in {404, 422}
    assert as_eve.get(PAGE).status_code == 404


def test_a_note_stands_in_charts_of_its_environment(acme, inside, app):
    with inside(acme):
        now = clock.now()
        for environment in ("", "production", "staging"):
            fields = {"at": now - timedelta(hours=1), "environment": environment,
                      "text": f"in {environment or 'all'}"}  # fmt: skip
            domain.mark(acme, fields, script="test")
        domain.mark(acme, {"at": now - timedelta(days=3), "environment": "", "text": "x" * 99})
        db.session.commit()
        day = Range("", now - timedelta(days=1), now, "production")
        with app.test_request_context():
            texts = [marker.text for marker in Timeline.of(acme, day).markers]
        assert {"in all", "in production"} <= set(texts)
        assert "in staging" not in texts
        week = domain.markers(acme, now - timedelta(days=7), now)
        assert len(week) == 4
        assert week[0].text == "x" * 39 + "…"


def test_a_script_writes_reads_changes_and_deletes_notes(script):
    made = script.post(URL, json={"text": "Deploy", "at": "2026-11-20T08:00:00Z"})
    assert made.status_code == 201, made.text
    assert made.json["at"] == "2026-11-20T08:00:00+00:00"
    own = f"{URL}/{made.json['id']}"
    changed = script.put(own, json={"text": "Deployed", "environment": "production"})
    assert changed.json | {"text": "", "environment": ""} == made.json | {
        "text": "", "environment": ""
    }  # fmt: skip
    listed = script.get(f"{URL}?since=2026-11-20T00:00Z&until=2026-11-21T00:00Z").json
    assert [row["text"] for row in listed["annotations"]] == ["Deployed"]
    assert script.get(f"{URL}?since=2026-11-21T00:00Z").json["annotations"] == []
    assert script.get(f"{URL}?environment=staging").json["annotations"] == []
    assert script.delete(own).status_code == 204
    assert script.get(own).status_code == 404


def test_a_script_reads_page_after_page(script):
    for number in range(3):
        script.post(URL, json={"text": f"note {number}"})
    first = script.get(f"{URL}?limit=2").json
    second = script.get(first["next"]).json
    assert "annotations" in second, second
    texts = [row["text"] for row in first["annotations"] + second["annotations"]]
    assert sorted(texts) == ["note 0", "note 1", "note 2"]
    assert second["next"] is None


@pytest.mark.parametrize("given", [{}, {"text": ["a"]}, {"text": "a", "by": "me"}, {"at": "now"}])
def test_a_document_that_is_no_note_is_refused(script, given):
    assert script.post(URL, json=given).status_code == 400


def test_a_token_needs_the_permission_and_its_own_project(as_script, acme, globex, note):
    reader, strange = (
        as_script(acme, "dashboards:read"),
        as_script(globex, "dashboards:read", "dashboards:write"),
    )
    assert reader.get(f"{URL}/{note}").status_code == 200
    assert reader.post(URL, json={"text": "a"}).status_code == 403
    own = f"/api/v1/globex/web/annotations/{note}"
    assert strange.get(own).status_code == 404
    assert strange.put(own, json={"text": "a"}).status_code == 404
    assert strange.delete(own).status_code == 404
