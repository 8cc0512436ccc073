"""Policies for scripts: made, put, chosen, tried out and deleted; what is wrong is named."""

import pytest

from console.alerting.escalation import policies
from console.alerting.models import Severity
from console.core.db import db
from tests.alerting.escalations import OWNERS, channel, opened, person, policy, step
from tests.telemetry.samples import NOON

API = "/api/v1/acme/shop/policies"
ALICE = "alice@acme.test"


@pytest.fixture
def script(acme, as_script, clock):
    clock.set(NOON)
    return as_script(acme, "policies:read", "policies:write", "incidents:read", "incidents:write")


def test_a_script_makes_changes_and_deletes_a_policy(script, acme, inside):
    with inside(acme):
        policies.default()
        ops = channel("ops", enabled=False)
        db.session.commit()
    steps = [step(ops, OWNERS)]
    made = script.post(API, json={"name": " On  call", "steps": steps, "repeats": 2})
    assert made.status_code == 201, made.text
    own = made.json
    assert (own["name"], own["version"], own["default"]) == ("On call", 1, False)
    assert (own["repeats"], own["repeat_minutes"], own["stale_minutes"]) == (2, 30, 0)
    assert own["warnings"] == [{"at": "steps.0.targets", "why": "Ops is switched off."}]
    assert own["url"].endswith(f"/acme/settings/policies/{own['id']}")
    here = f"{API}/{own['id']}"
    assert script.get(here).json == own
    put = script.put(here, json={"name": "On call", "steps": [*steps, step(OWNERS, after=5)]})
    assert (put.json["version"], put.json["repeats"]) == (2, 0)
    names = [row["name"] for row in script.get(API).json["policies"]]
    assert names == ["Mail the owners", "On call"]
    chosen = {"name": "On call", "steps": steps, "default": True}
    assert script.put(here, json=chosen).json["default"] is True
    assert script.delete(here).status_code == 400, "the default one stays"
    other = next(row["id"] for row in script.get(API).json["policies"] if not row["default"])
    assert script.delete(f"{API}/{other}").status_code == 204
    assert script.get(f"{API}/{other}").status_code == 404


GOOD = {"name": "New", "steps": [step(OWNERS)]}
HOURS = {"zone": "UTC", "days": [1], "since": "09:00", "until": "17:00"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 7}, "name: a text of at most 100 characters."),
        ({"name": " "}, "name: a text"),
        ({"name": "Standing"}, "name: another policy has this name."),
        ({"steps": []}, "steps: Add a step."),
        ({"steps": "x"}, "steps: Add a step."),
        ({"steps": [1]}, "steps.0: An object"),
        ({"steps": [step(OWNERS)] * 21}, "steps: At most 20 steps."),
        ({"steps": [step(*[OWNERS] * 21)]}, "steps.0.targets: At most 20 in a step."),
        ({"steps": [step()]}, "steps.0.targets: Say who is notified."),
        ({"steps": [step({"user": "7"})]}, "steps.0.targets: Each is"),
        ({"steps": [step({"user": 2**70})]}, "steps.0.targets: Each is"),
        ({"steps": [step({"owners": False})]}, "steps.0.targets: Each is"),
        ({"steps": [step({"user": 9_999})]}, "A former member left the organization."),
        ({"steps": [step(OWNERS, after=10**30)]}, "steps.0.delay_minutes: Between"),
        ({"steps": [{"targets": [OWNERS]}]}, "steps.0.delay_minutes: Between"),
        ({"steps": [step(OWNERS, otherwise="panic")]}, "steps.0.otherwise: Either"),
        ({"steps": [step(OWNERS, hours="always")]}, "steps.0.hours: An object"),
        ({"steps": [step(OWNERS, hours={**HOURS, "zone": 1})]}, "steps.0.hours.zone: Unknown"),
        ({"steps": [step(OWNERS, hours={**HOURS, "days": [7]})]}, "steps.0.hours.days: Choose"),
        ({"steps": [step(OWNERS, hours={**HOURS, "until": "24:00"})]}, "steps.0.hours.until: A"),
        ({"steps": [step(OWNERS, hours={**HOURS, "x": 1})]}, "steps.0.hours.x: Unknown"),
        ({"steps": [step(OWNERS, colour="red")]}, "steps.0.colour: Unknown field."),
        ({"colour": "red"}, "colour: Unknown field."),
        ({"repeats": 1.5}, "repeats: Between"),
        ({"repeats": True}, "repeats: Between"),
        ({"default": "yes"}, "default: true or false."),
    ],
)
def test_what_is_wrong_is_named(script, acme, inside, changes, message):
    with inside(acme):
        policies.create("Standing", policy(step(OWNERS)))
        db.session.commit()
    answer = script.post(API, json={**GOOD, **changes})
    assert answer.status_code == 400
    assert message in answer.json["detail"]


def test_a_script_chooses_where_a_policy_holds(script, acme, inside, make_rule):
    rule_id = make_rule(acme)
    first, second = (script.post(API, json={**GOOD, "name": name}).json["id"] for name in "AB")
    for chosen in ({"severity": "high"}, {"project": True}, {"project": True, "severity": "low"}):
        assert script.post(f"{API}/{first}/uses", json=chosen).status_code == 200
    uses = script.post(f"{API}/{second}/uses", json={"project": True}).json["uses"]
    assert [(use["project"], use["severity"], use["rule"]) for use in uses] == [
        ("shop", None, None)
    ]
    assert script.post(f"{API}/{second}/uses", json={"rule": rule_id}).json["uses"][-1]["rule"]
    with inside(acme):
        held = [policies.holding(acme.id, None, severity) for severity in Severity]
        assert [own and own.name for own in held] == ["A", "B", "B"]
        own = policies.holding(acme.id, rule_id, Severity.LOW)
        assert own is not None
        assert own.name == "B"
    assert script.delete(f"{API}/uses/{uses[0]['id']}").status_code == 204
    refused: tuple[dict[str, object], ...] = (
        {}, {"rule": "x"}, {"rule": True}, {"rule": rule_id, "project": True}, {"project": 1},
        {"severity": "great"}, {"severity": []}, {"colour": "red"},
    )  # fmt: skip
    for wrong in refused:
        assert script.post(f"{API}/{first}/uses", json=wrong).status_code == 400, wrong
    assert script.post(f"{API}/{first}/uses", json={"rule": 99_999}).status_code == 404


def test_a_script_tries_a_policy_out(script, acme, inside):
    with inside(acme):
        alice = person(ALICE)
    hours = {"zone": "UTC", "days": [4], "since": "09:00", "until": "12:00"}
    steps = [step(alice, hours=hours), step(OWNERS, after=5)]
    asked = {"policy": {"steps": steps}, "at": "2026-11-20T12:30Z", "severity": "high"}
    answer = script.post(f"{API}/simulation", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json["steps"] == [
        {
            "at": "2026-11-20T12:30:00+00:00", "step": 0, "round": 0, "notified": [],
            "skipped": [{"name": "Alice by e-mail", "why": "is notified in other hours"}],
            "last_resort": False,
        },
        {
            "at": "2026-11-20T12:30:00+00:00", "step": 1, "round": 0, "skipped": [],
            "notified": [
                {
                    "name": "Ada by e-mail", "from": "2026-11-20T12:30:00+00:00",
                    "failing_since": None,
                },
            ],
            "last_resort": False,
        },
    ]  # fmt: skip
    assert script.post(f"{API}/simulation", json={}).status_code == 400
    with inside(acme):
        policy_id = policies.default().id
        db.session.commit()
    for chosen in ({}, {"policy": policy_id}):
        assert len(script.post(f"{API}/simulation", json=chosen).json["steps"]) == 2
    for wrong in (
        {"policy": "x"}, {"policy": True}, {"policy": {"steps": 1}}, {"at": 5}, {"at": "soon"},
        {"severity": None}, {"colour": "red"},
    ):  # fmt: skip
        assert script.post(f"{API}/simulation", json=wrong).status_code == 400, wrong
    assert script.post(f"{API}/simulation", json={"policy": 99_999}).status_code == 404


def test_a_script_moves_an_incident_to_the_new_version(script, acme, inside):
    with inside(acme):
        incident_id = opened(acme, policy(step(OWNERS)))
        own = policies.all_policies()[0]
        assert policies.save(own, own.name, policy(step(OWNERS), repeats=1))
        db.session.commit()
    here = f"/api/v1/acme/shop/incidents/{incident_id}/policy-version"
    assert script.post(here).status_code == 200
    assert "latest version already" in script.post(here).json["detail"]


def test_who_may_not(acme, as_script, globex):
    reader, stranger = as_script(acme, "policies:read"), as_script(globex, "policies:write")
    assert reader.get(API).json == {"policies": []}
    assert reader.post(API, json=GOOD).status_code == 403
    assert stranger.post(API, json=GOOD).status_code == 404
    assert as_script(acme, "rules:read").get(API).status_code == 403
