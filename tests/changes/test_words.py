"""Every sentence on a change is sensible, whatever the rule, the numbers and the side."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.changes import words
from console.changes.judged import Day, Ending, lives
from console.changes.models import Change
from console.changes.rules import BY_ID, RULES

FIRST = date(2026, 10, 5)
SENSELESS = re.compile(
    r"(?<![\d.,])(0 points?|0% (above|below)|1 points|[01] times)|\b(nan|inf|None)\b|-\d"
)


def sentences(rule, numbers, samples=500):
    """A sentence for the change after each day, as the daily job would keep it."""
    course = {
        (at := FIRST + timedelta(days=place)): Day(at, number, samples, float(samples))
        for place, number in enumerate(numbers)
    }
    for count in range(1, len(numbers) + 1):
        for life in lives(rule, course, list(course)[:count]):
            change = Change(
                rule_id=rule.id,
                name="GET /a",
                way=life.way,
                state=life.state,
                ending=life.ending,
                moved_on=life.moved_on,
                before=life.before,
                after=life.latest(rule).number,
                peak=life.peak,
                cause={},
            )
            yield change, words.line(change)


def courses(rule):
    """Days of about the same number, and then days of any."""
    most = 1.0 if rule.metric.format in {"share", "score"} else 1e6
    number = st.floats(0, most, allow_nan=False)
    if rule.metric.empty == "zero":
        number = st.integers(0, 10_000).map(float)
    calm = number.map(lambda usual: [usual] * (29 if rule.base.value == "weekdays" else 14))
    return st.builds(lambda before, then: before + then, calm, st.lists(number, max_size=9))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_sentence_names_a_difference_on_the_side_of_its_verb(rule, data):
    for change, sentence in sentences(rule, data.draw(courses(rule))):
        assert not SENSELESS.search(sentence), sentence
        rose = {"above", "times", "none in", "up from"}
        sides = rose if change.way > 0 else {"below"}
        assert any(side in sentence for side in sides), sentence
        assert rule.verb(change.way) in sentence
        assert sentence.endswith(".")


def test_a_number_that_is_back_says_where_it_went_and_that_it_is_back():
    rule = BY_ID["check-uptime"]
    numbers = [1.0] * 14 + [0.97, 1.0]
    *_, (change, sentence) = sentences(rule, numbers)
    assert change.ending is not Ending.BACK  # one quiet day ends no change
    assert "uptime 97%, 3 points below the week before" in sentence
    assert sentence.endswith("; it is back at 100%.")


def test_a_score_that_was_nothing_went_up_from_it():
    rule = BY_ID["page-cls"]
    *_, (_, sentence) = sentences(rule, [0.0] * 14 + [0.2])
    assert "CLS P75 0.2, up from 0, since" in sentence


def test_a_day_of_utc_is_called_by_utc_wherever_somebody_reads_it(app, clock):
    clock.set(datetime(2026, 3, 2, 23, tzinfo=UTC))
    with app.test_request_context(headers={"Cookie": "pharos_zone=Pacific/Auckland"}):
        assert words.named(date(2026, 3, 2)) == "today"
        assert words.named(date(2026, 3, 1)) == "yesterday"
