"""Spans find their segment, whichever comes first, and whatever lies between them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from console.telemetry.records import Batch
from console.telemetry.tables import span as spans
from tests.telemetry.samples import NOON, span

TRACE = uuid4().hex
SEGMENT, CHILD, GRANDCHILD, OTHER = (f"{number:016x}" for number in range(1, 5))


def segment(**fields: Any):
    named: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": SEGMENT,
        "segment_id": SEGMENT,
        "is_segment": True,
    }
    return span(duration_us=9_000_000, segment_name="GET /cart", **named | fields)


def child(**fields: Any):
    known: dict[str, Any] = {"trace_id": TRACE, "span_id": CHILD, "parent_span_id": SEGMENT}
    return span(at=NOON + timedelta(seconds=1), **known | fields)


def grandchild(**fields: Any):
    return child(span_id=GRANDCHILD, parent_span_id=CHILD, **fields)


def written(store, *batches):
    """Write the batches one after the other; the segment of each span that is stored then."""
    for number, batch in enumerate(batches, start=1):
        store.write(1, Batch(spans=batch), position=number)
    with store.using(1) as database, database.transaction() as connection:
        columns = (spans.c.project_id, spans.c.span_id, spans.c.segment_id, spans.c.segment_name)
        return {tuple(row[:2]): tuple(row[2:]) for row in connection.execute(select(*columns))}


ADOPTED = (SEGMENT, "GET /cart")


@pytest.mark.parametrize(
    "batches",
    [
        [[grandchild()], [child(position=2)], [segment(position=3)]],
        [[segment()], [child(position=2)], [grandchild(position=3)]],
        [[segment(), grandchild()], [child(position=2)]],
        [[grandchild()], [child(position=2), segment(position=2)]],
        [[grandchild(), child()], [segment(position=2)]],
        [[grandchild()], [segment(position=2)], [child(position=3)]],
    ],
    ids=lambda batches: " then ".join("+".join(s.span_id[-1] for s in b) for b in batches),
)
def test_spans_find_their_segment_in_whatever_order_they_come(store, batches):
    found = written(store, *batches)
    assert found == dict.fromkeys([(1, SEGMENT), (1, CHILD), (1, GRANDCHILD)], ADOPTED)


def test_what_leads_to_no_segment_stays_without(store):
    lost = child(span_id=OTHER, parent_span_id="f" * 16)
    circle = [
        child(span_id="a" * 16, parent_span_id="b" * 16),
        child(span_id="b" * 16, parent_span_id="a" * 16),
        child(span_id="c" * 16, parent_span_id=""),
    ]
    found = written(store, [lost, *circle], [segment(position=2)])
    assert {key: one for key, one in found.items() if key != (1, SEGMENT)} == dict.fromkeys(
        [(1, OTHER), *((1, letter * 16) for letter in "abc")], ("", "")
    )


def test_another_project_another_trace_and_another_time_are_left_alone(store):
    strangers = [
        child(project_id=2),
        child(trace_id=uuid4().hex, span_id=OTHER),
        child(span_id=GRANDCHILD, timestamp=NOON - timedelta(hours=1)),
    ]
    found = written(store, strangers, [segment(position=2)])
    assert {found[2, CHILD], found[1, OTHER], found[1, GRANDCHILD]} == {("", "")}


def test_a_segment_that_a_span_names_itself_is_kept(store):
    named = child(segment_id=OTHER, segment_name="POST /other")
    below = grandchild()
    found = written(store, [named, below], [segment(position=2)])
    assert found[1, CHILD] == found[1, GRANDCHILD] == (OTHER, "POST /other")


def test_sentrys_clients_are_believed_where_they_name_none(store):
    late = child(sdk="sentry.python/2.75.0")
    found = written(store, [late], [segment(position=2, sdk="sentry.python/2.75.0")])
    assert found[1, CHILD] == ("", "")


def test_a_replay_changes_nothing(store):
    batches = [[grandchild(), child()], [segment(position=2)]]
    before = written(store, *batches)
    assert written(store, *batches) == before
