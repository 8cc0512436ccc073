"""Which of some equal spans one loop ran: one after the other, without waiting in between."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from console.performance.findings.segment import ended
from console.telemetry.spans import SpanRow

# Clients send microseconds: an end and the following start may cross by as much.
ROUNDING = timedelta(microseconds=2)
# A loop over rows asks again within milliseconds. What takes longer than this in between, and
# longer than the call itself, is polling, or work beside which the call does not matter.
APART = timedelta(milliseconds=250)
# Spans that start before the former one has ended: a loop has none, in a fan-out nearly all do.
OVERLAPPING = 0.2


def looped(spans: Sequence[SpanRow], least: int) -> list[SpanRow]:
    """The spans that loops of at least `least` rounds ran, among equal spans sorted by start.

    All spans of a thread are one sequence; if they run in parallel, each parent's may be one.
    """
    for key in (_thread, _parent):
        groups: dict[str, list[SpanRow]] = defaultdict(list)
        for span in spans:
            groups[key(span)].append(span)
        rounds = [span for group in groups.values() for span in _looped(group, least)]
        if rounds:
            return sorted(rounds, key=lambda span: (span.timestamp, span.span_id))
    return []


def _looped(spans: Sequence[SpanRow], least: int) -> Iterator[SpanRow]:
    for run in _runs(spans):
        if len(run) >= least and not _is_parallel(run):
            yield from run


def _runs(spans: Sequence[SpanRow]) -> Iterator[list[SpanRow]]:
    """The sequences of spans that followed each other without waiting."""
    run: list[SpanRow] = []
    for span in spans:
        if run:
            waited = span.timestamp - ended(run[-1])
            if waited > max(APART, timedelta(microseconds=run[-1].duration_us)):
                yield run
                run = []
        run.append(span)
    if run:
        yield run


def _is_parallel(run: Sequence[SpanRow]) -> bool:
    overlapping, latest = 0, ended(run[0])
    for span in run[1:]:
        overlapping += span.timestamp < latest - ROUNDING
        latest = max(latest, ended(span))
    return overlapping > OVERLAPPING * (len(run) - 1)


def _thread(span: SpanRow) -> str:
    return str(span.attributes.get("thread.id") or "")


def _parent(span: SpanRow) -> str:
    return span.parent_span_id
