"""The measure of people: whoever an error, a request, a page load or a session names."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Executable,
    Interval,
    Select,
    func,
    literal,
    select,
    true,
    type_coerce,
    union_all,
)

from console.telemetry.days import DAY, day_of, outside
from console.telemetry.dialect import UtcTimestamp, bucket
from console.telemetry.measures import RECEIVED, Answer, Asked, Measure, Rows, Source
from console.telemetry.presences import SOURCES, counted_before
from console.telemetry.question import ORGANIZATION, PROJECT, SINCE, UNTIL, ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import presence, presence_period

COLUMNS = ("organization_id", "project_id", "timestamp", "environment", "user_key")
COUNTED = ("environment",)
"""The dimensions that presences know."""
DIMENSIONS = ("source", "release", *COUNTED)
HOURS_OF_DAY = 24
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)

Period = tuple[datetime, datetime]
"""From when on and until when."""
Named = Select[Any]
"""People by these columns; the ones that records name have a source and a release too."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Periods of one length that follow each other, of which the first and the last begin so.

    `begins` and `ends` are hours of a day, 0 and 24 but for a part of a single day.
    """

    first: datetime
    last: datetime
    length: timedelta
    begins: int = 0
    ends: int = HOURS_OF_DAY

    @property
    def since(self) -> datetime:
        return self.first + self.begins * HOUR

    @property
    def until(self) -> datetime:
        return self.last + (self.length if self.ends == HOURS_OF_DAY else self.ends * HOUR)


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

    is_of_all = not wanted and not scope.environment

    def of_periods(counted: Sequence[Any]) -> Executable:
        if asked.by is None and not asked.where and _is_within_days(scope.since, asked.seconds):
            days = stretches(scope, counted, DAY, only_whole_hours=True)
            return _one_after_the_other(scope, asked, days, cuts)
        present = stretches(scope, counted, DAY if asked.seconds else None)
        named = [
            *_of_records_beside(scope, present),
            *_of_presences(present, cuts, is_of_all=is_of_all),
        ]
        return _question(scope, asked, named)

    (answers,) = _RECORDS.read(ask(scope, _counted_periods(), of_periods), [_PERSON])
    return answers


def _question(scope: Scope, asked: Asked, named: Iterable[Named]) -> Select[Any]:
    """How many different people are named."""
    people, person = _counted(named, COUNTED, are_weighed=asked.by is not None)
    return people.question(scope, [person], asked)


def _one_after_the_other(
    scope: Scope, asked: Asked, days: Sequence[Stretch], cuts: Sequence[int]
) -> Executable:
    """The same where no bucket reaches from one day into another: rows of days are people then."""
    parts = list(_of_records_beside(scope, days))
    questions: list[Any] = [_question(scope, asked, parts)] if parts else []
    for present in _of_presences(days, cuts, is_of_all=not scope.environment):
        there = present.subquery()
        number = bucket(there.c.timestamp, SINCE, asked.seconds or 0)
        mine, people = within(there, scope), func.count()
        question = select(literal(""), true(), number.label("the_bucket"), people, people)
        questions.append(question.where(mine).group_by("the_bucket"))
    return union_all(*questions)


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


def _of_records_beside(scope: Scope, present: Sequence[Stretch]) -> Iterator[Named]:
    """Whom the records name before, between and after what presences answer for."""
    times = [(stretch.since, stretch.until) for stretch in present]
    for since, until in outside(times, scope.since, scope.until):
        yield from _of_records(literal(since, UtcTimestamp), literal(until, UtcTimestamp))


def _of_presences(
    present: Sequence[Stretch], cuts: Sequence[int], *, is_of_all: bool
) -> Iterator[Named]:
    """Who was there, day for day between these hours, at the time at which the hours begin.

    Everybody of a period once if `is_of_all`, else once for each environment.
    """
    hours = presence.c.everywhere if is_of_all else presence.c.hours
    for stretch in present:
        borders = [stretch.begins, *(cut for cut in cuts if cut > stretch.begins)]
        for since_hour, next_hour in zip(borders, [*borders[1:], HOURS_OF_DAY], strict=True):
            until_hour = min(next_hour, stretch.ends)
            if since_hour >= until_hour:
                continue
            bits = (1 << until_hour) - (1 << since_hour)
            at = presence.c.timestamp
            moment = type_coerce(at + func.to_hours(since_hour), UtcTimestamp) if since_hour else at
            columns = {column: presence.c[column] for column in COLUMNS} | {"timestamp": moment}
            yield select(*[value.label(name) for name, value in columns.items()]).where(
                presence.c.organization_id == ORGANIZATION,
                presence.c.project_id == PROJECT,
                at >= literal(stretch.first, UtcTimestamp),
                at <= literal(stretch.last, UtcTimestamp),
                presence.c.until == at + literal(stretch.length, Interval),
                hours.bitwise_and(bits) != 0,
            )


def stretches(
    scope: Scope,
    counted: Iterable[Sequence[Any]],
    length: timedelta | None,
    *,
    only_whole_hours: bool = False,
) -> list[Stretch]:
    """What presences answer for: periods of this length, or the longest ones, in their order.

    And the whole hours of the days in which the scope begins and ends; if only whole hours are
    wanted, nothing of a day of which some minutes are left to the records.
    """
    whole: list[Stretch] = []
    parts: list[Stretch] = []
    for since, until in sorted(map(tuple, counted), key=_order):
        own = Stretch(since, since, until - since)
        if scope.since <= since and until <= scope.until:
            if length in {None, own.length} and (not whole or whole[-1].until <= since):
                whole.append(own)
        elif own.length == DAY:
            begins = max(-((since - scope.since) // HOUR), 0)
            ends = min((scope.until - since) // HOUR, HOURS_OF_DAY)
            part = replace(own, begins=begins, ends=ends)
            is_exact = part.since <= scope.since or part.until >= scope.until
            if begins < ends and (is_exact or not only_whole_hours):
                parts.append(part)
    return sorted([*_joined(whole), *parts], key=attrgetter("since"))


def _joined(periods: Iterable[Stretch]) -> Iterator[Stretch]:
    """The same with periods of one length that follow each other as one stretch."""
    joined: Stretch | None = None
    for period in periods:
        if joined and (joined.until, joined.length) == (period.since, period.length):
            joined = replace(joined, last=period.last)
            continue
        if joined:
            yield joined
        joined = period
    if joined:
        yield joined


def _order(period: Period) -> tuple[datetime, timedelta]:
    since, until = period
    return since, since - until


def _counted_periods() -> Select[Any]:
    """The periods that are counted and reach into the scope."""
    period = presence_period.c
    return select(period.timestamp, period.until).where(
        period.organization_id == ORGANIZATION,
        period.project_id == PROJECT,
        period.timestamp < UNTIL,
        period.until > SINCE,
        period.until <= literal(counted_before(), UtcTimestamp),
    )


def _is_within_days(since: datetime, seconds: int | None) -> bool:
    """Whether each bucket lies in one day."""
    if seconds is None:
        return False
    width = timedelta(seconds=seconds)
    return (since - day_of(since)) % width == timedelta(0) and DAY % width == timedelta(0)


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
