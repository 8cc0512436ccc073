"""Measures of the results of checks; what came while a check was maintained is left out."""

from sqlalchemy import ColumnElement, Double, and_, case, func

from console.telemetry.dialect import quantiles
from console.telemetry.measures import RECEIVED, Measure, Rows
from console.telemetry.question import within
from console.telemetry.records import GOOD_OUTCOMES
from console.telemetry.scope import Scope
from console.telemetry.tables import check_result

Result = check_result.c


def _within(scope: Scope) -> ColumnElement[bool]:
    """A scope's results: a check that names no environment looks at each of them."""
    own = within(check_result, scope.anywhere)
    return own & Result.environment.in_(("", scope.environment)) if scope.environment else own


_COUNTS = and_(Result.counts, ~Result.maintenance, Result.seconds > 0)
CHECKS = Rows(
    name="results of checks",
    within=lambda scope: _within(scope) & _COUNTS,
    at=Result.timestamp,
    dimensions={"check": Result.slug, "kind": Result.kind, "environment": Result.environment},
)
STATES = Rows(
    name="states of checks",
    within=_within,
    at=Result.timestamp,
    dimensions={"check": Result.slug, "kind": Result.kind, "environment": Result.environment},
)
"""Results that do not count, too: a check that is maintained or paused is known not to be down."""


def uptime() -> Measure:
    """The share of the time that the results speak for in which checks were up, or slow."""
    good = func.sum(case((Result.outcome.in_(GOOD_OUTCOMES), Result.seconds), else_=0.0))
    return Measure(CHECKS, good / func.sum(Result.seconds), RECEIVED)


def response_time(share: float) -> Measure:
    """The milliseconds that this share of the answers that were as expected stays within."""
    answered = and_(Result.outcome.in_(GOOD_OUTCOMES), Result.duration_us.is_not(None))
    taken = case((answered, Result.duration_us))
    return Measure(
        CHECKS,
        quantiles(taken, share),
        func.count(taken),
        lambda percentiles: float(percentiles[0]) / 1000,
    )


def down() -> Measure:
    """How many checks were down; a check that is maintained counts as up."""
    is_down = and_(Result.state == "down", ~Result.maintenance)
    return Measure(STATES, func.count(case((is_down, Result.check_id)).distinct()), RECEIVED)


def days_left(column: str) -> Measure:
    """The fewest days that were left in a column of days."""
    days = func.min(Result[column], type_=Double)
    return Measure(STATES, days, func.count(Result[column]))
