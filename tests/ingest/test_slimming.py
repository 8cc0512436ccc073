"""Events that are too large to keep whole: recursions, endless locals, whole bodies of requests."""

import json

import pytest

from console.errors.details import details
from console.errors.stacktrace import stacktrace
from console.ingest.sentry.items import EVENT_BYTES, decode
from console.ingest.sentry.slimming import KEPT_BYTES
from tests.ingest.corpus.reading import context, event, item

ENDLESS = "x" * 1_200_000
ERROR = {"exception": [{"type": "E", "value": "no"}]}
LEGACY = {"sentry.interfaces.Exception": {"values": ERROR["exception"]}}


def recursion(count, **more):
    frames = [{"function": f"walk_{n}", "filename": "tree.py", **more} for n in range(count)]
    return {"exception": {"values": [{"type": "RecursionError", "stacktrace": {"frames": frames}}]}}


@pytest.mark.parametrize(
    ("sent", "gone"),
    [
        (recursion(1000, vars={"node": "x" * 1_500}), ""),
        (recursion(300, vars={"node": "x" * 8_000}), "local variables of outer frames"),
        (recursion(2, vars={"node": ENDLESS}), "local variables"),
        ({**ERROR, "extra": {"body": ENDLESS}, "tags": {"a": "b"}}, "additional data"),
        ({"message": ENDLESS, "exception": [{"type": "E", "value": ENDLESS}]}, ""),
        ({**LEGACY, "sentry.interfaces.Http": {"data": ENDLESS}}, "request"),
        ({**ERROR, "extra": {"half": "\ud800", "body": ENDLESS}}, "additional data"),
        (
            {**ERROR, "extra": f"{ENDLESS}{40 * 'y'}", "threads": [{"name": ENDLESS}]},
            "additional data, threads",
        ),
    ],
)
def test_what_goes_is_the_largest_part_and_the_page_says_so(sent, gone):
    assert KEPT_BYTES < len(json.dumps(sent)) < EVENT_BYTES
    kept = event({**sent, "release": "1.0"})
    assert len(json.dumps(kept)) <= KEPT_BYTES
    assert kept["release"] == "1.0"
    assert kept["exception"]["values"][0]["type"] in {"E", "RecursionError"}
    words = [f"The event was larger than 1 MiB: it is kept without its {gone}."] if gone else []
    assert list(details(kept).lost) == words


def test_a_recursion_keeps_both_its_ends_and_counts_the_rest():
    view = stacktrace(event(recursion(9_000, vars={"node": "x" * 300})))
    (raised,) = view.exceptions
    assert (len(raised.stack.frames), raised.stack.not_kept) == (500, 8_500)
    assert raised.stack.frames[0].function == "walk_8999"


def test_locals_stay_where_it_failed():
    view = stacktrace(event(recursion(300, vars={"node": "x" * 8_000})))
    frames = view.exceptions[0].stack.frames
    assert [bool(frames[place].variables) for place in (0, 50, -1)] == [True, True, False]


def test_what_stays_too_large_is_counted():
    chain = [{"type": "E" * 100_000, "value": "no"} for _ in range(20)]
    result = decode(item("event", {"exception": chain}), context())
    ((count,), events) = result.counts, result.errors
    assert (count.item_type, count.outcome, count.quantity) == ("event", "invalid", 1)
    assert "even without locals and contexts" in count.reason
    assert not events
