"""Measures of error events."""

from collections.abc import Iterable

from sqlalchemy import func

from console.telemetry.dialect import quantiles
from console.telemetry.errors import is_error
from console.telemetry.measures import RECEIVED, Measure, Rows, Source
from console.telemetry.question import within
from console.telemetry.records import REPORT
from console.telemetry.tables import error_event, group_key

Event = error_event.c

_DIMENSIONS = {
    "level": Event.level,
    "kind": Event.kind,
    "transaction": Event.transaction,
    "environment": Event.environment,
    "release": Event.release,
    "platform": Event.platform,
}
ERRORS = Rows(
    name="error events",
    within=lambda scope: within(error_event, scope) & is_error(),
    at=Event.timestamp,
    dimensions=_DIMENSIONS,
)
OCCURRENCES = Rows(
    name="events of issues",
    within=lambda scope: within(error_event, scope),
    at=Event.timestamp,
    dimensions={"group": Event.group_key, "category": Event.category, **_DIMENSIONS},
    quiet=Event.category == REPORT,
    asked_by=frozenset({"group", "category"}),
)
"""Error events, and what the console found by itself: all that issues are made of."""
FINDINGS = Rows(
    name="findings",
    within=lambda scope: within(error_event, scope) & (Event.category == "performance"),
    at=Event.timestamp,
    dimensions={
        "kind": Event.kind,
        "endpoint": Event.transaction,
        "environment": Event.environment,
        "release": Event.release,
    },
)
"""What the detectors found in requests."""


def of_issue(hashes: Iterable[str]) -> dict[str, list[str]]:
    """The value of `where` that selects the events of an issue, by its grouping hashes."""
    return {"group": [group_key(grouping_hash) for grouping_hash in hashes]}


def count(source: Source) -> Measure:
    """How many events there were."""
    return Measure(source, RECEIVED, RECEIVED)


def count_of_kind(source: Rows, kind: str) -> Measure:
    """How many events of one kind there were."""
    mine = func.count().filter(Event.kind == kind)
    return Measure(source, mine, mine)


def users(source: Source) -> Measure:
    """How many users met one; events without a user do not count."""
    return Measure(source, func.count(Event.user_key.distinct()), RECEIVED)


def arrival_lag(share: float) -> Measure:
    """The time from an error to its arrival that this share stays within, in milliseconds."""
    lag = func.epoch_us(Event.received_at) - func.epoch_us(Event.timestamp)
    return Measure(
        ERRORS, quantiles(lag, share), RECEIVED, lambda percentiles: float(percentiles[0]) / 1000
    )
