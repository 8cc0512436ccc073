"""The back-test for scripts: over a series of the request, and over the project's past."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.at_once import at_once
from tests.telemetry.samples import NOON

BACKTEST = "/api/v1/acme/shop/rules/backtest"
RULE: dict[str, Any] = {
    "metric": "requests.p95",
    "op": ">",
    "levels": {"critical": 1000, "warning": 500},
    "recovery": 450,
    "pending_seconds": 90,
    "keep_firing_seconds": 0,
    "breaches": {"n": 2, "of": 3},
    "interval_seconds": 60,
    "no_data": "keep",
    "on_error": "keep",
    "compare": None,
    "minimum_samples": 10,
}


@pytest.fixture
def post(acme, as_script):
    script = as_script(acme, "rules:read")

    def post(rule: Any, **rest: Any) -> Any:
        return script.post(BACKTEST, json={"rule": rule, **rest})

    return post


def test_a_series_answers_transitions_and_incidents(post):
    items = [99, 100, None, "error", {"value": 5, "samples": 3, "base": 4, "at": 240}]
    answer = post(RULE, series=items)
    assert answer.status_code == 200, answer.text
    assert answer.json == {"transitions": [], "incidents": []}
    rule = {**RULE, "pending_seconds": 0}
    answer = post(rule, series=[600, {"value": 1200, "samples": 50}, 1200, 1, {"value": 1}, 1])
    assert [(each["at"], each["from"], each["to"]) for each in answer.json["transitions"]] == [
        (120, "ok", "warning"),
        (180, "warning", "critical"),
        (300, "critical", "ok"),
    ]
    assert answer.json["incidents"] == [
        {"opened": 120, "resolved": 300, "level": "critical", "seconds": 180}
    ]


def test_times_follow_the_item_before_and_known_or_older_ones_are_left_out(post):
    rule = {**RULE, "pending_seconds": 0, "breaches": {"n": 1, "of": 1}}
    items = [{"value": 1, "at": 240}, 600, {"value": 9999, "at": 300}, {"value": 9999, "at": 1}]
    (change,) = post(rule, series=items).json["transitions"]
    assert (change["at"], change["to"]) == (300, "warning")
    assert change["why"] == "600 ms > 500 ms (warning)"


@at_once(
    ("rule", "rest", "named"),
    [
        ("no rule", {"series": []}, "rule"),
        ({**RULE, "op": "!="}, {"series": []}, "op"),
        ({**RULE, "levels": {"critical": 1, "warning": 500}}, {"series": []}, "levels.critical"),
        ({**RULE, "levels": {"fatal": 1}}, {"series": []}, "levels.fatal"),
        ({**RULE, "levels": {"critical": "high"}}, {"series": []}, "levels.critical"),
        ({**RULE, "levels": None}, {"series": []}, "levels.critical"),
        ({**RULE, "recovery": 501}, {"series": []}, "recovery"),
        ({**RULE, "pending_seconds": -1}, {"series": []}, "pending_seconds"),
        ({**RULE, "breaches": {"n": 4, "of": 3}}, {"series": []}, "breaches.n"),
        ({**RULE, "interval_seconds": 1}, {"series": []}, "interval_seconds"),
        ({**RULE, "no_data": "zero"}, {"series": []}, "no_data"),
        ({**RULE, "thresholds": 1}, {"series": []}, "thresholds"),
        (RULE, {}, "series"),
        (RULE, {"series": 5}, "series"),
        (RULE, {"series": [1, True]}, "series[1]"),
        (RULE, {"series": ["broken"]}, "series[0]"),
        (RULE, {"series": [{"value": 1, "samples": 1.5}]}, "series[0]"),
        (RULE, {"series": [{"number": 1}]}, "number"),
        (RULE, {"series": [0] * 20_001}, "series"),
        (RULE, {"range": 1}, "range"),
        ({**RULE, "metric": "requests.p12"}, {"range": {}}, "metric"),
        ({**RULE, "by": "password"}, {"range": {}}, "by"),
        ({**RULE, "where": {"password": "x"}}, {"range": {}}, "where"),
        ({**RULE, "metric": "requests.apdex"}, {"range": {}}, "threshold_ms"),
        ({**RULE, "window_seconds": 90}, {"range": {}}, "window_seconds"),
        (RULE, {"range": {"since": "yesterday"}}, "since"),
        ({**RULE, "interval_seconds": 10}, {"range": {"since": "2026-01-01T00:00Z"}}, "range"),
    ],
)
def test_what_is_wrong_is_named(post, rule, rest, named):
    answer = post(rule, **rest)
    assert answer.status_code == 400, answer.text
    assert named in answer.json["detail"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"rule": NaN}', b"[" * 5000])
def test_a_body_that_is_no_object_is_refused(acme, as_script, body):
    answer = as_script(acme, "rules:read").post(BACKTEST, data=body)
    assert answer.status_code == 400


def test_a_range_is_evaluated_on_the_rules_grid(post, acme, counted_requests):
    """Six minutes of requests of 100 ms, then six of 2,000 ms: the windows overlap by 4 minutes."""
    slow_from = NOON + timedelta(minutes=6)
    counted_requests(acme, lambda at: 2_000 if at >= slow_from else 100, minutes=12)
    rule = {**RULE, "breaches": None, "pending_seconds": 0, "window_seconds": 300}
    bounds = {"since": NOON.isoformat(), "until": (NOON + timedelta(minutes=12)).isoformat()}
    answer = post(rule, range=bounds)
    assert answer.status_code == 200, answer.text
    assert answer.json["evaluations"] == 12
    (change,) = answer.json["transitions"]
    assert change["to"] == "critical"
    assert change["at"] == (slow_from + timedelta(minutes=1)).isoformat()
    by_endpoint = post({**rule, "by": "endpoint"}, range=bounds).json["series"]
    assert [(each["value"], len(each["incidents"])) for each in by_endpoint] == [("GET /a", 1)]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400, "NaN", "Infinity", '"5"'])
@pytest.mark.parametrize("place", ['"levels": {"critical": %s}, "op": ">"}, "series": [1]', None])
def test_what_is_no_number_of_json_is_refused(acme, as_script, number, place):
    place = place or '"levels": {"critical": 1}, "op": ">"}, "series": [%s]'
    body = '{"rule": {' + place % number + "}"
    answer = as_script(acme, "rules:read").post(BACKTEST, data=body)
    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 400 or (number == '"5"' and "levels" in body)


def test_ten_megabytes_are_answered_within_a_bound(acme, as_script):
    body = '{"rule": {"levels": {"critical": 1}, "op": ">"}, "series": [' + "1," * 5_000_000 + "1]}"
    answer = as_script(acme, "rules:read").post(BACKTEST, data=body)
    assert answer.status_code in (400, 413)
