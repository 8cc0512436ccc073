"""Why a rule fired, or did not: every step of the decision, for any moment."""

from datetime import timedelta

import pytest

from console.alerting.evaluation import evaluate
from console.alerting.explain import explain
from console.alerting.models import Evaluation, Rule, Silence
from console.core.db import db
from tests.telemetry.samples import NOON


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def explained(acme, inside, clock, make_rule, counted_requests):
    """`explained(minute, **rule)`: requests take 2 s from 12:03 to 12:06; evaluated until 12:15."""

    def explained(minute: float, **changes: object) -> object:
        clock.set(NOON)
        rule_id = make_rule(acme, window_seconds=60, **changes)
        counted_requests(
            acme, lambda at: 2_000 if minutes(3) <= at - NOON < minutes(6) else 100, minutes=10
        )
        clock.move(minutes=15)
        with inside(acme):
            evaluate(acme.organization_id)
            return explain(db.session.get_one(Rule, rule_id), NOON + minutes(minute))

    return explained


def steps(explanation) -> dict[str, tuple[str, bool | None]]:
    return {step.name: (step.text, step.passed) for step in explanation.steps}


def test_it_fired(explained):
    explanation = explained(4)
    assert explanation.conclusion == "The rule fired: critical."
    assert steps(explanation) == {
        "Window": ("2026-11-20 12:03:00 to 12:04:00 UTC, decided 660 s after its end", None),
        "Number": ("2 s, from 20 samples", True),
        "Critical level": ("> 1 s", True),
        "Warning level": ("> 500 ms", True),
    }
    assert (explanation.since, explanation.evaluation.at) == (NOON + minutes(3), NOON + minutes(4))


def test_it_did_not_fire(explained):
    explanation = explained(2.5)
    assert explanation.conclusion == "The rule did not fire."
    assert steps(explanation)["Warning level"] == ("> 500 ms", False)


def test_it_had_not_lasted(explained):
    explanation = explained(5, pending_seconds=90)
    assert explanation.conclusion.startswith("The rule did not fire yet")
    assert steps(explanation)["Breached for"] == ("60 of 90 seconds", False)


def test_it_was_not_breached_often_enough(explained):
    explanation = explained(4, breaches={"n": 2, "of": 3})
    assert steps(explanation)["Breaches"] == (
        "1 of the last 3 evaluations, 2 are needed",
        False,
    )


def test_it_had_too_few_samples(explained):
    explanation = explained(4, minimum_samples=50)
    assert steps(explanation)["Number"] == ("20 samples, 50 are needed", False)
    assert "Warning level" not in steps(explanation)


def test_it_had_no_data(explained):
    explanation = explained(12)
    assert steps(explanation)["Number"] == ("no data", False)


@pytest.mark.parametrize(
    ("minute", "words"),
    [
        (-5, "did not exist yet"),
        (16, "30 seconds after its end"),
        (14.4, "The rule did not fire"),
    ],
)
def test_there_is_a_reason_for_no_evaluation(explained, minute, words):
    assert words in explained(minute).conclusion


def test_a_silence_hid_it(acme, inside, explained):
    with inside(acme):
        silence = Silence(
            project_id=acme.id,
            reason="Moving the database",
            starts_at=NOON,
            ends_at=NOON + minutes(5),
        )
        db.session.add(silence)
        db.session.commit()
    explanation = explained(4)
    assert steps(explanation)["Silence"] == ("Moving the database: nobody is notified", False)


def test_what_late_data_came_to_stands_beside_the_number(acme, inside, explained):
    explanation = explained(4)
    with inside(acme):
        db.session.get_one(Evaluation, explanation.evaluation.id).settled_number = 900
        db.session.commit()
        rule = db.session.get_one(Rule, explanation.rule.id)
        assert steps(explain(rule, NOON + minutes(4)))["After late data"] == ("900 ms", None)


def test_a_long_downtime_is_a_reason(acme, inside, clock, make_rule):
    clock.set(NOON)
    rule_id = make_rule(acme)
    clock.move(hours=3)
    with inside(acme):
        evaluate(acme.organization_id)
        rule = db.session.get_one(Rule, rule_id)
        conclusion = explain(rule, NOON + minutes(30)).conclusion
    assert conclusion.startswith(
        "Nothing was evaluated from 2026-11-20 12:00 UTC to 2026-11-20 13:5"
    )
    assert "catches up on 60 minutes at most" in conclusion
