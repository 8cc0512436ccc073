"""OTLP in protobuf: the frame is read here, each span by the generated decoder."""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from console.ingest.arrival import hex_id
from console.ingest.content_encodings import Undecodable
from console.ingest.otlp import wire
from console.ingest.otlp.wire import (
    ATTRIBUTE_LIMIT,
    DEPTH,
    FIELD_LIMIT,
    SPAN_LIMIT,
    Group,
    SpanHead,
    WireSpan,
)
from console.ingest.span_rows import NotASpan

# Decoded whole, 4 MB of empty messages would take 200 MB: spans are decoded one by one.
SPAN_BYTES = 2 << 20
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
# Numbers of fields in opentelemetry/proto/{collector/trace,trace}/v1.
_RESOURCE_SPANS = 1
_RESOURCE, _SCOPE_SPANS = 1, 2
_SCOPE, _SPANS = 1, 2


def groups(raw: bytes) -> Iterator[Group]:
    """The spans of an ExportTraceServiceRequest, as bytes, by resource. Raises Undecodable."""
    frame = _Frame(raw)
    spans = 0
    for begin, end in frame.messages(0, len(raw), _RESOURCE_SPANS):
        group = Group(_resource(frame.joined(begin, end, _RESOURCE)))
        for start, stop in frame.messages(begin, end, _SCOPE_SPANS):
            scope = _scope(frame.joined(start, stop, _SCOPE))
            for first, last in frame.messages(start, stop, _SPANS):
                spans += 1
                if spans > SPAN_LIMIT:
                    raise wire.too_many()
                group.spans.append((scope, raw[first:last]))
        yield group


def checked(element: bytes) -> Span:
    """The span in these bytes; raises NotASpan if they are no valid span."""
    if len(element) > SPAN_BYTES:
        raise NotASpan(f"a span is larger than {SPAN_BYTES:,} bytes")
    try:
        span = Span.FromString(element)
    except DecodeError as error:
        raise NotASpan("a span is no protobuf message") from error
    wire.check(_hex(span.trace_id, 16), _hex(span.span_id, 8), span.start_time_unix_nano)
    return span


def headed(element: bytes) -> SpanHead:
    """The ids and times of the span in these bytes; raises NotASpan."""
    span = checked(element)
    trace_id, span_id = _hex(span.trace_id, 16), _hex(span.span_id, 8)
    parent_span_id = _hex(span.parent_span_id, 8)
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    kind, remote_parent = wire.chosen(span.kind, wire.KINDS), wire.remote_parent(span.flags)
    span.ClearField("trace_id")
    span.ClearField("span_id")
    span.ClearField("parent_span_id")
    span.ClearField("start_time_unix_nano")
    span.ClearField("end_time_unix_nano")
    rest = span.SerializeToString()
    return SpanHead(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        start=start,
        end=end,
        is_segment=wire.is_segment(parent_span_id, kind, remote_parent=remote_parent),
        rest=rest,
        element=rest,
    )


def wired(head: SpanHead) -> WireSpan:
    """The rest of a span in the form that both encodings share."""
    span = Span.FromString(head.element)
    status: Status = span.status
    return WireSpan(
        name=span.name,
        kind=wire.chosen(span.kind, wire.KINDS),
        trace_state=span.trace_state,
        status=wire.chosen(status.code, wire.STATUSES),
        message=status.message,
        attributes=_attributes(span.attributes),
        dropped=span.dropped_attributes_count + max(len(span.attributes) - ATTRIBUTE_LIMIT, 0),
        events=[(event.name, _attributes(event.attributes)) for event in span.events],
        links=len(span.links),
        is_segment=head.is_segment,
    )


class _Frame:
    """A request's bytes, in which nested messages are found without decoding what they hold."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._room = FIELD_LIMIT

    def messages(self, at: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
        """Where each message in the field `wanted` of the message at `at` begins and ends."""
        while at < end:
            self._room -= 1
            if self._room < 0:
                raise wire.too_much_around()
            tag, at = self._varint(at, end)
            begin, at = self._value(tag & 7, at, end)
            if at > end:
                raise Undecodable("the protobuf message ends early")
            if tag == wanted << 3 | _DELIMITED:
                yield begin, at

    def joined(self, at: int, end: int, wanted: int) -> bytes:
        """A message that stands once: the parts of one that comes in several are one message."""
        return b"".join(self._raw[begin:stop] for begin, stop in self.messages(at, end, wanted))

    def _value(self, kind: int, at: int, end: int) -> tuple[int, int]:
        """Where the value of a field begins and ends."""
        if kind == _DELIMITED:
            size, at = self._varint(at, end)
            return at, at + size
        if kind == _VARINT:
            return at, self._varint(at, end)[1]
        if kind in {_FIXED32, _FIXED64}:
            return at, at + (4 if kind == _FIXED32 else 8)
        raise Undecodable("the body is no protobuf message")

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        number = shift = 0
        while at < end and shift < 64:
            byte = self._raw[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number, at
            shift += 7
        raise Undecodable("the protobuf message ends early")


def _resource(message: bytes) -> dict[str, Any]:
    if len(message) > SPAN_BYTES:
        raise Undecodable(f"a resource is larger than {SPAN_BYTES:,} bytes")
    try:
        return _attributes(Resource.FromString(message).attributes)
    except DecodeError as error:
        raise Undecodable("a resource is no protobuf message") from error


def _scope(message: bytes) -> str:
    if len(message) > SPAN_BYTES:
        raise Undecodable(f"a scope is larger than {SPAN_BYTES:,} bytes")
    try:
        return str(InstrumentationScope.FromString(message).name)
    except DecodeError as error:
        raise Undecodable("a scope is no protobuf message") from error


def _attributes(pairs: Iterable[KeyValue], depth: int = 0) -> dict[str, Any]:
    return {
        pair.key: _value(pair.value, depth)
        for pair, _ in zip(pairs, range(ATTRIBUTE_LIMIT), strict=False)
    }


def _value(value: AnyValue, depth: int) -> Any:
    """A typed value as JSON has it: bytes as base64."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if depth > DEPTH:
        return wire.TOO_DEEP
    if kind == "array_value":
        return [
            _value(element, depth + 1) for element in value.array_value.values[:ATTRIBUTE_LIMIT]
        ]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values, depth + 1)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _hex(id_: bytes, length: int) -> str:
    """An id of `length` bytes in hex; "" if it is invalid.

    Some clients send its digits instead of its bytes: Logflare/logflare#3683.
    """
    if len(id_) == length:
        return id_.hex() if any(id_) else ""
    digits = hex_id(id_.decode("latin-1"), 2 * length) if len(id_) == 2 * length else ""
    return digits if digits.strip("0") else ""
