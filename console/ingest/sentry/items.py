"""What a Sentry client's envelope brings: error events, spans, and a count of all else."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from console.core.cpu_limit import check_cpu
from console.ingest.arrival import Arrival, Context, text
from console.ingest.sentry import span_items
from console.ingest.sentry.envelope import Envelope, Item, Undecodable, load_json
from console.ingest.sentry.event_items import event_id, normalise
from console.ingest.sentry.span_items import NotASpan
from console.telemetry import kinds
from console.telemetry.kinds import Kind
from console.telemetry.records import PageLoad, Span

__all__ = ["Context", "Decoded", "ItemCount", "decode"]

IGNORED, INVALID, LOST_BY_CLIENT = "ignored", "invalid", "lost_by_client"
NOT_STORED_YET = "not stored yet"
UNKNOWN_TYPE = "unknown type"
AUTO = "{{auto}}"
OWN_REQUEST = "the client's own request to this server"
# What decoding holds in memory is up to 25 times as large as the JSON.
SPAN_LIMIT = 10_000  # of one envelope; clients send 1,000
EVENT_BYTES = 4 << 20  # of one envelope; clients send one event of at most 1 MB
REPORT_LIMIT = 100
_QUANTITY_LIMIT = 1_000_000

# Item types that clients send and that no feature reads yet (develop.sentry.dev, "Envelope Items").
WAITING = frozenset(
    [
        "session",
        "sessions",
        "check_in",
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
        "raw_security",
        "security",
        "nel",
        "form_data",
        "unreal_report",
        "otel_span",
        "otel_traces_data",
    ]
)


@dataclass(frozen=True, slots=True)
class ItemCount:
    """How many of one type met the same fate and why; events and spans are counted when stored."""

    item_type: str
    outcome: str
    reason: str
    quantity: int


@dataclass(slots=True)
class Decoded:
    """Scrubbed and normalised events, records of other kinds, and the counts of what is neither."""

    events: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, list[Any]] = field(default_factory=dict)
    """Of every kind but errors, which are grouped first."""
    tally: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    event_bytes: int = 0

    @property
    def spans(self) -> list[Span]:
        return self.of(kinds.SPANS)

    @property
    def page_loads(self) -> list[PageLoad]:
        return self.of(kinds.PAGE_LOADS)

    def of(self, kind: Kind) -> list[Any]:
        """The records of a kind, to add to."""
        return self.records.setdefault(kind.name, [])

    @property
    def room(self) -> int:
        """How many more spans the envelope may bring."""
        return max(SPAN_LIMIT - len(self.spans), 0)

    def count(self, item_type: str, outcome: str, reason: str, quantity: int = 1) -> None:
        self.tally[item_type, outcome, reason] += quantity

    @property
    def counts(self) -> list[ItemCount]:
        return [ItemCount(*fate, quantity) for fate, quantity in self.tally.items()]


def decode(envelope: Envelope, context: Context) -> Decoded:
    """Decode each item that makes sense, count each that does not; never raises for the content."""
    decoded = Decoded()
    arrival = Arrival(context, context.scrubber.scrub(dict(envelope.header)))
    for item in envelope.items:
        try:
            _item(item, arrival, decoded)
        except (Undecodable, NotASpan) as error:
            decoded.count(_countable(item.type), INVALID, str(error)[:200])
    if envelope.cut:
        decoded.count("envelope", INVALID, envelope.cut)
    return decoded


def _item(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    check_cpu()
    if item.type in {"event", "transaction"}:
        _event(item, arrival, decoded)
    elif item.type == "span":
        _spans(item, arrival, decoded)
    elif item.type == "client_report":
        _client_report(item, arrival, decoded)
    elif item.type in WAITING:
        decoded.count(item.type, IGNORED, NOT_STORED_YET, _quantity(item))
    else:
        decoded.count(_countable(item.type), IGNORED, UNKNOWN_TYPE)


def _event(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    decoded.event_bytes += len(item.payload)
    if decoded.event_bytes > EVENT_BYTES:
        raise Undecodable(f"more than {EVENT_BYTES:,} bytes of events in one envelope")
    raw = load_json(item.payload)
    if not isinstance(raw, dict):
        raise Undecodable("the payload is no JSON object")
    own_id = event_id(raw, arrival, item.payload)
    scrubbed = arrival.context.scrubber.scrub(_with_address(raw, arrival.context.address))
    if item.type == "transaction" or raw.get("type") == "transaction":
        spans, flaws = span_items.from_transaction(scrubbed, arrival)
        _keep_all(spans, decoded)
        for flaw in flaws:
            decoded.count("span", INVALID, str(flaw))
        return
    if scrubbed.get("type") == "feedback" or not _says_something(scrubbed):
        reason = (
            NOT_STORED_YET if scrubbed.get("type") == "feedback" else "an event without content"
        )
        outcome = IGNORED if reason is NOT_STORED_YET else INVALID
        decoded.count(item.type, outcome, reason)
        return
    decoded.events.append({**normalise(scrubbed, arrival), "event_id": own_id})


def _with_address(event: dict[str, Any], address: str) -> dict[str, Any]:
    """The event with its sender's address, where the client leaves filling it in to the server.

    Pages do not know their visitor's address: without it, visitors who are not signed in would
    count as nobody (develop.sentry.dev, "User Interface", `{{auto}}`; `sdk.settings.infer_ip`).
    """
    user, sdk = event.get("user") or {}, event.get("sdk")
    settings = sdk.get("settings") if isinstance(sdk, dict) else None
    infers = isinstance(settings, dict) and settings.get("infer_ip") == "auto"
    if not address or not isinstance(user, dict):
        return event
    if user.get("ip_address") == AUTO or (infers and not user.get("ip_address")):
        return {**event, "user": {**user, "ip_address": address}}
    return event


def _says_something(event: dict[str, Any]) -> bool:
    """An event with none of its fields set is a mistake of whoever sent it."""
    return any(
        value not in (None, "", [], {}) for name, value in event.items() if name != "event_id"
    )


def _spans(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    payload = load_json(item.payload)
    if isinstance(payload, dict) and isinstance(payload.get("items"), list):
        elements, room = payload["items"], decoded.room
        for element in elements[:room]:
            _keep_span(element, arrival, decoded)
        _count_surplus(len(elements) - room, decoded)
    elif isinstance(payload, dict):
        _keep(span_items.from_v1(arrival.context.scrubber.scrub(payload), arrival), decoded)
    else:
        raise Undecodable("the payload is no JSON object")


def _keep_all(spans: list[Span], decoded: Decoded) -> None:
    room = decoded.room
    decoded.spans.extend(spans[:room])
    _count_surplus(len(spans) - room, decoded)


def _count_surplus(surplus: int, decoded: Decoded) -> None:
    if surplus > 0:
        reason = f"more than {SPAN_LIMIT:,} spans in one envelope"
        decoded.count("span", INVALID, reason, surplus)


def _keep_span(element: Any, arrival: Arrival, decoded: Decoded) -> None:
    try:
        _keep(span_items.from_v2(element, arrival), decoded)
    except NotASpan as error:
        decoded.count("span", INVALID, str(error))


def _keep(span: Span, decoded: Decoded) -> None:
    """Store it, unless it is the Python client watching itself deliver its own envelopes."""
    if span.attributes.get("thread.name") == "sentry-sdk.BackgroundWorker":
        decoded.count("span", IGNORED, OWN_REQUEST)
    else:
        decoded.spans.append(span)


def _client_report(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    """What the client dropped before it could send it, by reason and category."""
    report = load_json(item.payload)
    if not isinstance(report, dict):
        raise Undecodable("the payload is no JSON object")
    for lost in _discarded(report):
        category = _countable(text(lost.get("category"), 40) or "default")
        reason = arrival.context.scrubber.text(text(lost.get("reason"), 100)) or "unknown"
        quantity = lost.get("quantity")
        if isinstance(quantity, int) and 0 < quantity <= _QUANTITY_LIMIT:
            decoded.count(category, LOST_BY_CLIENT, reason, quantity)
    decoded.count("client_report", "stored", "")


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
    """The type as a ledger may show it; what a stranger writes there is no text of ours."""
    known = item_type in WAITING or item_type in {"event", "transaction", "span", "client_report"}
    plain = item_type.replace("_", "").replace("-", "").isalnum() and item_type.isascii()
    return item_type if known or plain else "unknown"
