"""Measures of error events."""

from sqlalchemy import func

from console.telemetry.dialect import quantiles
from console.telemetry.errors import is_error
from console.telemetry.measures import RECEIVED, Measure, Rows
from console.telemetry.question import within
from console.telemetry.tables import error_event

Event = error_event.c

ERRORS = Rows(
    name="error events",
    within=lambda scope: within(error_event, scope) & is_error(),
    at=Event.timestamp,
    dimensions={
        "level": Event.level,
        "kind": Event.kind,
        "transaction": Event.transaction,
        "environment": Event.environment,
        "release": Event.release,
        "platform": Event.platform,
    },
)


def count() -> Measure:
    """How many error events there were."""
    return Measure(ERRORS, RECEIVED, RECEIVED)


def users() -> Measure:
    """How many users met an error; events without a user do not count."""
    return Measure(ERRORS, func.count(Event.user_key.distinct()), RECEIVED)


def arrival_lag(share: float) -> Measure:
    """The time from an error to its arrival that this share stays within, in milliseconds."""
    lag = func.epoch_us(Event.received_at) - func.epoch_us(Event.timestamp)
    return Measure(
        ERRORS, quantiles(lag, share), RECEIVED, lambda percentiles: float(percentiles[0]) / 1000
    )
