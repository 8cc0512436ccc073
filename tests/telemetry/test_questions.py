"""What the pages ask: answers are compared with what plain Python counts over the same events."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from console.telemetry import distributions, errors, spans
from console.telemetry.question import buckets
from console.telemetry.records import Batch
from console.telemetry.scope import Scope
from tests.telemetry.samples import HASH, NOON, OTHER_HASH, error, hour, scope, span

HOUR = 3600


@pytest.fixture
def events(asking):
    """200 events of two issues over two days, with others' around them."""
    chance = random.Random(7)
    mine = [
        error(
            position=number,
            at=hour(chance.uniform(-24, 24)),
            grouping_hash=chance.choice([HASH, OTHER_HASH]),
            level=chance.choice(["error", "warning", "fatal"]),
            environment=chance.choice(["production", "staging", ""]),
            release=chance.choice(["shop@1", "shop@2"]),
            user_key=chance.choice(["", "0000000000000001", "ffffffffffffffff"]),
            tags={"browser": chance.choice(["Firefox", "Chrome"]), "zone": f"z{number % 20}"},
        )
        for number in range(1, 201)
    ]
    foreign = [replace(error(position=500), project_id=2, environment="secret")]
    asking.write(1, Batch(errors=[*mine, *foreign]), position=500)
    asking.write(2, Batch(errors=[error(organization_id=2, environment="secret")]), position=500)
    return mine


def inside(events, scope, hashes=(HASH, OTHER_HASH)):
    return [
        one
        for one in events
        if scope.since <= one.timestamp < scope.until
        and one.grouping_hash in hashes
        and scope.environment in {"", one.environment}
        and scope.release in {"", one.release}
    ]


@pytest.fixture(params=[{}, {"environment": "production"}, {"release": "shop@2"}])
def narrowed(request) -> Scope:
    return scope(**request.param)


def test_events_are_listed_newest_first_page_by_page(asking, events, narrowed):
    expected = sorted(inside(events, narrowed, [HASH]), key=lambda one: one.timestamp, reverse=True)
    listed: list[errors.EventRow] = []
    while page := errors.events_of(
        narrowed, [HASH], before=listed[-1].mark if listed else None, limit=9
    ):
        listed += page
    assert [one.event_id for one in listed] == [one.event_id for one in expected]


def test_events_of_one_moment_have_an_order(asking):
    asking.write(1, Batch(errors=[error(position=n) for n in range(1, 8)]), position=7)
    first = errors.events_of(scope(), [HASH], limit=4)
    rest = errors.events_of(scope(), [HASH], before=first[-1].mark, limit=4)
    listed = [one.event_id for one in (*first, *rest)]
    assert listed == sorted(listed, reverse=True)
    assert len(set(listed)) == 7


def test_neighbours_of_an_event(asking, events, narrowed):
    ordered = sorted(inside(events, narrowed, [HASH]), key=lambda one: one.timestamp)
    ids = [one.event_id for one in ordered]
    middle = errors.event(narrowed, ids[5])
    assert middle is not None
    found = errors.neighbours(narrowed, [HASH], middle.mark)
    marks = (found.first, found.previous, found.next, found.latest)
    assert [mark and mark.event_id for mark in marks] == [ids[0], ids[4], ids[6], ids[-1]]
    assert (found.number, found.total) == (6, len(ids))
    assert found.next is not None
    assert found.next.timestamp == ordered[6].timestamp


def test_the_first_event_has_nothing_before_it(asking):
    asking.write(1, Batch(errors=[error()]), position=1)
    (only,) = errors.events_of(scope(), [HASH])
    found = errors.neighbours(scope(), [HASH], only.mark)
    assert (found.previous, found.next, found.number, found.total) == (None, None, 1, 1)


def test_neighbours_of_one_moment_are_ordered_by_id(asking):
    sent = [error(position=n, at=hour(n // 4)) for n in range(1, 10)]
    asking.write(1, Batch(errors=sent), position=9)
    marks = [one.mark for one in reversed(errors.events_of(scope(), [HASH]))]
    for number, mark in enumerate(marks, 1):
        found = errors.neighbours(scope(), [HASH], mark)
        assert (found.number, found.total) == (number, 9)
        assert (found.first, found.latest) == (marks[0], marks[-1])
        assert found.previous == (marks[number - 2] if number > 1 else None)
        assert found.next == (marks[number] if number < 9 else None)


@pytest.mark.parametrize("age", [0, 1, 5, 9, 10, 73, 74, 300])
def test_an_event_is_found_however_old_it_is(asking, age):
    sent = error(at=hour(-24 * age))
    asking.write(1, Batch(errors=[sent]), position=1)
    ever = scope(since=sent.timestamp)
    for hashes in (None, [HASH]):
        found = errors.event(ever, sent.event_id, hashes)
        assert found is not None
        assert found.timestamp == sent.timestamp
    assert errors.event(ever, sent.event_id, [OTHER_HASH]) is None
    assert errors.event(ever, "f" * 32) is None


def test_an_issue_without_events_in_the_scope(asking):
    mark = errors.EventMark(NOON, "f" * 32)
    assert errors.neighbours(scope(), [HASH], mark).total == 0
    assert errors.latest_event(scope(), [HASH]) is None
    assert errors.events_of(scope(), []) == []
    assert errors.totals_by_group(scope(), [HASH]) == {}
    assert errors.issue_trends(scope(), [HASH], HOUR) == {HASH: [0] * 24}
    assert distributions.tag_distributions(scope(), []) == []


def test_latest_event_has_its_body(asking, events):
    latest = errors.latest_event(scope(), [HASH, OTHER_HASH])
    assert latest is not None
    newest = max(inside(events, scope()), key=lambda one: one.timestamp)
    assert latest.event_id == newest.event_id
    assert latest.body == {"title": "no price"}


def test_trends_of_many_issues(asking, events, narrowed):
    starts = buckets(narrowed, HOUR)
    found = errors.issue_trends(narrowed, [HASH, OTHER_HASH, "c" * 32], HOUR)
    assert found["c" * 32] == [0] * len(starts)
    for one in (HASH, OTHER_HASH):
        counted = Counter(
            (e.timestamp - narrowed.since).total_seconds() // HOUR
            for e in inside(events, narrowed, [one])
        )
        assert found[one] == [counted[number] for number in range(len(starts))]


def test_volume_by_level(asking, events, narrowed):
    found = errors.volume(narrowed, 7 * HOUR, category="error")  # the last bucket is a short one
    expected = Counter(one.level for one in inside(events, narrowed))
    assert {level: sum(counts) for level, counts in found.items()} == expected
    assert {len(counts) for counts in found.values()} == {4}


def test_totals(asking, events, narrowed):
    mine = inside(events, narrowed, [HASH])
    found = errors.totals_by_group(narrowed, [HASH])[HASH]
    assert found.events == len(mine)
    assert found.users == len({one.user_key for one in mine} - {""})
    assert (found.first, found.last) == (
        min(one.timestamp for one in mine),
        max(one.timestamp for one in mine),
    )


def test_tags_and_their_shares(asking, events, narrowed):
    mine = inside(events, narrowed, [HASH])
    found = {one.key: one for one in distributions.tag_distributions(narrowed, [HASH], top=3)}
    assert {"browser", "zone", "environment", "release"} <= set(found)
    environments = Counter(one.environment for one in mine if one.environment)
    assert {one.value: one.events for one in found["environment"].top} == environments
    browsers = Counter(one.tags["browser"] for one in mine)
    assert {one.value: one.events for one in found["browser"].top} == browsers
    assert sum(one.share for one in found["browser"].top) == pytest.approx(1)
    assert found["zone"].values == len({one.tags["zone"] for one in mine})
    assert len(found["zone"].top) == 3
    assert found["zone"].events == len(mine)


def test_a_trace_has_spans_by_start_and_its_errors(asking):
    trace_id = "d" * 32
    late = span(trace_id=trace_id, at=hour(1), name="late")
    early = span(trace_id=trace_id, at=NOON, name="early", is_segment=True)
    failure = error(trace_id=trace_id, span_id=early.span_id)
    elsewhere = [replace(span(trace_id=trace_id), project_id=2), span()]
    batch = Batch(errors=[failure, error()], spans=[late, early, *elsewhere])
    asking.write(1, batch, position=1)
    found = spans.trace(scope(), trace_id)
    assert [one.name for one in found.spans] == ["early", "late"]
    assert [one.event_id for one in found.errors] == [failure.event_id]


def test_a_scope_has_aware_times_in_order():
    with pytest.raises(ValueError, match="aware"):
        scope(since=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="ends before"):
        scope(until=hour(-13))


def test_a_scope_moves():
    day = scope()
    assert day.before().until == day.since
    assert day.before().length == day.length
    assert day.around(NOON, hour(1) - NOON).length == hour(2) - NOON
