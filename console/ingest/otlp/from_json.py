"""OTLP in JSON: ids in hex, 64-bit numbers as text or number, names in either spelling."""

import base64
import binascii
import marshal
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from console.ingest.arrival import hex_id
from console.ingest.client_json import load_json
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

_HALF = 1 << 32
_INTEGER = re.compile(r"-?\d{1,20}")
_CAPITAL = re.compile(r"(?=[A-Z])")
_SNAKE = {
    name: _CAPITAL.sub("_", name).lower()
    for name in (
        "droppedAttributesCount",
        "endTimeUnixNano",
        "instrumentationLibrary",
        "instrumentationLibrarySpans",
        "parentSpanId",
        "resourceSpans",
        "scopeSpans",
        "spanId",
        "startTimeUnixNano",
        "traceId",
        "traceState",
    )
}


_BY_CONTENT = 2  # a version of marshal without references, so that equal values are equal bytes
_IDS_AND_TIMES = frozenset(
    {
        spelling
        for name in ("traceId", "spanId", "parentSpanId", "startTimeUnixNano", "endTimeUnixNano")
        for spelling in (name, _SNAKE[name])
    }
)


def groups(raw: bytes) -> Iterator[Group]:
    """The spans of an ExportTraceServiceRequest, as objects, by resource. Raises Undecodable."""
    spans, around = 0, 0
    request = _object(load_json(raw), "the body")
    if request and _field(request, "resourceSpans") is None:
        raise Undecodable("the body has no resourceSpans: it is no request of traces")
    for sent in _objects(request, "resourceSpans"):
        scopes = _list(sent, _scope_spans(sent))
        around += 1 + len(scopes)
        if around > FIELD_LIMIT:
            raise wire.too_much_around()
        resource = _object(sent.get("resource"), "a resource")
        group = Group(_attributes(resource.get("attributes")))
        for scoped in _objects(sent, _scope_spans(sent)):
            scope = _text(_object(_scope(scoped), "a scope").get("name"))
            listed = _list(scoped, "spans")
            spans += len(listed)
            if spans > SPAN_LIMIT:
                raise wire.too_many()
            group.spans.extend((scope, element) for element in listed)
        yield group


def checked(element: Any) -> dict[str, Any]:
    """The object, if it is a span; raises NotASpan."""
    if not isinstance(element, dict):
        raise NotASpan("a span is no JSON object")
    trace_id, span_id = _id(element, "traceId", 32), _id(element, "spanId", 16)
    wire.check(trace_id, span_id, _nanoseconds(_field(element, "startTimeUnixNano")))
    return element


def headed(element: Any) -> SpanHead:
    """The ids and times of the span, and the rest as bytes; raises NotASpan."""
    span = checked(element)
    parent_span_id = _id(span, "parentSpanId", 16)
    rest = {name: value for name, value in span.items() if name not in _IDS_AND_TIMES}
    return SpanHead(
        trace_id=_id(span, "traceId", 32),
        span_id=_id(span, "spanId", 16),
        parent_span_id=parent_span_id,
        start=_nanoseconds(_field(span, "startTimeUnixNano")),
        end=max(_nanoseconds(_field(span, "endTimeUnixNano")), 0),
        is_segment=wire.is_segment(
            parent_span_id,
            _chosen(span.get("kind"), "SPAN_KIND_", wire.KINDS),
            remote_parent=wire.remote_parent(_integer(span.get("flags"))),
        ),
        rest=marshal.dumps(rest, _BY_CONTENT),
        element=span,
    )


def wired(head: SpanHead) -> WireSpan:
    """The rest of a span in the form that both encodings share."""
    span = head.element
    status, pairs = _mapping(span.get("status")), _sequence(span.get("attributes"))
    dropped = _integer(_field(span, "droppedAttributesCount"))
    return WireSpan(
        name=_text(span.get("name")),
        kind=_chosen(span.get("kind"), "SPAN_KIND_", wire.KINDS),
        trace_state=_text(_field(span, "traceState")),
        status=_chosen(status.get("code"), "STATUS_CODE_", wire.STATUSES),
        message=_text(status.get("message")),
        attributes=_attributes(pairs),
        dropped=max(dropped, 0) + max(len(pairs) - ATTRIBUTE_LIMIT, 0),
        events=[
            (_text(event.get("name")), _attributes(event.get("attributes")))
            for event in map(_mapping, _sequence(span.get("events")))
        ],
        links=len(_sequence(span.get("links"))),
        is_segment=head.is_segment,
    )


def _field(fields: Mapping[str, Any], name: str) -> Any:
    """A field by its name in JSON, or as the definition spells it: parsers must take both."""
    value = fields.get(name)
    return fields.get(_SNAKE[name]) if value is None else value


def _scope_spans(sent: Mapping[str, Any]) -> str:
    """The name of the list of scopes: until 0.15 of the definition, scopes were libraries."""
    if _field(sent, "scopeSpans") is not None:
        return "scopeSpans"
    return "instrumentationLibrarySpans"


def _scope(scoped: Mapping[str, Any]) -> Any:
    scope = scoped.get("scope")
    return _field(scoped, "instrumentationLibrary") if scope is None else scope


def _object(value: Any, subject: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Undecodable(f"{subject} is no JSON object")
    return value


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = _field(fields, name) if name in _SNAKE else fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Undecodable(f"{name} is no list")
    return value


def _objects(fields: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    return (_object(element, f"an element of {name}") for element in _list(fields, name))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(span: Mapping[str, Any], name: str, length: int) -> str:
    """An id in hex; "" if it is invalid or has only zeros."""
    sent = _field(span, name)
    digits = hex_id(sent, length) or _from_base64(sent, length)
    return digits if digits.strip("0") else ""


def _from_base64(sent: Any, length: int) -> str:
    """An id by protobuf's own rules for JSON, which OTLP excepts ids from and clients follow.

    Of its bytes (open-telemetry/opentelemetry-collector#8720), or of its digits in hex
    (open-telemetry/opentelemetry-swift#537): neither can be taken for an id in hex.
    """
    if type(sent) is not str or not sent or len(sent) > 2 * length:
        return ""
    try:
        content = base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return (
        content.hex() if 2 * len(content) == length else hex_id(content.decode("latin-1"), length)
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _nanoseconds(value: Any) -> int:
    """A time, also in the forms that JavaScript has for what its numbers cannot hold.

    The halves of 64 bits ({"low", "high"}), seconds and nanoseconds ([seconds, nanoseconds]), or a
    number with a fraction; 0 for anything else.
    """
    if isinstance(value, dict):
        low, high = _integer(value.get("low")), _integer(value.get("high"))
        return (high << 32) + (low & 0xFFFFFFFF) if abs(high) < _HALF else 0
    if isinstance(value, list) and len(value) == 2:
        return _integer(value[0]) * 10**9 + _integer(value[1])
    if isinstance(value, float):
        return int(value) if abs(value) < _HALF << 32 else 0
    return _integer(value)


def _integer(value: Any) -> int:
    """An integer given as number or text; 0 for anything else."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) else 0


def _chosen(value: Any, prefix: str, names: tuple[str, ...]) -> str:
    """A name of an enumeration, given by number, in full, or in short."""
    if isinstance(value, str):
        short = value.removeprefix(prefix).lower()
        return short if short in names else ""
    return wire.chosen(_integer(value), names)


def _attributes(pairs: Any, depth: int = 0) -> dict[str, Any]:
    return {
        key: _value(pair.get("value"), depth)
        for pair in map(_mapping, _sequence(pairs)[:ATTRIBUTE_LIMIT])
        if isinstance(key := pair.get("key"), str)
    }


def _value(value: Any, depth: int) -> Any:
    """The value of an AnyValue; None if it has no valid value."""
    for name, content in _mapping(value).items():
        reader = _READERS.get(name)
        if reader is not None and content is not None:
            return reader(content, depth) if depth <= DEPTH else wire.TOO_DEEP
    return None


def _array(content: Any, depth: int) -> list[Any]:
    values = _sequence(_mapping(content).get("values"))[:ATTRIBUTE_LIMIT]
    return [_value(value, depth + 1) for value in values]


def _pairs(content: Any, depth: int) -> dict[str, Any]:
    return _attributes(_mapping(content).get("values"), depth + 1)


def _string(content: Any, _depth: int) -> str | None:
    return content if isinstance(content, str) else None


def _boolean(content: Any, _depth: int) -> bool | None:
    return content if isinstance(content, bool) else None


def _whole(content: Any, _depth: int) -> int | None:
    if isinstance(content, str) and _INTEGER.fullmatch(content):
        return int(content)
    return content if isinstance(content, int) and not isinstance(content, bool) else None


def _double(content: Any, _depth: int) -> float | None:
    """A number; as text where JSON has none for it: "NaN", "Infinity"."""
    if isinstance(content, bool) or not isinstance(content, int | float | str):
        return None
    try:
        return float(content)
    except (ValueError, OverflowError):
        return None


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "stringValue": _string,
    "boolValue": _boolean,
    "intValue": _whole,
    "doubleValue": _double,
    "arrayValue": _array,
    "kvlistValue": _pairs,
    "bytesValue": _string,
    "string_value": _string,
    "bool_value": _boolean,
    "int_value": _whole,
    "double_value": _double,
    "array_value": _array,
    "kvlist_value": _pairs,
    "bytes_value": _string,
}
