"""Projects and rules that are deleted while rules are evaluated: one waits for the other."""

import threading
import time

import pytest
from sqlalchemy import func, select

from console.alerting import incidents
from console.alerting.evaluation import evaluate
from console.alerting.models import Evaluation, Incident, IncidentState, Rule, RuleSeries
from console.core import owner
from console.core.db import db
from tests.telemetry.samples import NOON

LOCKED = 0.5
"""Seconds that the other transaction is given to wait."""


@pytest.fixture
def opening(acme, inside, clock, make_rule, counted_requests, monkeypatch):
    """Holds an evaluation before it opens an incident, until it is called: then it goes on."""
    clock.set(NOON)
    rule_id = make_rule(acme)
    counted_requests(acme, lambda _at: 2_000, minutes=10)
    clock.move(minutes=6)
    follow, reached, going_on = incidents.follow, threading.Event(), threading.Event()

    def held(*given):
        reached.set()
        assert going_on.wait(20)
        time.sleep(LOCKED)
        return follow(*given)

    def evaluate_all():
        with inside(acme):
            evaluate(acme.organization_id)

    monkeypatch.setattr(incidents, "follow", held)
    evaluation = threading.Thread(target=evaluate_all)
    evaluation.start()
    assert reached.wait(20)
    going_on.set()
    yield rule_id
    evaluation.join()


@pytest.mark.usefixtures("both_databases")
@pytest.mark.parametrize("what", ["project", "rule", "organization"])
def test_what_is_deleted_while_its_rule_opens_an_incident_leaves_nothing(
    what, app, acme, as_ada, opening, settings, inside, caplog
):
    if what == "organization":
        with app.app_context():
            assert owner.delete_organization(settings, acme.organization_id)
    elif what == "project":
        confirmed = {"confirmation": acme.name}
        assert as_ada.post("/acme/shop/settings/deletion", data=confirmed).status_code == 303
    else:
        answer = as_ada.post(f"/acme/shop/alerts/rules/{opening}/deletion")
        assert answer.status_code == 303
    with inside(acme):
        models = (Rule, RuleSeries, Evaluation)
        assert [db.session.scalar(select(func.count(model.id))) for model in models] == [0, 0, 0]
        states = db.session.scalars(select(Incident.state)).all()
        assert states == ([IncidentState.RESOLVED] if what == "rule" else [])
    assert "Traceback" not in caplog.text
