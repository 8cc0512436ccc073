"""A whole trace at a glance: six levels of it, a few hundred steps wide."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from console.performance.traces.selection import category_of
from console.performance.traces.tree import Tree

LEVELS = 6
STEPS = 400


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one category in a level; `x` and `width` in percent of the trace."""

    level: int
    x: float
    width: float
    category: str


def mini_map(tree: Tree) -> list[Piece]:
    """The pieces of each level; what is deeper than the last level is in the last."""
    levels = [[""] * STEPS for _ in range(LEVELS)]
    length = max(tree.duration, 1)
    for node in tree.nodes.values():
        first = min(node.start * STEPS // length, STEPS - 1)
        last = max(min(-(-node.end * STEPS // length), STEPS), first + 1)
        cells = levels[min(node.depth, LEVELS - 1)]
        cells[first:last] = [category_of(node)] * (last - first)
    return [piece for level, cells in enumerate(levels) for piece in _pieces(level, cells)]


def failures(tree: Tree) -> list[float]:
    """Where spans failed, in percent of the trace, one mark per step at most."""
    length = max(tree.duration, 1)
    steps = {node.end * STEPS // length for node in tree.nodes.values() if node.failed}
    return [step * 100 / STEPS for step in sorted(steps)]


def _pieces(level: int, cells: Sequence[str]) -> list[Piece]:
    pieces, at = [], 0
    for category, run in groupby(cells):
        width = len(list(run))
        if category:
            pieces.append(Piece(level, at * 100 / STEPS, width * 100 / STEPS, category))
        at += width
    return pieces
