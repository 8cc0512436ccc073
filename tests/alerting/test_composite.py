"""Composite rules: they fire while all members fire, and say what keeps them from it."""

from datetime import timedelta
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select

from console.alerting import candidates, rules
from console.alerting.condition import Level
from console.alerting.decide import State
from console.alerting.models import (
    Evaluation,
    Incident,
    IncidentEvent,
    IncidentVerb,
    Rule,
    RuleSeries,
    RuleVersion,
)
from console.core.db import db
from tests.support.clients import HTMX
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
        happened = select(IncidentEvent.at).where(
            IncidentEvent.incident_id == incident.id,
            IncidentEvent.verb != IncidentVerb.ESCALATED,
        )
        times = db.session.scalars(happened.order_by(IncidentEvent.sequence)).all()
        assert [(at - NOON) / timedelta(minutes=1) for at in times] == [6, 11]
    range_ = {"since": NOON.isoformat(), "until": (NOON + timedelta(minutes=14)).isoformat()}
    answer = script.post(
        f"{RULES}/backtest", json={"rule": {"members": [slow, f"{busy}:GET /a"]}, "range": range_}
    )
    assert [each["opened"] for each in answer.json["incidents"]] == [times[0].isoformat()]
    changed = {"name": "Both", "members": [slow, f"{busy}:GET /a"], "level": "warning"}
    changed = script.put(f"{RULES}/{rule_id}", json=changed).json
    assert (changed["level"], changed["levels"]) == ("warning", {"warning": 2})
    with inside(acme):
        own = select(RuleVersion.backtest).where(RuleVersion.rule_id == rule_id)
        before, now = db.session.scalars(own.order_by(RuleVersion.number)).all()
        assert (before["incidents"], before["history_days"]) == (0, 0)
        assert (now["incidents"], now["longest_seconds"]) == (1, 300)
        assert now["history_days"] == pytest.approx(14 / 1440, rel=0.1)


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


PAGES = "/acme/shop/alerts/rules/"


def boxes(page: str) -> dict[str, bool]:
    """The names of the members that a form offers, and whether each is chosen."""
    labels = HTMLParser(page).css("fieldset label")
    return {label.text(strip=True): bool(label.css("input[checked]")) for label in labels}


def test_people_make_one_by_name_and_change_it(acme, as_alice, as_vic, inside, make_rule):
    first, second = make_rule(acme, name="First"), make_rule(acme, name="Second", by="endpoint")
    assert f"{PAGES}new/composite" in as_alice.get(f"{PAGES}new").text
    page = as_alice.get(f"{PAGES}new/composite").text
    assert boxes(page) == {"First": False, "Second": False}
    assert as_vic.get(f"{PAGES}new/composite").status_code == 403
    sent = {"name": "Both", "members": [first, second], "level": "warning", "tags": "web"}
    sent |= {"pending_seconds": "120", "severity": "high", "enabled": ["", "y"]}
    made = as_alice.post(f"{PAGES}composite", data=sent)
    assert made.status_code == 303
    page = as_alice.get(made.location).text
    assert "First and Second fire together for 2 minutes" in page
    rule_id = int(made.location.partition("?")[0].rsplit("/", 1)[1])
    with inside(acme):
        value = {"rule_id": second, "value": "GET /a", "standing": {}, "changed_at": NOON}
        db.session.add(RuleSeries(**value))
        db.session.commit()
    edit = f"{PAGES}{rule_id}/edit"
    assert edit in page
    page = as_alice.get(edit).text
    assert boxes(page) == {"First": True, "Second": True, "Second (GET /a)": False}
    assert 'value="120"' in page
    narrowed = sent | {"members": [first, f"{second}:GET /a"], "enabled": ""}
    assert as_alice.post(f"{PAGES}{rule_id}/versions", data=narrowed).status_code == 303
    assert boxes(as_alice.get(edit).text) == {
        "First": True, "Second": False, "Second (GET /a)": True
    }  # fmt: skip
    with inside(acme):
        rule = db.session.get_one(Rule, rule_id)
        assert (rule.version, rule.enabled, rule.severity.value) == (2, False, "high")
        assert rule.definition.condition.levels == {Level.WARNING: 2}
    assert as_alice.post(f"{PAGES}{rule_id}/versions/1/return").status_code == 303
    assert "First and Second fire together" in as_alice.get(f"{PAGES}{rule_id}").text


def test_a_few_of_many_rules_are_offered_and_others_are_found(
    acme, as_alice, inside, make_rule, monkeypatch
):
    monkeypatch.setattr(candidates, "MOST_LISTED", 2)
    monkeypatch.setattr(candidates, "MOST_VALUES", 1)
    ids = [make_rule(acme, name=name, by="endpoint") for name in ("Apdex", "Cache", "Disk")]
    with inside(acme):
        for value in ("GET /a", "GET /b", "GET /c"):
            row = {"rule_id": ids[2], "value": value, "standing": {}, "changed_at": NOON}
            db.session.add(RuleSeries(**row))
        db.session.commit()
    page = as_alice.get(f"{PAGES}new/composite").text
    assert boxes(page) == {"Apdex": False, "Cache": False}
    assert "3 rules, of which the first 2 are listed" in page
    sent: dict[str, Any] = {"name": "Two", "members": [ids[0]], "look": "1"}
    part = as_alice.post(f"{PAGES}composite", data=sent | {"find": "/c"}, headers=HTMX)
    assert part.status_code == 200
    assert boxes(part.text) == {"Apdex": True, "Disk": False, "Disk (GET /c)": False}
    assert 'value="Two"' in part.text
    part = as_alice.post(f"{PAGES}composite", data=sent | {"find": "disk"}, headers=HTMX)
    assert boxes(part.text) == {"Apdex": True, "Disk": False, "Disk (GET /a)": False}
    part = as_alice.post(f"{PAGES}composite", data=sent | {"find": "none"}, headers=HTMX)
    assert boxes(part.text) == {"Apdex": True}
    made = as_alice.post(
        f"{PAGES}composite", data={"name": "Two", "members": [ids[0], f"{ids[2]}:GET /c"]}
    )
    assert made.status_code == 303
    page = as_alice.get(made.location.replace("?", "/edit?") if "?" in made.location
                        else f"{made.location}/edit").text  # fmt: skip
    assert boxes(page) == {
        "Apdex": True, "Disk (GET /c)": True, "Cache": False
    }  # fmt: skip


def test_what_is_wrong_with_the_form_stands_beside_the_field(acme, as_alice, make_rule):
    first, second = make_rule(acme, name="First"), make_rule(acme, name="Second")
    good: dict[str, Any] = {"name": "Both", "members": [first, second], "level": "critical"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"members": [first]}, "2 to 20 different rules."),
        ({"members": []}, "2 to 20 different rules."),
        ({"members": [first, 999_999]}, "There is no rule 999999 in this project."),
        ({"members": [first, "x"]}, "x is not the number of a rule."),
        ({"members": [first, "9" * 400]}, "is not the number of a rule."),
        ({"name": ""}, "Give it a name."),
        ({"name": "First"}, "Another rule has this name."),
        ({"level": "severe"}, "Not a valid choice"),
        ({"interval_seconds": "1"}, "A rule is evaluated every 10 s to every day."),
        ({"pending_seconds": "-5"}, "Between 0 seconds and 7 days."),
    ]
    for wrong, words in cases:
        answer = as_alice.post(f"{PAGES}composite", data=good | wrong, headers=HTMX)
        assert answer.status_code == 422, wrong
        assert answer.text.startswith('<section id="composite-form"')
        errors = [each.text(strip=True) for each in HTMLParser(answer.text).css(".field-error")]
        assert any(words in text for text in errors), (wrong, errors)


def test_an_explanation_names_its_members_and_leads_to_them(
    acme, as_alice, live, script, make_rule, counted_requests
):
    slow = make_rule(acme, name="Slow", window_seconds=60)
    often = {"metric": "requests.count", "levels": {"critical": 90}, "recovery": None}
    busy = make_rule(acme, name="Busy", window_seconds=60, by="endpoint", **often)
    rule_id = made(script, [slow, busy])
    counted_requests(acme, lambda _: 2_000, minutes=4)
    live(5)
    at = (NOON + timedelta(minutes=3)).isoformat()
    answer = script.get(f"{RULES}/{rule_id}/explanation", query_string={"at": at}).json
    members = {step["name"]: step for step in answer["steps"] if step["member"]}
    assert [(step["text"], step["passed"], step["member"]) for step in members.values()] == [
        ("critical", True, str(slow)), ("ok", False, str(busy)),
    ]  # fmt: skip
    page = HTMLParser(as_alice.get(f"{PAGES}{rule_id}", query_string={"at": at}).text)
    links = {link.text(strip=True): link.attributes["href"] for link in page.css("th[scope=row] a")}
    assert f"rules/{slow}?" in str(links["Slow"])
    assert as_alice.get(str(links["Slow"])).status_code == 200
