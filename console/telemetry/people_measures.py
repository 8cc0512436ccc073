"""The measure of people: whoever an error, a request, a page load or a session names."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select, type_coerce, union_all

from console.telemetry.days import DAY, day_of, outside
from console.telemetry.dialect import UtcTimestamp
from console.telemetry.measures import RECEIVED, Answer, Asked, Measure, Rows, Source
from console.telemetry.presences import SOURCES, counted_before
from console.telemetry.question import ORGANIZATION, PROJECT, SINCE, UNTIL, ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import presence, presence_day

COLUMNS = ("organization_id", "project_id", "timestamp", "environment", "user_key")
COUNTED = ("environment",)
"""The dimensions that presences know."""
DIMENSIONS = ("source", "release", *COUNTED)
HOURS_OF_DAY = 24
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)

Named = Select[Any]
"""People by these columns; the ones that records name have a source and a release too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class People(Source):
    """People by the presences of days that are counted, and by the records of the rest.

    Presences know no source and no release, and nothing shorter than an hour: questions that need
    these read the records alone. There is one measure of people; samples are people too.
    """

    def answer(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> list[list[Answer]]:
        """The answers of each measure."""
        answers = _answers(scope, asked)
        return [answers for _ in measures]


def _answers(scope: Scope, asked: Asked) -> list[Answer]:
    wanted = {*asked.where, *([asked.by] if asked.by else [])}
    cuts = _cuts(scope.since, asked.seconds)
    is_short = day_of(scope.since - SECOND) + 2 * DAY > scope.until
    if scope.release or not wanted <= set(COUNTED) or not cuts or is_short:
        (answers,) = _RECORDS.answer(scope, [_PERSON], asked)
        return answers

    def of_days(days: Sequence[Any]) -> Select[Any]:
        named = list(_of_parts(scope, [day for (day,) in days], cuts))
        people, person = _counted(named, COUNTED, are_weighed=asked.by is not None)
        return people.question(scope, [person], asked)

    (answers,) = _RECORDS.read(ask(scope, _days(scope), of_days), [_PERSON])
    return answers


def _counted(
    named: Iterable[Named], dimensions: Collection[str], *, are_weighed: bool = True
) -> tuple[Rows, Measure]:
    """These people as rows, and the measure that counts each once.

    The weight of parts is a second look for different people, which a number alone need not pay.
    """
    people = union_all(*named).subquery("people")
    number = func.count(people.c.user_key.distinct())
    rows = Rows(
        name=PEOPLE,
        within=lambda scope: within(people, scope),
        at=people.c.timestamp,
        dimensions={name: people.c[name] for name in dimensions},
        weight=number if are_weighed else RECEIVED,
    )
    return rows, Measure(rows, number, number)


def _of_records(since: Any, until: Any, more: Sequence[str] = ()) -> Iterator[Named]:
    """Whom the records of a time range name.

    Each table is narrowed where it is read: the one row group that a bound touches is read alone.
    """
    for name, table in SOURCES.items():
        columns = [table.c[column] for column in (*COLUMNS, *more)]
        yield select(*columns, *([literal(name).label("source")] if more else [])).where(
            table.c.organization_id == ORGANIZATION,
            table.c.project_id == PROJECT,
            table.c.timestamp >= since,
            table.c.timestamp < until,
            table.c.user_key.is_not(None),
        )


def _of_parts(scope: Scope, days: Sequence[datetime], cuts: Sequence[int]) -> Iterator[Named]:
    """Whom the presences of these days name, and the records before, between and after them."""
    for since, until in outside(days, scope.since, scope.until):
        yield from _of_records(literal(since, UtcTimestamp), literal(until, UtcTimestamp))
    if days:
        for since_hour, until_hour in zip(cuts, [*cuts[1:], HOURS_OF_DAY], strict=True):
            yield _of_presences(days, since_hour, until_hour)


def _of_presences(days: Sequence[datetime], since_hour: int, until_hour: int) -> Named:
    """Who was there in these hours of the days, at the time at which the hours begin."""
    at = presence.c.timestamp
    mine = [
        presence.c.organization_id == ORGANIZATION,
        presence.c.project_id == PROJECT,
        at >= literal(days[0], UtcTimestamp),
        at <= literal(days[-1], UtcTimestamp),
    ]
    moment: ColumnElement[datetime] = at
    if (since_hour, until_hour) != (0, HOURS_OF_DAY):
        hours = (1 << until_hour) - (1 << since_hour)
        mine.append(presence.c.hours.bitwise_and(hours) != 0)
        moment = type_coerce(at + func.to_hours(since_hour), UtcTimestamp)
    columns = {column: presence.c[column] for column in COLUMNS} | {"timestamp": moment}
    return select(*[value.label(name) for name, value in columns.items()]).where(*mine)


def _days(scope: Scope) -> Select[Any]:
    """The whole days of the scope that are counted."""
    return (
        select(presence_day.c.timestamp)
        .where(
            presence_day.c.organization_id == ORGANIZATION,
            presence_day.c.project_id == PROJECT,
            presence_day.c.timestamp >= SINCE,
            presence_day.c.timestamp <= literal(scope.until - DAY, UtcTimestamp),
            presence_day.c.timestamp < literal(counted_before(), UtcTimestamp),
        )
        .order_by(presence_day.c.timestamp)
    )


def _cuts(since: datetime, seconds: int | None) -> list[int]:
    """From which hours of a day on a bucket may lie, from 0; none if it may begin within one."""
    if seconds is None:
        return [0]
    begins, width = since - day_of(since), timedelta(seconds=seconds)
    if begins % HOUR or width % HOUR or (width % DAY and DAY % width):
        return []
    step = min(width, DAY)
    return sorted({0, *((begins + step * place) % DAY // HOUR for place in range(DAY // step))})


PEOPLE = "people"
_RECORDS, _PERSON = _counted(_of_records(SINCE, UNTIL, more=("release",)), DIMENSIONS)
SOURCE = People(name=PEOPLE, dimensions=_RECORDS.dimensions)


def active() -> Measure:
    """How many people did anything."""
    return Measure(SOURCE, None, None)
