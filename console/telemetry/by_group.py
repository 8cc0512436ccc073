"""What questions about grouping hashes read: copies by hash of past days, events of the rest."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)

from console.telemetry.dialect import Hex64, ListOf, UtcTimestamp
from console.telemetry.question import ORGANIZATION, PROJECT, SINCE, UNTIL, ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import error_event, error_group, error_period, group_key

Question = Callable[[Subquery], Select[Any]]
"""Makes a question of a table with these columns: group_key, timestamp, user_key, release."""
LISTS = {"timestamp": "times", "user_key": "users", "release": "releases"}


def ask_by_group(scope: Scope, hashes: Iterable[str], question: Question) -> Sequence[Any]:
    """Ask about the events of some grouping hashes, which are the rows of the question's table.

    The periods that are copied by hash are asked for first, in the same state of the file.
    """
    # One parameter: each of its own costs 30 µs, and the engine looks up a list faster.
    keys = select(func.unnest(literal([group_key(hash_) for hash_ in hashes], ListOf(Hex64))))

    def of_periods(rows: Sequence[Any]) -> Select[Any]:
        rows = [] if scope.facts or scope.terms else rows  # the copies hold no tags
        gaps = list(_gaps(scope, [tuple(row) for row in rows]))
        if not rows:
            return question(_events(scope, keys, gaps).subquery())
        if not gaps:
            return question(_copies(scope, keys).subquery())
        return question(union_all(_events(scope, keys, gaps), _copies(scope, keys)).subquery())

    return ask(scope, _periods(), of_periods)


def _periods() -> Select[Any]:
    period = error_period.c
    return (
        select(period.timestamp, period.until)
        .where(_touches(error_period))
        .order_by(period.timestamp)
    )


def _touches(table: Any) -> ColumnElement[bool]:
    return and_(
        table.c.organization_id == ORGANIZATION,
        table.c.project_id == PROJECT,
        table.c.timestamp < UNTIL,
        table.c.until > SINCE,
    )


def _gaps(
    scope: Scope, periods: Sequence[tuple[datetime, datetime]]
) -> Iterable[tuple[datetime, datetime]]:
    """The parts of a scope's time that no period covers; periods come in their order."""
    since = scope.since
    for start, until in periods:
        if start > since:
            yield since, start
        since = max(since, until)
    if since < scope.until:
        yield since, scope.until


def _events(
    scope: Scope, keys: Select[Any], gaps: Sequence[tuple[datetime, datetime]]
) -> Select[Any]:
    event = error_event.c
    missing = [
        and_(
            event.timestamp >= literal(since, UtcTimestamp),
            event.timestamp < literal(until, UtcTimestamp),
        )
        for since, until in gaps
    ]
    mine = and_(within(error_event, scope), event.group_key.in_(keys), or_(false(), *missing))
    return select(event.group_key, *[event[name] for name in LISTS]).where(mine)


def _copies(scope: Scope, keys: Select[Any]) -> Select[Any]:
    copied = error_group.c
    mine = [_touches(error_group), copied.group_key.in_(keys)]
    if scope.environment:
        mine.append(copied.environment == scope.environment)
    lists = [
        func.unnest(copied[name], type_=error_event.c[column].type).label(column)
        for column, name in LISTS.items()
        if column != "release" or scope.release
    ]
    entries = select(copied.group_key, *lists).where(*mine).subquery()
    inside = [entries.c.timestamp >= SINCE, entries.c.timestamp < UNTIL]
    if scope.release:
        inside.append(entries.c.release == scope.release)
    release = entries.c.release if scope.release else literal("")
    return select(
        entries.c.group_key, entries.c.timestamp, entries.c.user_key, release.label("release")
    ).where(*inside)
