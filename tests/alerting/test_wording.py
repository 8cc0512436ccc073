"""A rule in plain words: each part of it that is not what every rule does."""

from dataclasses import replace
from typing import Any

import pytest

from console.alerting import units
from console.alerting.condition import Condition, Evaluated, Gap, Level
from console.alerting.definition import Definition
from console.alerting.wording import sentence
from console.metrics.catalogue import CATALOGUE
from console.telemetry.metric import Metric

PLAIN = Definition(metric="requests.p95", condition=Condition(op=">", levels={Level.WARNING: 300}))
START = "Requests: P95 above 300 ms (warning)"
LAST = "over the last 5 minutes"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({}, f"{START} {LAST}"),
        (
            {"levels": {Level.CRITICAL: 100, Level.WARNING: 200}, "op": "<"},
            f"Requests: P95 below 100 ms (critical) or 200 ms (warning) {LAST}",
        ),
        ({"pending_seconds": 90}, f"{START} {LAST} for 1.5 minutes"),
        ({"pending_seconds": 100}, f"{START} {LAST} for 100 s"),
        ({"breaches": 2, "of": 3}, f"{START} {LAST} in 2 of 3 evaluations, one every minute"),
        (
            {"breaches": 2, "of": 3, "interval_seconds": 10, "pending_seconds": 60},
            f"{START} {LAST} in 2 of 3 evaluations, one every 10 s, for a minute",
        ),
        ({"recovery": 250}, f"{START} {LAST}. It recovers at or below 250 ms."),
        (
            {"keep_firing_seconds": 3600, "minimum_samples": 20},
            (
                f"{START} {LAST}. It fires on until all was well for an hour; "
                "fewer than 20 samples change nothing."
            ),
        ),
        ({"no_data": Gap.OK}, f"{START} {LAST}. Missing data counts as ok."),
        ({"no_data": Gap.FIRING}, f"{START} {LAST}. Missing data counts as a breach."),
        ({"no_data": Gap.NO_DATA}, f"{START} {LAST}. Missing data is a state of its own."),
        (
            {"on_error": Gap.FIRING, "recovery": 100},
            (
                f"{START} {LAST}. It recovers at or below 100 ms; "
                "an error of its question counts as a breach."
            ),
        ),
    ],
)
def test_a_sentence_says_the_whole_condition(condition: dict[str, Any], words: str):
    definition = replace(PLAIN, condition=replace(PLAIN.condition, **condition))
    assert sentence(definition) == words


@pytest.mark.parametrize(
    ("compare", "base", "words"),
    [
        ("percent", 86_400, "300% (warning) of the same time a day earlier"),
        ("absolute", 604_800, "300 (warning) more than the same time 7 days earlier"),
        (
            "deviation",
            None,
            "300 deviations (warning) from what is usual at this hour of the week",
        ),
    ],
)
def test_a_sentence_says_what_is_compared_and_its_floor(compare: Any, base: int | None, words: str):
    condition = replace(PLAIN.condition, compare=compare, floor=10)
    definition = replace(PLAIN, metric="errors.events", condition=condition, base_seconds=base)
    said = f"Errors: Error events above {words} (counted as at least 10 error events) {LAST}"
    assert sentence(definition) == said
    without = replace(definition, condition=replace(condition, floor=None))
    assert sentence(without) == said.replace(" (counted as at least 10 error events)", "")


def test_a_sentence_says_what_is_watched_of_it():
    where = {"endpoint": ["GET /a", "GET /b"]}
    definition = replace(PLAIN, by="endpoint", where=where, environment="live", release="2.0")
    assert sentence(definition) == (
        f"{START} {LAST} for each endpoint where endpoint is GET /a or GET /b in live "
        "of release 2.0"
    )


@pytest.mark.parametrize(
    ("compare", "number", "text"),
    [
        (None, 4.5678, "4.568"),
        (None, 20_500.0, "20,500"),
        ("percent", 20_000.0, "20,000%"),
        ("percent", 300.55, "300.6%"),
        ("deviation", 1.0, "1 deviation"),
        ("deviation", 1_234.5, "1,234 deviations"),
    ],
)
def test_a_number_in_a_reason_is_plain_text_without_powers_of_ten(compare, number, text):
    assert units.words("errors.events", compare)(number) == text


@pytest.mark.parametrize(
    ("watched", "number", "why"),
    [
        ({"metric": "errors.events"}, 1, "1 error event > 0 (critical)"),
        ({"metric": "errors.events"}, 1_200, "1,200 error events > 0 (critical)"),
        ({"metric": "checks.down"}, 0, "0 checks down: no breach"),
        ({"metric": "issues.users"}, 2, "2 affected users > 0 (critical)"),
        ({"metric": "rules.lag"}, 90, "90 s > 0 s (critical)"),
        ({"metric": "requests.p95"}, 340, "340 ms > 0 µs (critical)"),
        ({"metric": "errors.events", "compare": "percent"}, 4, "400% of the earlier period > 0%"),
        ({"metric": "errors.events", "compare": "absolute"}, 2, "a difference of 1 error event >"),
        ({"metric": "rules.firing", "members": ("1", "2")}, 2, "2 firing rules > 0 (critical)"),
    ],
)
def test_a_reason_says_what_its_number_is_of(watched: dict[str, Any], number: float, why: str):
    condition = Condition(
        op=">", levels={Level.CRITICAL: 0}, compare=watched.pop("compare", None), recovery=0
    )
    definition = Definition(condition=condition, **watched)
    judgement = definition.condition.judge(Evaluated(60.0, number, None, 1.0))
    assert judgement.why.startswith(why)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.id)
def test_every_count_of_the_catalogue_says_what_it_counts(metric: Metric):
    is_count = metric.format == "number" and metric.unit != "s"
    one, many = metric.nouns
    assert (one != many) is is_count
    assert not is_count or metric.unit in many
