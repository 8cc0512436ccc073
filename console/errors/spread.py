"""Compares a finding across the requests that have it: whether its count grows with the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from statistics import median

from console.telemetry.records import Finding

FEW = 3  # with fewer requests, nothing can be concluded about what the count follows
ROWS = 8


@dataclass(frozen=True, slots=True)
class SpreadLevel:
    """Requests with a similar count, or a similar duration, of the finding."""

    least: int
    most: int
    requests: int
    typical_us: float
    """The median of their durations."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A finding across the latest requests: how often it happened in each, or how long it took.

    Repeats are measured by their count, a slow statement or a gap in microseconds.
    """

    requests: int
    by_count: bool
    levels: Sequence[SpreadLevel]
    """By the measure; of many different values, neighbours are put together."""
    verdict: str


def spread(findings: Sequence[Finding]) -> Spread | None:
    """What the requests have in common, and whether the count grows with the rows."""
    if not findings:
        return None
    by_count = findings[0].words.repeats
    measured = sorted(
        ((finding.count if by_count else finding.total_us, finding) for finding in findings),
        key=itemgetter(0),
    )
    verdict = _verdict(findings) if by_count else ""
    return Spread(len(findings), by_count, _levels(measured), verdict)


def _levels(measured: Sequence[tuple[int, Finding]]) -> list[SpreadLevel]:
    least, most = measured[0][0], measured[-1][0]
    width = max(1, -(-(most - least + 1) // ROWS))
    levels = []
    for _, group in groupby(measured, key=lambda pair: (pair[0] - least) // width):
        alike = list(group)
        typical = median(finding.segment_us for _, finding in alike)
        levels.append(SpreadLevel(alike[0][0], alike[-1][0], len(alike), typical))
    return levels


def _verdict(findings: Sequence[Finding]) -> str:
    """Whether the count grows with the rows, in words."""
    if len(findings) < FEW:
        return "Too few requests yet to tell whether the count grows with the rows."
    counts = [finding.count for finding in findings]
    if min(counts) == max(counts):
        return (
            f"Always {counts[0]} times in these requests: the count does not depend on how many "
            "rows there are."
        )
    average = sum(finding.total_us for finding in findings) / sum(counts) / 1000
    return (
        f"The count grows with the rows: from {min(counts)} to {max(counts)} times, "
        f"{average:.3g} ms each on average. More rows will make it slower still."
    )
