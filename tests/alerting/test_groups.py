"""Incidents of one rule that begin together are a group with one message."""

from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, select

from console.alerting import incidents, signal
from console.alerting.chronicle import Actor
from console.alerting.delivery.models import OutboxMessage
from console.alerting.evaluation import evaluate
from console.alerting.models import (
    Incident,
    IncidentEvent,
    IncidentState,
    Rule,
    RuleSeries,
)
from console.core.db import db
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import NOON, span

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def deploy(app, acme, inside):
    """Requests of endpoints in a minute after noon, twelve each, so many milliseconds long."""
    positions = count(1)

    def deploy(minute: int, endpoints: range, milliseconds: int) -> None:
        own = {"organization_id": acme.organization_id, "project_id": acme.id}
        request = {"category": "request", "is_segment": True, "duration_us": milliseconds * 1000}
        at, position = NOON + timedelta(minutes=minute), next(positions)
        spans = [
            span(
                position,
                at=at + timedelta(seconds=n),
                endpoint=f"GET /{number:03}",
                **own,
                **request,
            )
            for number in endpoints
            for n in range(12)
        ]
        with inside(acme):
            store = app.extensions[EXTENSION]
            store.write(acme.organization_id, Batch(spans=spans), position)

    return deploy


@pytest.fixture
def live(acme, inside, clock):
    def live(until: int) -> None:
        clock.set(NOON + timedelta(minutes=until, seconds=40))
        with inside(acme):
            evaluate(acme.organization_id)

    clock.set(NOON)
    return live


def owed(acme, inside) -> list[tuple[str, str]]:
    with inside(acme):
        messages = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
        return [(message.payload["verb"], message.payload["title"]) for message in messages]


def test_a_bad_deploy_is_one_incident_with_one_message(acme, inside, live, make_rule, deploy):
    make_rule(acme, by="endpoint", window_seconds=60)
    deploy(0, range(1), 2_000)  # one endpoint alone, a minute before all others
    live(1)
    assert owed(acme, inside) == [("opened", "API is slow: GET /000")]
    deploy(1, range(40), 2_000)
    live(2)
    deploy(2, range(50), 2_000)
    live(3)
    deploy(3, range(50), 100)
    live(4)
    assert owed(acme, inside)[1:] == [
        ("opened", "API is slow: 40 by endpoint"),
        ("resolved", "API is slow: GET /000"),  # they were notified of it by itself
        ("resolved", "API is slow: 50 by endpoint"),
    ]
    with inside(acme):
        group = db.session.scalars(select(Incident).where(Incident.is_group)).one()
        members = select(func.count(Incident.id)).where(Incident.parent_id == group.id)
        assert db.session.scalar(members) == 50
        own = select(IncidentEvent).where(IncidentEvent.incident_id == group.id)
        events = db.session.scalars(own.order_by(IncidentEvent.sequence)).all()
        assert [event.verb.value for event in events] == [
            "opened",
            "escalated",
            "joined",
            "resolved",
        ]
        assert events[0].details["why"].startswith("40 by endpoint: GET /")
        assert events[0].details["why"].endswith(" and 37 more")


def test_what_people_do_to_a_group_they_do_to_its_members(acme, inside, live, make_rule, deploy):
    make_rule(acme, by="endpoint", window_seconds=60)
    deploy(0, range(3), 700)
    live(1)
    with inside(acme):
        group = db.session.scalars(select(Incident).where(Incident.is_group)).one()
        assert group.level == "warning"
        incidents.acknowledge(group, by=Actor(name="ci"))
        db.session.commit()
        states = db.session.scalars(select(Incident.state).distinct()).all()
        assert states == [IncidentState.ACKNOWLEDGED]
    deploy(1, range(2), 2_000)
    deploy(1, range(2, 3), 700)
    live(2)
    verbs = ["opened", "acknowledged", "unacknowledged"]
    assert [verb for verb, _ in owed(acme, inside)] == verbs, "a warning was acknowledged"
    with inside(acme):
        states = db.session.scalars(select(Incident.state).distinct()).all()
        assert states == [IncidentState.OPEN], "nobody looks after what is critical now"
        group = db.session.scalars(select(Incident).where(Incident.is_group)).one()
        incidents.resolve(group, by=Actor(name="ci"))
        db.session.commit()
    deploy(2, range(2), 2_000)
    deploy(2, range(2, 3), 700)
    live(3)
    with inside(acme):
        states = db.session.scalars(select(Incident.state).distinct()).all()
        assert states == [IncidentState.RESOLVED], "it fires on no worse"


def test_series_beyond_the_limit_are_counted(
    acme, inside, live, make_rule, deploy, monkeypatch, as_vic
):
    monkeypatch.setattr(signal, "MOST_SERIES", 4)
    rule_id = make_rule(acme, by="endpoint", window_seconds=60)
    deploy(0, range(3), 100)
    live(1)
    deploy(1, range(10), 100)
    live(2)
    with inside(acme):
        assert db.session.get_one(Rule, rule_id).beyond == 6
        values = set(db.session.scalars(select(RuleSeries.value)))
        assert {"GET /000", "GET /001", "GET /002"} < values
        assert len(values) == 4
    assert "Not watched: 6 values more" in as_vic.get(f"/acme/shop/alerts/rules/{rule_id}").text
