"""What all queries share: the predicate of their scope, access to the store, time buckets."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Executable, FromClause, Integer, and_, bindparam

from console.telemetry.database import Then
from console.telemetry.dialect import UtcTimestamp
from console.telemetry.event_terms import satisfied
from console.telemetry.facts import having
from console.telemetry.scope import Scope
from console.telemetry.store import current
from console.telemetry.tables import error_event

SINCE = bindparam("scope_since", type_=UtcTimestamp)
UNTIL = bindparam("scope_until", type_=UtcTimestamp)
ORGANIZATION = bindparam("scope_organization", type_=Integer)
PROJECT = bindparam("scope_project", type_=Integer)


def within(table: FromClause, scope: Scope) -> ColumnElement[bool]:
    """The rows of a scope; the store fills in its organization, project and times."""
    filters = [
        table.c.organization_id == ORGANIZATION,
        table.c.project_id == PROJECT,
        table.c.timestamp >= SINCE,
        table.c.timestamp < UNTIL,
    ]
    if scope.environment:
        filters.append(table.c.environment == scope.environment)
    if scope.release:
        filters.append(table.c.release == scope.release)
    if table is error_event:
        filters += [*having(scope.facts), *satisfied(scope.terms)]
    return and_(*filters)


def ask(scope: Scope, statement: Executable, then: Then | None = None) -> Sequence[Any]:
    """Run a statement in the running app's store and return its rows.

    `then` makes another statement of them, which sees the same state of the file; its rows count.
    """
    return current().rows(scope, statement, then)


def buckets(scope: Scope, seconds: int) -> list[datetime]:
    """Where each time bucket of a scope starts; the last may reach beyond the scope's end."""
    count = -(-scope.length // timedelta(seconds=seconds))
    return [scope.since + timedelta(seconds=seconds * number) for number in range(count)]


def series(scope: Scope, seconds: int, counts: Iterable[tuple[int, int]]) -> list[int]:
    """Counts by bucket number as one value per bucket, 0 where nothing was counted."""
    values = [0] * len(buckets(scope, seconds))
    for number, count in counts:
        values[number] += count
    return values


def windows(scope: Scope) -> Iterator[Scope]:
    """The scope in pieces, the latest first, each several times as long as the one before.

    For searches by id: ids are not sorted on disk, and people mostly open what is recent.
    """
    until, length = scope.until, timedelta(days=1)
    while until > scope.since:
        since = max(until - length, scope.since)
        yield replace(scope, since=since, until=until)
        until, length = since, length * 8
