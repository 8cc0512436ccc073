"""The detectors, which examine finished segments; N+1 and its writes have a separate file."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from console.performance.describe import statement_of
from console.performance.findings import n_plus_one
from console.performance.findings.calls import asks_for_many, http_calls, is_paging
from console.performance.findings.finding import (
    label,
    made_of,
    of_segment,
)
from console.performance.findings.loops import repetition
from console.performance.findings.segment import Segment, ended, segment_of
from console.performance.names import DB, PAGE
from console.performance.traces.groups import waits
from console.telemetry.finding_kinds import GAP, REPEATED_CALL, SLOW_QUERY
from console.telemetry.records import Finding
from console.telemetry.spans import SpanRow

# Half a second in one statement: longer than a person takes a whole answer for instant.
SLOW_US = 500_000
CALLS = 5  # as for look-ups in a database
# A page asks for some things at once, and an order is sent with a few writes: ten are a list.
MANY_CALLS = 10
# A gap that people notice, and that is a large part of the request.
GAP_US = 500_000
GAP_SHARE = 0.3
MOST = 20  # findings of one segment
_NUMBER = re.compile(r"(?<![0-9a-f-])[a-f-]*+\d[0-9a-f-]*+", re.IGNORECASE)

Detector = Callable[[Segment], Iterator[Finding]]


def find(rows: Sequence[SpanRow]) -> list[Finding]:
    """The findings about the segment of these rows, at most 20, the longest first.

    [] while the span of the segment itself is missing.
    """
    segment = segment_of(rows)
    if segment is None:
        return []
    findings = [finding for detector in DETECTORS for finding in detector(segment)]
    worst = sorted(
        findings, key=lambda finding: (-finding.total_us, finding.kind, finding.fingerprint)
    )
    return worst[:MOST]


def slow_queries(segment: Segment) -> Iterator[Finding]:
    """Statements of any kind that took half a second or more, by fingerprint."""
    slow: dict[str, list[SpanRow]] = defaultdict(list)
    for span in segment.spans:
        is_query = span.category == DB and span.fingerprint and span.name != "connect"
        if is_query and span.duration_us >= SLOW_US:
            slow[span.fingerprint].append(span)
    for spans in slow.values():
        total = sum(span.duration_us for span in spans)
        yield made_of(segment, spans, kind=SLOW_QUERY, saving_us=total)


def repeated_calls(segment: Segment) -> Iterator[Finding]:
    """Outgoing requests to one address, except for ids in it, by a loop or at once."""
    calls: dict[str, list[SpanRow]] = defaultdict(list)
    for span in http_calls(segment):
        calls[span.fingerprint].append(span)
    for spans in calls.values():
        is_read = spans[0].http_method in {"GET", "HEAD", ""}
        least = CALLS if is_read else MANY_CALLS
        rounds = repetition(segment, spans, least, MANY_CALLS)
        if rounds is None or is_paging(rounds.spans) or all(map(asks_for_many, rounds.spans)):
            continue
        yield made_of(
            segment,
            rounds.spans,
            kind=REPEATED_CALL,
            saving_us=rounds.saving_us,
            at_once=rounds.at_once,
        )


def gaps(segment: Segment) -> Iterator[Finding]:
    """The longest time in which no span says what the request did, if it is large.

    Gaps count only between spans with a common parent: a span without child spans is named work.
    Pages are left out: browsers idle between their work. A client waits for an answer: that is no
    gap, whatever its parts are, as within the opening of a connection.
    """
    if segment.root.category == PAGE:
        return
    children = segment.children()
    holders = [segment.by_id[span_id] for span_id in children]
    holders = [span for span in holders if not waits(span)]
    gaps = [gap for span in holders for gap in _between(segment, span, children[span.span_id])]
    large = max(GAP_US, round(segment.root.duration_us * GAP_SHARE))
    longest = max(gaps, key=lambda gap: gap.total_us, default=None)
    if longest is not None and longest.total_us >= large:
        yield longest


def _between(segment: Segment, holder: SpanRow, children: Sequence[SpanRow]) -> Iterator[Finding]:
    at, before = holder.timestamp, None
    end = ended(holder)
    for child in children:
        yield _gap(segment, holder, (at, min(child.timestamp, end)), (before, child))
        if ended(child) > at:
            at, before = ended(child), child
    yield _gap(segment, holder, (at, end), (before, None))


def _gap(
    segment: Segment,
    holder: SpanRow,
    bounds: tuple[datetime, datetime],
    neighbours: tuple[SpanRow | None, SpanRow | None],
) -> Finding:
    length = max(round((bounds[1] - bounds[0]) / timedelta(microseconds=1)), 0)
    before, after = (_place(span) for span in neighbours)
    key = "\0".join((_place(holder), before, after)).encode(errors="replace")
    where = f"after {before}" if before else "at the start"
    return Finding(
        kind=GAP.name,
        fingerprint=hashlib.blake2b(key, digest_size=8).hexdigest(),
        **of_segment(segment),
        subject=f"{where}, before {after}" if after else f"{where}, until the end",
        count=1,
        total_us=length,
        saving_us=length,
        offset_us=max(round((bounds[0] - segment.root.timestamp) / timedelta(microseconds=1)), 0),
        span_id=holder.span_id,
        category="",
        parent=label(holder),
    )


def _place(span: SpanRow | None) -> str:
    """A name of the span that is the same in every request."""
    if span is None:
        return ""
    name = statement_of(span.category, span) or span.endpoint or span.name
    return f"{span.op} {_NUMBER.sub('?', name)}".strip()[:120]


DETECTORS: Sequence[Detector] = (n_plus_one.find, slow_queries, repeated_calls, gaps)
