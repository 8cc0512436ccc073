"""The records that ingest hands to the telemetry store, scrubbed and normalised."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Protocol, TypeAlias

from console.telemetry.finding_kinds import FindingKind, kind_of

AttributeValue: TypeAlias = str | int | float | bool | Sequence[str | int | float | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEvent:
    """One error or message event; ids are lower-case hex without dashes, times are aware UTC.

    `position` is the spool position of the request that brought it, or below 0 for what the console
    found itself (`TelemetryStore.write_own`). `body` is zstd of the scrubbed event JSON
    (`bodies.pack`). Texts that are not known are "", never None.
    """

    organization_id: int
    project_id: int
    position: int
    event_id: str
    timestamp: datetime
    """When it happened, corrected for a skewed clock."""
    received_at: datetime
    client_timestamp: datetime | None = None
    """When the client said that it happened, as it was sent; `timestamp` if not given.

    A resend repeats it whatever the correction made of it: duplicates are looked up by it.
    """
    grouping_hash: str
    category: str = "error"
    """error, or performance for a finding of the console's own detectors."""
    level: str = "error"
    kind: str = ""
    """The exception's type, or "" for a message."""
    title: str = ""
    culprit: str = ""
    message: str = ""
    platform: str = ""
    environment: str = ""
    release: str = ""
    transaction: str = ""
    user_key: str = ""
    """16 hex digits: a hash of the best user id that the event has; "" for nobody."""
    trace_id: str = ""
    span_id: str = ""
    handled: bool | None = None
    sdk: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class Span:
    """One span of any origin (transaction item, streamed, OTLP); durations are microseconds.

    Nobody changes one but `performance.describe`; it is not frozen, since to make a frozen one of
    so many fields takes as long as to decode what they say.
    """

    organization_id: int
    project_id: int
    position: int
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    segment_id: str = ""
    """The span id of the segment that this span belongs to; its own id when it is the segment."""
    is_segment: bool = False
    timestamp: datetime
    """When it started, corrected for a skewed clock."""
    duration_us: int
    received_at: datetime
    client_timestamp: datetime | None = None
    """When the client said that it started, as it was sent; `timestamp` if not given."""
    op: str = ""
    name: str = ""
    """The description; for a segment its name."""
    segment_name: str = ""
    source: str = ""
    """How the segment's name was found: url, route, component, custom, task or ""."""
    origin: str = ""
    status: str = ""
    """ok, error, or the precise status that the client gave."""
    kind: str = ""
    category: str = ""
    """What the time went into: request, task, page, db, cache, http, render, resource, queue,
    vital or app (`performance.names`)."""
    endpoint: str = ""
    """Of a request, task or page segment what it is counted under: "GET /users/:id"; else ""."""
    fingerprint: str = ""
    """16 hex digits that all spans with the same normalised statement share; "" for none."""
    statement: str = ""
    """The text behind the fingerprint, which the store keeps once per project."""
    http_method: str = ""
    http_route: str = ""
    http_status: int | None = None
    environment: str = ""
    release: str = ""
    platform: str = ""
    sdk: str = ""
    server_name: str = ""
    user_key: str = ""
    sample_rate: float = 1.0
    """The client's sampling: one stored span stands for 1 / sample_rate; 1.0 if unknown."""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    """Canonical names (sentry-conventions); measurements are "measurement.<name>"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLoad:
    """What one report says of a page load; several make up what is stored of it.

    Metrics are milliseconds, CLS a score without a unit; None is not known.
    """

    organization_id: int
    project_id: int
    position: int
    """0 for a load that pieces of several positions have told of."""
    page_id: str
    """16 hex digits: the span id of the page's segment, or what the beacon made up."""
    is_loose: bool = False
    """Only the trace of the page load is known: `page_id` is that of the vital's own span."""
    timestamp: datetime
    """When the page began to load, or the best that is known of it."""
    received_at: datetime
    client_timestamp: datetime | None = None
    page: str = ""
    """The route, or the path without what differs from visit to visit; "" if not known yet."""
    path: str = ""
    device: str = ""
    """desktop, mobile, tablet or ""."""
    navigation: str = ""
    environment: str = ""
    release: str = ""
    source: str = ""
    """Who measured: sentry or beacon."""
    user_key: str = ""
    trace_id: str = ""
    lcp: float | None = None
    inp: float | None = None
    cls: float | None = None
    fcp: float | None = None
    ttfb: float | None = None
    fid: float | None = None
    attribution: Mapping[str, AttributeValue] = field(default_factory=dict)
    """What made a metric, as "<metric>.<what>"; "<metric>.at" is when it was told, in µs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a detector reports about one request, task or page; part of its event's body.

    Times are microseconds, texts that are not known are "".
    """

    kind: str
    """The name of one of `finding_kinds.FINDING_KINDS`."""
    fingerprint: str
    """16 hex digits; with kind and endpoint, what all occurrences of the finding share."""
    endpoint: str
    """Of the request, task or page."""
    subject: str
    """What repeats or is slow, without values; for a gap, what it lies between."""
    count: int
    """How many spans it consists of; 1 for a gap."""
    total_us: int
    """The time of these spans."""
    saving_us: int
    """What the request would gain at most, estimated from these spans alone."""
    offset_us: int
    """When it began, after the start of the segment."""
    segment_us: int
    """How long the segment took."""
    segment_id: str = ""
    segment_category: str = ""
    span_id: str = ""
    """The first of the spans; for a gap, the span that it lies in."""
    category: str = ""
    """db or http where `fingerprint` is that of a stored statement, else ""."""
    parent: str = ""
    """The innermost span that all of them are below."""
    code: str = ""
    """File, line and function, where the client sent them."""
    before: str = ""
    """The statement that ran last before it: of an N+1, often the one that brought the rows."""
    examples: Sequence[str] = ()
    """Up to ten texts with their values, where the client left these in and they differ."""

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> "Finding | None":
        """The finding in an event's body; None if the event has none."""
        stored = body.get("finding")
        if not isinstance(stored, dict):
            return None
        return cls(**{name: stored[name] for name in cls.__slots__ if name in stored})

    @property
    def share(self) -> float:
        """The share of the request's time, 0 to 1."""
        return min(self.total_us / self.segment_us, 1.0) if self.segment_us > 0 else 0.0

    @property
    def words(self) -> FindingKind:
        """What is said about findings of its kind."""
        return kind_of(self.kind)


class Record(Protocol):
    """What the records of every kind have."""

    @property
    def organization_id(self) -> int: ...
    @property
    def project_id(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def timestamp(self) -> datetime: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def environment(self) -> str: ...
    @property
    def release(self) -> str: ...


Key: TypeAlias = tuple[Any, ...]
"""What makes a record unique within its organization, as its kind says."""


class Batch:
    """All records of one organization that a digest commits together."""

    __slots__ = ("_records",)

    def __init__(self, **records: Sequence[Record]) -> None:
        """`records` are given by the name of their kind: `Batch(errors=…, spans=…)`."""
        self._records = {kind: listed for kind, listed in records.items() if listed}

    @classmethod
    def joined(cls, batches: Iterable["Batch"]) -> "Batch":
        """One batch of the records of several, in their order."""
        records: dict[str, list[Record]] = {}
        for batch in batches:
            for kind in batch.kinds:
                records.setdefault(kind, []).extend(batch.of(kind))
        return cls(**records)

    @property
    def kinds(self) -> AbstractSet[str]:
        """The names of the kinds that it has records of."""
        return self._records.keys()

    def of(self, kind: str) -> Sequence[Any]:
        """The records of the kind of this name."""
        return self._records.get(kind, ())

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self._records.values())

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the store after a write, the same on a first write and on any replay of it.

    `stored` has for each kind the keys whose stored row came from the very position that this batch
    gives for them. The rest were resends of something stored before. Of a key that comes twice in a
    batch, the first counts.
    """

    position: int
    stored: Mapping[str, frozenset[Key]] = field(default_factory=dict)

    def of(self, kind: str) -> frozenset[Key]:
        """The keys of the kind of this name."""
        return self.stored.get(kind, frozenset())
