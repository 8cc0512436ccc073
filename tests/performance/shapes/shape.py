"""A request in few words, and the transaction that a client would send for it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

from console.ingest.sentry import items as sentry
from console.performance.findings.detectors import find
from console.telemetry.spans import SpanRow
from tests.ingest.corpus.reading import context, item

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROOT, TRACE = "f" * 16, "a" * 32
WORDS = ("ada", "bob", "cleo", "dora", "emil", "finn", "gus", "hana", "ines", "jon", "kai", "lea")
REPEATED_STATEMENT = frozenset({"n_plus_one", "write_loop"})
REPEATED_CALL = frozenset({"repeated_call"})

Way = Literal["loop", "at once", "pool", "polling"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A span that a client sends; {i}, {hex} and {word} differ from one round to the next."""

    op: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    ms: float = 2
    tags: Mapping[str, Any] = field(default_factory=dict)
    status: str = "ok"
    below: Sequence["Sent"] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Spans that are sent so many times: in a loop, all at once, by a pool, or by polling."""

    times: int
    spans: Sequence[Sent]
    way: Way = "loop"


@dataclass(frozen=True, slots=True)
class Shape:
    """A request of a client, and whether it repeats statements, or calls, that it need not."""

    name: str
    runs: Sequence[Run]
    statements: bool = False
    calls: bool = False
    platform: str = "python"
    op: str = "http.server"

    @property
    def held_out(self) -> bool:
        """Whether the shape is kept for measuring, by its name alone."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def run(times: int, *spans: Sent, way: Way = "loop") -> Run:
    """A run of these spans."""
    return Run(times, spans, way)


def findings(shape: Shape) -> set[str]:
    """The kinds of findings in a shape, read the way the digest and detection read it."""
    decoded = sentry.decode(item("transaction", _transaction(shape)), context(NOON))
    assert not decoded.counts, decoded.counts
    return {finding.kind for finding in find([_row(span) for span in decoded.spans])}


def _row(span: Any) -> SpanRow:
    columns = {name: getattr(span, name) for name in SpanRow.__dataclass_fields__}
    return SpanRow(**{**columns, "attributes": dict(span.attributes)})


def _transaction(shape: Shape) -> dict[str, Any]:
    spans = list(_spans(shape.runs))
    began = NOON.timestamp() - 60
    ended = max(span["timestamp"] for span in spans) + 0.001
    return {
        "type": "transaction",
        "event_id": "e" * 32,
        "platform": shape.platform,
        "transaction": "GET /books",
        "transaction_info": {"source": "route"},
        "contexts": {"trace": {"trace_id": TRACE, "span_id": ROOT, "op": shape.op}},
        "start_timestamp": began,
        "timestamp": ended,
        "spans": spans,
    }


def _spans(runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    at, numbers = NOON.timestamp() - 59.999, count(1)
    for repeated in runs:
        end = at
        for number in range(repeated.times):
            start = _start(repeated.way, number, at, end)
            for sent in repeated.spans:
                spans = list(_sent(sent, number, start, ROOT, numbers))
                yield from spans
                start = spans[0]["timestamp"] + 0.0003
                end = max(end, start)
        at = end + 0.001


def _start(way: Way, number: int, began: float, end: float) -> float:
    if way == "at once":
        return began + number * 0.0001
    if way == "pool":
        return began + (number // 4) * 0.003 + (number % 4) * 0.0001
    return end + 1 if way == "polling" else end


def _sent(
    sent: Sent, number: int, start: float, parent: str, numbers: Iterator[int]
) -> Iterator[dict[str, Any]]:
    span_id = f"{next(numbers):016x}"
    at, below = start + 0.0001, []
    for child in sent.below:
        spans = list(_sent(child, number, at, span_id, numbers))
        below += spans
        at = spans[0]["timestamp"] + 0.0001
    yield {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": parent,
        "op": sent.op,
        "description": _filled(sent.text, number),
        "start_timestamp": start,
        "timestamp": max(start + sent.ms / 1000, at),
        "status": sent.status,
        "data": {name: _filled(value, number) for name, value in sent.data.items()},
        "tags": dict(sent.tags),
    }
    yield from below


def _filled(value: Any, number: int) -> Any:
    if not isinstance(value, str):
        return value
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    for name, filling in (("i", str(1017 + number)), ("n", str(number + 1)), ("hex", digest[:24])):
        value = value.replace("{" + name + "}", filling)
    uuid = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"
    return value.replace("{uuid}", uuid).replace("{word}", WORDS[number % len(WORDS)])
