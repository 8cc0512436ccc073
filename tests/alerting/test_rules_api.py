"""Rules for scripts: made, read, changed, explained and deleted."""

import time
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import select

from console.alerting import queries, rules
from console.alerting.evaluation import evaluate
from console.alerting.models import RuleVersion
from console.core.db import db
from tests.alerting.test_api import RULE
from tests.support.at_once import at_once
from tests.telemetry.samples import NOON

RULES = "/api/v1/acme/shop/rules"
DOCUMENT = {**RULE, "name": "Slow  checkout ", "tags": ["team:pay", "web"], "shadow": True}


@pytest.fixture
def script(acme, as_script):
    return as_script(acme, "rules:read", "rules:write")


def test_a_rule_is_made_read_changed_and_deleted(script):
    made = script.post(RULES, json=DOCUMENT)
    assert made.status_code == 201, made.text
    rule = made.json
    assert (rule["name"], rule["version"], rule["enabled"]) == ("Slow checkout", 1, True)
    assert (rule["tags"], rule["shadow"]) == (["team:pay", "web"], True)
    assert {name: rule[name] for name in RULE} == RULE
    here = f"{RULES}/{rule['id']}"
    assert script.get(RULES).json["rules"] == [rule]
    changed = script.put(here, json={**DOCUMENT, "enabled": False, "recovery": 400}).json
    assert (changed["version"], changed["recovery"], changed["enabled"]) == (2, 400, False)
    assert script.put(here, json={**DOCUMENT, "enabled": False, "recovery": 400}).json == changed
    assert script.delete(here).status_code == 204
    assert script.get(here).status_code == 404


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"metric": "requests.p42"}, "metric"),
        ({"metric": None}, "metric"),
        ({"by": "password"}, "by"),
        ({"levels": {"warning": 900, "critical": 100}}, "levels.critical"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"severity": "urgent"}, "severity"),
        ({"interval_seconds": 5}, "interval_seconds"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(script, changes, named):
    answer = script.post(RULES, json={**DOCUMENT, **changes})
    assert answer.status_code == 400, answer.text
    assert named in answer.json["detail"]
    assert script.get(RULES).json == {"rules": []}


def test_two_rules_do_not_share_a_name(script):
    first = script.post(RULES, json=DOCUMENT).json
    assert "name" in script.post(RULES, json=DOCUMENT).json["detail"]
    other = script.post(RULES, json={**DOCUMENT, "name": "Other"}).json
    assert script.put(f"{RULES}/{other['id']}", json=DOCUMENT).status_code == 400
    assert script.put(f"{RULES}/{first['id']}", json=DOCUMENT).status_code == 200


def test_a_moment_is_explained(script, acme, inside, clock, counted_requests):
    clock.set(NOON)
    document = {**DOCUMENT, "pending_seconds": 0, "breaches": {"n": 1, "of": 1}}
    rule_id = script.post(RULES, json={**document, "window_seconds": 60}).json["id"]
    counted_requests(acme, lambda _: 2_000, minutes=3)
    clock.move(minutes=5)
    with inside(acme):
        evaluate(acme.organization_id)
    at = (NOON + timedelta(minutes=2)).isoformat()
    explained = script.get(f"{RULES}/{rule_id}/explanation", query_string={"at": at}).json
    assert explained["conclusion"] == "The rule fired: critical."
    assert (explained["number"], explained["state"], explained["verdict"]) == (
        2000, "critical", "critical",
    )  # fmt: skip
    assert explained["steps"][0]["name"] == "Window"


def test_a_token_that_reads_changes_nothing(acme, globex, as_script, script):
    rule_id = script.post(RULES, json=DOCUMENT).json["id"]
    reader, stranger = as_script(acme, "rules:read"), as_script(globex, "rules:read", "rules:write")
    for client, status in ((reader, 403), (stranger, 404)):
        assert client.post(RULES, json=DOCUMENT).status_code == status
        assert client.put(f"{RULES}/{rule_id}", json=DOCUMENT).status_code == status
        assert client.delete(f"{RULES}/{rule_id}").status_code == status
    theirs = f"/api/v1/globex/shop/rules/{rule_id}"
    assert stranger.get(theirs).status_code == 404
    assert stranger.delete(theirs).status_code == 404


@at_once(
    ("body", "named"),
    [
        (b'{"name": "a\\u0000b"}', "NUL character"),
        (b'{"name": "\\ud800"}', "not JSON"),
        (b'{"levels": {"critical": 1e308}}', "levels.critical: A number between"),
        (b'{"levels": {"critical": 1}, "recovery": -1e308}', "recovery: A number between"),
        (b'{"release": "' + b"x" * 201 + b'"}', "release: At most 200 characters."),
        (b'{"floor": 1e308, "compare": "percent"}', "floor: A number between"),
        (b'{"minimum_samples": 9223372036854775807}', "minimum_samples: 0 to"),
        (b'{"where": {"endpoint": [' + b'"x",' * 100 + b'"x"]}}', "where: At most 100 values"),
        (b'{"where": {"endpoint": "' + b"x" * 1_001 + b'"}}', "where: A value has at most 1,000"),
        (b'{"where": {' + b",".join(b'"%d":1' % n for n in range(21)) + b"}}", "At most 20 names"),
        (b'{"where": ' + b"[" * 900 + b"1," * 200_000 + b"1" + b"]" * 900 + b"}", "too deeply"),
        (b'{"where": ' + b"[" * 1_020 + b"]" * 1_020 + b"}", "too deeply"),
    ],
)
def test_a_document_that_would_break_pages_or_take_long_is_refused(script, body, named):
    began = time.process_time()
    # Of two members of one name, the last counts.
    answer = script.post(RULES, data=orjson.dumps(DOCUMENT)[:-1] + b"," + body[1:])
    assert time.process_time() - began < 1
    assert answer.status_code == 400
    assert named in answer.json["detail"]
    assert script.get(RULES).json["rules"] == []


APDEX = {"metric": "requests.apdex", "op": "<", "levels": {"critical": 0.5}, "recovery": None}


@at_once(
    ("changes", "named"),
    [
        ({"levels": {"critical": "1_0"}}, "levels.critical: Not a number."),
        ({"levels": {"critical": "\u0661\u0662"}}, "levels.critical: Not a number."),
        ({"interval_seconds": "6_0"}, "interval_seconds: Not a whole number."),
        ({"levels": {"critical": [1, 2]}}, "levels.critical: one value, and no list"),
        ({"levels": {"critical": [1]}}, "levels.critical: one value, and no list"),
        ({"by": ["endpoint", "release"]}, "by: one value, and no list"),
        ({"shadow": [True, False]}, "shadow: one value, and no list"),
        ({"where": "GET /"}, "where: an object with values by name."),
        (APDEX | {"parameters": {"threshold_ms": 0}}, "threshold_ms: Above 0, and at most"),
        (APDEX | {"parameters": {"threshold_ms": 1e300}}, "threshold_ms: Above 0, and at most"),
        (APDEX | {"parameters": {"threshold_ms": [1, 2]}}, "threshold_ms is a number."),
        (APDEX | {"parameters": {"threshold_ms": "3_0"}}, "threshold_ms is a number."),
    ],
)
def test_only_what_json_calls_a_number_is_one_and_a_list_only_where_several_values_go(
    script, changes, named
):
    answer = script.post(RULES, json=DOCUMENT | changes)
    assert answer.status_code == 400
    assert named in answer.json["detail"]


def test_a_project_has_so_many_rules_and_no_more(script, as_alice, monkeypatch):
    monkeypatch.setattr(queries, "MOST_RULES", 1)
    first = script.post(RULES, json=DOCUMENT).json
    answer = script.post(RULES, json={**DOCUMENT, "name": "Other"})
    assert (answer.status_code, answer.json["detail"]) == (
        400,
        "name: A project has at most 1 rules.",
    )
    fields = {"name": "Other", "metric": "requests.p95", "op": ">", "levels.critical": "900"}
    page = as_alice.post("/acme/shop/alerts/rules/", data=fields)
    assert (page.status_code, "at most 1 rules" in page.text) == (422, True)
    page = as_alice.post("/acme/shop/alerts/rules/composite", data={"name": "Both"})
    assert (page.status_code, "at most 1 rules" in page.text) == (422, True)
    assert script.put(f"{RULES}/{first['id']}", json=DOCUMENT).status_code == 200


def test_a_rule_keeps_its_latest_versions(script, acme, inside, monkeypatch):
    monkeypatch.setattr(rules, "MOST_VERSIONS", 2)
    rule = script.post(RULES, json=DOCUMENT).json
    for version, critical in enumerate((1_001, 1_002, 1_003), start=2):
        changed = DOCUMENT | {"levels": {"critical": critical}}
        answer = script.put(f"{RULES}/{rule['id']}", json=changed)
        assert answer.json["version"] == version
    with inside(acme):
        own = select(RuleVersion.number).where(RuleVersion.rule_id == rule["id"])
        assert set(db.session.scalars(own)) == {3, 4}
