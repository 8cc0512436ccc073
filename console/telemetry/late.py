"""Rows that came long after what they tell of, for whoever has counted without them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from console.telemetry.dialect import bucket
from console.telemetry.kinds import KINDS
from console.telemetry.question import SINCE, ask, within
from console.telemetry.scope import Scope

BUCKET, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Late:
    """Rows of one minute that came late, and when the last of them came."""

    since: datetime
    until: datetime
    newest: datetime


def arrivals(scope: Scope, *, after: datetime, least: timedelta) -> list[Late]:
    """The minutes of the scope with rows that came after a moment, at least so late each.

    Rows of every kind count: there are metrics of each.
    """
    late = []
    for kind in KINDS:
        table, columns = kind.table, kind.table.c
        lag = func.epoch_us(columns.received_at) - func.epoch_us(columns.timestamp)
        minute = bucket(columns.timestamp, SINCE, int(BUCKET.total_seconds()))
        question = (
            select(minute.label("the_minute"), func.max(columns.received_at))
            .where(within(table, scope), columns.received_at > after)
            .where(lag > int(least.total_seconds() * 1_000_000))
            .group_by("the_minute")
        )
        for number, newest in ask(scope, question):
            since = scope.since + BUCKET * number
            late.append(Late(since, since + BUCKET, newest))
    return late


def rows_by_day(scope: Scope, *, after: datetime, least: timedelta) -> list[int]:
    """How many rows of each day of the scope came after a moment, at least so late each.

    Days are counted from the scope's start; rows of every kind count.
    """
    counts = [0] * -(-scope.length // DAY)
    for kind in KINDS:
        table, columns = kind.table, kind.table.c
        lag = func.epoch_us(columns.received_at) - func.epoch_us(columns.timestamp)
        day = bucket(columns.timestamp, SINCE, int(DAY.total_seconds()))
        question = (
            select(day.label("the_day"), func.count())
            .where(within(table, scope), columns.received_at > after)
            .where(lag > int(least.total_seconds() * 1_000_000))
            .group_by("the_day")
        )
        for number, rows in ask(scope, question):
            counts[number] += rows
    return counts
