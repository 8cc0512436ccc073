"""Which segments detection reads: finished ones, suspicious ones, not too many of each endpoint."""

from datetime import timedelta
from typing import Any

import pytest

from console.telemetry import segments
from console.telemetry.records import Batch, Span
from console.telemetry.segments import Suspicion, Window
from tests.telemetry.samples import NOON, scope, span

BY = Suspicion(repeats=5, slow_us=500_000, long_us=500_000, per_group=3)
QUERY = "00000000000000aa"


def request(
    number: int,
    look_ups: int = 0,
    *,
    position: int = 1,
    root: bool = True,
    us: int = 9_000,
    db_us: int = 100,
    **fields: Any,
) -> list[Span]:
    """One request with so many equal look-ups; its ids follow from its number."""
    trace_id, segment_id = f"{number:032x}", f"{number:016x}"
    common = {"trace_id": trace_id, "segment_id": segment_id, "release": "1", **fields}
    spans = [
        span(position, span_id=f"{number:08x}{child:08x}", category="db", fingerprint=QUERY,
             duration_us=db_us, **common)
        for child in range(1, look_ups + 1)
    ]  # fmt: skip
    if root:
        own = {"is_segment": True, "category": "request", "endpoint": "GET /books"}
        spans.append(span(position, span_id=segment_id, duration_us=us, **{**own, **common}))
    return spans


def window(after: int, upto: int, horizon: int = 0, since=NOON) -> Window:
    return Window(after, upto, horizon or upto, since)


@pytest.fixture
def stored(asking):
    def store(*requests: list[Span], position: int = 1) -> None:
        asking.write(1, Batch(spans=[one for spans in requests for one in spans]), position)

    return store


def examined(*bounds: int):
    found = segments.examined(scope(), window(*bounds), BY)
    return found[0] if found else None


def test_suspicious_is_what_repeats_is_slow_or_long(stored):
    stored(
        request(1, 4), request(2, 5), request(3, 1, db_us=500_000), request(4, us=500_000),
        request(5, 1, db_us=499_999, us=499_999),
    )  # fmt: skip
    found = examined(0, 1)
    assert [int(key.trace_id, 16) for key in found.suspicious] == [2, 3, 4]
    assert (found.endpoint, found.release, found.clean, found.left_out) == ("GET /books", "1", 2, 0)


def test_of_very_many_the_worst_are_read_and_the_rest_is_told(stored):
    stored(*[request(number, 5 + number) for number in range(1, 11)])
    found = examined(0, 1)
    assert [int(key.trace_id, 16) for key in found.suspicious] == [10, 9, 8]
    assert (found.left_out, found.clean) == (7, 0)


def test_each_endpoint_environment_and_release_has_its_own_share(stored):
    stored(
        *[
            request(3 * number + other, 6, endpoint=f"GET /{other}", release=f"{other}")
            for number in range(5)
            for other in (1, 2, 3)
        ]
    )
    found = segments.examined(scope(), window(0, 1), BY)
    assert [(one.endpoint, len(one.suspicious), one.left_out) for one in found] == [
        ("GET /1", 3, 2), ("GET /2", 3, 2), ("GET /3", 3, 2),
    ]  # fmt: skip


def test_a_segment_with_newer_spans_comes_again_with_them(stored):
    stored(request(1, 6))
    stored(request(1, 9, position=2, root=False)[6:], position=2)
    assert examined(0, 1, 2) is None
    assert [key.is_new for key in examined(1, 2).suspicious] == [False]
    assert len(examined(0, 1, 1).suspicious) == 1  # whoever repeats a window finds what it knew


def test_spans_of_a_segment_count_together_whatever_window_they_came_in(stored):
    stored(request(1, 4, root=False))
    stored(request(1, 4, position=2)[-1:], position=2)
    stored(request(1, 6, position=3, root=False)[4:], position=3)
    assert examined(0, 1) is None  # its own span is waited for
    assert examined(1, 2).clean == 1
    assert len(examined(2, 3).suspicious) == 1


def test_late_spans_of_a_segment_that_came_long_before_are_read(stored):
    later = NOON + timedelta(minutes=5)
    stored(request(1, 2))
    stored(request(1, 3, position=2, root=False, received_at=later)[2:], position=2)
    (found,) = segments.examined(scope(), window(1, 2, since=later), BY)
    assert (found.endpoint, found.clean) == (None, 0)
    (rows,) = segments.spans_of(scope(), found.suspicious).values()
    assert len(rows) == 4


def test_lone_statements_and_other_projects_are_left_out(stored):
    stored(
        [span(op="db", is_segment=True, segment_id="a" * 16, span_id="a" * 16, endpoint="")],
        request(1, 9, project_id=2),
    )
    assert examined(0, 1) is None


def test_what_waits_and_up_to_where(stored):
    for position in (1, 2, 3):
        at = NOON + timedelta(seconds=position)
        stored(request(position, 3, position=position, received_at=at), position=position)
    assert segments.waiting(scope(), 3, 9, NOON) is None
    found = segments.waiting(scope(), 1, 3, NOON + timedelta(seconds=3))
    assert found is not None
    assert (found.spans, found.fresh_from) == (8, 3)
    assert found.since == NOON + timedelta(seconds=2)
    assert segments.end_of(scope(), 0, 3, 4) == 2
    assert segments.end_of(scope(), 0, 3, 100) == 3


def test_spans_are_read_by_start_and_never_without_the_segments_own(stored, monkeypatch):
    monkeypatch.setattr(segments, "MOST_SPANS", 4)
    stored(request(1, 9), request(2, 1))
    keys = segments.examined(scope(), window(0, 1), BY)[0].suspicious
    (rows,) = segments.spans_of(scope(), keys).values()
    assert len(rows) == 4
    assert sum(row.is_segment for row in rows) == 1
