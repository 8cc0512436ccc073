"""From when on something is known that older versions of the console did not derive."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, case, func, select

from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import page_load, span

LONGER = timedelta(hours=1)
"""A shorter time without is no upgrade: connections are opened before the first statement."""


def statements(scope: Scope) -> datetime | None:
    """When the first statement came, if databases were asked long before; None otherwise.

    The end of the scope, if no statement in it is known.
    """
    asks = span.c.op.like("db%")
    return _gap(scope, _first(asks), _first(span.c.fingerprint.is_not(None)), span)


def page_loads(scope: Scope) -> datetime | None:
    """When the first page load came, if browsers sent some long before; None otherwise."""
    loads = (span.c.op == "pageload") & span.c.is_segment
    known = select(func.min(page_load.c.timestamp)).where(within(page_load, scope))
    return _gap(scope, _first(loads), known.scalar_subquery(), span)


def _first(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.min(case((condition, span.c.timestamp)))


def _gap(
    scope: Scope, sent: ColumnElement[Any], known: ColumnElement[Any], table: Table
) -> datetime | None:
    (row,) = ask(scope, select(sent, known).where(within(table, scope)))
    first, since = row[0], row[1] or scope.until
    return since if first is not None and since - first > LONGER else None
