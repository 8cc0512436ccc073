"""What an OTLP request carries, whichever encoding it came in (opentelemetry.io, "OTLP 1.x")."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from console.ingest.arrival import EARLIEST, LATEST
from console.ingest.content_encodings import TooLarge, Undecodable
from console.ingest.span_rows import NotASpan

SPAN_LIMIT = 20_000  # of one request; clients send 512, a collector 8,192
FIELD_LIMIT = 3 * SPAN_LIMIT  # of one request, around the spans: resources, scopes
ATTRIBUTE_LIMIT = 1000  # of one span that are read; clients send at most 128 by default
DEPTH = 16  # of a value in values
TOO_DEEP = "[nested too deeply]"

KINDS = ("", "internal", "server", "client", "producer", "consumer")
STATUSES = ("", "ok", "error")
HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200
NANOSECONDS = 1_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = int(EARLIEST.timestamp()) * NANOSECONDS
_LAST = int(LATEST.timestamp()) * NANOSECONDS


@dataclass(slots=True, kw_only=True)  # to make a frozen one takes five times as long
class SpanHead:
    """What a span has for itself, and the rest of it still encoded.

    Ids are in lower-case hex, times in nanoseconds since 1970.
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    start: int
    end: int
    is_segment: bool
    """Whether it is the first of its process: a request, a task, a page or a script."""
    rest: bytes
    """The same for two spans of an encoding that differ in nothing but ids and times."""
    element: Any
    """What the encoding makes a WireSpan of."""

    @property
    def key(self) -> tuple[str, str]:
        """What a span is known by."""
        return self.trace_id, self.span_id

    @property
    def parent_key(self) -> tuple[str, str]:
        """What its parent is known by."""
        return self.trace_id, self.parent_span_id


@dataclass(slots=True, kw_only=True)
class WireSpan:
    """The rest of a span as it was sent: what another span may repeat."""

    name: str
    kind: str
    """One of KINDS."""
    trace_state: str
    status: str
    """One of STATUSES."""
    message: str
    attributes: dict[str, Any]
    dropped: int
    """Attributes that the client left out, and those beyond ATTRIBUTE_LIMIT."""
    events: list[tuple[str, dict[str, Any]]]
    links: int
    is_segment: bool
    """As its head has it."""


@dataclass(frozen=True, slots=True)
class Group:
    """The spans of one process, each with the name of its scope, still as they were encoded."""

    resource: dict[str, Any]
    spans: list[tuple[str, Any]] = field(default_factory=list)


def is_segment(parent_span_id: str, kind: str, *, remote_parent: bool | None) -> bool:
    """Whether a span is the first of its process, by its parent if the client says whose it is."""
    if not parent_span_id:
        return True
    if remote_parent is not None:
        return remote_parent
    return kind in {"server", "consumer"}


def check(trace_id: str, span_id: str, start: int) -> None:
    """Raise NotASpan if these are not what makes a span; ids of zeros only are none."""
    if not trace_id.strip("0") or not span_id.strip("0"):
        raise NotASpan("a span has no trace id or span id")
    if not start:
        raise NotASpan("a span has no start")
    if not _FIRST <= start < _LAST:
        raise NotASpan("a span starts before 2000 or after 2100")


def moment(nanoseconds: int) -> datetime:
    """The time, to the microsecond; the last that there is for what lies beyond."""
    return _EPOCH + timedelta(microseconds=min(nanoseconds, _LAST) // 1000)


def chosen(number: int, names: tuple[str, ...]) -> str:
    """The name of an enumeration's number; "" for numbers that it does not have."""
    return names[number] if 0 <= number < len(names) else ""


def remote_parent(flags: int) -> bool | None:
    """What a span's flags say of its parent (opentelemetry/proto/trace/v1, `SpanFlags`)."""
    return bool(flags & IS_REMOTE) if flags & HAS_IS_REMOTE else None


def too_many() -> TooLarge:
    """The refusal of a request that holds more spans than one may; senders split it."""
    return TooLarge(f"more than {SPAN_LIMIT:,} spans in one request")


def too_much_around() -> Undecodable:
    """The refusal of a request that is resources and scopes, most of them without a span."""
    return Undecodable(f"more than {FIELD_LIMIT:,} fields around the spans")
