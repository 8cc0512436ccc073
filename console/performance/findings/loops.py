"""Which of some equal spans are one repetition: by a loop, one after the other, or all at once."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from console.performance.findings.segment import Segment, ended
from console.telemetry.spans import SpanRow

# Clients send microseconds: an end and the following start may cross by as much.
ROUNDING = timedelta(microseconds=2)
# A loop over rows asks again within milliseconds. What takes longer than this in between, and
# longer than the call itself, is polling, or work beside which the call does not matter.
APART = timedelta(milliseconds=250)
# Spans that start before the former one has ended: a loop has none, what runs at once nearly all.
OVERLAPPING = 0.2
_NUMBER = re.compile(r"\d+")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Repetition:
    """Equal spans that one piece of code sent, by start."""

    spans: Sequence[SpanRow]
    at_once: bool
    """Whether they overlap, as with Promise.all or a pool of threads."""

    @property
    def saving_us(self) -> int:
        """What the request gains if the longest of them did the work of all."""
        longest = max(span.duration_us for span in self.spans)
        spent = _wall_us(self.spans) if self.at_once else sum(s.duration_us for s in self.spans)
        return max(spent - longest, 0)


def repetition(
    segment: Segment, spans: Sequence[SpanRow], least: int, at_once: int
) -> Repetition | None:
    """The spans that loops of `least` rounds ran, among equal spans by start; else `at_once` ones.

    All spans of a thread are one sequence; if they run in parallel, each parent's may be one.
    """
    for key in (_thread, _parent):
        runs = [run for run in _runs_by(spans, key) if len(run) >= least and not _is_parallel(run)]
        if runs:
            return _of_runs(runs, at_once=False)

    def caller(span: SpanRow) -> str:
        parent = next(segment.ancestors(span))
        return f"{parent.op} {_NUMBER.sub('?', parent.name)}"

    runs = [run for run in _runs_by(spans, caller) if len(run) >= at_once and _is_parallel(run)]
    return _of_runs(runs, at_once=True) if runs else None


def _of_runs(runs: Sequence[Sequence[SpanRow]], *, at_once: bool) -> Repetition:
    spans = [span for run in runs for span in run]
    return Repetition(sorted(spans, key=lambda span: (span.timestamp, span.span_id)), at_once)


def _runs_by(spans: Sequence[SpanRow], key: Callable[[SpanRow], str]) -> Iterator[list[SpanRow]]:
    groups: dict[str, list[SpanRow]] = defaultdict(list)
    for span in spans:
        groups[key(span)].append(span)
    for group in groups.values():
        yield from _runs(group)


def _runs(spans: Sequence[SpanRow]) -> Iterator[list[SpanRow]]:
    """The sequences of spans that followed each other without waiting."""
    run: list[SpanRow] = []
    for span in spans:
        if run:
            waited = span.timestamp - max(map(ended, run[-8:]))
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


def _wall_us(spans: Sequence[SpanRow]) -> int:
    """Microseconds in which at least one of the spans ran."""
    total, latest = timedelta(), spans[0].timestamp
    for span in spans:
        total += max(ended(span) - max(span.timestamp, latest), timedelta())
        latest = max(latest, ended(span))
    return total // _MICROSECOND


def _thread(span: SpanRow) -> str:
    return str(span.attributes.get("thread.id") or "")


def _parent(span: SpanRow) -> str:
    return span.parent_span_id
