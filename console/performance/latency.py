"""Latency as charts and changes, alike for requests of endpoints and calls of statements."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.telemetry.latency import Latency, Tail
from console.web.charts import Series

FEW = 20
"""With fewer received on either side, a change of P95 says more about chance than the code."""


@dataclass(frozen=True, slots=True)
class Change:
    """P95 now and then, in microseconds."""

    now: float
    then: float

    @property
    def percent(self) -> float:
        """By how much it rose; negative when it fell."""
        return (self.now - self.then) / self.then * 100 if self.then else 0.0


def change(now: Tail | None, then: Tail | None) -> Change | None:
    """The change of P95; None if either side received fewer than FEW."""
    if now is None or then is None or min(now[0], then[0]) < FEW:
        return None
    return Change(now[1], then[1])


def tail(latency: Latency) -> Tail:
    return latency.received, latency.p95


def percentiles(latencies: Sequence[Latency | None]) -> tuple[Series, ...]:
    """P50, P95 and P99 over time, in milliseconds."""
    columns = (("P50", "p50"), ("P95", "p95"), ("P99", "p99"))
    return tuple(
        Series(
            label,
            [ms(getattr(latency, role)) if latency else None for latency in latencies],
            "line",
            role,
        )
        for label, role in columns
    )


def outcomes(latencies: Sequence[Latency | None]) -> tuple[Series, ...]:
    """How many succeeded and failed over time."""
    fine = [round(latency.count - latency.failed) if latency else 0 for latency in latencies]
    failed = [round(latency.failed) if latency else 0 for latency in latencies]
    return Series("Succeeded", fine, "bar", "1"), Series("Failed", failed, "bar", "bad")


def estimated(latencies: Sequence[Latency | None]) -> str:
    """The note of a chart whose counts are estimates, because of sampling."""
    sampled = any(latency.estimated for latency in latencies if latency)
    return ", estimated from samples" if sampled else ""


def ms(microseconds: float) -> float:
    """Milliseconds, to the hundredth."""
    return round(microseconds / 1000, 2)
