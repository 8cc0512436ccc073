"""The fixtures of this folder, read the way the digest reads them."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from console.ingest.decoded import Context, ItemCount
from console.ingest.scrub import scrubber
from console.ingest.scrub_rules import ScrubRules
from console.ingest.sentry import items as sentry
from console.ingest.sentry.envelope import Envelope, Item, parse_envelope
from console.telemetry.records import Span

HERE = Path(__file__).parent
CLIENTS = ("flask-static", "flask-stream", "express-static", "express-stream")


def context(received_at: datetime | None = None, **rules: Any) -> Context:
    """A context of project 7 in organization 3, a second after the captures unless told."""
    at = received_at or datetime(2026, 11, 23, 19, 21, tzinfo=UTC)
    return Context(3, 7, 11, at, scrubber(ScrubRules(**rules)))


def bodies(client: str) -> list[bytes]:
    """What the client sent, in order."""
    return [path.read_bytes() for path in sorted((HERE / "captured" / client).iterdir())]


@dataclass(slots=True)
class Sendings:
    """What several envelopes brought."""

    events: list[dict[str, Any]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    tally: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def counts(self) -> list[ItemCount]:
        """What was no record."""
        return [ItemCount(*fate, quantity) for fate, quantity in self.tally.items()]


def decoded(client: str) -> Sendings:
    """Everything that a client sent, decoded as one."""
    whole = Sendings()
    for body in bodies(client):
        decoded = sentry.decode(parse_envelope(body), context())
        whole.events += decoded.events
        whole.spans += decoded.spans
        for count in decoded.counts:
            whole.tally[count.item_type, count.outcome, count.reason] += count.quantity
    return whole


def item(kind: str, content: Any, header: dict[str, Any] | None = None, **fields: Any) -> Envelope:
    """An envelope of one item; its header may be given, and fields of the item's header."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Envelope(header or {}, [Item(kind, payload, {"type": kind, **fields})])


def event(content: Any, header: dict[str, Any] | None = None) -> dict[str, Any]:
    """The one event that the content decodes to."""
    (only,) = sentry.decode(item("event", content, header), context()).events
    return only


def bugs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Label and normalised event of every bug that the clients met."""
    for line in (HERE / "bugs.jsonl").read_text().splitlines():
        entry = json.loads(line)
        yield entry["bug"], event(entry["event"])
