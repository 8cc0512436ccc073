"""Spans of OTLP become the rows that Sentry's clients give: same work, same rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from console.core.cpu_limit import check_cpu
from console.ingest.arrival import SKEW, Arrival, label, sdk_text
from console.ingest.attributes import ATTRIBUTE_LIMIT, COLUMNS, flatten
from console.ingest.decoded import INVALID, Context, Decoded
from console.ingest.otlp import conventions
from console.ingest.otlp.encodings import ENCODINGS, Encoding
from console.ingest.otlp.wire import Group, SpanHead, WireSpan, moment
from console.ingest.scrubbed import Scrubbed
from console.ingest.span_rows import NotASpan, repeated, span_row
from console.telemetry.records import Span

_ENVIRONMENTS = ("deployment.environment.name", "deployment.environment")
_HOSTS = ("host.name", "k8s.pod.name", "service.instance.id")
# What a resource says that spans have as columns.
_COLUMNS = frozenset(
    {
        *_ENVIRONMENTS,
        "service.version",
        "telemetry.sdk.language",
        "telemetry.sdk.name",
        "telemetry.sdk.version",
    }
)
_EXCEPTION = ("exception.type", "exception.message", "exception.stacktrace")
# Each segment repeats what its resource says: 2 MB of it on 20,000 segments were 40 GB.
REPEATED_CHARACTERS = 32 << 20  # of one request: 2,000 of each segment of a collector's 16,000
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Process:
    """What the spans of one resource share, and the spans, each with the name of its scope."""

    arrival: Arrival
    columns: Mapping[str, Any]
    attributes: Mapping[str, Any]
    """Kept on segments: they are the same on every span."""
    dropped: int
    """How many of them are left out, for segments that are many."""
    spans: list[tuple[str, SpanHead]]
    known: dict[tuple[str, bytes, bool, int], Scrubbed[Span]] = field(default_factory=dict)
    """The first row of each that differ in ids and times alone; a process repeats what it does."""


def decode(raw: bytes, kind: str, context: Context) -> Decoded:
    """Decode what is a span, count what is none. Raises Undecodable, as accept did."""
    decoded = Decoded(context)
    encoding = ENCODINGS[kind]
    processes = _bounded(
        [
            _process(encoding, group, context, decoded)
            for group in encoding.groups(raw)
            if group.spans
        ]
    )
    ancestry = Ancestry(span for process in processes for _, span in process.spans)
    segments: dict[_Key, Span] = {}
    for first in (True, False):  # segments before the spans that bear their names
        for process in processes:
            for scope, sent in process.spans:
                if sent.is_segment is not first:
                    continue
                try:
                    segment = segments.get(ancestry.segment_of(sent))
                    span = _span(encoding, process, scope, sent, segment)
                except NotASpan as fault:
                    decoded.count("span", INVALID, str(fault))
                    continue
                decoded.keep(span)
                if first:
                    segments[sent.key] = span.content
    return decoded


class Ancestry:
    """Which segment of the same request a span belongs to."""

    def __init__(self, spans: Iterable[SpanHead]) -> None:
        self._spans = {span.key: span for span in spans}
        self._segments: dict[_Key, _Key] = {}

    def segment_of(self, span: SpanHead) -> _Key:
        """The key of its segment; of its farthest ancestor where the request holds no segment."""
        path: dict[_Key, None] = {}
        at = span
        while at.key not in self._segments and at.key not in path:
            path[at.key] = None
            parent = self._spans.get(at.parent_key)
            if at.is_segment or parent is None:
                break
            at = parent
        segment = self._segments.get(at.key, at.key)
        self._segments.update(dict.fromkeys(path, segment))
        return segment


def _process(encoding: Encoding, group: Group, context: Context, decoded: Decoded) -> Process:
    spans: list[tuple[str, SpanHead]] = []
    for scope, element in group.spans:
        check_cpu()
        try:
            spans.append((scope, encoding.headed(element)))
        except NotASpan as fault:
            decoded.count("span", INVALID, str(fault))
    resource: dict[str, Any] = context.scrubbed(group.resource).content
    sdk = {k: resource.get(f"telemetry.sdk.{k}") for k in ("name", "version")}
    columns = {
        "environment": _first(resource, _ENVIRONMENTS, 64),
        "release": label(resource.get("service.version")),
        "platform": conventions.platform(resource),
        "sdk": sdk_text(sdk),
        "server_name": _first(resource, _HOSTS, 200),
    }
    attributes = flatten({k: v for k, v in resource.items() if k not in _COLUMNS})
    header = {"sent_at": _clock_of((span for _, span in spans), context.received_at)}
    return Process(Arrival(context, header), columns, attributes, 0, spans)


def _bounded(processes: list[Process]) -> list[Process]:
    """The processes with as much of their attributes as all segments together may repeat."""
    segments = sum(span.is_segment for process in processes for _, span in process.spans)
    room = REPEATED_CHARACTERS // max(segments, 1)
    return [_within(process, room) for process in processes]


def _within(process: Process, room: int) -> Process:
    kept: dict[str, Any] = {}
    for name, value in process.attributes.items():
        size = len(name) + len(str(value))
        if size <= room:
            kept[name] = value
            room -= size
    return replace(process, attributes=kept, dropped=len(process.attributes) - len(kept))


def _clock_of(spans: Iterable[SpanHead], received_at: datetime) -> datetime:
    """What the sender's clock shows now, as far as its spans tell: OTLP has no time of sending.

    A clock that is ahead ends all its spans after they came; of one that is behind, spans look
    like late ones, and are left where they are.
    """
    earliest = min((max(span.start, span.end) for span in spans), default=None)
    return received_at if earliest is None else max(moment(earliest), received_at)


def _span(
    encoding: Encoding, process: Process, scope: str, head: SpanHead, segment: Span | None
) -> Scrubbed[Span]:
    """The row of a span; raises NotASpan if its times cannot be."""
    times = _times(head, process.arrival)
    key = scope, head.rest, head.is_segment, _backwards(head)
    known = process.known.get(key)
    if known is not None:
        return known.then(lambda row: _again(process, row, head, times, segment))
    sent = encoding.wired(head)
    texts = {"name": sent.name, "message": sent.message, "origin": scope}
    attributes = _attributes(sent, _backwards(head))
    scrubbed = process.arrival.context.scrubbed({**texts, "attributes": attributes})
    user_key = process.arrival.context.people.key_of_attributes(attributes)
    row = scrubbed.then(lambda fields: _row(process, head, sent, fields, times, segment, user_key))
    process.known[key] = row
    return row


def _again(
    process: Process,
    row: Span,
    head: SpanHead,
    times: tuple[datetime, datetime],
    segment: Span | None,
) -> Span:
    """The row of a span that is like another one but for its ids and times."""
    if head.is_segment:
        segment_id, segment_name = head.span_id, row.segment_name
    elif segment is not None:
        segment_id, segment_name = segment.span_id, segment.name
    else:
        segment_id = segment_name = ""
    ids = (head.trace_id, head.span_id, head.parent_span_id)
    return repeated(row, process.arrival, ids, (segment_id, segment_name), times)


def _row(
    process: Process,
    head: SpanHead,
    sent: WireSpan,
    scrubbed: Mapping[str, Any],
    times: tuple[datetime, datetime],
    segment: Span | None,
    user_key: str,
) -> Span:
    attributes = scrubbed["attributes"]
    op = conventions.operation(sent, attributes)
    rate = conventions.sample_rate(sent.trace_state)
    message = scrubbed["message"] or None
    attributes |= {"sentry.kind": sent.kind, "sentry.status.message": message}
    attributes.setdefault("sentry.sample_rate", rate)
    columns = {**process.columns, "user_key": user_key}
    if sent.is_segment:
        attributes = {**process.attributes, **attributes}
        attributes.setdefault("sentry.segment.name.source", conventions.source(op, attributes))
    elif segment is not None:
        columns |= {"segment_id": segment.span_id, "segment_name": segment.name}
    fields = {
        "trace_id": head.trace_id,
        "span_id": head.span_id,
        "parent_span_id": head.parent_span_id,
        "start_timestamp": times[0],
        "op": op,
        "name": conventions.title(op, scrubbed["name"], attributes),
        "origin": scrubbed["origin"],
        "status": conventions.status(sent, attributes),
    }
    dropped = sent.dropped + (process.dropped if sent.is_segment else 0)
    kept = _with_dropped(attributes, dropped)
    return span_row(
        process.arrival, fields, kept, end=times[1], is_segment=sent.is_segment, shared=columns
    )


def _times(sent: SpanHead, arrival: Arrival) -> tuple[datetime, datetime]:
    """Start and end as the client gives them; raises NotASpan for times that cannot be."""
    if not sent.end:
        raise NotASpan("a span has no end")
    start, end = moment(sent.start), moment(sent.end)
    if max(start, end) + arrival.shift > arrival.context.received_at + SKEW:
        raise NotASpan("a span ends later than it came")
    return start, end


def _backwards(sent: SpanHead) -> int:
    """By how many microseconds a span ended before it started; 0 for nearly all."""
    return max((sent.start - sent.end) // 1000, 0)


def _attributes(sent: WireSpan, backwards: int) -> dict[str, Any]:
    """The span's attributes, and in words or numbers what has no column: events, links."""
    derived = {
        "otel.links_count": sent.links,
        "otel.event_names": [name for name, _ in sent.events if name != "exception"],
        "otel.ended_before_start_us": backwards,
    }
    kept = {name: value for name, value in derived.items() if value}
    for name, attributes in sent.events:
        if name == "exception":  # the last one counts: it is the one that got out
            kept |= {k: attributes[k] for k in _EXCEPTION if attributes.get(k) is not None}
    return {**kept, **conventions.canonical(sent)}


def _with_dropped(attributes: dict[str, Any], dropped: int) -> dict[str, Any]:
    """The attributes, with how many were dropped: by the client, and now by the store's limit."""
    if not dropped and len(attributes) <= ATTRIBUTE_LIMIT:
        return attributes
    surplus = sum(attributes[name] is not None for name in attributes.keys() - COLUMNS)
    surplus -= ATTRIBUTE_LIMIT
    if dropped or surplus > 0:
        surplus += 1  # the count itself takes a place
        attributes = {"otel.dropped_attributes_count": dropped + max(surplus, 0), **attributes}
    return attributes


def _first(resource: Mapping[str, Any], names: Iterable[str], length: int) -> str:
    return next((value for name in names if (value := label(resource.get(name), length))), "")
