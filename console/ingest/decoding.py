"""A row of the spool becomes scrubbed records: pure, so that any process can do it.

Bytes and the project's rules in; records and counts out. No database, no file, and nothing that is
remembered between rows changes what becomes of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from console.core.cpu_limit import CpuLimitReached, cpu_limit
from console.errors.grouping import Grouping, group
from console.ingest import protocols, web_vitals
from console.ingest.content_encodings import Undecodable, inflate
from console.ingest.decoded import IGNORED, INVALID, Context, Decoded, ItemCount
from console.ingest.events import error_event
from console.ingest.people import People
from console.ingest.protocol import RAW_LIMIT, Protocol
from console.ingest.repeats import repeats_of
from console.ingest.scrub import scrubber
from console.ingest.scrub_rules import ScrubRules
from console.telemetry.records import Session, Span

# Of decoding one row. The largest that accept takes, 20,000 spans of ten attributes, need 5 s on a
# slow machine: who was answered 200 is not to be a dead letter for being large.
CPU_SECONDS, CPU_SECONDS_OF_MIB, MOST_MIB = 5.0, 1.0, 12

# The next run of retention would delete them: who was answered 200 learns it from the ledger.
EXPIRED = "older than is kept"


class Hopeless(Exception):
    """A row that must not be tried again; the message says why, for people."""

    def __init__(self, reason: str, *, tries: int = 1) -> None:
        """`tries` is how often it was tried."""
        super().__init__(reason)
        self.tries = tries


@dataclass(frozen=True, slots=True)
class Received:
    """A row as far as decoding needs it."""

    protocol: str
    organization_id: int
    project_id: int
    position: int
    received_at: datetime
    encoding: str
    address: str
    body: bytes
    oldest: datetime | None = None
    """What happened before is older than the project keeps; None keeps everything."""
    people: bytes = b""
    """The secret that makes the keys of the organization's people."""


@dataclass(frozen=True, slots=True)
class Content:
    """The decoded content of a row."""

    records: Mapping[type[Any], Sequence[Any]]
    """By their class, the errors too."""
    groupings: Sequence[Grouping]
    """The grouping of each error, in the order of the errors."""
    counts: Sequence[ItemCount]


def decode_row(row: Received, rules: ScrubRules) -> Content:
    """Decode a row; invalid items are counted.

    Raises Hopeless for one that takes too long, and whatever a defect raises.
    """
    protocol = protocols.named(row.protocol)
    context = Context(
        organization_id=row.organization_id,
        project_id=row.project_id,
        position=row.position,
        received_at=row.received_at,
        scrubber=scrubber(rules),
        address=row.address,
        repeats=repeats_of(rules),
        people=People(row.people),
    )
    try:
        raw = inflate(row.body, row.encoding, limit=RAW_LIMIT)
        return _content(protocol, raw, context, row.oldest)
    except Undecodable as error:
        lost = Decoded(context)
        lost.count(protocol.whole, INVALID, str(error))
        return Content({}, (), lost.counts)


def _content(protocol: Protocol, raw: bytes, context: Context, oldest: datetime | None) -> Content:
    seconds = CPU_SECONDS + CPU_SECONDS_OF_MIB * min(len(raw) >> 20, MOST_MIB)
    try:
        with cpu_limit(seconds):
            decoded = protocol.decode(raw, context)
            if oldest is not None:
                _drop_expired(decoded, oldest)
            _add_page_loads(decoded)
            groupings = _group_errors(decoded, context, oldest)
    except CpuLimitReached as error:
        reason = f"decoding this takes more than {seconds:g} s of processor time"
        raise Hopeless(reason) from error
    return Content(decoded.records, groupings, decoded.counts)


def _drop_expired(decoded: Decoded, oldest: datetime) -> None:
    """Leave out what is older than its project keeps."""
    for record, name in ((Span, "span"), (Session, "session")):
        if expired := decoded.drop_before(record, oldest):
            decoded.count(name, IGNORED, EXPIRED, expired)


def _add_page_loads(decoded: Decoded) -> None:
    """Add the page loads that the spans of browsers report."""
    spans = decoded.scrubbed_of(Span)
    if spans is None:
        return
    page_loads = spans.then(web_vitals.page_loads)
    decoded.keep_all(page_loads.then(lambda loads_and_implausible: loads_and_implausible[0]))
    if implausible := page_loads.content[1]:
        decoded.count(web_vitals.ITEM, INVALID, web_vitals.IMPLAUSIBLE, implausible)


def _group_errors(decoded: Decoded, context: Context, oldest: datetime | None) -> list[Grouping]:
    groupings = []
    for reported in decoded.errors:
        event = reported.event
        grouping = group(event.content)
        make = partial(error_event, grouping=grouping, context=context, user_key=reported.user_key)
        record = event.then(make)
        if oldest is not None and record.content.timestamp < oldest:
            decoded.count("event", IGNORED, EXPIRED)
            continue
        decoded.keep(record)
        groupings.append(grouping)
    return groupings
