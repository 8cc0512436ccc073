"""Late data: what would have fired is opened with its true start, what would not have is noted."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerting import settling, signal
from console.alerting.backtest import replay
from console.alerting.models import Evaluation, Incident, IncidentEvent, OutboxMessage, Rule
from console.core.db import db
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import NOON, error

pytestmark = pytest.mark.usefixtures("both_databases")
COUNT = {
    "metric": "errors.events",
    "levels": {"critical": 5},
    "recovery": None,
    "minimum_samples": 0,
    "window_seconds": 60,
}


@pytest.fixture
def fail(app, acme, inside, clock):
    """Errors in a minute after noon that come now."""
    positions = iter(range(1, 100))

    def fail(minute: float, count: int) -> None:
        own = {"organization_id": acme.organization_id, "project_id": acme.id}
        at = NOON + timedelta(minutes=minute)
        position, now = next(positions), max(clock.now(), at)
        events = [error(position, at=at, received_at=now, **own) for _ in range(count)]
        with inside(acme):
            app.extensions[EXTENSION].write(acme.organization_id, Batch(errors=events), position)

    return fail


def test_what_would_have_fired_is_opened_with_its_true_start(
    acme, inside, live, clock, make_rule, fail
):
    rule_id = make_rule(acme, **COUNT)
    live(4)
    fail(2.5, 8)  # a minute late
    live(1)
    with inside(acme):
        assert not db.session.scalars(select(Incident)).all()
    live(7)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incident.opened_at == NOON + timedelta(minutes=3)
        assert incident.resolved_at == NOON + timedelta(minutes=4)
        own = select(IncidentEvent).order_by(IncidentEvent.sequence)
        assert [(e.verb.value, e.details["late"]) for e in db.session.scalars(own)] == [
            ("opened", True), ("resolved", True),
        ]  # fmt: skip
        (message,) = db.session.scalars(select(OutboxMessage)).all()
        assert message.payload["verbs"] == ["opened", "resolved"]
        assert message.payload["delayed_seconds"] > 300
        window = select(Evaluation).where(Evaluation.at == NOON + timedelta(minutes=3))
        settled = db.session.scalars(window).one()
        assert (settled.number, settled.settled_number) == (0, 8)
        rule = db.session.get_one(Rule, rule_id)
        past = signal.over(rule.definition, acme, NOON, rule.evaluated_until)
        (episode,) = replay(rule.definition.condition, past.by_value[""]).episodes
        assert episode.opened == incident.opened_at.timestamp()
        assert episode.resolved == incident.resolved_at.timestamp()
    live(8)
    with inside(acme):
        assert len(db.session.scalars(select(IncidentEvent)).all()) == 2, "once"


def test_what_fires_still_is_open_and_heals_as_ever(acme, inside, live, make_rule, fail):
    make_rule(acme, **COUNT, keep_firing_seconds=900)
    live(4)
    fail(2.5, 8)
    live(8)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert (incident.state.value, incident.opened_at) == ("open", NOON + timedelta(minutes=3))
        assert incident.why.startswith("late data: 8 > 5")
    live(10)
    with inside(acme):
        assert db.session.scalars(select(Incident.state)).one().value == "resolved"


def test_what_would_not_have_fired_is_noted_and_stays_open(acme, inside, live, make_rule, fail):
    make_rule(acme, **{**COUNT, "op": "<", "levels": {"critical": 5}}, keep_firing_seconds=3600)
    for minute in range(30):
        if minute != 2:
            fail(minute + 0.5, 9)
    live(4)
    fail(2.5, 9)
    live(8)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incident.resolved_at is None
        own = select(IncidentEvent).order_by(IncidentEvent.sequence)
        verbs = {event.verb.value: event.text for event in db.session.scalars(own)}
        assert verbs["noted"] == (
            "Late data: the window until 12:03:00 UTC would not have fired: it says 9 now."
        )


def test_a_rule_whose_late_data_cannot_be_taken_in_stops_no_other(
    acme, inside, live, make_rule, fail, monkeypatch
):
    odd = make_rule(acme, name="Odd", **COUNT)
    make_rule(acme, **COUNT)
    past = settling._past

    def failing(rule, recheck):
        if rule.id == odd:
            raise ZeroDivisionError
        return past(rule, recheck)

    monkeypatch.setattr(settling, "_past", failing)
    live(4)
    fail(2.5, 8)
    live(8)
    with inside(acme):
        assert db.session.scalars(select(Incident)).one().rule_id != odd
