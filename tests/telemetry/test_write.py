"""Each record once: resends, replays, crashes between commits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from console.telemetry import bodies, errors, spans
from console.telemetry.records import Batch
from tests.telemetry.samples import HASH, NOON, OTHER_HASH, error, errors_in, hour, scope, span


def test_a_batch_is_stored_with_every_field(asking):
    sent = error(
        position=9,
        level="warning",
        kind="ValueError",
        culprit="shop.price in total",
        message="no price for 'ä' 漢字",
        platform="python",
        environment="production",
        release="shop@1.0",
        transaction="GET /cart",
        user_key="00000000000000ff",
        trace_id="c" * 32,
        span_id="fedcba9876543210",
        handled=False,
        sdk="sentry.python",
        tags={"browser": 'Fire"fox', "zone": "eu"},
    )
    written = asking.write(1, Batch(errors=[sent]), position=9)
    assert written.of("errors") == {(1, sent.event_id)}
    found = errors.event(scope(), sent.event_id)
    assert found is not None
    assert found.body == {"title": "no price"}
    for name in errors.EventRow.__dataclass_fields__:
        assert getattr(found, name) == getattr(sent, name)


def test_a_span_is_stored_with_every_field(asking):
    sent = span(
        parent_span_id="0000000000000001",
        segment_id="fedcba9876543210",
        is_segment=True,
        op="http.server",
        name="GET /cart",
        segment_name="GET /cart",
        source="route",
        origin="auto.http.flask",
        status="ok",
        kind="server",
        http_method="GET",
        http_route="/cart",
        http_status=200,
        environment="production",
        release="shop@1.0",
        platform="python",
        sdk="sentry.python",
        server_name="web-3",
        user_key="00000000000000ff",
        sample_rate=0.25,
        attributes={"db.rows": 3, "cached": True, "share": 0.5, "ids": [1, 2]},
    )
    written = asking.write(1, Batch(spans=[sent]), position=1)
    assert written.of("spans") == {(1, sent.trace_id, sent.span_id)}
    (found,) = spans.trace(scope(), sent.trace_id).spans
    for name in spans.SpanRow.__dataclass_fields__:
        assert getattr(found, name) == getattr(sent, name)


def test_a_resend_changes_nothing(asking):
    sent = error(position=1)
    asking.write(1, Batch(errors=[sent]), position=1)
    again = replace(sent, position=2, title="another", timestamp=NOON + timedelta(hours=1))
    again = replace(again, client_timestamp=NOON)
    assert asking.write(1, Batch(errors=[again]), position=2).of("errors") == frozenset()
    assert errors_in(scope()) == 1
    assert asking.position(1) == 2


def test_a_resend_is_known_by_the_client_s_time_however_late_it_comes(asking):
    sent = error(position=1, client_timestamp=hour(-200))
    asking.write(1, Batch(errors=[sent]), position=1)
    late = replace(sent, position=2, timestamp=hour(9), received_at=hour(9))
    assert asking.write(1, Batch(errors=[late]), position=2).of("errors") == frozenset()


def test_the_same_ids_in_another_project_are_another_event(asking):
    sent = error(position=1)
    other = replace(sent, project_id=2)
    written = asking.write(1, Batch(errors=[sent, other]), position=1)
    assert written.of("errors") == {(1, sent.event_id), (2, sent.event_id)}


def test_of_duplicates_in_one_batch_the_first_is_stored(asking):
    first, twin = span(position=3), span(position=4, name="twin")
    twin = replace(twin, trace_id=first.trace_id, span_id=first.span_id)
    written = asking.write(1, Batch(spans=[first, twin]), position=4)
    assert written.of("spans") == {(1, first.trace_id, first.span_id)}
    (found,) = spans.trace(scope(), first.trace_id).spans
    assert found.name == ""


def test_a_replay_answers_as_the_first_time(asking):
    resent = error(position=1)
    asking.write(1, Batch(errors=[resent]), position=1)
    batch = Batch(errors=[replace(resent, position=2), error(position=3)], spans=[span(position=3)])
    first = asking.write(1, batch, position=3)
    assert asking.write(1, batch, position=3) == first
    assert first.of("errors") == {(1, batch.of("errors")[1].event_id)}
    assert errors_in(scope()) == 2


def test_a_replay_in_parts_does_not_move_the_position_back(asking):
    batch = [error(position=one) for one in (1, 2, 3)]
    asking.write(1, Batch(errors=batch), position=3)
    part = asking.write(1, Batch(errors=batch[:1]), position=1)
    assert part.of("errors") == {(1, batch[0].event_id)}
    assert asking.position(1) == 3


def test_what_retention_deleted_does_not_come_back_by_a_replay(asking):
    batch = Batch(errors=[error(position=5)])
    asking.write(1, batch, position=5)
    asking.withdraw(1, 5)
    assert asking.write(1, batch, position=5).of("errors") == frozenset()
    assert errors_in(scope()) == 0


def test_a_dead_letter_takes_its_rows_along(asking):
    kept, buried = error(position=1), error(position=2, grouping_hash=OTHER_HASH)
    traced = span(position=2)
    asking.write(1, Batch(errors=[kept, buried], spans=[traced]), position=2)
    asking.withdraw(1, 2)
    assert errors.event(scope(), kept.event_id)
    assert errors.event(scope(), buried.event_id) is None
    assert spans.trace(scope(), traced.trace_id).spans == []


def test_records_of_very_different_times_find_their_twins(asking):
    old = [error(position=1, at=hour(-24 * day)) for day in range(40)]
    asking.write(1, Batch(errors=old), position=1)
    again = [replace(one, position=2) for one in old]
    assert asking.write(1, Batch(errors=again), position=2).of("errors") == frozenset()


def test_another_organization_s_record_is_refused(store):
    with pytest.raises(ValueError, match="2"):
        store.write(1, Batch(errors=[error(organization_id=2)]), position=1)


def test_a_failing_batch_leaves_nothing(asking):
    bad = error(position=1, event_id="no hex at all")
    with pytest.raises(Exception, match="UUID"):
        asking.write(1, Batch(errors=[bad], spans=[span(position=1)]), position=1)
    assert asking.position(1) == 0
    assert errors_in(scope()) == 0


def test_an_empty_batch_makes_no_file(store, folder):
    assert store.write(1, Batch(), position=4).position == 4
    assert not folder.exists()


def test_what_the_console_found_itself_is_stored_once_and_told_to_its_first_run_alone(asking):
    asking.write(1, Batch(errors=[error(position=7)]), position=7)
    found = error(position=-1, category="performance")
    told = frozenset({(1, found.event_id)})
    for _ in range(2):  # the second is a replay of the same run
        assert asking.write_own(1, [found], run=1).of("errors") == told
    again = replace(found, position=-2)
    assert asking.write_own(1, [again], run=2).of("errors") == frozenset()
    assert asking.position(1) == 7
    assert errors.totals_by_group(scope(), [HASH])[HASH].events == 2
    with pytest.raises(ValueError, match="another run"):
        asking.write_own(1, [found], run=3)


def test_findings_are_not_among_errors(asking):
    finding = error(
        position=-1, category="performance", trace_id="c" * 32, grouping_hash=OTHER_HASH
    )
    asking.write_own(1, [finding], run=1)
    assert errors_in(scope()) == 0
    assert errors.volume(scope(), 3600, category="error") == {}
    assert errors.errors_of_trace(scope(), "c" * 32) == []
    assert errors.latest_bodies(scope(), [OTHER_HASH]) == {OTHER_HASH: [{"title": "no price"}]}


def test_latest_bodies_are_those_of_each_hash(asking):
    sent = [
        error(position=1, at=hour(number), grouping_hash=hash_, body=bodies.pack({"n": number}))
        for number in range(4)
        for hash_ in (HASH, OTHER_HASH)
    ]
    asking.write(1, Batch(errors=sent), position=1)
    latest = errors.latest_bodies(scope(), [HASH, OTHER_HASH], per_hash=2)
    assert latest == {HASH: [{"n": 3}, {"n": 2}], OTHER_HASH: [{"n": 3}, {"n": 2}]}
