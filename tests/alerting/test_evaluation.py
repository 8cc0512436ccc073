"""Live evaluation: every window once, in order, as the back-test says; nothing twice, none lost."""

import sqlite3
from datetime import timedelta
from math import ceil

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError

from console.alerting import complaints, evaluation, history, incidents, signal
from console.alerting.backtest import replay
from console.alerting.chronicle import Actor
from console.alerting.condition import Verdict
from console.alerting.decide import State
from console.alerting.delivery.models import OutboxMessage
from console.alerting.evaluation import DELAY, evaluate
from console.alerting.explain import explain
from console.alerting.models import (
    Evaluation,
    Incident,
    IncidentEvent,
    IncidentState,
    IncidentVerb,
    Rule,
    RuleSeries,
)
from console.core.db import db
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def slow_between(first: float, last: float) -> object:
    """Requests take 2 s in these minutes, and 100 ms before and after."""
    return lambda at: 2_000 if minutes(first) <= at - NOON < minutes(last) else 100


@pytest.fixture
def live(acme, inside, clock):
    """Evaluate acme's rules every `every` seconds from now until so many minutes after noon."""

    def live(until: float, every: float = 20) -> None:
        times = ceil((NOON + minutes(until) - clock.now()) / timedelta(seconds=every))
        for _ in range(times):
            clock.move(seconds=every)
            with inside(acme):
                evaluate(acme.organization_id)

    clock.set(NOON)
    return live


def events(acme, inside) -> list[tuple[str, float]]:
    """The history of all incidents: what happened, and how many minutes after noon."""
    with inside(acme):
        own = select(IncidentEvent).where(IncidentEvent.verb != IncidentVerb.ESCALATED)
        rows = db.session.scalars(own.order_by(IncidentEvent.id)).all()
        return [(row.verb.value, (row.at - NOON) / minutes(1)) for row in rows]


def test_an_incident_opens_and_heals(acme, inside, live, make_rule, counted_requests):
    make_rule(acme, window_seconds=60)
    counted_requests(acme, slow_between(3, 6), minutes=10)
    live(11)
    assert events(acme, inside) == [("opened", 4), ("resolved", 7)]
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incident.title == "API is slow"
        assert (incident.state, incident.worst) == (IncidentState.RESOLVED, State.CRITICAL)
        assert incident.resolved_by_id is None
        owed = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
        assert [message.payload["verb"] for message in owed] == ["opened", "resolved"]
        assert owed[0].payload["why"] == "2 s > 1 s (critical)"
        assert db.session.scalar(select(func.count(Evaluation.id))) == 10


@pytest.mark.parametrize("every", [20, 300])
def test_live_evaluation_does_what_the_back_test_says(
    acme, inside, live, make_rule, counted_requests, every
):
    changes = {"window_seconds": 180, "pending_seconds": 60, "breaches": {"n": 2, "of": 3}}
    rule_id = make_rule(acme, by="endpoint", keep_firing_seconds=60, **changes)
    counted_requests(acme, lambda at: 2_000 if at.minute % 9 in (3, 4, 5, 6) else 100, minutes=40)
    live(41, every)
    with inside(acme):
        rule = db.session.get_one(Rule, rule_id)
        project = signal.ProjectIds(acme.organization_id, acme.id)
        past = signal.over(rule.definition, project, NOON, rule.evaluated_until)
        expected = replay(rule.definition.condition, past.by_value["GET /a"])
        stored = db.session.scalars(select(Evaluation).order_by(Evaluation.at)).all()
        assert [(row.at.timestamp(), row.state, row.number) for row in stored] == [
            (decision.standing.newest, decision.standing.state, decision.judgement.number)
            for decision in expected.decisions
            if decision.judgement
        ]
        assert expected.episodes
        opened = db.session.scalars(
            select(IncidentEvent.at)
            .where(IncidentEvent.verb.in_([IncidentVerb.OPENED, IncidentVerb.REOPENED]))
            .order_by(IncidentEvent.at)
        ).all()
        assert [at.timestamp() for at in opened] == [each.opened for each in expected.episodes]


def test_a_window_is_not_decided_before_its_data_can_have_come(acme, inside, clock, make_rule):
    clock.set(NOON)
    rule_id = make_rule(acme)
    clock.move(seconds=60 + DELAY.total_seconds() - 1)
    with inside(acme):
        assert evaluate(acme.organization_id)["rules evaluated"] == 0
    clock.move(seconds=1)
    with inside(acme):
        assert evaluate(acme.organization_id)["rules evaluated"] == 1
        assert db.session.get_one(Rule, rule_id).evaluated_until == NOON + minutes(1)


def test_a_process_that_was_frozen_writes_nothing(acme, inside, clock, make_rule, monkeypatch):
    """While one process asks, another one takes over and decides the same window."""
    clock.set(NOON)
    rule_id = make_rule(acme)
    clock.move(minutes=2)
    asked = evaluation._asked

    def taken_over(due, rule):
        monkeypatch.setattr(evaluation, "_asked", asked)
        answers = asked(due, rule)
        db.session.rollback()
        assert evaluation.evaluate_rule(rule_id) == 0
        return answers

    monkeypatch.setattr(evaluation, "_asked", taken_over)
    with inside(acme):
        evaluation.evaluate_rule(rule_id)
        assert db.session.scalar(select(func.count(Evaluation.id))) == 1


def test_a_downtime_is_made_up_for_and_told_as_its_net_result(
    acme, inside, live, clock, make_rule, counted_requests
):
    make_rule(acme, window_seconds=60)
    counted_requests(acme, slow_between(3, 6), minutes=50)
    clock.move(minutes=45)
    live(46)
    assert events(acme, inside) == [("opened", 4), ("resolved", 7)]
    with inside(acme):
        (message,) = db.session.scalars(select(OutboxMessage)).all()
        assert message.payload["verbs"] == ["opened", "resolved"]
        assert message.payload["delayed_seconds"] > 2_000


def test_after_a_long_downtime_the_oldest_windows_are_skipped(acme, inside, clock, make_rule):
    clock.set(NOON)
    make_rule(acme)
    clock.move(hours=30)
    with inside(acme):
        evaluate(acme.organization_id)
        first = db.session.scalars(select(func.min(Evaluation.at))).one()
        assert first > NOON + timedelta(hours=28)
        assert db.session.scalars(select(func.count(Evaluation.id))).one() <= 60


def test_a_metric_that_is_gone_breaks_the_rule_and_says_so(acme, inside, live, make_rule):
    make_rule(acme, metric="requests.p42")
    live(8)
    with inside(acme):
        series = db.session.scalars(select(RuleSeries)).one()
        assert series.state is State.BROKEN
        why = db.session.scalar(select(Evaluation.why).order_by(Evaluation.id.desc()))
        assert why == "Unknown metric requests.p42."
        assert not db.session.scalars(select(Incident)).all()


def test_a_question_that_failed_once_breaks_no_rule_however_many_windows_it_was_about(
    acme, inside, clock, make_rule
):
    """Windows that a console makes up for are one question; five questions break the rule."""
    clock.set(NOON)
    rule_id = make_rule(acme, metric="requests.p44")
    counts = []
    for _ in range(5):
        clock.move(minutes=7)
        with inside(acme):
            evaluate(acme.organization_id)
            series = db.session.scalars(select(RuleSeries)).one()
            counts.append((series.standing["errors"], series.state))
    assert counts == [*((number, State.OK) for number in range(1, 5)), (5, State.BROKEN)]
    with inside(acme):
        own = select(func.count(Evaluation.id)).where(Evaluation.rule_id == rule_id)
        assert db.session.scalars(own).one() > 30, "each window says that its question failed"


def test_a_broken_rule_says_why_on_its_page_and_the_log_says_it_once(
    acme, inside, live, make_rule, as_vic, caplog, monkeypatch
):
    monkeypatch.setattr(complaints, "_logged", {})
    ids = [make_rule(acme, name=f"Rule {n}", metric="requests.p43") for n in range(3)]
    live(8)
    page = as_vic.get(f"/acme/shop/alerts/rules/{ids[0]}").text
    words = "It is broken: its question failed five times in a row. Unknown metric requests.p43."
    assert words in page
    lines = [line for line in caplog.messages if "Unknown metric requests.p43" in line]
    assert len(lines) == 1


def test_a_series_that_is_gone_and_ok_is_forgotten(
    acme, inside, live, clock, make_rule, counted_requests
):
    make_rule(acme, by="endpoint")
    counted_requests(acme, slow_between(0, 0), minutes=5)
    live(6)
    with inside(acme):
        assert db.session.scalar(select(RuleSeries.value)) == "GET /a"
    live(20)
    with inside(acme):
        assert db.session.scalar(select(func.count(RuleSeries.id))) == 0


def test_a_disabled_rule_is_not_evaluated(acme, inside, live, make_rule):
    rule_id = make_rule(acme)
    with inside(acme):
        db.session.get_one(Rule, rule_id).enabled = False
        db.session.commit()
    live(5)
    with inside(acme):
        assert not db.session.scalar(select(func.count(Evaluation.id)))


def test_a_rule_in_shadow_mode_has_incidents_and_owes_nothing(
    acme, inside, live, make_rule, counted_requests
):
    rule_id = make_rule(acme, window_seconds=60)
    with inside(acme):
        db.session.get_one(Rule, rule_id).shadow = True
        db.session.commit()
    counted_requests(acme, slow_between(3, 6), minutes=10)
    live(11)
    assert events(acme, inside) == [("opened", 4), ("resolved", 7)]
    with inside(acme):
        assert db.session.scalar(select(Incident.shadow))
        assert not db.session.scalars(select(OutboxMessage)).all()


def test_what_fires_again_soon_joins_the_same_incident(
    acme, inside, live, make_rule, counted_requests
):
    make_rule(acme, window_seconds=60)
    counted_requests(acme, lambda at: 2_000 if at.minute in (3, 8, 30) else 100, minutes=40)
    live(41)
    assert [verb for verb, _ in events(acme, inside)] == [
        "opened", "resolved", "reopened", "resolved", "opened", "resolved",
    ]  # fmt: skip
    with inside(acme):
        assert db.session.scalars(select(Incident.reopened).order_by(Incident.id)).all() == [1, 0]
        db.session.execute(delete(Rule))
        db.session.commit()
        assert db.session.scalar(select(func.count(Incident.id))) == 2


def test_what_somebody_has_closed_stays_closed_until_it_fires_anew(
    acme, inside, live, make_rule, counted_requests
):
    make_rule(acme, window_seconds=60)
    slow = {3: 2_000, 4: 700, 5: 2_000, 6: 700, 9: 700}
    counted_requests(acme, lambda at: slow.get(at.minute, 100), minutes=15)
    live(5)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incidents.resolve(incident, by=Actor(name="ci"))
        assert not incidents.resolve(incident, by=Actor(name="ci"))
        db.session.commit()
    live(16)
    assert [verb for verb, _ in events(acme, inside)] == [
        "opened", "resolved", "opened", "resolved",
    ]  # fmt: skip
    with inside(acme):
        assert db.session.scalars(select(Incident.worst).order_by(Incident.id)).all() == [
            State.CRITICAL,
            State.WARNING,
        ]


def test_a_rule_that_the_console_cannot_ask_for_breaks_and_stops_no_other(
    acme, inside, live, make_rule, counted_requests, monkeypatch
):
    ask = signal.at

    def failing(definition, *args):
        if definition.by:
            raise ZeroDivisionError
        return ask(definition, *args)

    odd = make_rule(acme, name="Odd", by="endpoint", metric="requests.error_rate")
    sound = make_rule(acme)
    counted_requests(acme, slow_between(2, 9), minutes=10)
    with monkeypatch.context() as patched:
        patched.setattr(signal, "at", failing)
        live(until=7)
    assert {value for value, _ in states(acme, inside, odd)} == {""}
    assert [state for _, state in states(acme, inside, odd)][-1] is State.BROKEN
    assert [state for _, state in states(acme, inside, sound)][-1] is State.CRITICAL
    live(until=9)
    assert states(acme, inside, odd)[-1] == ("GET /a", State.OK)
    with inside(acme):
        series = select(RuleSeries.value).where(RuleSeries.rule_id == odd)
        assert db.session.scalars(series).all() == ["GET /a"]


def states(acme, inside, rule_id) -> list[tuple[str, State]]:
    """The value and the state of each evaluation of a rule, in order."""
    with inside(acme):
        own = select(Evaluation).where(Evaluation.rule_id == rule_id).order_by(Evaluation.at)
        return [(row.value, row.state) for row in db.session.scalars(own)]


def test_a_database_that_is_full_is_no_fault_of_a_rule(
    acme, inside, live, clock, make_rule, counted_requests, monkeypatch
):
    """Each rule was tried alone, said that the console had failed, and had a traceback."""
    rule_ids = [make_rule(acme, name=f"Rule {n}", window_seconds=60) for n in range(3)]
    counted_requests(acme, slow_between(1, 9), minutes=9)
    tries = []

    def full(*_: object) -> int:
        tries.append(1)
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise OperationalError("INSERT", {}, error)

    clock.move(minutes=8)
    with monkeypatch.context() as patched, inside(acme):
        patched.setattr(evaluation, "record", full)
        with pytest.raises(OperationalError):
            evaluate(acme.organization_id)
    assert len(tries) == 1
    live(9)
    assert [state for _, state in states(acme, inside, rule_ids[0])][:2] == [
        State.OK,
        State.CRITICAL,
    ]
    with inside(acme):
        wrong = select(func.count(Evaluation.id)).where(Evaluation.verdict == Verdict.ERROR)
        assert db.session.scalars(wrong).one() == 0


def test_old_evaluations_are_forgotten_some_at_a_time(
    acme, inside, live, clock, make_rule, counted_requests, statements, monkeypatch
):
    """One statement for all of them kept every other writer waiting for as long as it took."""
    monkeypatch.setattr(history, "FORGOTTEN_TOGETHER", 4)
    make_rule(acme, window_seconds=60)
    counted_requests(acme, slow_between(2, 4), minutes=12)
    live(until=12)
    with inside(acme):
        before = db.session.scalars(select(func.count(Evaluation.id))).one()
    clock.move(days=31)
    with inside(acme), statements() as asked:
        assert history.forget_old(acme.organization_id) == {"evaluations forgotten": before - 2}
    assert sum(text.startswith("DELETE FROM evaluation") for text in asked) > 2
    assert {state for _, state in states(acme, inside, 1)} == {State.CRITICAL}


def test_an_organization_stores_so_many_evaluations_and_the_rest_says_so(
    acme, inside, live, make_rule, counted_requests, monkeypatch
):
    """Rules of many values, decided every ten seconds, filled the disk for thirty days."""
    rule_id = make_rule(acme, window_seconds=60)
    counted_requests(acme, slow_between(2, 4), minutes=12)
    live(until=12)
    monkeypatch.setattr(history, "MOST_STORED", 5)
    with inside(acme):
        before = db.session.scalars(select(func.count(Evaluation.id))).one()
        gone = before - 5 - 2  # of the older ones, two breached
        assert history.forget_old(acme.organization_id) == {"evaluations forgotten": gone}
        rule = db.session.get_one(Rule, rule_id)
        rule.created_at -= timedelta(minutes=20)
        oldest = db.session.scalars(select(func.min(Evaluation.at))).one()
        explained = explain(rule, oldest - timedelta(minutes=1), "")
        assert "keeps its latest" in explained.conclusion
        monkeypatch.setattr(history, "MOST_STORED", 2)
        history.forget_old(acme.organization_id)
        assert db.session.scalars(select(func.count(Evaluation.id))).one() == 4
