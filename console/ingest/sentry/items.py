"""Decodes a Sentry client's envelope: error events, spans, and counts of everything else."""

from collections.abc import Iterator
from typing import Any

from console.core.cpu_limit import check_cpu
from console.ingest.arrival import Arrival, text
from console.ingest.client_json import load_json
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import (
    IGNORED,
    INVALID,
    LOST_BY_CLIENT,
    STORED,
    Context,
    Decoded,
)
from console.ingest.people import AUTO
from console.ingest.scrubbed import Scrubbed
from console.ingest.sentry import check_in_items, report_items, session_items, span_items, streamed
from console.ingest.sentry.envelope import Envelope, Item
from console.ingest.sentry.event_items import event_id, normalise
from console.ingest.sentry.shapes import mapping
from console.ingest.sentry.slimming import KEPT_BYTES, slimmed
from console.ingest.sentry.streamed import infers_address, with_address
from console.ingest.span_rows import NotASpan
from console.telemetry.records import Span

NOT_STORED_YET = "not stored yet"
UNKNOWN_TYPE = "unknown type"
OWN_REQUEST = "the client's own request to this server"
# What decoding holds in memory is up to 25 times as large as the JSON.
SPAN_LIMIT = 10_000  # of one envelope; clients send 1,000
EVENT_BYTES = 4 << 20  # of one envelope; clients send one event
REPORT_LIMIT = 100
EVENTS = frozenset({"event", "transaction"})
SESSIONS = frozenset({"session", "sessions"})
DECODED = EVENTS | SESSIONS | report_items.REPORTS | {"span", "client_report", "check_in"}
_QUANTITY_LIMIT = 1_000_000

# Item types that clients send and that no feature reads yet (develop.sentry.dev, "Envelope Items").
WAITING = frozenset(
    [
        "feedback",
        "user_report",
        "log",
        "attachment",
        "trace_metric",
        "metric_buckets",
        "statsd",
        "metric_meta",
        "profile",
        "profile_chunk",
        "replay_event",
        "replay_recording",
        "replay_video",
        "form_data",
        "unreal_report",
        "otel_span",
        "otel_traces_data",
    ]
)


def decode(envelope: Envelope, context: Context) -> Decoded:
    """Decode each valid item and count each invalid one; never raises for the content."""
    decoded = Decoded(context)
    arrival = Arrival(context, context.scrubbed(dict(envelope.header)).content)
    event_bytes = 0
    for item in envelope.items:
        try:
            if item.type in EVENTS:
                event_bytes += len(item.payload)
                _check_room(event_bytes)
            _item(item, arrival, decoded)
        except (Undecodable, NotASpan) as error:
            decoded.count(_countable(item.type), INVALID, str(error)[:200])
    if envelope.cut:
        decoded.count("envelope", INVALID, envelope.cut)
    return decoded


def decode_check_in(sent: dict[str, Any], context: Context) -> Decoded:
    """Decode a check-in that came without an envelope. Raises Undecodable."""
    decoded = Decoded(context)
    check_in_items.keep_fields(sent, Arrival(context, {}), decoded)
    return decoded


def _check_room(event_bytes: int) -> None:
    if event_bytes > EVENT_BYTES:
        raise Undecodable(f"more than {EVENT_BYTES:,} bytes of events in one envelope")


def _item(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    check_cpu()
    if item.type in EVENTS:
        _event(item, arrival, decoded)
    elif item.type == "span":
        _spans(item, arrival, decoded)
    elif item.type in SESSIONS:
        session_items.keep(item, arrival, decoded)
    elif item.type == "check_in":
        check_in_items.keep(item, arrival, decoded)
    elif item.type == "client_report":
        _client_report(item, decoded)
    elif item.type in report_items.REPORTS:
        about = report_items.About.of(item.header)
        report_items.keep(item.type, load_json(item.payload), about, arrival, decoded)
    elif item.type in WAITING:
        decoded.count(item.type, IGNORED, NOT_STORED_YET, _quantity(item))
    else:
        decoded.count(_countable(item.type), IGNORED, UNKNOWN_TYPE)


def _event(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    raw = load_json(item.payload)
    if not isinstance(raw, dict):
        raise Undecodable("the payload is no JSON object")
    own_id = event_id(raw, arrival, item.payload)
    is_error = item.type != "transaction" and raw.get("type") != "transaction"
    raw, gone = slimmed(raw) if is_error and len(item.payload) > KEPT_BYTES else (raw, [])
    addressed = _with_address(raw, arrival.context.address)
    user_key = arrival.context.people.key_of(_user(addressed))
    event = arrival.context.scrubbed(addressed)
    if not is_error:
        named = event.then(lambda fields: {**fields, "event_id": own_id})
        _transaction(named, arrival, decoded, user_key)
    elif event.content.get("type") == "feedback":
        decoded.count(item.type, IGNORED, NOT_STORED_YET)
    elif not _says_something(event.content):
        decoded.count(item.type, INVALID, "an event without content")
    else:
        shaped = event.then(lambda fields: {**normalise(fields, arrival, gone), "event_id": own_id})
        decoded.keep_error(shaped, user_key)


def _user(event: dict[str, Any]) -> Any:
    """The user of an event, as clients before 2015 name it too."""
    return event.get("user") or event.get("sentry.interfaces.User")


def _transaction(event: Scrubbed[Any], arrival: Arrival, decoded: Decoded, user_key: str) -> None:
    faults: list[NotASpan] = []
    spans = event.then(
        lambda fields: span_items.from_transaction(fields, arrival, faults, user_key)
    )
    room = _room(decoded)
    _count_surplus(len(spans.content) - room, decoded)
    decoded.keep_all(spans.then(lambda listed: listed[:room]))
    for fault in faults:
        decoded.count("span", INVALID, str(fault))


def _with_address(event: dict[str, Any], address: str) -> dict[str, Any]:
    """The event with the client's address, if the client leaves that to the server.

    Pages do not know their visitor's address: without it, visitors who are not signed in would
    count as nobody (develop.sentry.dev, "User Interface", `{{auto}}`; `sdk.settings.infer_ip`).
    """
    user, sdk = event.get("user") or {}, event.get("sdk")
    if not address or not isinstance(user, dict):
        return event
    sent, infers = user.get("ip_address"), infers_address(mapping(sdk).get("settings"))
    if sent == AUTO or (infers and not sent):
        return {**event, "user": {**user, "ip_address": address}}
    return event


def _says_something(event: dict[str, Any]) -> bool:
    """Whether an event has any field set; an empty event is a mistake of the client."""
    return any(
        value not in (None, "", [], {}) for name, value in event.items() if name != "event_id"
    )


def _spans(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    payload = load_json(item.payload)
    if isinstance(payload, dict) and isinstance(payload.get("items"), list):
        elements, room = payload["items"], _room(decoded)
        infers = infers_address(payload.get("ingest_settings"))
        for element in elements[:room]:
            _streamed(with_address(element, arrival, infers=infers), arrival, decoded)
        _count_surplus(len(elements) - room, decoded)
    elif isinstance(payload, dict):
        user_key = span_items.user_key_of_v1(payload, arrival)
        scrubbed = arrival.context.scrubbed(payload)
        _keep(scrubbed.then(lambda fields: span_items.from_v1(fields, arrival, user_key)), decoded)
    else:
        raise Undecodable("the payload is no JSON object")


def _room(decoded: Decoded) -> int:
    """How many more spans the envelope may bring."""
    return max(SPAN_LIMIT - len(decoded.spans), 0)


def _count_surplus(surplus: int, decoded: Decoded) -> None:
    if surplus > 0:
        reason = f"more than {SPAN_LIMIT:,} spans in one envelope"
        decoded.count("span", INVALID, reason, surplus)


def _streamed(element: Any, arrival: Arrival, decoded: Decoded) -> None:
    try:
        _keep(streamed.row_of(element, arrival), decoded)
    except NotASpan as error:
        decoded.count("span", INVALID, str(error))


def _keep(span: Scrubbed[Span], decoded: Decoded) -> None:
    """Keep a span, unless the Python client traced the delivery of its own envelopes."""
    if span.content.attributes.get("thread.name") == "sentry-sdk.BackgroundWorker":
        decoded.count("span", IGNORED, OWN_REQUEST)
    else:
        decoded.keep(span)


def _client_report(item: Item, decoded: Decoded) -> None:
    """What the client dropped before it could send it, by reason and category."""
    report = load_json(item.payload)
    if not isinstance(report, dict):
        raise Undecodable("the payload is no JSON object")
    for lost in _discarded(report):
        category = _countable(text(lost.get("category"), 40) or "default")
        reason = text(lost.get("reason"), 100) or "unknown"
        quantity = lost.get("quantity")
        if isinstance(quantity, int) and 0 < quantity <= _QUANTITY_LIMIT:
            decoded.count(category, LOST_BY_CLIENT, reason, quantity)
    decoded.count("client_report", STORED, "")


def _discarded(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("discarded_events", "rate_limited_events", "filtered_events"):
        listed = report.get(name)
        for lost in listed[:REPORT_LIMIT] if isinstance(listed, list) else ():
            if isinstance(lost, dict):
                yield lost


def _quantity(item: Item) -> int:
    count = item.header.get("item_count")
    if not isinstance(count, int) or isinstance(count, bool):
        return 1
    return min(max(count, 1), _QUANTITY_LIMIT)


def _countable(item_type: str) -> str:
    """The type as the ledger may show it: "unknown" unless it is a plain word."""
    known = item_type in WAITING or item_type in DECODED
    plain = item_type.replace("_", "").replace("-", "").isalnum() and item_type.isascii()
    return item_type if known or plain else "unknown"
