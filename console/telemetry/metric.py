"""A metric: one number that charts, rules and reports ask for, and the two questions it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Generic, Literal, Self, TypeVar

from console.telemetry.measures import (
    RECEIVED,
    Answer,
    Asked,
    CannotAskError,
    Measure,
    Rows,
    Where,
)
from console.telemetry.question import buckets
from console.telemetry.scope import Scope

Better = Literal["higher", "lower", "neither"]
Format = Literal["number", "share", "milliseconds", "score"]
MOST_PARTS = 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """A number over a whole scope, None for a gap, and how many samples it was made of."""

    number: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's reading for a page, beside that of the period that the page compares with."""

    metric: Metric
    now: Reading
    before: Reading | None

    @property
    def change(self) -> float | None:
        """In percent, of a share in points; None where one side says more of chance."""
        before = self.before
        if before is None or before.number is None or self.now.number is None:
            return None
        if min(before.samples, self.now.samples) < self.metric.least:
            return None
        difference = self.now.number - before.number
        if self.metric.format == "share":
            return round(difference * 100, 2)
        return round(difference / before.number * 100, 1) if before.number else None

    @property
    def is_estimated(self) -> bool:
        """Whether it counts what the clients' sampling left out."""
        number = self.now.number
        return self.metric.format == "number" and number is not None and number > self.now.samples


@dataclass(frozen=True, slots=True)
class Course:
    """A number per time bucket, None for a gap, and the samples of each."""

    numbers: Sequence[float | None]
    samples: Sequence[int]


@dataclass(frozen=True, slots=True)
class Parts(Generic[T]):
    """What a metric answers, by value of the breakdown, the part with most samples first.

    Without a breakdown there is one part, `whole`. `rest` is all parts beyond the limit together,
    counted anew from their rows: percentiles and distinct users do not add up. Parts without a
    sample are not there.
    """

    by_value: Mapping[str, T]
    rest: T | None = None

    @property
    def whole(self) -> T:
        """The answer where nothing is broken down."""
        return self.by_value[""]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that a metric needs before it has a value, such as the threshold of Apdex."""

    name: str
    title: str
    unit: str = ""
    most: int = 86_400_000
    """It is above 0 and no larger; a day in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number of the catalogue: its words, its measure and its dimensions.

    Numbers of the format "milliseconds" are milliseconds, of "share" 0 to 1.
    """

    id: str
    title: str
    unit: str
    noun: str = ""
    """What it counts, of which there is one: "error event" where the unit is "events"."""
    plural: str = ""
    """What several are called, where it is not the noun with its unit: "active people"."""
    better: Better
    format: Format
    least: int = 1
    """With fewer samples than this, the number says more about chance than about the system."""
    empty: Literal["zero", "gap"]
    """What the number is where there were no rows."""
    measure: Measure | Callable[..., Measure]
    """How it is counted; a function of the parameters for a metric that has some."""
    note: str = ""
    """Whom the number leaves out, as tiles say it beside the number."""
    source: str = "data"
    """What has to come for a number: "no page loads in the last hour" where there is none."""
    parameters: tuple[Parameter, ...] = ()
    given: Mapping[str, float] = field(default_factory=dict)

    @property
    def nouns(self) -> tuple[str, str]:
        """The noun for one, and for another number: "check down" and "checks down"."""
        many = self.noun.replace(self.unit.removesuffix("s"), self.unit) if self.noun else ""
        return self.noun, self.plural or many

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it can be filtered by and broken down by."""
        return tuple(self.measured.source.dimensions)

    @property
    def measured(self) -> Measure:
        """The measure with its parameters; a parameter that is not given counts as 1."""
        if isinstance(self.measure, Measure):
            return self.measure
        return self.measure(
            **{parameter.name: self.given.get(parameter.name, 1.0) for parameter in self.parameters}
        )

    def given_that(self, **parameters: float) -> Self:
        """The metric with these parameters; CannotAskError for one that it does not have."""
        strange = parameters.keys() - {parameter.name for parameter in self.parameters}
        if strange:
            raise CannotAskError(f"{self.id} has no parameter {', '.join(sorted(strange))}")
        return replace(self, given={**self.given, **parameters})

    def value(
        self,
        scope: Scope,
        by: str | None = None,
        *,
        where: Where | None = None,
        limit: int = MOST_PARTS,
    ) -> Parts[Reading]:
        """The number over the scope, by value of a dimension if `by` names one; one statement.

        `where` narrows it to rows with these values of dimensions. Raises CannotAskError for a
        filter or dimension that the metric's rows do not have, rather than to ignore it.
        """
        return values([self], scope, by, where=where, limit=limit)[self.id]

    def series(
        self,
        scope: Scope,
        seconds: int,
        by: str | None = None,
        *,
        where: Where | None = None,
        limit: int = MOST_PARTS,
    ) -> Parts[Course]:
        """The number per bucket of `seconds` from the scope's start on; one statement as well."""
        return courses([self], scope, seconds, by, where=where, limit=limit)[self.id]

    def known(self, scope: Scope, dimension: str, limit: int) -> list[str]:
        """The values of a dimension with most rows in the scope; one statement, which counts."""
        measured = self.measured
        if type(measured.source).answer is Rows.answer:
            measured = Measure(measured.source, RECEIVED, RECEIVED)
        (answers,) = measured.source.answer(scope, [measured], Asked(dimension, None, {}, limit))
        weights = {answer.part: answer.weight for answer in answers if answer.part is not None}
        return sorted(weights, key=lambda value: (-weights[value], value))

    def course(self, answers: Sequence[Answer], count: int) -> Course:
        """The answers of a part as a number for each of so many buckets."""
        numbers, samples = [self._nothing] * count, [0] * count
        for answer in answers:
            if answer.samples and 0 <= answer.bucket < count:
                numbers[answer.bucket] = float(answer.number)
                samples[answer.bucket] = answer.samples
        return Course(numbers, samples)

    def is_enough(self, reading: Reading) -> bool:
        """Whether it has enough samples; a zero for no rows always has."""
        return reading.samples >= self.least or (self.empty == "zero" and not reading.samples)

    def reading(self, answers: Sequence[Answer]) -> Reading:
        """The answer of a part; without rows, zero or a gap as `empty` says."""
        for answer in answers:
            if answer.samples:
                return Reading(float(answer.number), answer.samples)
        return Reading(self._nothing, 0)

    @property
    def _nothing(self) -> float | None:
        return 0.0 if self.empty == "zero" else None


def values(
    metrics: Sequence[Metric],
    scope: Scope,
    by: str | None = None,
    *,
    where: Where | None = None,
    limit: int = MOST_PARTS,
) -> dict[str, Parts[Reading]]:
    """Several metrics as `Metric.value`, by id; one statement for all of the same rows."""
    asked = Asked(by, None, where or {}, limit)
    answers = _answers(metrics, scope, asked)
    return {
        metric.id: _parts(answers[metric.id], metric.reading, is_broken_down=by is not None)
        for metric in metrics
    }


def courses(
    metrics: Sequence[Metric],
    scope: Scope,
    seconds: int,
    by: str | None = None,
    *,
    where: Where | None = None,
    limit: int = MOST_PARTS,
) -> dict[str, Parts[Course]]:
    """Several metrics as `Metric.series`, by id; one statement for all of the same rows."""
    answers = _answers(metrics, scope, Asked(by, seconds, where or {}, limit))
    count = len(buckets(scope, seconds))
    return {
        metric.id: _parts(
            answers[metric.id],
            lambda own, metric=metric: metric.course(own, count),  # type: ignore[misc]
            is_broken_down=by is not None,
        )
        for metric in metrics
    }


def figures(
    metrics: Sequence[Metric],
    scope: Scope,
    shift: timedelta | None,
    *,
    where: Where | None = None,
) -> dict[str, Figure]:
    """The metrics over the scope by id, and `shift` earlier unless there is no comparison."""
    now = values(metrics, scope, where=where)
    then = values(metrics, scope.earlier(shift), where=where) if shift else None
    return {
        metric.id: Figure(metric, now[metric.id].whole, then[metric.id].whole if then else None)
        for metric in metrics
    }


def _answers(metrics: Sequence[Metric], scope: Scope, asked: Asked) -> dict[str, Sequence[Answer]]:
    """The answers of each metric's measure, by id; each source runs one query."""
    missing = [metric.id for metric in metrics if len(metric.given) < len(metric.parameters)]
    if missing:
        raise CannotAskError(f"{', '.join(missing)}: a parameter is missing")
    measures = {metric.id: metric.measured for metric in metrics}
    sources = {id(measure.source): measure.source for measure in measures.values()}
    by_metric: dict[str, Sequence[Answer]] = {}
    for key, source in sources.items():
        own = [name for name, measure in measures.items() if id(measure.source) == key]
        source.check(scope, asked)
        answers = source.answer(scope, [measures[name] for name in own], asked)
        by_metric.update(zip(own, answers, strict=True))
    return by_metric


def _parts(
    answers: Sequence[Answer], made: Callable[[Sequence[Answer]], T], *, is_broken_down: bool
) -> Parts[T]:
    """The answers of a metric by part."""
    if not is_broken_down:
        return Parts({"": made(answers)})
    own: dict[str | None, list[Answer]] = {}
    for answer in answers:
        if answer.samples:
            own.setdefault(answer.part, []).append(answer)
    rest = own.pop(None, [])
    weights = {name: sum(answer.weight for answer in answers_) for name, answers_ in own.items()}
    names = sorted(weights, key=lambda name: (-weights[name], name or ""))
    return Parts({name or "": made(own[name]) for name in names}, made(rest) if rest else None)
