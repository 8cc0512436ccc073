"""Rows of the state database as a source of measures, beside the sources in telemetry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, SQLColumnExpression, literal

from console.core.db import db
from console.core.instants import unix_microseconds
from console.telemetry.measures import Rows
from console.telemetry.scope import Scope

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateRows(Rows):
    """Rows of a model; the Session must be bound to the scope's organization."""

    def run(self, scope: Scope, question: Select[Any]) -> Sequence[Any]:  # noqa: ARG002 - as Rows
        """The rows that the state database answers with."""
        return db.session.execute(question).all()

    def bucket(
        self, at: SQLColumnExpression[Any], scope: Scope, seconds: int
    ) -> ColumnElement[int]:
        """The number of the bucket of a moment, 0 for the one at the scope's start."""
        start = literal((scope.since - _EPOCH) // _MICROSECOND, BigInteger)
        return (unix_microseconds(at) - start) // (seconds * 1_000_000)
