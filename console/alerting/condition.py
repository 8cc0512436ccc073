"""When a rule fires: its levels, how long and how often they must be breached, and their reading.

Times are seconds. What a condition says of one evaluation is its verdict; what follows from the
verdicts before it is decided in `decide.py`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Operator = Literal[">", ">=", "<", "<="]
Comparison = Literal["percent", "absolute", "deviation"]
COMPARES = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


class Level(StrEnum):
    """How bad a breach is, the least first."""

    WARNING = "warning"
    CRITICAL = "critical"


LEVELS = tuple(Level)
DAY, WEEK = 86_400, 7 * 86_400
SHORTEST_INTERVAL = 10
MOST_EVALUATIONS = 100
LARGEST = 1e15
"""No number that is watched comes near; larger ones cannot be written exactly."""


class ConditionError(ValueError):
    """A condition contradicts itself; `field` names the part of it to change."""

    def __init__(self, field: str, message: str) -> None:
        """Keep the name of the field beside the message for the rule's author."""
        super().__init__(message)
        self.field = field


class Gap(StrEnum):
    """What an evaluation without data means for the rule."""

    KEEP = "keep"
    OK = "ok"
    FIRING = "firing"
    NO_DATA = "no_data"


class Verdict(StrEnum):
    """What one evaluation says by itself."""

    CLEAR = "clear"
    BETWEEN = "between"
    """No level is breached, and the number has not passed the recovery level either."""
    WARNING = "warning"
    CRITICAL = "critical"
    NO_DATA = "no data"
    INCONCLUSIVE = "inconclusive"
    """Too few samples or no base: it is not zero, and it changes nothing."""
    ERROR = "error"


BREACHES = {Level.WARNING: Verdict.WARNING, Level.CRITICAL: Verdict.CRITICAL}
SEVERITY = {Verdict.CLEAR: 0, Verdict.BETWEEN: 0, Verdict.WARNING: 1, Verdict.CRITICAL: 2}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the question behind a rule answered for the window that ended at `at`.

    `number` is None without data, and `samples` is None where nobody counted them. `base` is the
    number of the period that the rule compares with, or what is usual at this time of the week;
    `spread` is then how far the usual numbers lie apart. An `error` makes all of them meaningless.
    """

    at: float
    number: float | None = None
    samples: int | None = None
    base: float | None = None
    spread: float | None = None
    error: str = ""
    lacks: str = ""
    """Why the number is of part of the data only; "" if it is of all."""
    repeats: bool = False
    """Whether its error is of the question that failed for the window before, too."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, the number that was compared with the levels, and the reason in words."""

    verdict: Verdict
    number: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a rule fires, and when it has recovered; all times are in seconds."""

    op: Operator
    levels: Mapping[Level, float]
    recovery: float | None = None
    """The number that must be passed to recover; None: the lowest level."""
    pending_seconds: float = 0
    keep_firing_seconds: float = 0
    breaches: int = 1
    """So many of the last `of` evaluations breach a level."""
    of: int = 1
    interval_seconds: float = 60
    no_data: Gap = Gap.KEEP
    on_error: Gap = Gap.KEEP
    compare: Comparison | None = None
    floor: float | None = None
    """A smaller base counts as this much, so that three errors after none are no spike."""
    minimum_samples: int = 0
    words: Callable[[float], str] = field(default="{:g}".format, compare=False, repr=False)
    """Writes a level for reasons that people read, in the unit of what is watched."""
    subject: Callable[[float], str] = field(default="{:g}".format, compare=False, repr=False)
    """Writes the number that is compared with it, and says what it is of."""
    ordered: tuple[Level, ...] = field(init=False)
    """The levels that the rule has, the least first."""

    def __post_init__(self) -> None:
        """Raise ConditionError for a condition that contradicts itself."""
        ordered = tuple(level for level in LEVELS if level in self.levels)
        object.__setattr__(self, "ordered", ordered)
        for name, message in self._faults():
            raise ConditionError(name, message)

    @property
    def clear_level(self) -> float:
        """The number that is breached by everything that has not recovered."""
        return self.levels[self.ordered[0]] if self.recovery is None else self.recovery

    def is_breached(self, number: float, threshold: float) -> bool:
        """Whether the number breaches a threshold; an equal one does not breach `>`."""
        return bool(COMPARES[self.op](number, threshold))

    def breach(self, number: float, level: Level) -> str:
        """The reason why a number breaches a level: "2 s > 1 s (critical)"."""
        return f"{self.subject(number)} {self.op} {self.words(self.levels[level])} ({level})"

    def judge(self, evaluated: Evaluated) -> Judgement:
        """What an evaluation says by itself, without the ones before it."""
        if evaluated.error:
            return self._missing(self.on_error, Verdict.ERROR, evaluated.error)
        if evaluated.number is None and evaluated.lacks:
            return Judgement(Verdict.INCONCLUSIVE, None, evaluated.lacks)
        if evaluated.number is None:
            return self._missing(self.no_data, Verdict.NO_DATA, "no data")
        if evaluated.samples is not None and evaluated.samples < self.minimum_samples:
            samples = "1 sample" if evaluated.samples == 1 else f"{evaluated.samples} samples"
            why = f"{samples}, {self.minimum_samples} are needed"
            return Judgement(Verdict.INCONCLUSIVE, evaluated.number, why)
        number = self._compared(evaluated)
        if number is None or not math.isfinite(number):
            return Judgement(Verdict.INCONCLUSIVE, None, "nothing to compare with")
        return self._whole(self._judged(number), evaluated.lacks)

    def _whole(self, judgement: Judgement, lacks: str) -> Judgement:
        """The judgement, unless data that has yet to come may reverse it.

        A number that is too high already counts; that one is low enough yet says nothing.
        """
        if not lacks or (self.op in (">", ">=") and judgement.verdict in BREACHES.values()):
            return judgement
        return Judgement(Verdict.INCONCLUSIVE, judgement.number, lacks)

    def _missing(self, policy: Gap, verdict: Verdict, why: str) -> Judgement:
        """The verdict where there is no number; the rule may say that it counts as one."""
        if policy is Gap.OK:
            return Judgement(Verdict.CLEAR, None, f"{why}, which the rule counts as ok")
        if policy is Gap.FIRING:
            worst = self.ordered[-1]
            return Judgement(BREACHES[worst], None, f"{why}, which the rule counts as a breach")
        return Judgement(verdict, None, why)

    def _compared(self, evaluated: Evaluated) -> float | None:
        """The number that levels are compared with; None without a base."""
        number, base = evaluated.number, evaluated.base
        if number is None or self.compare is None:
            return number
        if base is None:
            return None
        base = base if self.floor is None else max(base, self.floor)
        if self.compare == "absolute":
            return number - base
        if self.compare == "percent":
            return number / base * 100 if base else None
        return (number - base) / evaluated.spread if evaluated.spread else None

    def _judged(self, number: float) -> Judgement:
        for level in reversed(self.ordered):
            threshold = self.levels[level]
            if self.is_breached(number, threshold):
                return Judgement(BREACHES[level], number, self.breach(number, level))
        if self.is_breached(number, self.clear_level):
            recovery = self.words(self.clear_level)
            why = f"{self.subject(number)}: no breach, but it has not passed {recovery} to recover"
            return Judgement(Verdict.BETWEEN, number, why)
        return Judgement(Verdict.CLEAR, number, f"{self.subject(number)}: no breach")

    def _faults(self) -> Iterator[tuple[str, str]]:
        """The name of each field that is wrong, and what is wrong with it."""
        if not self.ordered:
            yield "levels", "A rule needs a warning or a critical level."
            return
        yield from self._faults_of_size()
        yield from self._faults_of_order()
        if not SHORTEST_INTERVAL <= self.interval_seconds <= DAY:
            yield (
                "interval_seconds",
                f"A rule is evaluated every {SHORTEST_INTERVAL} s to every day.",
            )
        for name in ("pending_seconds", "keep_firing_seconds"):
            if not 0 <= getattr(self, name) <= WEEK:
                yield name, "Between 0 seconds and 7 days."
        if not 1 <= self.breaches <= self.of <= MOST_EVALUATIONS:
            yield (
                "breaches",
                f"Between 1 and all of the last evaluations, {MOST_EVALUATIONS} at most.",
            )
        if not 0 <= self.minimum_samples <= LARGEST:
            yield "minimum_samples", f"0 to {LARGEST:,.0f} samples."
        if self.on_error is Gap.NO_DATA:
            yield "on_error", "An error is not missing data: keep, ok or firing."

    def _faults_of_size(self) -> Iterator[tuple[str, str]]:
        fields = {
            "levels": self.levels.values(),
            "recovery": [self.recovery],
            "floor": [self.floor],
        }
        for name, numbers in fields.items():
            if not all(abs(number) <= LARGEST for number in numbers if number is not None):
                yield name, f"A number between -{LARGEST:,.0f} and {LARGEST:,.0f}."

    def _faults_of_order(self) -> Iterator[tuple[str, str]]:
        rises = self.op in (">", ">=")
        side = "above" if rises else "below"
        least, worst = (self.levels[level] for level in (self.ordered[0], self.ordered[-1]))
        if len(self.ordered) > 1 and not self._is_beyond(worst, least):
            yield (
                "levels",
                f"The critical level ({worst:g}) lies {side} the warning level ({least:g}).",
            )
        if self._is_beyond(self.clear_level, least):
            good_side = "below" if rises else "above"
            limit = f"the {self.ordered[0]} level ({least:g})"
            recovery = f"The recovery level ({self.clear_level:g})"
            yield "recovery", f"{recovery} lies {good_side} {limit}, or is equal to it."

    def _is_beyond(self, number: float, threshold: float) -> bool:
        """Whether the number lies on the bad side of the threshold, and is not equal to it."""
        return number > threshold if self.op in (">", ">=") else number < threshold
