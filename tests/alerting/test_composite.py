"""Composite rules: they fire while all members fire, and say what keeps them from it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from console.alerting import rules
from console.alerting.decide import State
from console.alerting.models import Evaluation, Incident, IncidentEvent, Rule, RuleSeries
from console.core.db import db
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")
RULES = "/api/v1/acme/shop/rules"


@pytest.fixture
def script(acme, as_script):
    return as_script(acme, "rules:read", "rules:write")


def made(script, members: list[Any], **fields: Any) -> int:
    answer = script.post(RULES, json={"name": "Both", "members": members, **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json["id"])


def why(acme, inside, rule_id: int) -> tuple[State, str]:
    with inside(acme):
        series = select(RuleSeries.state).where(RuleSeries.rule_id == rule_id)
        latest = select(Evaluation.why).where(Evaluation.rule_id == rule_id)
        return (
            db.session.scalars(series).one(),
            db.session.scalars(latest.order_by(Evaluation.at.desc())).first() or "",
        )


def test_it_fires_while_all_members_fire(acme, inside, live, script, make_rule, counted_requests):
    """One member is breached in the minutes 3 to 8, the other one in 5 to 10, for one endpoint."""
    slow = make_rule(acme, window_seconds=60)
    often = {"metric": "requests.count", "levels": {"critical": 20}, "recovery": None, "op": ">"}
    busy = make_rule(acme, name="Busy", window_seconds=60, by="endpoint", **often)
    rule_id = made(script, [slow, f"{busy}:GET /a"], severity="high")
    counted_requests(acme, lambda at: 2_000 if 3 <= at.minute < 8 else 100, minutes=14)
    counted_requests(acme, lambda _: 2_000, minutes=5, since=NOON + timedelta(minutes=5))
    live(15)
    with inside(acme):
        incident = db.session.scalars(select(Incident).where(Incident.rule_id == rule_id)).one()
        assert (incident.level, incident.severity.value) == (State.CRITICAL, "high")
        happened = select(IncidentEvent.at).where(IncidentEvent.incident_id == incident.id)
        times = db.session.scalars(happened.order_by(IncidentEvent.sequence)).all()
        assert [(at - NOON) / timedelta(minutes=1) for at in times] == [6, 11]
    range_ = {"since": NOON.isoformat(), "until": (NOON + timedelta(minutes=14)).isoformat()}
    answer = script.post(
        f"{RULES}/backtest", json={"rule": {"members": [slow, f"{busy}:GET /a"]}, "range": range_}
    )
    assert [each["opened"] for each in answer.json["incidents"]] == [times[0].isoformat()]


def test_a_member_that_cannot_say_is_named(acme, inside, live, script, make_rule):
    first = make_rule(acme, metric="requests.p42", name="First")
    rule_id = made(script, [first, make_rule(acme, name="Second")])
    assert "First and Second fire together" in script.get(f"{RULES}/{rule_id}").json["sentence"]
    live(8)
    assert why(acme, inside, rule_id)[1] == "First is broken"
    with inside(acme):
        rules.switch(db.session.get_one(Rule, first), on=False)
        db.session.commit()
    live(2)
    assert why(acme, inside, rule_id)[1] == "First is switched off"
    assert script.delete(f"{RULES}/{first}").status_code == 204
    live(6)
    assert why(acme, inside, rule_id) == (State.BROKEN, f"rule {first} was deleted")
    assert f"rule {first}, deleted" in script.get(f"{RULES}/{rule_id}").json["sentence"]


def test_members_are_rules_of_the_project_that_do_not_lead_back(acme, globex, script, make_rule):
    first, second = make_rule(acme, name="First"), make_rule(acme, name="Second")
    stranger = make_rule(globex)
    inner = made(script, [first, second])
    outer = script.post(RULES, json={"name": "Outer", "members": [inner, first]}).json["id"]
    for members, named in [
        ([first, outer], "depend on itself"),
        ([first, inner], "depend on itself"),
        ([first], "different rules"),
        ([first, first], "different rules"),
        ([], "different rules"),
        ([first, stranger], f"no rule {stranger}"),
        ([first, "x"], "x is not the number"),
        ([first, f"{second}:GET /a"], "not broken down"),
        ([first, "9" * 400], "not the number"),
    ]:
        answer = script.put(f"{RULES}/{inner}", json={"name": "Both", "members": members})
        assert answer.status_code == 400, (members, answer.text)
        assert named in answer.json["detail"]


def test_its_page_says_what_it_is_made_of_and_has_no_editor_of_curves(
    acme, as_alice, script, make_rule
):
    rule_id = made(script, [make_rule(acme, name="First"), make_rule(acme, name="Second")])
    page = as_alice.get(f"/acme/shop/alerts/rules/{rule_id}")
    assert page.status_code == 200
    assert "First and Second fire together" in page.text
    assert "Edit" not in page.text.split("</h1>")[1].split("Versions")[0]
    assert as_alice.get(f"/acme/shop/alerts/rules/{rule_id}/edit").status_code == 404
    assert as_alice.get("/acme/shop/alerts/rules/").status_code == 200
