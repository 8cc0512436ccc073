"""The controls above the tiles: what a dashboard's variables offer to choose from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.dashboards.document import EVERYTHING, Variable
from console.dashboards.drawn import Board
from console.metrics.catalogue import CATALOGUE
from console.metrics.known import MOST, known_values_of


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable with what is chosen, and with what can be."""

    variable: Variable
    value: str
    options: Sequence[tuple[str, str]]
    """Values and their texts; none for a text that is typed."""

    @property
    def label(self) -> str:
        """What stands before it."""
        return self.variable.label or self.variable.name.replace("_", " ").capitalize()


def choices(board: Board) -> list[Choice]:
    """The control of each variable of a dashboard, in their order."""
    return [
        Choice(own, board.values[own.name], _options(board, own))
        for own in board.document.variables
    ]


def _options(board: Board, variable: Variable) -> Sequence[tuple[str, str]]:
    """What can be chosen, and what is chosen even if nothing has it now."""
    if variable.kind == "text":
        return []
    offered = variable.values if variable.kind == "list" else list(_known(board, variable))[:MOST]
    chosen = board.values[variable.name]
    values = [*offered] if not chosen or chosen in offered else [*offered, chosen]
    if variable.kind == "list" and variable.default:
        return [(value, value) for value in values]
    return [(EVERYTHING, "All"), *((value, value) for value in values)]


def _known(board: Board, variable: Variable) -> Iterator[str]:
    """The values of a metric's dimension that came in the last days, in any of the projects."""
    metric = CATALOGUE.get(variable.metric)
    if metric is None or variable.dimension not in metric.dimensions:
        return
    seen: set[str] = set()
    for project in board.projects:
        fresh = [v for v in known_values_of(project, metric, variable.dimension) if v not in seen]
        seen.update(fresh)
        yield from fresh
