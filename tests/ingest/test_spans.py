"""Transactions, streamed containers and single spans become the same rows."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from console.ingest.decoded import ItemCount
from console.ingest.people import People
from console.ingest.sentry.envelope import Envelope
from console.ingest.sentry.items import decode
from console.telemetry.records import Span
from tests.ingest.corpus.reading import context, decoded, item

TRACE, SPAN, PARENT = "a" * 32, "b" * 16, "c" * 16
AT = 1795461600.0  # 2026-11-23T19:20:00Z
V2: dict[str, Any] = {"content_type": "application/vnd.sentry.items.span.v2+json"}
SEGMENT_COLUMNS = (
    "name", "segment_name", "source", "kind", "http_method", "http_status", "environment",
    "release", "platform", "sdk", "user_key", "sample_rate",
)  # fmt: skip


def spans_of(envelope: Envelope):
    found = decode(envelope, context())
    assert found.counts == []
    return found.spans


def streamed(*spans):
    whole = [
        {
            "trace_id": TRACE,
            "span_id": SPAN,
            "name": "x",
            "start_timestamp": AT,
            "end_timestamp": AT + 0.5,
            "status": "ok",
            "is_segment": False,
            **span,
        }
        for span in spans
    ]
    return item("span", {"version": 2, "items": whole}, **V2)


def typed(**attributes):
    return {
        name.replace("__", "."): {"value": value, "type": "string"}
        for name, value in attributes.items()
    }


def transaction(trace=None, **fields):
    content = {
        "type": "transaction",
        "transaction": "books",
        "start_timestamp": AT,
        "timestamp": AT + 0.25,
        "contexts": {
            "trace": {"trace_id": TRACE, "span_id": SPAN, "op": "http.server", **(trace or {})}
        },
        **fields,
    }
    return item("transaction", content)


def by_name(client):
    found: dict[tuple[str, str, int | None], Span] = {}
    for span in decoded(client).spans:
        if span.op != "http.client" and span.name != "sentryRequestMiddleware":
            found.setdefault((span.op, span.name, span.http_status), span)
    return found


@pytest.mark.parametrize("client", ["flask", "express"])
def test_both_life_cycles_give_the_same_rows(client):
    static, stream = by_name(f"{client}-static"), by_name(f"{client}-stream")
    shared = static.keys() & stream.keys()
    assert len(shared) >= 4
    for key in shared:
        one, other = asdict(static[key]), asdict(stream[key])
        columns = ("op", "name", "origin", "status", "is_segment")
        for column in columns + (SEGMENT_COLUMNS if one["is_segment"] else ()):
            assert one[column] == other[column], (key, column)
        for name in (
            "http.request.method",
            "url.path",
            "http.response.status_code",
            "db.system.name",
            "user_agent.original",
            "client.address",
            "thread.name",
        ):
            if name in one["attributes"]:
                assert one["attributes"][name] is not None
                assert name in other["attributes"], (key, name)


def test_a_flask_request_with_its_query():
    found = by_name("flask-static")
    segment = found["http.server", "books", 200]
    query = found["db", "select ? as id, 'lit' as title", None]
    assert (segment.http_method, segment.source, segment.http_route) == ("GET", "component", "")
    assert (segment.is_segment, segment.segment_id) == (True, segment.span_id)
    assert (query.is_segment, query.segment_id) == (False, query.parent_span_id)
    assert query.segment_name == "books"
    assert query.attributes["db.system.name"] == "sqlite"
    assert segment.attributes["url.query"] == "page=2&token=[Filtered]"
    assert segment.server_name == "web-1"
    assert segment.user_key == People().key_of({"id": "17"})
    streamed_segment = by_name("flask-stream")["http.server", "books", 200]
    assert streamed_segment.http_route == "/books/<int:book>"


def test_an_express_request_has_its_route_in_both():
    for client in ("express-static", "express-stream"):
        segment = by_name(client)["http.server", "GET /users/:id", 200]
        assert (segment.http_method, segment.http_route) == ("GET", "/users/:id")
        assert (segment.source, segment.kind, segment.platform) == ("route", "server", "node")
        assert segment.attributes["http.request.header.accept"] == "*/*"


def test_the_python_clients_own_deliveries_are_left_out():
    counts = [count for count in decoded("flask-stream").counts if count.item_type == "span"]
    assert {(count.outcome, count.reason) for count in counts} == {
        ("ignored", "the client's own request to this server")
    }


@pytest.mark.parametrize(
    ("name", "source", "method", "route"),
    [
        ("GET /users/:id", "route", "GET", "/users/:id"),
        ("/user/{pk}/", "route", "POST", "/user/{pk}/"),
        ("generic WSGI request", "route", "POST", ""),
        ("books", "component", "POST", ""),
        ("/user/17", "url", "POST", ""),
    ],
)
def test_method_and_route_of_each_frameworks_style(name, source, method, route):
    fields = {"transaction": name, "transaction_info": {"source": source}}
    if not name.startswith("GET"):
        fields["request"] = {"method": "post"}
    (segment,) = spans_of(transaction(**fields))
    assert (segment.http_method, segment.http_route, segment.source) == (method, route, source)
    assert segment.name == name


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": "ok"}, "ok"),
        ({"status": "error", "attributes": typed(http__response__status_code=404)}, "not_found"),
        (
            {"status": "error", "attributes": typed(http__response__status_code=418)},
            "invalid_argument",
        ),
        (
            {"status": "error", "attributes": typed(http__response__status_code=502)},
            "internal_error",
        ),
        (
            {"status": "error", "attributes": typed(sentry__status__message="not_found")},
            "not_found",
        ),
        (
            {"status": "error", "attributes": typed(sentry__status__message="it broke")},
            "internal_error",
        ),
        ({"status": "weird"}, "unknown"),
        ({"status": None}, "ok"),
    ],
)
def test_status(fields, status):
    (span,) = spans_of(streamed(fields))
    assert span.status == status


def test_what_shifted_has_one_name():
    (static,) = spans_of(transaction({"data": {"cls.source.1": "aside.offer"}}))
    assert static.attributes == {"browser.web_vital.cls.source.1": "aside.offer"}


def test_measurements_have_one_form():
    measurements = {
        "lcp": {"value": 1.2, "unit": "second"},
        "cls": {"value": 0.04, "unit": ""},
        "ttfb": {"value": 80, "unit": "millisecond"},
        "fid": {"value": 3, "unit": "millisecond"},
        "upload": {"value": 512, "unit": "byte"},
        "odd": None,
    }
    (static,) = spans_of(transaction(measurements=measurements))
    assert static.attributes == {
        "browser.web_vital.lcp.value": 1200,
        "browser.web_vital.cls.value": 0.04,
        "browser.web_vital.ttfb.value": 80,
        "measurement.fid": 3,
        "measurement.upload": 512,
        "measurement.upload.unit": "byte",
    }
    vital = {"browser.web_vital.lcp.value": {"value": 1200, "type": "double"}}
    (stream,) = spans_of(streamed({"attributes": vital}))
    assert stream.attributes["browser.web_vital.lcp.value"] == 1200


def test_an_interaction_of_an_older_browser_client():
    single = {
        "op": "ui.interaction.click",
        "description": "body > button",
        "trace_id": TRACE,
        "span_id": SPAN,
        "segment_id": PARENT,
        "start_timestamp": AT,
        "timestamp": AT + 0.12,
        "origin": "auto.http.browser.inp",
        "data": {
            "sentry.op": "ui.interaction.click",
            "release": "web@1",
            "environment": "live",
            "transaction": "/cart",
            "sentry.exclusive_time": 120,
        },
        "measurements": {"inp": {"value": 120, "unit": "millisecond"}},
    }
    sdk = {"sdk": {"name": "sentry.javascript.browser", "version": "10.1.0"}}
    (span,) = spans_of(item("span", single, sdk))
    assert (span.op, span.name, span.segment_id) == (
        "ui.interaction.click",
        "body > button",
        PARENT,
    )
    assert (span.release, span.environment, span.segment_name) == ("web@1", "live", "/cart")
    assert (span.platform, span.sdk) == ("javascript", "sentry.javascript.browser/10.1.0")
    assert span.attributes["browser.web_vital.inp.value"] == 120
    assert span.duration_us == 120_000


def test_a_late_child_is_no_request():
    late = {"parent_span_id": PARENT, "data": {"sentry.parent_span_already_sent": True}}
    child = {
        "span_id": "d" * 16,
        "parent_span_id": SPAN,
        "start_timestamp": AT,
        "timestamp": AT + 1,
    }
    first, second = spans_of(transaction(late, spans=[child]))
    assert (first.is_segment, first.segment_id, first.parent_span_id) == (False, "", PARENT)
    assert (second.is_segment, second.segment_id) == (False, "")
    assert first.attributes["sentry.parent_span_already_sent"] is True


@pytest.mark.parametrize(
    ("header", "attributes", "rate"),
    [
        ({}, {}, 1.0),
        ({"trace": {"sample_rate": "0.25"}}, {}, 0.25),
        ({"trace": {"sample_rate": "0.25"}}, {"sentry.sample_rate": 0.5}, 0.5),
        ({"trace": {"sample_rate": "0"}}, {}, 1.0),
        ({"trace": {"sample_rate": "nan"}}, {"sentry.sample_rate": "x"}, 1.0),
        ({"trace": 7}, {}, 1.0),
    ],
)
def test_sample_rate(header, attributes, rate):
    envelope = transaction({"data": attributes})
    (segment,) = spans_of(replace(envelope, header=header))
    assert segment.sample_rate == rate


def test_clock_skew_moves_spans_and_keeps_their_length():
    header = {"sent_at": "2026-11-23T22:20:01Z"}
    (segment,) = spans_of(
        replace(transaction(start_timestamp=AT + 10_800, timestamp=AT + 10_800.25), header=header)
    )
    assert segment.timestamp == datetime(2026, 11, 23, 19, 20, 59, tzinfo=UTC)
    assert segment.client_timestamp == datetime(2026, 11, 23, 22, 20, tzinfo=UTC)
    assert segment.duration_us == 250_000


@pytest.mark.parametrize(
    "broken",
    [{"trace_id": None}, {"trace_id": "xyz"}, {"span_id": "b" * 15}, {"start_timestamp": None}],
)
def test_what_is_no_span_is_counted_and_the_rest_kept(broken):
    found = decode(streamed(broken, {}), context())
    assert len(found.spans) == 1
    (count,) = found.counts
    assert (count.item_type, count.outcome) == ("span", "invalid")


def test_a_broken_child_does_not_take_the_request_with_it():
    children = [None, {"span_id": "x"}, {"span_id": PARENT, "start_timestamp": AT}]
    found = decode(transaction(spans=children), context())
    assert [span.span_id for span in found.spans] == [SPAN, PARENT]
    assert sum(count.quantity for count in found.counts) == 2


def test_elements_that_are_no_objects_are_counted():
    found = decode(item("span", {"items": [None, 7, "x"]}, **V2), context())
    assert found.counts == [ItemCount("span", "invalid", "a span is no JSON object", 3)]


def test_attributes_are_scalars_and_lists():
    attributes = {
        "http.request.header.accept": {"value": ["*/*"], "type": "array"},
        "tags": {"value": ["a", {"b": 1}, None], "type": "array"},
        "nested": {"value": {"a": [1]}, "type": "object"},
        "plain": 7,
        "none": {"value": None},
        "db.statement": {"value": "select 1", "type": "string"},
        "code": {"value": "an application's own", "type": "string"},
    }
    (span,) = spans_of(streamed({"attributes": attributes}))
    assert span.attributes == {
        "http.request.header.accept": "*/*",
        "tags": ["a", '{"b":1}'],
        "nested": '{"a":[1]}',
        "plain": 7,
        "db.query.text": "select 1",
        "code": "an application's own",
    }


def test_a_segment_carries_process_and_user_its_children_do_not():
    common = typed(user__id="17", process__runtime__name="CPython", sentry__environment="live")
    child, segment = spans_of(
        streamed(
            {"attributes": common}, {"span_id": PARENT, "is_segment": True, "attributes": common}
        )
    )
    assert (child.attributes, child.environment) == ({}, "live")
    assert child.user_key == segment.user_key == People().key_of({"id": "17"})
    assert segment.attributes == {"user.id": "17", "process.runtime.name": "CPython"}


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        (transaction({"span_id": "4111111111111111"}), "span_id"),
        (streamed({"span_id": "4111111111111111"}), "span_id"),
        (streamed({"attributes": typed(sentry__segment__id="4111111111111111")}), "segment_id"),
    ],
)
def test_an_id_that_looks_like_a_card_number_is_an_id(envelope, field):
    """One random span id in some 20,000 does."""
    assert getattr(spans_of(envelope)[0], field) == "4111111111111111"
