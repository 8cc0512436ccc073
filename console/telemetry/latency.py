"""How many spans of a kind there were, how many failed, how slow they were.

Counts are corrected by the client's sampling (one stored span stands for 1 / sample_rate of them);
percentiles are over what was received. Durations are microseconds.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, func

from console.telemetry.dialect import quantiles
from console.telemetry.tables import span

Span = span.c
SHARES = (0.5, 0.95, 0.99)
COUNT = func.sum(1.0 / Span.sample_rate)
TOTAL_US = func.sum(Span.duration_us / Span.sample_rate)
ESTIMATED = func.min(Span.sample_rate) < 1

Tail: TypeAlias = tuple[int, float]
"""How many were received, and their P95."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The requests of an endpoint, or the calls of a statement, in one stretch of time."""

    count: float
    received: int
    failed: float
    p50: float
    p95: float
    p99: float
    total_us: float
    estimated: bool

    @property
    def error_rate(self) -> float:
        """The share that failed, 0 to 1."""
        return self.failed / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Moments:
    """The same per time bucket; None where there was nothing."""

    starts: Sequence[datetime]
    latencies: Sequence[Latency | None]
    categories: AbstractSet[str] = frozenset()
    """Of segments: what was counted, requests, tasks or screens."""


def failed() -> ColumnElement[bool]:
    """Whether a span failed: by its HTTP status (500 and above), or else by its span status."""
    by_status = Span.status.not_in(("", "ok", "cancelled", "unknown"))
    return func.coalesce(Span.http_status >= 500, by_status)


def measures() -> list[ColumnElement[Any]]:
    """What a question must select for `latency_of`."""
    return [
        COUNT,
        func.count(),
        func.coalesce(func.sum(1.0 / Span.sample_rate).filter(failed()), 0.0),
        quantiles(Span.duration_us, *SHARES),
        TOTAL_US,
        ESTIMATED,
    ]


def latency_of(row: Sequence[Any]) -> Latency:
    """The selected `measures` as one value."""
    count, received, failed_, percentiles, total, estimated = row
    p50, p95, p99 = percentiles or (0.0, 0.0, 0.0)
    return Latency(count, received, failed_, p50, p95, p99, total, estimated)
