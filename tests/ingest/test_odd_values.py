"""Values in other shapes than today's clients give them."""

import pytest

from console.ingest.sentry.items import decode
from console.uptime.check_in import CheckIn
from tests.ingest.corpus.reading import context, event, item


def test_milliseconds_in_a_text_are_no_date_of_another_century():
    """Read as one, this is 1790-12-28."""
    found = event({"message": "x", "timestamp": "1790122820000"})
    assert found["client_timestamp"] == "2026-09-23T00:20:20Z"


def test_what_is_no_object_stays_what_the_client_sent():
    found = event(
        {
            "message": "x",
            "extra": ["a", "b"],
            "contexts": {"state": ["c"], "os": "Linux", "none": None, "empty": {}},
            "breadcrumbs": [{"message": "m", "data": ["foo", "bar"]}, {"data": None}, {"data": []}],
        }
    )
    assert found["extra"] == ["a", "b"]
    assert found["contexts"] == {"state": ["c"], "os": "Linux", "empty": {}}
    crumbs = found["breadcrumbs"]["values"]
    assert [crumb.get("data") for crumb in crumbs] == [["foo", "bar"], None, None]


def test_what_an_event_loses_on_its_way_is_noted():
    found = event(
        {
            "message": "x",
            "_pharos": {"left_out": {"tags": 9}},
            "tags": {f"t{number}": "v" for number in range(103)},
            "breadcrumbs": {"values": [{"message": str(number)} for number in range(230)]},
            "exception": ["a text", {"type": "E", "value": "v"}],
            "user": "mia",
            "request": ["GET", "/"],
            "_meta": {
                "extra": {"payload": {"": {"len": 5120, "rem": [["!limit", "x", 509, 512]]}}},
                "breadcrumbs": {"values": {"0": {"data": {"": {"rem": [["!limit"]]}}}}},
            },
        }
    )
    assert found["_pharos"] == {
        "left_out": {"tags": 3, "breadcrumbs": 30},
        "unread": {"user": "mia", "request": ["GET", "/"], "exception": ["a text"]},
        "cut": {"extra.payload": 5120, "breadcrumbs.values.0.data": 0},
    }
    assert "_pharos" not in event({"message": "x", "tags": {"a": "b"}, "_meta": {"": {}}})


def test_numbers_that_came_as_texts_are_numbers():
    frame = {"function": "f", "lineno": "12", "colno": 3.0, "vars": ["a"]}
    vast = {"function": "f", "lineno": "9" * 5000, "colno": 1e300}
    (kept,) = event({"exception": [{"stacktrace": {"frames": [vast]}}]})["exception"]["values"]
    assert kept["stacktrace"]["frames"] == [vast]
    sent = {"exception": [{"type": "E", "stacktrace": {"frames": [frame]}}], "level": "30"}
    found = event(sent)
    (shown,) = found["exception"]["values"][0]["stacktrace"]["frames"]
    assert (shown["lineno"], shown["colno"], shown["vars"]) == (12, 3, {"0": "a"})
    assert found["level"] == "warning"


def test_lists_that_php_wrote_as_objects_are_lists():
    gaps = {"0": {"type": "E", "value": "v"}, "2": {"type": "F", "value": "w"}}
    for sent in (gaps, {"values": gaps}):
        found = event({"exception": sent})["exception"]["values"]
        assert [one["type"] for one in found] == ["E", "F"]
    found = event({"message": "x", "breadcrumbs": {"values": {"3": {"message": "c"}}}})
    assert found["breadcrumbs"] == {"values": [{"message": "c"}]}


def test_values_read_as_the_client_wrote_them():
    """JSON has no True and no single quotes, whatever language reads it here."""
    sent = {
        "tags": {"paid": True, "late": False, "cart": {"lines": [1, None]}, "rate": 1.5},
        "exception": {"values": [{"type": "E", "value": {"code": 7, "why": "late"}}]},
        "request": {"url": "/", "headers": [["Via", "a"], ["Via", "b"], ["Host", ["c", True]]]},
    }
    shaped = event(sent)
    assert shaped["tags"] == {
        "paid": "true", "late": "false", "cart": '{"lines":[1,null]}', "rate": "1.5",
    }  # fmt: skip
    assert shaped["exception"]["values"][0]["value"] == '{"code":7,"why":"late"}'
    assert shaped["request"]["headers"] == {"Via": "a, b", "Host": "c, true"}


def test_spaces_around_a_name_make_no_other_name():
    shaped = event({"message": "x", "environment": " prod\n", "release": "a@1 ", "dist": " 7"})
    assert (shaped["environment"], shaped["release"], shaped["dist"]) == ("prod", "a@1", "7")


def test_breadcrumbs_stand_by_their_times():
    """Clients with a native half, or several scopes, send one list behind the other."""
    sent = [
        {"message": "tapped", "timestamp": "2026-11-23T19:20:40Z"},
        {"message": "beside that"},
        {"message": "paid", "timestamp": 1795461650},
        {"message": "started", "timestamp": "2026-11-23T21:20:10+02:00"},
    ]
    crumbs = event({"message": "x", "breadcrumbs": sent})["breadcrumbs"]["values"]
    assert [crumb["message"] for crumb in crumbs] == ["started", "tapped", "beside that", "paid"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"message": ["a", 5]}, '["a",5]'),
        ({"message": {"message": {"code": 5}}}, '{"code":5}'),
        ({"logentry": {"formatted": ["late"]}}, '["late"]'),
        ({"message": 5}, "5"),
        ({"message": True}, "true"),
        ({"logentry": "late", "message": "early"}, "late"),
    ],
)
def test_a_message_that_is_no_text_is_shown_as_it_was_written(sent, words):
    assert event(sent)["logentry"]["formatted"] == words


@pytest.mark.parametrize("empty", [{}, [], [{}], {"values": [{}, {"type": None, "value": ""}]}])
def test_an_exception_that_says_nothing_is_none(empty):
    assert "exception" not in event({"message": "x", "exception": empty})


@pytest.mark.parametrize("trace", [None, {}, {"op": "task"}, {"trace_id": "z", "span_id": 5}])
def test_a_transaction_without_a_trace_is_its_own(trace):
    sent = {
        "type": "transaction",
        "event_id": "a" * 16 + "b" * 16,
        "transaction": "import",
        "contexts": {"trace": trace},
        "start_timestamp": 1790122820,
        "timestamp": 1790122821,
        "spans": [{"span_id": "c" * 16, "start_timestamp": 1790122820, "timestamp": 1790122821}],
    }
    segment, child = decode(item("transaction", sent), context()).spans
    assert (segment.trace_id, segment.span_id) == ("a" * 16 + "b" * 16, "b" * 16)
    assert (child.trace_id, child.segment_id) == (segment.trace_id, segment.span_id)


def test_a_check_in_may_shout():
    sent = {"check_in_id": "a" * 32, "monitor_slug": "nightly", "status": "OK"}
    (kept,) = decode(item("check_in", sent), context()).of(CheckIn)
    assert kept.status == "ok"
