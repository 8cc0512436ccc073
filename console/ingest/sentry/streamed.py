"""The spans of a streamed container, most of which repeat another one but for ids and times."""

import marshal
from collections.abc import Mapping
from typing import Any

from console.ingest.arrival import Arrival, hex_id, parse_time
from console.ingest.attributes import CANONICAL, flatten
from console.ingest.people import AUTO
from console.ingest.scrubbed import Scrubbed
from console.ingest.sentry.span_items import from_v2, plain_v2
from console.ingest.span_rows import NotASpan, repeated
from console.telemetry.records import Span

SEGMENT_ID, ADDRESS = "sentry.segment.id", "user.ip_address"
_SEGMENT_IDS = (SEGMENT_ID, *(alias for alias, name in CANONICAL.items() if name == SEGMENT_ID))
_OWN = ("trace_id", "span_id", "parent_span_id", "start_timestamp", "end_timestamp")
_LEFT_OUT = frozenset({*_OWN, "attributes"})
_BY_CONTENT = 2  # a version of marshal without references, so that equal values are equal bytes


def row_of(element: Any, arrival: Arrival) -> Scrubbed[Span]:
    """The scrubbed row of one element. Raises NotASpan."""
    context = arrival.context
    if not isinstance(element, dict) or not isinstance(element.get("attributes"), dict):
        return _anew(element, arrival)
    attributes = dict(element["attributes"])
    own = {name: element.get(name) for name in _OWN}
    own |= flatten({name: attributes.pop(name, None) for name in _SEGMENT_IDS})
    key = _key(element, attributes, arrival)
    known = context.repeats.get(key)
    if known is None:
        row = _anew(element, arrival)
        context.repeats.keep(key, row)
        return row
    scrubbed, first = context.scrubbed(own), known.content
    return scrubbed.then(lambda fields: _again(first, fields, arrival))


def infers_address(settings: Any) -> bool:
    """Whether a client leaves it to the server to add the address of its visitor."""
    return isinstance(settings, dict) and settings.get("infer_ip") == "auto"


def with_address(element: Any, arrival: Arrival, *, infers: bool) -> Any:
    """An element with its visitor's address, where the client leaves that to the server."""
    address = arrival.context.address
    attributes = element.get("attributes") if isinstance(element, dict) else None
    if not address or not isinstance(attributes, dict):
        return element
    sent = flatten({ADDRESS: attributes.get(ADDRESS)}).get(ADDRESS)
    if sent == AUTO or (infers and not sent):
        return {**element, "attributes": {**attributes, ADDRESS: address}}
    return element


def _anew(element: Any, arrival: Arrival) -> Scrubbed[Span]:
    plain = plain_v2(element)
    user_key = arrival.context.people.key_of_attributes(plain["attributes"])
    scrubbed = arrival.context.scrubbed(plain)
    return scrubbed.then(lambda fields: from_v2(fields, arrival, user_key))


def _key(element: Mapping[str, Any], attributes: dict[str, Any], arrival: Arrival) -> bytes:
    """All that a row is made of, but for what the span has for itself."""
    rest = {name: value for name, value in element.items() if name not in _LEFT_OUT}
    context = arrival.context
    sender = context.project_id, arrival.sdk, arrival.trace.get("sample_rate")
    return marshal.dumps((sender, context.people.secret, rest, attributes), _BY_CONTENT)


def _again(row: Span, own: Mapping[str, Any], arrival: Arrival) -> Span:
    trace_id, span_id = hex_id(own["trace_id"], 32), hex_id(own["span_id"], 16)
    if not trace_id or not span_id:
        raise NotASpan("a span has no trace id or span id")
    start = parse_time(own["start_timestamp"])
    if start is None:
        raise NotASpan("a span has no start")
    end = parse_time(own["end_timestamp"]) or start
    segment_id = span_id if row.is_segment else hex_id(own.get(SEGMENT_ID), 16)
    ids = (trace_id, span_id, hex_id(own["parent_span_id"], 16))
    return repeated(row, arrival, ids, (segment_id, row.segment_name), (start, end))
