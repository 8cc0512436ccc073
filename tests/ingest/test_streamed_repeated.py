"""Streamed spans that repeat an earlier one get the rows that they would get without it."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.ingest import repeats
from console.ingest.decoded import Context
from console.ingest.repeats import Repeats, repeats_of
from console.ingest.scrub_rules import ScrubRules
from console.ingest.sentry.items import decode
from tests.ingest.corpus.reading import context, item

AT = 1795461600.0  # 2026-11-23T19:20:00Z
SDK = {"sdk": {"name": "sentry.python", "version": "2.75.0"}}
LOOKS: list[dict[str, Any]] = [
    {"name": "GET /books", "is_segment": True, "attributes": {"sentry.op": "http.server"}},
    {"name": "SELECT 1", "attributes": {"sentry.op": {"value": "db", "type": "string"}}},
    {"name": "login", "attributes": {"password": "hunter2", "user.id": 17, "half": 1.0}},
    {"name": "login", "attributes": {"password": "hunter2", "user.id": 17, "half": 1}},
    {"name": "login", "attributes": {"password": "hunter2", "user.id": 17, "half": True}},
    {"name": "deep", "attributes": {"a": {"value": [{"b": "Bearer abcdef0123456789"}]}}},
    {"name": "late", "status": "error", "attributes": {"http.response.status_code": 503}},
    {"name": "no attributes"},
]
IDS = st.sampled_from(["a" * 32, "b" * 16, "4111111111111111", "A" * 16, "", None, 7, "x" * 16])
TIMES = st.sampled_from([AT, AT + 0.25, AT - 3600, 1795461600, str(AT), "2026-11-23T19:20:00Z"])
OWN = st.fixed_dictionaries(
    {"trace_id": IDS, "span_id": IDS, "start_timestamp": TIMES},
    optional={
        "parent_span_id": IDS,
        "end_timestamp": TIMES | st.sampled_from([None, "never", float("inf")]),
    },
)
RULES = st.sampled_from(
    [
        {},
        {"names": ("parent",)},
        {"names": ("segment",)},
        {"patterns": ("b{4,}",)},
        {"safe": ("password",)},
        {"enabled": False},
    ]
)


def decoded(element: Any, around: Context, rate: str = "1.0"):
    header = {**SDK, "trace": {"sample_rate": rate}}
    brought = decode(item("span", {"version": 2, "items": [element]}, header), around)
    return list(brought.spans), brought.counts


@given(
    st.lists(st.tuples(st.sampled_from(LOOKS), OWN, IDS, st.sampled_from("15")), max_size=8), RULES
)
def test_the_row_of_a_span_is_the_same_after_others(sent, rules):
    shared = Repeats()
    for position, (look, own, segment_id, rate) in enumerate(sent):
        element = {**look, **own}
        if "attributes" in look:
            named = {"sentry.segment.id": {"value": segment_id, "type": "string"}}
            element["attributes"] = {**look["attributes"], **named}
        alone = replace(context(**rules), position=position, project_id=position % 2)
        after_others = replace(alone, repeats=shared)
        assert decoded(element, after_others, f"0.{rate}") == decoded(element, alone, f"0.{rate}")


def test_a_span_that_was_met_before_is_not_described_anew():
    around = context()
    own = {"trace_id": "a" * 32, "span_id": "b" * 16, "start_timestamp": AT}
    (first,), _ = decoded({**LOOKS[1], **own}, around)
    (second,), _ = decoded({**LOOKS[1], **own, "span_id": "c" * 16}, around)
    assert second.span_id == "c" * 16
    assert second.attributes is first.attributes


def test_rules_do_not_share_what_they_have_scrubbed():
    assert repeats_of(ScrubRules()) is repeats_of(ScrubRules())
    assert repeats_of(ScrubRules()) is not repeats_of(ScrubRules(names=("vat",)))


def test_what_is_remembered_is_bounded():
    around = context()
    own = {"trace_id": "a" * 32, "span_id": "b" * 16, "start_timestamp": AT}
    for number in range(repeats.ROWS + 5):
        decoded({**own, "name": str(number), "attributes": {}}, around)
        assert len(around.repeats) <= repeats.ROWS
    decoded({**own, "name": "x" * repeats.KEY_BYTES, "attributes": {}}, around)
    assert len(around.repeats) == 5
