"""What many rules want to know is asked once, and each hears what it would have heard alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerting import questions, signal
from console.alerting.evaluation import evaluate
from console.alerting.models import Evaluation, Rule
from console.core.db import db
from console.telemetry.measures import CannotAskError
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION, TelemetryStore
from tests.telemetry.samples import NOON, span

ENDPOINTS = [f"GET /{number}" for number in range(7)]


@pytest.fixture
def requests(app, acme, inside):
    """Twenty requests of the first five endpoints in each of five minutes, some of them failed."""
    own = {"organization_id": acme.organization_id, "project_id": acme.id, "is_segment": True}
    spans = [
        span(
            1,
            at=NOON + timedelta(seconds=3 * number),
            duration_us=(number * 37 % 900 + 100) * 1_000,
            endpoint=ENDPOINTS[number % 5],
            http_status=500 if number % 11 == 0 else 200,
            environment="staging" if number % 3 == 0 else "production",
            category="request",
            **own,
        )
        for number in range(100)
    ]
    with inside(acme):
        app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 1)


@pytest.fixture
def asked(monkeypatch):
    """The scopes of the questions that reached telemetry."""
    scopes, rows = [], TelemetryStore.rows

    def noted(store, scope, *args):
        scopes.append(scope)
        return rows(store, scope, *args)

    monkeypatch.setattr(TelemetryStore, "rows", noted)
    return scopes


@pytest.mark.usefixtures("requests")
def test_rules_of_an_endpoint_each_share_a_question_and_hear_what_they_would_alone(
    acme, inside, clock, make_rule, asked, monkeypatch
):
    monkeypatch.setattr(questions, "VALUES_TOGETHER", 4)
    clock.set(NOON)
    for number, endpoint in enumerate(ENDPOINTS):
        for metric in ("requests.p95", "requests.count"):
            changes = {"metric": metric, "where": {"endpoint": [endpoint]}}
            make_rule(acme, name=f"{metric} {number}", window_seconds=60, **changes)
    apart = {"metric": "requests.count", "window_seconds": 60}
    make_rule(acme, name="staging", environment="staging", **apart)
    make_rule(acme, name="two", where={"endpoint": ENDPOINTS[:2]}, **apart)
    make_rule(acme, name="failed", where={"endpoint": ["GET /0"], "status": ["500"]}, **apart)
    clock.move(minutes=6)
    with inside(acme):
        evaluate(acme.organization_id)
        of_rules = [scope for scope in asked if scope.until - scope.since == timedelta(minutes=5)]
        assert len(of_rules) == 2 + 3  # the endpoints in two parts, and the rules that stand alone
        rows = db.session.execute(
            select(Rule, Evaluation.at, Evaluation.number, Evaluation.samples)
            .join(Evaluation, Evaluation.rule_id == Rule.id)
            .order_by(Rule.id, Evaluation.at)
        ).all()
        heard: dict[int, list[tuple[float, float | None, int | None]]] = {}
        rules = {}
        for rule, at, value, count in rows:
            rules[rule.id] = rule
            heard.setdefault(rule.id, []).append((at.timestamp(), value, count))
        assert len(rules) == 2 * len(ENDPOINTS) + 3
        for rule_id, rule in rules.items():
            project = signal.ProjectIds(acme.organization_id, acme.id)
            moments = [NOON + timedelta(minutes=minute) for minute in range(1, 6)]
            alone = signal.at(rule.definition, project, moments).by_value[""]
            assert heard[rule_id] == [(each.at, each.number, each.samples) for each in alone]
    numbers = {samples for each in heard.values() for _, _, samples in each}
    assert len(numbers) > 3, "the endpoints differ, and some have no requests"


@pytest.mark.usefixtures("requests")
def test_a_question_that_fails_together_is_asked_by_each_rule(
    acme, inside, clock, make_rule, monkeypatch
):
    def fails(*_args: object, **_named: object) -> None:
        raise CannotAskError("not together")

    monkeypatch.setattr(questions, "courses", fails)
    clock.set(NOON)
    for number, endpoint in enumerate(ENDPOINTS[:2]):
        where = {"endpoint": [endpoint]}
        make_rule(acme, name=str(number), metric="requests.count", window_seconds=60, where=where)
    clock.move(minutes=1, seconds=40)
    with inside(acme):
        evaluate(acme.organization_id)
        assert db.session.scalars(select(Evaluation.number)).all() == [4, 4]


def test_a_minute_of_quiet_rules_takes_few_statements(acme, inside, clock, make_rule, statements):
    """Five statements for each rule took 20 s of a core for a thousand rules, every minute."""
    clock.set(NOON)
    for number in range(40):
        make_rule(acme, name=str(number), window_seconds=60)
    clock.move(minutes=2)
    with inside(acme):
        evaluate(acme.organization_id)
    clock.move(minutes=1)
    with inside(acme), statements() as seen:
        assert evaluate(acme.organization_id)["rules evaluated"] == 40
    assert len(seen) < 40, "\n".join(seen)
