"""Which value of a dimension moved most: where a number that changed comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from console.telemetry.measures import Where
from console.telemetry.metric import Metric, Reading
from console.telemetry.scope import Scope

LEAST_MOVED = 0.05
"""A share that moved by less says nothing."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A value of a dimension whose share of a number moved, from 0 to 1 before and now."""

    dimension: str
    value: str
    before: float
    now: float

    @property
    def by(self) -> float:
        """How far the share moved, up or down."""
        return abs(self.now - self.before)


def most_moved(
    metric: Metric,
    now: Scope,
    before: Scope,
    *,
    where: Where | None = None,
    fixed: Collection[str] = (),
) -> Shift | None:
    """The value of a dimension whose share of the number moved most between two times.

    None if no share moved by LEAST_MOVED. `fixed` are dimensions that can have one value only; each
    of the others costs two statements. Raises CannotAskError for what the metric does not know.
    """
    most = next(iter(moved(metric, now, before, where=where, fixed=fixed)), None)
    return most if most and most.by >= LEAST_MOVED else None


def moved(
    metric: Metric,
    now: Scope,
    before: Scope,
    *,
    where: Where | None = None,
    fixed: Collection[str] = (),
) -> list[Shift]:
    """Every value of every dimension with its share in both times, the largest move first."""
    moves = [
        move
        for dimension in metric.dimensions
        if dimension not in fixed
        for move in _moves(metric, dimension, now, before, where or {})
    ]
    return sorted(moves, key=lambda move: (round(move.by, 6), move.now > move.before), reverse=True)


def _moves(
    metric: Metric, dimension: str, now: Scope, before: Scope, where: Where
) -> Iterator[Shift]:
    present = _shares(metric, metric.value(now, dimension, where=where).by_value)
    former = _shares(metric, metric.value(before, dimension, where=where).by_value)
    if not present or not former:
        return
    for name in present.keys() | former.keys():
        yield Shift(dimension, name, former.get(name, 0.0), present.get(name, 0.0))


def _shares(metric: Metric, parts: Mapping[str, Reading]) -> Mapping[str, float]:
    """How much of a metric comes from each part: of a count its number, else number by samples."""
    weights = {
        name: reading.number * (1 if metric.empty == "zero" else reading.samples)
        for name, reading in parts.items()
        if reading.number is not None
    }
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()} if whole else {}
