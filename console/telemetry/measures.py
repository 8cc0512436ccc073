"""How the numbers of metrics are counted: sources of rows, and measures of their rows in SQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    false,
    func,
    literal,
    select,
    true,
)

from console.telemetry.dialect import bucket
from console.telemetry.question import SINCE, ask
from console.telemetry.scope import Scope

RECEIVED: ColumnElement[int] = func.count()
"""How many rows there are."""
Where: TypeAlias = Mapping[str, str | Collection[str]]
"""The value, or the values, that a dimension must have."""
SCOPE_FILTERS = ("environment", "release", "status_class", "attributes", "text")


class CannotAskError(ValueError):
    """A metric cannot be filtered or broken down by the dimension that was named."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question adds to its scope; `seconds` is a bucket's width, None for no buckets."""

    by: str | None
    seconds: int | None
    where: Where
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One measure of one part and bucket; the part is None for all beyond the limit together."""

    part: str | None
    bucket: int
    number: Any
    samples: int
    weight: int
    """How many rows the part has; parts are ordered by it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source(ABC):
    """The rows that measures count: their dimensions, and the scope's filters that apply."""

    name: str
    dimensions: Mapping[str, Any]
    heeds: frozenset[str] = frozenset({"environment", "release"})

    def check(self, scope: Scope, asked: Asked) -> None:
        """Raise CannotAskError for a filter or a dimension that the rows do not have."""
        filters = {name for name in SCOPE_FILTERS if getattr(scope, name)}
        strange = (filters - self.heeds) | (set(asked.where) - set(self.dimensions))
        if asked.by is not None and asked.by not in self.dimensions:
            strange.add(asked.by)
        if strange:
            raise CannotAskError(f"{self.name}: not known by {', '.join(sorted(strange))}")

    @abstractmethod
    def answer(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> list[list[Answer]]:
        """What each of the measures answers, all of them in one statement."""


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A number of a source's rows, and how many samples it is made of, in the source's terms."""

    source: Source
    number: Any
    samples: Any
    read: Callable[[Any], float] = float
    """Converts the database's value to a number; the value is None only without samples."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows(Source):
    """Rows of a table, read by one SELECT with an aggregate for each measure."""

    within: Callable[[Scope], ColumnElement[bool]]
    at: SQLColumnExpression[Any]
    dimensions: Mapping[str, SQLColumnExpression[Any]]
    weight: ColumnElement[int] = RECEIVED
    quiet: ColumnElement[bool] | None = None
    """Rows that count only where a filter names one of `asked_by`."""
    asked_by: frozenset[str] = frozenset()

    def answer(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> list[list[Answer]]:
        """What each of the measures answers, all of them in one statement."""
        return self.read(self.run(scope, self.question(scope, measures, asked)), measures)

    def question(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> Select[Any]:
        """The statement that `read` reads the rows of."""
        return self._question(scope, _columns(measures), asked)

    def read(self, rows: Sequence[Any], measures: Sequence[Measure]) -> list[list[Answer]]:
        """What each of the measures answers, by the rows of their statement."""
        columns = [id(column) for column in _columns(measures)]
        answers: list[list[Answer]] = [[] for _ in measures]
        for part, is_listed, number, weight, *figures in rows:
            figure = dict(zip(columns, figures, strict=True))
            name = str(part) if is_listed else None
            for own, measure in zip(answers, measures, strict=True):
                samples = int(figure[id(measure.samples)] or 0)
                value = measure.read(figure[id(measure.number)]) if samples else 0.0
                own.append(Answer(name, number, value, samples, int(weight)))
        return answers

    def run(self, scope: Scope, question: Select[Any]) -> Sequence[Any]:
        """The rows that the store of the running app answers with."""
        return ask(scope, question)

    def bucket(
        self,
        at: SQLColumnExpression[Any],
        scope: Scope,  # noqa: ARG002 - the store knows when the scope begins
        seconds: int,
    ) -> ColumnElement[int]:
        """The number of the bucket of a moment, 0 for the one at the scope's start."""
        return bucket(at, SINCE, seconds)

    def narrowed(self, scope: Scope, where: Where) -> ColumnElement[bool]:
        """The rows of the scope whose dimensions have these values."""
        conditions = [
            # DuckDB cannot read the SQL of an empty list; `false()` would take the place of the
            # whole condition, and with it of the organization's predicate.
            self.dimensions[name].in_(values) if values else literal(0) == literal(1)
            for name, value in where.items()
            for values in [[value] if isinstance(value, str) else list(value)]
        ]
        if self.quiet is not None and self.asked_by.isdisjoint(where):
            conditions.append(~self.quiet)
        return and_(self.within(scope), *conditions)

    def _question(
        self, scope: Scope, columns: Sequence[ColumnElement[Any]], asked: Asked
    ) -> Select[Any]:
        mine = self.narrowed(scope, asked.where)
        part, is_listed = self._part(mine, asked)
        number: ColumnElement[int] = literal(0)
        groups = []
        if asked.by is not None:
            groups += ["the_part", "is_listed"]
        if asked.seconds is not None:
            number, groups = self.bucket(self.at, scope, asked.seconds), [*groups, "the_bucket"]
        query = select(
            part.label("the_part"),
            is_listed.label("is_listed"),
            number.label("the_bucket"),
            func.coalesce(self.weight, 0).label("the_weight"),
            *columns,
        )
        return query.where(mine).group_by(*groups)

    def _part(
        self, mine: ColumnElement[bool], asked: Asked
    ) -> tuple[SQLColumnExpression[Any], ColumnElement[bool]]:
        """The dimension where its value is among the largest, and whether it is."""
        if asked.by is None:
            return literal(""), true()
        dimension = self.dimensions[asked.by]
        values = asked.where.get(asked.by, "")
        if not isinstance(values, str) and 0 < len(values) <= asked.limit:
            return dimension, true()  # all that it can be: none is beyond the limit
        largest = (
            select(dimension)
            .where(mine)
            .group_by(dimension)
            .order_by(self.weight.desc(), dimension)
            .limit(asked.limit)
            .correlate(None)
            .scalar_subquery()
        )
        is_listed = func.coalesce(dimension.in_(largest), false())
        return case((dimension.in_(largest), dimension)), is_listed


def _columns(measures: Sequence[Measure]) -> list[ColumnElement[Any]]:
    """What measures select; they may share a column: three percentiles are one aggregate."""
    return list({id(column): column for m in measures for column in (m.number, m.samples)}.values())
