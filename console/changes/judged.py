"""How a subject's days are judged: pure, the same for today, for a day made up for, and a test.

A day is compared with the median of the seven days before it (`rules.Base`): one bad day among
them moves a median little, and a percentile of days needs no raw rows. A change begins on a day
that lies beyond the fourteen days before, and so far off as they spread twice over (`_is_beyond`):
what swings every week is no news, nor what chance makes of few samples. A change keeps the median
it began with, lives while the number stays away from it, and is over:

- when the number was back near it for QUIET_DAYS ("back"),
- when it has stayed where it went for LASTING_DAYS: then that is normal ("lasts"),
- when no day had enough samples for SILENT_DAYS ("gone").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import reduce
from statistics import median

from console.changes.rules import Base, DailyRule

DAY, WEEK = timedelta(days=1), timedelta(days=7)
DAYS, LEAST_DAYS, SPREAD_DAYS = 7, 4, 14
"""The days before that a day is compared with, how many of them must have enough samples, and the
days that say how far the number spreads by itself.
"""
WEEKS, LEAST_WEEKS = 4, 2
BACK = timedelta(days=28)
"""How far back the days before are looked for."""
QUIET_DAYS, SILENT_DAYS, LASTING_DAYS = 3, 7, 14
LONGEST = timedelta(days=60)
"""A change that never settles is over then: nobody remembers what was before it."""
WORSE = 1.5
"""A change is worse when it has grown by half since the last news about it."""
OUTLIER_DAYS, SURE_DAYS, SPREADS, SURE_SPREADS = 7, 10, 2.5, 1.75
"""Of so many days one may be far off; few days must be outdone by more spreads than many."""
MOST_RELATIVE = 3.0


class ChangeState(StrEnum):
    """What was last news about a change."""

    NEW = "new"
    WORSE = "worse"
    TURNED = "turned"
    OVER = "over"


class Ending(StrEnum):
    """Why a change is over."""

    BACK = "back"
    LASTS = "lasts"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Day:
    """A subject's number of a day of UTC, the samples behind it, and whom it concerned."""

    at: date
    number: float | None
    samples: int
    hits: float = 0.0


Course = Mapping[date, Day]


@dataclass(frozen=True, slots=True)
class Life:
    """A change up to its last judged day. `way` is 1 where the number rose, -1 where it fell."""

    former: Sequence[float]
    """The numbers of the days before it, the earliest first; the last DAYS are its base."""
    days: Sequence[Day]
    """Its days, the first one on which it began."""
    way: int
    state: ChangeState
    moved_on: date
    """The day of the last news about it."""
    mark: float
    """The number of that day: it is worse when it goes much beyond."""
    quiet: int = 0
    ending: Ending | None = None

    @property
    def before(self) -> float:
        """What it is compared with as long as it lives."""
        return middle(self.former)

    @property
    def first_day(self) -> date:
        return self.days[0].at

    @property
    def is_over(self) -> bool:
        return self.ending is not None

    def latest(self, rule: DailyRule) -> Day:
        """Its last day with enough samples."""
        return next(day for day in reversed(self.days) if is_enough(rule, day))

    def impact(self, rule: DailyRule) -> int:
        """How many people or requests of its last changed day, by how far the number moved.

        It compares changes of different rules: from nothing, or by more, counts as MOST_RELATIVE.
        """
        for day in reversed(self.days):
            number = day.number if is_enough(rule, day) else None
            if number is not None and moved(rule, self.before, number):
                relative = min(rule.relative(self.before, number), MOST_RELATIVE)
                return round(day.hits * relative * rule.weight)
        return 0

    @property
    def peak(self) -> float:
        """The number farthest from before, on the side where it is now."""
        numbers = [day.number for day in self.days if day.number is not None]
        return max(numbers) if self.way > 0 else min(numbers)


def lives(
    rule: DailyRule, course: Course, days: Iterable[date], past: Sequence[Life] = ()
) -> list[Life]:
    """The changes of a subject after these days, in order, each as it stands after the last.

    `past` are those that were known before the first of the days; a living one is the last.
    Changes that were over before are not in the answer.
    """
    known = list(past)
    begun = len([life for life in known if life.is_over])
    for at in days:
        day = course.get(at, Day(at, None, 0))
        if known and not known[-1].is_over:
            known[-1] = continued(rule, known[-1], day)
        elif life := opened(rule, course, day, changed_days(rule, known)):
            known.append(life)
    return known[begun:]


def opened(
    rule: DailyRule, course: Course, day: Day, without: Collection[date] = ()
) -> Life | None:
    """The change that begins on a day; None where nothing does, or there is too little before it.

    The days in `without` are no example of what is normal.
    """
    if not is_enough(rule, day):
        return None
    former = former_numbers(rule, course, day.at, without)
    number = day.number or 0.0
    way = moved(rule, middle(former), number) if former else 0
    if not way or not _is_beyond(former, number, way):
        return None
    return Life(former, (day,), way, ChangeState.NEW, day.at, number)


def continued(rule: DailyRule, life: Life, day: Day) -> Life:
    """A living change after one more day."""
    grown = replace(life, days=(*life.days, day))
    if not is_enough(rule, day):
        silent = day.at - life.latest(rule).at
        if silent >= DAY * SILENT_DAYS:
            return _over(grown, Ending.GONE, day.at)
        return grown
    number = day.number or 0.0
    way = moved(rule, life.before, number)
    if way not in (life.way, 0) and not _is_beyond(life.former, number, way):
        way = 0  # it is back, and a little beyond by chance
    if way == 0:
        grown = replace(grown, quiet=life.quiet + 1)
        return _over(grown, Ending.BACK, day.at) if grown.quiet >= QUIET_DAYS else grown
    if way != life.way:
        return replace(
            grown, way=way, state=ChangeState.TURNED, moved_on=day.at, mark=number, quiet=0
        )
    grown = replace(grown, quiet=0)
    if rule.is_better(way) is not True and _is_worse(life, number):
        return replace(grown, state=ChangeState.WORSE, moved_on=day.at, mark=number)
    lasts = day.at - life.moved_on >= DAY * LASTING_DAYS or day.at - life.first_day >= LONGEST
    return _over(grown, Ending.LASTS, day.at) if lasts else grown


def replayed(rule: DailyRule, life: Life, until: date) -> Life | None:
    """A change as it stood before a day; None if it had not begun."""
    kept = [day for day in life.days if day.at < until]
    if not kept:
        return None
    if len(kept) == len(life.days):
        return life
    number = kept[0].number or 0.0
    way = moved(rule, life.before, number)
    begun = Life(life.former, (kept[0],), way, ChangeState.NEW, kept[0].at, number)
    return reduce(lambda grown, day: continued(rule, grown, day), kept[1:], begun)


def moved(rule: DailyRule, before: float, now: float) -> int:
    """1 where a number rose as far as the rule demands, -1 where it fell so, 0 for neither."""
    way = 1 if now > before else -1
    is_of_interest = rule.way in ("both", "up" if way > 0 else "down")
    is_notable = (
        now != before
        and max(now, before) >= rule.floor
        and abs(now - before) >= rule.difference
        and rule.relative(before, now) >= rule.percent
    )
    return way if is_of_interest and is_notable else 0


def is_enough(rule: DailyRule, day: Day) -> bool:
    """Whether a day has samples enough to be judged."""
    return day.number is not None and day.samples >= rule.least


def former_numbers(
    rule: DailyRule, course: Course, at: date, without: Collection[date] = ()
) -> Sequence[float]:
    """The numbers of the days that a day is compared with; empty where they are too few."""
    if rule.base is Base.WEEKDAYS:
        wanted, most, least = [at - WEEK * n for n in range(1, WEEKS + 1)], WEEKS, LEAST_WEEKS
    else:
        wanted, most, least = [at - DAY * n for n in range(1, BACK.days)], SPREAD_DAYS, LEAST_DAYS
    numbers = [
        day.number
        for before in wanted
        if before not in without and (day := course.get(before)) and is_enough(rule, day)
        if day.number is not None
    ][:most]
    return numbers[::-1] if len(numbers) >= least else ()


def middle(former: Sequence[float]) -> float:
    """What is normal: the median of the latest days before."""
    return median(former[-DAYS:])


def changed_days(rule: DailyRule, known: Iterable[Life]) -> set[date]:
    """The days of changes that passed: what was not normal then is no example of it later."""
    return {
        day.at
        for life in known
        if life.ending is not Ending.LASTS
        for day in life.days
        if day.number is not None and moved(rule, life.before, day.number)
    }


def _is_beyond(former: Sequence[float], number: float, way: int) -> bool:
    """Whether it lies beyond all days before, and farther off than chance would bring it.

    Of days that chance alone tells apart (10 to 14 normal ones before), one in 180 to one in 1,500
    does; of 7 days before, one in 125.
    """
    center = middle(former)
    kept = sorted(former, key=lambda before: abs(before - center))
    if len(kept) >= OUTLIER_DAYS:
        kept.pop()
    spreads = SURE_SPREADS if len(former) >= SURE_DAYS else SPREADS
    is_farthest = number > max(kept) if way > 0 else number < min(kept)
    return is_farthest and abs(number - center) >= spreads * (max(kept) - min(kept))


def _is_worse(life: Life, number: float) -> bool:
    return abs(number - life.before) >= WORSE * abs(life.mark - life.before)


def _over(life: Life, ending: Ending, on: date) -> Life:
    return replace(life, state=ChangeState.OVER, ending=ending, moved_on=on)
