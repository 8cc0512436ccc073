"""What shows a flaw of performance: in one request, and across the requests that have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Any

FEW = 3  # requests, with fewer of which nothing is said about what the count follows
ROWS = 8

N_PLUS_ONE, WRITE_LOOP = "n_plus_one", "write_loop"
SLOW_QUERY, REPEATED_CALL, GAP = "slow_query", "repeated_call", "gap"
REPEATED = frozenset({N_PLUS_ONE, WRITE_LOOP, REPEATED_CALL})

FIXES = {
    N_PLUS_ONE: "Fetch all rows with one statement: a join, or one look-up with an IN list "
    "(SQLAlchemy: selectinload or joinedload; Django: select_related or prefetch_related; "
    "Rails: includes; Prisma: include).",
    WRITE_LOOP: "Write all rows with one statement: executemany, bulk_create, insert_all, or one "
    "INSERT with many rows.",
    SLOW_QUERY: "Look at its plan (EXPLAIN ANALYZE): an index that is missing or not used, more "
    "rows or columns than are needed, or a lock that it waits for.",
    REPEATED_CALL: "Ask once for all: an endpoint that takes a list of ids, a cache, or requests "
    "that run at the same time.",
    GAP: "No span says what the program does in this time. Put one around the work that you "
    "suspect, or turn on profiling; waiting for a lock and plain computing look like this too.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the detector saw in one request; times are microseconds, unknown texts are ""."""

    kind: str
    endpoint: str
    subject: str
    fingerprint: str
    count: int
    total_us: int
    saving_us: int
    offset_us: int
    segment_us: int
    category: str = ""
    parent: str = ""
    code: str = ""
    before: str = ""
    examples: Sequence[str] = ()
    span_id: str = ""

    @property
    def share(self) -> float:
        """The share of the request's time, 0 to 1."""
        return min(self.total_us / self.segment_us, 1.0) if self.segment_us > 0 else 0.0

    @property
    def repeats(self) -> bool:
        return self.kind in REPEATED

    @property
    def remedy(self) -> str:
        """What usually helps."""
        return FIXES.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class EvidenceLevel:
    """The requests in which it happened about so often, or took about as long."""

    least: int
    most: int
    requests: int
    typical_us: float
    """The median of their durations."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A flaw across the latest requests that have it: how often it happened, or how long it took.

    What repeats is measured by its count, a slow statement or a gap in microseconds.
    """

    requests: int
    by_count: bool
    levels: Sequence[EvidenceLevel]
    """By the measure; of many different values, neighbours are put together."""
    verdict: str


def evidence(body: Mapping[str, Any]) -> Evidence | None:
    """The evidence in an event's body; None if the event is no flaw of performance."""
    found = body.get("finding")
    if not isinstance(found, dict):
        return None
    return Evidence(**{name: found[name] for name in Evidence.__slots__ if name in found})


def spread(some: Sequence[Evidence]) -> Spread | None:
    """What the requests have in common, and whether the count grows with the rows."""
    if not some:
        return None
    by_count = some[0].repeats
    measured = sorted(
        ((one.count if by_count else one.total_us, one) for one in some), key=itemgetter(0)
    )
    verdict = _verdict(some) if by_count else ""
    return Spread(len(some), by_count, _levels(measured), verdict)


def _levels(measured: Sequence[tuple[int, Evidence]]) -> list[EvidenceLevel]:
    least, most = measured[0][0], measured[-1][0]
    width = max(1, -(-(most - least + 1) // ROWS))
    levels = []
    for _, group in groupby(measured, key=lambda one: (one[0] - least) // width):
        alike = list(group)
        typical = median(one.segment_us for _, one in alike)
        levels.append(EvidenceLevel(alike[0][0], alike[-1][0], len(alike), typical))
    return levels


def _verdict(some: Sequence[Evidence]) -> str:
    """Whether the count grows with the rows, in words."""
    if len(some) < FEW:
        return "Too few requests yet to tell whether the count grows with the rows."
    counts = [one.count for one in some]
    if min(counts) == max(counts):
        return (
            f"The same count in all of them: {counts[0]} times. It does not grow with the rows, as "
            "far as these requests show."
        )
    each = sum(one.total_us for one in some) / sum(counts) / 1000
    return (
        f"The count grows with the rows: from {min(counts)} to {max(counts)} times, "
        f"{each:.3g} ms each on average. More rows will make it slower still."
    )
