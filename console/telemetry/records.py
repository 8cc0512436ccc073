"""The records that ingest hands to the telemetry store, scrubbed and normalised."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, Protocol, TypeAlias

from console.telemetry.finding_kinds import FindingKind, kind_of

AttributeValue: TypeAlias = str | int | float | bool | Sequence[str | int | float | bool]


FACTS = ("environment", "release", "transaction", "level", "handled")
"""Facts of an error event that have fields of their own; all others stand in its tags."""
ERROR, REPORT = "error", "report"
"""Categories of events that clients send: what failed, and what browsers report by themselves."""


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
    """When the client said that it happened, uncorrected; `timestamp` if not given.

    A resend repeats this time exactly, so duplicates are looked up by it.
    """
    grouping_hash: str
    category: str = ERROR
    """error, report, or performance for a finding of the console's own detectors."""
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

    Only `performance.describe` changes it. It is not frozen, because creating a frozen instance
    with so many fields takes as long as decoding them.
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
    """When the client said that it started, uncorrected; `timestamp` if not given."""
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
    """The endpoint of a request, task or page segment: "GET /users/:id"; else ""."""
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


PIECE = "vital"
"""The source of a vital without its page load, which was sampled out or began by a navigation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLoad:
    """One report of a page load; a stored row is made from several of them.

    Metrics are in milliseconds, CLS is a score without a unit; None means not known.
    """

    organization_id: int
    project_id: int
    position: int
    """0 for a page load whose pieces came at several positions."""
    page_id: str
    """16 hex digits: the span id of the page's segment, or an id that the beacon made."""
    is_loose: bool = False
    """Only the trace of the page load is known: `page_id` is the id of the vital's own span."""
    timestamp: datetime
    """When the page began to load, as exactly as is known."""
    received_at: datetime
    client_timestamp: datetime | None = None
    page: str = ""
    """The route, or the path without its variable parts; "" if not known yet."""
    path: str = ""
    device: str = ""
    """desktop, mobile, tablet or ""."""
    navigation: str = ""
    environment: str = ""
    release: str = ""
    source: str = ""
    """Which client measured it: sentry or beacon; `PIECE` while nothing says that a page loaded."""
    user_key: str = ""
    trace_id: str = ""
    lcp: float | None = None
    inp: float | None = None
    cls: float | None = None
    fcp: float | None = None
    ttfb: float | None = None
    fid: float | None = None
    attribution: Mapping[str, AttributeValue] = field(default_factory=dict)
    """What made a metric, as "<metric>.<part>"; "<metric>.at" is when it was reported, in µs."""


class CheckOutcome(StrEnum):
    """What came of one try, ping or check-in of a check."""

    UP = "up"
    SLOW = "slow"
    DOWN = "down"
    MISSED = "missed"
    """Nothing came in time."""
    TIMED_OUT = "timed_out"
    """It began and did not end in time."""
    FAILED = "failed"
    """It said that it failed."""
    PAUSED = "paused"
    """No try: somebody paused the check, so that from here on nothing is known of it."""


GOOD_OUTCOMES = (CheckOutcome.UP, CheckOutcome.SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One try, ping or check-in of a check; texts that are not known are ""."""

    organization_id: int
    project_id: int
    position: int
    result_id: str
    """32 hex digits; the same for a result that is recorded again."""
    check_id: int
    slug: str
    """The check's name in metrics, which are broken down by it."""
    kind: str
    environment: str = ""
    release: str = ""
    timestamp: datetime
    """When it was known."""
    client_timestamp: datetime
    """When it was due, or what the client said: a result that is recorded again repeats it."""
    received_at: datetime
    outcome: CheckOutcome
    state: str
    """The state of the check after it."""
    counts: bool = True
    """False for a failure that was not confirmed, or that the console's own connection may be the
    reason of."""
    maintenance: bool = False
    """Whether the check was maintained then; may be changed afterwards."""
    seconds: float = 0.0
    """How much time it speaks for: the check's interval."""
    duration_us: int | None = None
    http_status: int | None = None
    why: str = ""
    answered: str = ""
    """The beginning of what was answered, of a failure."""
    certificate_days: float | None = None
    domain_days: float | None = None


SESSION_STATUSES = ("ok", "exited", "errored", "unhandled", "abnormal", "crashed")
"""All statuses; of two updates of a session with one number, the later here counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is known of one session, or of several alike that a server counted together."""

    organization_id: int
    project_id: int
    position: int
    """0 for a session whose updates came at several positions."""
    session_id: str
    """32 hex digits: the client's id of the session, or an id made for a count of sessions."""
    timestamp: datetime
    """When it started, or the minute that the server counted."""
    received_at: datetime
    """When the last update came that said something new."""
    client_timestamp: datetime | None = None
    environment: str = ""
    release: str = ""
    status: str = "ok"
    """ok while it lasts; then exited, errored, unhandled, abnormal or crashed."""
    quantity: int = 1
    """How many sessions it stands for."""
    errors: int = 0
    """How many errors the session met so far."""
    seq: int = 0
    """Orders the updates of a session: the last one counts."""
    duration_ms: int | None = None
    user_key: str = ""


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
    """The endpoint of the request, task or page."""
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
    """db or http where a stored statement has this `fingerprint`, else ""."""
    parent: str = ""
    """The closest common parent span of these spans."""
    code: str = ""
    """File, line and function, where the client sent them."""
    before: str = ""
    """The statement that ran last before it: of an N+1, often the one that brought the rows."""
    examples: Sequence[str] = ()
    """Up to ten texts with their values, where the client left these in and they differ."""
    at_once: bool = False
    """Whether the spans overlap; else they follow one another."""

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
        """Its kind, with the words that pages show."""
        return kind_of(self.kind)


class Record(Protocol):
    """The fields that records of every kind have."""

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
"""The values that make a record unique within its organization; its kind names the fields."""


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
    """What is stored after a write; a replay of the write gives the same answer.

    `stored` has for each kind the keys whose stored row came from the position that this batch
    gives for them. All other keys were resends of records stored before. If a key comes twice in a
    batch, the first record counts.
    """

    position: int
    stored: Mapping[str, frozenset[Key]] = field(default_factory=dict)

    def of(self, kind: str) -> frozenset[Key]:
        """The keys of the kind of this name."""
        return self.stored.get(kind, frozenset())
