"""Incidents for scripts: listed, filtered, and what is done to one."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerting import incidents
from console.alerting.evaluation import evaluate
from console.alerting.models import Incident, IncidentEvent, IncidentVerb
from console.core.db import db
from tests.telemetry.samples import NOON

INCIDENTS = "/api/v1/acme/shop/incidents"


@pytest.fixture
def incident(acme, inside, clock, make_rule, counted_requests) -> int:
    """An incident of 12:03 that is open at 12:05."""
    clock.set(NOON)
    make_rule(acme, window_seconds=60, environment="")
    since = NOON + timedelta(minutes=2)
    counted_requests(acme, lambda at: 2_000 if at >= since else 100, minutes=5)
    clock.move(minutes=5)
    with inside(acme):
        evaluate(acme.organization_id)
        return db.session.scalars(select(Incident.id)).one()


@pytest.fixture
def script(acme, as_script):
    return as_script(acme, "incidents:read", "incidents:write")


@pytest.mark.usefixtures("both_databases")
def test_a_script_responds_under_its_own_name(script, incident):
    here = f"{INCIDENTS}/{incident}"
    (listed,) = script.get(INCIDENTS).json["incidents"]
    assert (listed["state"], listed["worst"], listed["title"]) == (
        "open",
        "critical",
        "API is slow",
    )
    taken = script.post(f"{here}/acknowledgement").json
    assert taken["state"] == "acknowledged"
    assert taken["acknowledged_by"] is None  # nobody has answered, a script has
    script.post(f"{here}/notes", json={"text": "Disk is full"})
    script.post(f"{here}/snooze", json={"until": (NOON + timedelta(hours=1)).isoformat()})
    assert script.post(f"{here}/assessment", json={"assessment": "noise"}).json["assessment"] == (
        "noise"
    )
    closed = script.post(f"{here}/resolution").json
    assert closed["state"] == "resolved"
    assert [(event["verb"], event["by"]) for event in closed["events"]] == [
        ("opened", None), ("escalated", None), ("acknowledged", "ci"), ("noted", "ci"),
        ("snoozed", "ci"), ("assessed", "ci"), ("resolved", "ci"),
    ]  # fmt: skip
    assert [event["sequence"] for event in closed["events"]] == [1, 2, 3, 4, 5, 6, 7]
    assert script.get(INCIDENTS).json == {"incidents": [], "next": None}
    assert script.post(f"{here}/snooze", json={"minutes": 5}).status_code == 400


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("?state=resolved", 0),
        ("?level=critical", 1),
        ("?level=warning", 0),
        ("?rule=1", 1),
        ("?q=IS+SLOW", 1),
        ("?q=disk", 0),
        ("?environment=production", 1),  # its rule watches every environment
        ("?until=2026-11-20T12:02:00Z", 0),
        ("?since=2026-11-20T12:04:00Z", 1),
    ],
)
def test_filters(script, incident, query, count):
    del incident
    assert len(script.get(f"{INCIDENTS}{query}").json["incidents"]) == count


@pytest.mark.parametrize(
    ("path", "document", "named"),
    [
        ("notes", {"text": ""}, "text"),
        ("notes", {"words": "x"}, "words"),
        ("snooze", {}, "until"),
        ("snooze", {"minutes": 5, "until": "2026-11-20T13:00Z"}, "until"),
        ("snooze", {"until": "2026-11-20T11:00Z"}, "until"),
        ("snooze", {"minutes": 0}, "minutes"),
        ("assessment", {"assessment": "great"}, "assessment"),
        ("assessment", {}, "assessment"),
    ],
)
def test_what_is_wrong_is_named(script, incident, path, document, named):
    answer = script.post(f"{INCIDENTS}/{incident}/{path}", json=document)
    assert answer.status_code == 400
    assert named in answer.json["detail"]


@pytest.mark.usefixtures("both_databases")
def test_every_filter_at_once(script, incident):
    query = "?state=all&level=critical&rule=1&q=slow&environment=x&since=2026-11-20T12:00Z"
    assert [row["id"] for row in script.get(INCIDENTS + query).json["incidents"]] == [incident]


def test_which_tokens_may(acme, globex, as_script, incident):
    reader, stranger = (
        as_script(acme, "incidents:read"),
        as_script(globex, "incidents:read", "incidents:write"),
    )
    for path in ("acknowledgement", "resolution", "notes", "snooze", "assessment"):
        assert reader.post(f"{INCIDENTS}/{incident}/{path}").status_code == 403
        assert stranger.post(f"{INCIDENTS}/{incident}/{path}").status_code == 404
    assert stranger.get(INCIDENTS).status_code == 404
    assert as_script(acme, "rules:read").get(INCIDENTS).status_code == 403
    assert reader.get(f"{INCIDENTS}/{incident + 1}").status_code == 404


def test_an_incident_has_so_many_notes(script, incident, as_alice, monkeypatch):
    monkeypatch.setattr(incidents, "MOST_NOTES", 1)
    here = f"{INCIDENTS}/{incident}/notes"
    assert script.post(here, json={"text": "Disk is full"}).status_code == 200
    answer = script.post(here, json={"text": "Disk is full"})
    no_more = incidents.FULL[IncidentVerb.NOTED]
    assert (answer.status_code, answer.json["detail"]) == (400, no_more)
    page = as_alice.post(f"/acme/shop/alerts/incidents/{incident}/notes", data={"text": "And?"})
    assert (page.status_code, no_more in page.text) == (422, True)


def test_an_incident_is_snoozed_so_many_times(script, incident, as_alice, monkeypatch):
    monkeypatch.setattr(incidents, "MOST_NOTES", 1)
    here, page = f"{INCIDENTS}/{incident}/snooze", f"/acme/shop/alerts/incidents/{incident}"
    assert as_alice.post(f"{page}/snooze", data={"minutes": "60"}).status_code == 303
    end = NOON + timedelta(minutes=65)
    assert f"</strong> snoozed it until {end:%a %-d %b %H:%M}" in as_alice.get(page).text
    answer = script.post(here, json={"minutes": 5})
    no_more = incidents.FULL[IncidentVerb.SNOOZED]
    assert (answer.status_code, answer.json["detail"]) == (400, no_more)
    refused = as_alice.post(f"{page}/snooze", data={"minutes": "60"})
    assert (refused.status_code, no_more in refused.text) == (422, True)


@pytest.mark.usefixtures("both_databases")
def test_whoever_changes_an_assessment_replaces_it(script, incident, as_alice, acme, inside):
    page = f"/acme/shop/alerts/incidents/{incident}"
    as_alice.post(f"{page}/assessment", data={"assessment": "real"})
    for assessment in ("noise", "unknown", "noise"):
        script.post(f"{INCIDENTS}/{incident}/assessment", json={"assessment": assessment})
    with inside(acme):
        own = select(IncidentEvent).where(IncidentEvent.verb == IncidentVerb.ASSESSED)
        events = db.session.scalars(own.order_by(IncidentEvent.sequence)).all()
        assert [event.details for event in events] == [
            {"as": "real"},
            {"as": "noise", "script": "ci"},
        ]
    assert "Fired again" not in as_alice.get(page).text
