"""The detectors, which examine finished segments; N+1 and its writes have a separate file."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from console.performance.describe import statement_of
from console.performance.findings import n_plus_one
from console.performance.findings.calls import http_calls, is_read
from console.performance.findings.finding import Suspect, label, made_of, of_segment
from console.performance.findings.listed import follow_list, listed_by
from console.performance.findings.loops import repetition
from console.performance.findings.named_calls import by_name
from console.performance.findings.segment import Segment, ended, segment_of
from console.performance.findings.series import is_needed
from console.performance.names import DB, INTERFACES
from console.performance.traces.groups import waits
from console.telemetry.finding_kinds import GAP, REPEATED_CALL, SLOW_QUERY
from console.telemetry.records import Finding
from console.telemetry.spans import SpanRow

# Half a second in one statement: longer than a person takes a whole answer for instant.
SLOW_US = 500_000
CALLS = 5  # as for look-ups in a database
# A page asks for some things at once, and an order is sent with a few writes: ten are a list. So
# are eight that a server sends at once, and five if it, or the page, has fetched the list before.
MANY_CALLS, CALLS_AT_ONCE = 10, 8
# A gap that people notice, and that is a large part of the request.
GAP_US = 500_000
GAP_SHARE = 0.3
MOST = 20  # findings of one segment
_NUMBER = re.compile(r"(?<![0-9a-f-])[a-f-]*+\d[0-9a-f-]*+", re.IGNORECASE)

Detector = Callable[[Segment], Iterator[Suspect]]


def find(rows: Sequence[SpanRow]) -> list[Finding]:
    """The findings about the segment of these rows, at most 20, the longest first.

    [] while the span of the segment itself is missing.
    """
    segment = segment_of(rows)
    if segment is None:
        return []
    suspects = [suspect for detector in DETECTORS for suspect in detector(segment)]
    worst = sorted(suspects, key=_order)[:MOST]  # before findings are made: each reads the segment
    findings = [made_of(segment, suspect) for suspect in worst] + list(gaps(segment))
    return sorted(findings, key=_order)[:MOST]


def _order(finding: Suspect | Finding) -> tuple[int, str, str]:
    return -finding.total_us, finding.kind, finding.fingerprint


def slow_queries(segment: Segment) -> Iterator[Suspect]:
    """Statements of any kind that took half a second or more, by fingerprint."""
    slow: dict[str, list[SpanRow]] = defaultdict(list)
    for span in segment.spans:
        is_query = span.category == DB and span.fingerprint and span.name != "connect"
        if is_query and span.duration_us >= SLOW_US:
            slow[span.fingerprint].append(span)
    for spans in slow.values():
        total = sum(span.duration_us for span in spans)
        yield Suspect(SLOW_QUERY.name, spans, saving_us=total)


def repeated_calls(segment: Segment) -> Iterator[Suspect]:
    """Outgoing requests to one address, except for ids in it, by a loop or at once."""
    calls: dict[str, list[SpanRow]] = defaultdict(list)
    sent = http_calls(segment)
    lists = listed_by(sent)
    for span in sent:
        calls[span.fingerprint].append(span)
    few = []
    is_shown = segment.root.category in INTERFACES
    for spans in calls.values():
        reads = is_read(spans[0])
        least = CALLS if reads else MANY_CALLS
        at_once = _least_at_once(spans, lists, is_shown=is_shown) if reads else MANY_CALLS
        rounds = repetition(segment, spans, least, at_once)
        if rounds is None:
            few += spans
        elif not is_needed(segment, rounds.spans):
            yield Suspect(REPEATED_CALL.name, rounds.spans, rounds.saving_us, rounds.at_once)
    for statement, named in by_name(few, MANY_CALLS).items():
        rounds = repetition(segment, named, MANY_CALLS, MANY_CALLS)
        if rounds is not None and not is_needed(segment, rounds.spans):
            yield Suspect(
                REPEATED_CALL.name, rounds.spans, rounds.saving_us, rounds.at_once, statement
            )


def _least_at_once(
    spans: Sequence[SpanRow], lists: Mapping[str, datetime], *, is_shown: bool
) -> int:
    if follow_list(spans, lists):
        return CALLS
    return MANY_CALLS if is_shown else CALLS_AT_ONCE


def gaps(segment: Segment) -> Iterator[Finding]:
    """The longest time in which no span says what the request did, if it is large.

    Gaps count only between spans with a common parent: a span without child spans is named work.
    Pages and screens are left out: they idle between their work. A client waits for an answer:
    that is no gap, whatever its parts are, as within the opening of a connection.
    """
    if segment.root.category in INTERFACES:
        return
    children = segment.children()
    holders = [segment.by_id[span_id] for span_id in children]
    holders = [span for span in holders if not waits(span)]
    gaps = [gap for span in holders for gap in _between(span, children[span.span_id])]
    large = max(GAP_US, round(segment.root.duration_us * GAP_SHARE))
    longest = max(gaps, key=lambda gap: gap.length, default=None)
    if longest is not None and longest.length >= large:
        yield _finding_of(longest, segment)


class _Gap(NamedTuple):
    holder: SpanRow
    begins: datetime
    length: int
    before: SpanRow | None
    after: SpanRow | None


def _between(holder: SpanRow, children: Sequence[SpanRow]) -> Iterator[_Gap]:
    at, before = holder.timestamp, None
    end = ended(holder)
    for child in children:
        yield _Gap(holder, at, _length(at, min(child.timestamp, end)), before, child)
        if ended(child) > at:
            at, before = ended(child), child
    yield _Gap(holder, at, _length(at, end), before, None)


def _length(begins: datetime, ends: datetime) -> int:
    return max((ends - begins) // timedelta(microseconds=1), 0)


def _finding_of(gap: _Gap, segment: Segment) -> Finding:
    before, after = _place(gap.before), _place(gap.after)
    key = "\0".join((_place(gap.holder), before, after)).encode(errors="replace")
    where = f"after {before}" if before else "at the start"
    return Finding(
        kind=GAP.name,
        fingerprint=hashlib.blake2b(key, digest_size=8).hexdigest(),
        **of_segment(segment),
        subject=f"{where}, before {after}" if after else f"{where}, until the end",
        count=1,
        total_us=gap.length,
        saving_us=gap.length,
        offset_us=_length(segment.root.timestamp, gap.begins),
        span_id=gap.holder.span_id,
        category="",
        parent=label(gap.holder),
    )


def _place(span: SpanRow | None) -> str:
    """A name of the span that is the same in every request."""
    if span is None:
        return ""
    name = statement_of(span.category, span) or span.endpoint or span.name
    return f"{span.op} {_NUMBER.sub('?', name)}".strip()[:120]


DETECTORS: Sequence[Detector] = (n_plus_one.find, slow_queries, repeated_calls)
