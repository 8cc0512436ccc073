"""An incident ends when nothing can heal it any more, and says why."""

import pytest
from sqlalchemy import delete, select, update

from console.accounts.people import by_email
from console.alerting import rules
from console.alerting.definition import Definition
from console.alerting.delivery.models import OutboxMessage
from console.alerting.models import (
    Incident,
    IncidentEvent,
    IncidentState,
    IncidentVerb,
    Rule,
    RuleSeries,
)
from console.core.db import db
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def firing(acme, inside, live, clock, make_rule, counted_requests):
    """A rule that has fired since three minutes past noon."""
    rule_id = make_rule(acme, window_seconds=60)
    counted_requests(acme, lambda _: 2_000, minutes=30)
    clock.set(NOON)
    live(4)
    return rule_id


@pytest.fixture
def incidents(acme, inside):
    """`incidents()` gives the state of each, and why it changed last."""

    def incidents():
        with inside(acme):
            own = select(Incident.id, Incident.state, IncidentEvent.details).join(
                IncidentEvent, IncidentEvent.incident_id == Incident.id
            )
            happened = own.where(IncidentEvent.verb != IncidentVerb.ESCALATED)
            rows = db.session.execute(happened.order_by(Incident.id, IncidentEvent.sequence))
            last = {id_: (state, details["why"]) for id_, state, details in rows}
            return list(last.values())

    return incidents


def test_the_rule_is_deleted(acme, inside, firing, incidents):
    with inside(acme):
        rules.delete(db.session.get_one(Rule, firing))
        db.session.commit()
    assert incidents() == [(IncidentState.RESOLVED, "its rule was deleted")]
    with inside(acme):
        verbs = [m.payload["verb"] for m in db.session.scalars(select(OutboxMessage))]
        assert verbs == ["opened", "resolved"]


def test_the_rule_is_switched_off_and_fires_anew_when_it_is_on(
    acme, inside, live, firing, incidents
):
    with inside(acme):
        rules.switch(db.session.get_one(Rule, firing), on=False)
        db.session.commit()
    assert incidents() == [(IncidentState.RESOLVED, "its rule was switched off")]
    live(2)
    with inside(acme):
        rules.switch(db.session.get_one(Rule, firing), on=True)
        db.session.commit()
    live(3)
    assert incidents()[-1][0] is IncidentState.OPEN


def test_the_rule_watches_something_else(app, acme, inside, live, firing, incidents):
    with inside(acme):
        rule = db.session.get_one(Rule, firing)
        document = {**rule.document, "where": {"endpoint": ["GET /other"]}}
        rules.change(rule, Definition.of(document), by=by_email("alice@acme.test"))
        db.session.commit()
    with app.app_context():
        perform("end-forsaken-incidents")
    assert [state for state, _ in incidents()] == [IncidentState.OPEN], "it has not decided yet"
    live(3)
    with app.app_context():
        perform("end-forsaken-incidents")
    why = "its rule watches something else now, and does not fire there"
    assert incidents() == [(IncidentState.RESOLVED, why)]


def test_what_fires_is_left_alone(app, firing, incidents):
    with app.app_context():
        perform("end-forsaken-incidents")
    assert [state for state, _ in incidents()] == [IncidentState.OPEN]


def test_who_was_notified_hears_the_end_though_the_rule_is_gone(app, acme, inside, firing):
    with inside(acme):
        db.session.execute(delete(RuleSeries).where(RuleSeries.rule_id == firing))
        db.session.execute(update(Incident).values(rule_id=None))
        db.session.commit()
    with app.app_context():
        perform("end-forsaken-incidents")
    with inside(acme):
        verbs = [m.payload["verb"] for m in db.session.scalars(select(OutboxMessage))]
        assert verbs == ["opened", "resolved"]
