"""What a message says of an incident beyond its own words."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.accounts import releases
from console.accounts.models import Project
from console.alerting.delivery.context import HEIGHT, WIDTH, Surroundings, surroundings
from console.alerting.models import Incident, Rule
from console.core import clock
from console.core.db import db
from console.telemetry import store
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import NOON, span

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def around(app, acme, inside):
    """`around()` looks around the incident that there is."""

    def around() -> Surroundings:
        with inside(acme), app.test_request_context(base_url="https://pharos.acme.test"):
            project = db.session.get_one(Project, acme.id)
            latest = select(Incident).order_by(Incident.id.desc()).limit(1)
            incident = db.session.scalars(latest).one()
            rule = db.session.get(Rule, incident.rule_id) if incident.rule_id else None
            definition = rule.definition if rule else None
            return surroundings(project, incident, rule, definition, clock.now())

    return around


@pytest.fixture
def slow_endpoints(app, acme, inside):
    """`slow_endpoints(7)` stores three minutes of slow requests to so many endpoints."""

    def store(count: int) -> None:
        own = {"organization_id": acme.organization_id, "project_id": acme.id}
        request = {"category": "request", "is_segment": True, "duration_us": 2_000_000}
        spans = [
            span(1, at=NOON + timedelta(seconds=6 * n), endpoint=f"GET /{e}", **own, **request)
            for e in range(count)
            for n in range(30)
        ]
        with inside(acme):
            app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 1)

    return store


@pytest.fixture
def slow(acme, inside, live, make_rule, counted_requests):
    """A rule whose requests are slow from the fourth minute on, after a release."""
    make_rule(acme, window_seconds=60)
    counted_requests(acme, lambda at: 2_000 if at.minute >= 3 else 100, minutes=8)
    with inside(acme):
        releases.saw(acme.id, [("production", "shop@1.4.0", NOON + timedelta(minutes=2))])
        db.session.commit()
    live(8)


def test_a_message_shows_the_number_and_says_whom_it_hits(slow, around):
    answer = around()
    assert answer.hits == "100 requests since it began"
    (release,) = [fact for fact in answer.changes if "release" in fact.url]
    assert (release.label, release.text) == (
        "2 minutes before",
        "Release shop@1.4.0 was seen first",
    )
    assert release.url.startswith("https://pharos.acme.test/acme/shop/performance/endpoints")
    picture = answer.picture
    assert picture is not None
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    assert picture.alt.startswith("Requests: P95, ")
    assert "highest 2" in picture.alt
    assert picture.png.startswith(b"\x89PNG")


def test_a_message_goes_without_what_the_store_does_not_answer(slow, around, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise TelemetryUnavailable("away")

    monkeypatch.setattr("console.alerting.delivery.context.values", away)
    answer = around()
    assert answer.hits == ""
    assert answer.picture is not None, "evaluations stand in the other store"
    assert answer.changes
    (missing,) = answer.missing
    assert (
        missing.text == "The console could not read its telemetry: whom it hits could not be added."
    )


def test_a_message_goes_though_the_telemetry_file_is_damaged_and_says_what_it_lacks(
    app, acme, instance, slow, around
):
    with app.app_context():
        store.current().close()
    (instance / "telemetry" / f"{acme.organization_id}.duckdb").write_bytes(b"\xff\x00" * 5000)
    answer = around()
    assert answer.hits == ""
    assert "whom it hits" in answer.missing[0].text


def test_a_group_has_a_line_for_each_of_its_members(
    acme, inside, live, make_rule, around, slow_endpoints
):
    make_rule(acme, by="endpoint", window_seconds=60)
    slow_endpoints(7)
    live(4)
    answer = around()
    assert answer.picture is not None
    assert answer.hits == "210 requests since it began"


def test_an_incident_without_a_rule_stands_alone(acme, inside, slow, around):
    with inside(acme):
        db.session.scalars(select(Incident)).one().rule_id = None
        db.session.commit()
    assert around() == Surroundings()
