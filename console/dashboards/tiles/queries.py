"""The metrics of a tile: read from its settings, asked together, and put into its formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from console.dashboards import formula
from console.metrics.catalogue import CATALOGUE, full_title
from console.telemetry.measures import CannotAskError
from console.telemetry.metric import Course, Format, Metric, Parts, Reading, courses, values
from console.telemetry.scope import Scope
from console.telemetry.tile import Settings, TileProject, Viewing

Where = Mapping[str, str]
PARTS = 6
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """A metric with its filters, and what the tile calls it."""

    metric: Metric
    where: Where
    name: str


@dataclass(frozen=True, slots=True)
class Queries:
    """The metrics of a tile in their order, and the formula over them, if there is one."""

    parts: Sequence[Query]
    formula: str = ""

    @classmethod
    def of(cls, settings: Settings, project: TileProject) -> Queries:
        """The metrics that settings name; CannotAskError for one that is gone.

        A parameter that is not given is the project's own threshold.
        """
        parts = [_query(given, project) for given in settings.get("queries", ())]
        if not parts:
            raise CannotAskError("it names no metric")
        return cls(parts, settings.get("formula", ""))

    @property
    def unit(self) -> str:
        """The unit of the numbers on an axis; none where a formula makes other numbers."""
        metric = self.parts[0].metric
        if self.formula:
            return ""
        return "%" if metric.format == "share" else metric.unit

    @property
    def notes(self) -> Sequence[str]:
        """Whom or what the numbers leave out, each thing once."""
        return list(dict.fromkeys(own.metric.note for own in self.parts if own.metric.note))

    @property
    def format(self) -> Format:
        """How a number is written; a formula's as a plain number."""
        return "number" if self.formula else self.parts[0].metric.format

    @property
    def formats(self) -> Sequence[tuple[Format, str]]:
        """How the numbers of a table are written, each with its unit; one of a formula."""
        if self.formula:
            return [("number", "")]
        return [(own.metric.format, _unit(own.metric)) for own in self.parts]

    @property
    def counts_zeros(self) -> bool:
        """Whether a zero of it is an answer: a count of failures, say, that is not everything."""
        return not self.formula and self.parts[0].metric.better == "lower"

    def name_of(self, query: Query) -> str:
        """What a line of a metric is called: one that goes into a formula has the formula's."""
        return self.formula or query.name

    def scaled(self, number: float | None) -> float | None:
        """A number as an axis writes it: shares in per cent."""
        return number * 100 if number is not None and self.format == "share" else number

    def readings(
        self,
        viewing: Viewing,
        project: TileProject,
        by: str | None = None,
        shift: timedelta | None = None,
        *,
        limit: int = PARTS,
    ) -> Sequence[Parts[Reading]]:
        """Each metric over the whole range, or `shift` before it."""
        scope = _moved(viewing, project, shift)
        return self._asked(
            lambda metrics, where: values(metrics, scope, by, where=where, limit=limit)
        )

    def courses(
        self,
        viewing: Viewing,
        project: TileProject,
        by: str | None = None,
        shift: timedelta | None = None,
        *,
        limit: int = PARTS,
    ) -> Sequence[Parts[Course]]:
        """Each metric per bucket of the tile's axis, or `shift` before it."""
        scope, seconds = _moved(viewing, project, shift), viewing.line.seconds
        return self._asked(
            lambda metrics, where: courses(metrics, scope, seconds, by, where=where, limit=limit)
        )

    def value(self, numbers: Sequence[float | None]) -> float | None:
        """What the formula comes to."""
        return formula.value(self.formula, numbers)

    def _together(self) -> list[tuple[Where, list[Metric]]]:
        """The metrics by their filters: those with the same ones are asked in one statement.

        A metric that stands twice with the same filters differs in its parameters: it is asked
        apart, as answers are named by the metric.
        """
        groups: list[tuple[Where, list[Metric]]] = []
        for query in self.parts:
            for where, metrics in groups:
                if where == query.where and query.metric.id not in {own.id for own in metrics}:
                    metrics.append(query.metric)
                    break
            else:
                groups.append((query.where, [query.metric]))
        return groups

    def _asked(self, ask: Callable[[list[Metric], Where], Mapping[str, T]]) -> list[T]:
        """The answers to the metrics that are asked together, in the order of the tile."""
        keys, answers = [], []
        for where, metrics in self._together():
            named = ask(metrics, where)
            keys += [(metric.id, dict(metric.given), where) for metric in metrics]
            answers += [named[metric.id] for metric in metrics]
        return [
            answers[keys.index((own.metric.id, dict(own.metric.given), own.where))]
            for own in self.parts
        ]


def _moved(viewing: Viewing, project: TileProject, shift: timedelta | None) -> Scope:
    """The page's time in a project, or `shift` before it."""
    scope = viewing.scope(project)
    return scope.earlier(shift) if shift else scope


def _unit(metric: Metric) -> str:
    """The unit that a number is written with, where its format does not say it already."""
    return metric.unit if metric.format == "number" else ""


def nothing(viewing: Viewing) -> str:
    """Why there is nothing to see."""
    shown = viewing.line.shown
    where = f" from {shown.environment}" if shown.environment else ""
    return f"Nothing arrived{where} in this time range: {_small(shown.label)}."


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def breakdown_faults(settings: Settings) -> Iterator[tuple[str, str]]:
    """A breakdown that one of the metrics does not know."""
    by = settings.get("by")
    for query in settings.get("queries", ()) if by else ():
        metric = CATALOGUE[query["metric"]]
        if by not in metric.dimensions:
            known = ", ".join(metric.dimensions)
            yield "by", f"{full_title(metric)} can be broken down by {known}."
            return


def formula_faults(settings: Settings) -> Iterator[tuple[str, str]]:
    """A formula with a letter for which there is no metric, and several metrics without one."""
    text = settings.get("formula")
    if text and (wrong := formula.fault(text, len(settings.get("queries", ())))):
        yield "formula", wrong


def faults(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is wrong with metrics, formula and breakdown together."""
    yield from formula_faults(settings)
    yield from breakdown_faults(settings)


def needs_breakdown(settings: Settings) -> Iterator[tuple[str, str]]:
    """The same of a tile that is nothing without a breakdown."""
    if not settings.get("by"):
        yield "by", "Choose the dimension whose values the tile lists."
    yield from faults(settings)


def _query(given: Mapping[str, Any], project: TileProject) -> Query:
    metric = CATALOGUE.get(given["metric"])
    if metric is None:
        raise CannotAskError(f"there is no metric {given['metric']}")
    own = dict(given.get("parameters", {}))
    for parameter in metric.parameters:
        own.setdefault(parameter.name, _threshold(project))
    if own:
        metric = metric.given_that(**own)
    return Query(metric, dict(given.get("where", {})), given.get("name") or full_title(metric))


def _threshold(project: Any) -> float:
    """What the project calls slow, in milliseconds: the one parameter that metrics have."""
    return float(project.monitoring.api_p95_ms)
