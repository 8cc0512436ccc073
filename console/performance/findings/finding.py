"""Makes a finding of spans: what happened, how often, where, and what a fix saves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.performance.describe import fingerprint_of, statement_of
from console.performance.findings.segment import Segment, ended
from console.telemetry.records import Finding
from console.telemetry.spans import SpanRow

LONGEST = 4000
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Suspect:
    """Spans that repeat one thing, in order of their start, and the kind of what is wrong."""

    kind: str
    spans: Sequence[SpanRow]
    saving_us: int
    at_once: bool = False
    statement: str = ""
    """What they repeat, where it is not the statement of each."""

    @property
    def fingerprint(self) -> str:
        first = self.spans[0]
        return (
            fingerprint_of(first.category, self.statement)
            if self.statement
            else (first.fingerprint)
        )

    @property
    def total_us(self) -> int:
        return sum(span.duration_us for span in self.spans)


def made_of(segment: Segment, suspect: Suspect) -> Finding:
    """The finding about suspect spans of a segment."""
    spans = suspect.spans
    first = spans[0]
    return Finding(
        kind=suspect.kind,
        fingerprint=suspect.fingerprint,
        **of_segment(segment),
        subject=(suspect.statement or statement_of(first.category, first))[:LONGEST],
        count=len(spans),
        total_us=suspect.total_us,
        saving_us=suspect.saving_us,
        at_once=suspect.at_once,
        offset_us=offset(segment, first),
        span_id=first.span_id,
        category=first.category,
        parent=label(segment.common_ancestor(spans)),
        code=next(filter(None, map(code_of, spans)), ""),
        before=_before(segment, first),
        examples=_examples(spans),
    )


def of_segment(segment: Segment) -> dict[str, Any]:
    """The fields of a finding that say which request, task or page it is about."""
    root = segment.root
    return {
        "endpoint": root.endpoint,
        "segment_us": root.duration_us,
        "segment_id": root.span_id,
        "segment_category": root.category,
    }


def text_of(span: SpanRow) -> str:
    """The statement of a db span as it was sent, with its values."""
    return str(span.attributes.get("db.query.text") or span.name)


def succeeded(span: SpanRow) -> bool:
    """Whether a span succeeded: failed calls are repeated for another reason."""
    return span.status in {"", "ok", "unknown"} and (span.http_status or 0) < 400


def label(span: SpanRow) -> str:
    """A span in a few words: its operation and name, or the endpoint of a segment."""
    name = span.endpoint or span.name
    return f"{span.op} {name}".strip()[:200]


def code_of(span: SpanRow) -> str:
    """Where in the application a span was started: "shop/views.py:42 in books"."""
    path = str(span.attributes.get("code.file.path") or "")
    line = span.attributes.get("code.line.number")
    function = str(span.attributes.get("code.function.name") or "")
    place = f"{path}:{line}" if path and line else path
    return f"{place} in {function}".strip()[:300] if function and place else place[:300]


def offset(segment: Segment, span: SpanRow) -> int:
    """Microseconds from the segment's start to the span's."""
    return max(round((span.timestamp - segment.root.timestamp).total_seconds() * 1e6), 0)


def _before(segment: Segment, first: SpanRow) -> str:
    earlier = [
        span
        for span in segment.spans
        if span.category == "db"
        and span.fingerprint not in {"", first.fingerprint}
        and ended(span) <= first.timestamp
    ]
    return statement_of("db", earlier[-1])[:LONGEST] if earlier else ""


def _examples(spans: Sequence[SpanRow]) -> tuple[str, ...]:
    """The different texts; for statements with parameters, the parameters if they were sent."""
    texts = dict.fromkeys(filter(None, map(_values_of, spans)))
    if len(texts) < 2:
        texts = dict.fromkeys(map(_sent, spans))
    return tuple(text[:500] for text in list(texts)[:EXAMPLES]) if len(texts) > 1 else ()


def _values_of(span: SpanRow) -> str:
    """Parameters of a statement, as OpenTelemetry's conventions name them."""
    named = [
        f"{name.removeprefix('db.query.parameter.')}={value}"
        for name, value in span.attributes.items()
        if name.startswith("db.query.parameter.")
    ]
    return ", ".join(named)


def _sent(span: SpanRow) -> str:
    if span.category == "http":
        return str(span.attributes.get("url.full") or span.name)
    return text_of(span)
