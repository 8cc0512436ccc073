"""Compares two traces: which span of the counterpart matches which span of the trace."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from console.performance.traces.groups import kind_of
from console.performance.traces.tree import Node, Tree


@dataclass(frozen=True, slots=True)
class Ghost:
    """When the counterpart of a span ran, in microseconds since the trace began."""

    start: int
    end: int

    @property
    def duration(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Comparison:
    """The counterparts by span id, and how many spans only one of the traces has."""

    ghosts: Mapping[str, Ghost]
    ours_alone: int
    theirs_alone: int


def compare(tree: Tree, counterpart: Tree) -> Comparison:
    """Match the spans of two traces from their main roots down, aligned at their starts.

    Child spans match in order of time if they share the statement, or operation and description.
    The main roots always match.
    """
    shift = tree.main.start - counterpart.main.start
    ghosts: dict[str, Ghost] = {}
    stack = [(tree.main, counterpart.main)]
    while stack:
        ours, theirs = stack.pop()
        ghosts[ours.id] = Ghost(theirs.start + shift, theirs.end + shift)
        offered = _by_kind(theirs)
        for kind, nodes in _by_kind(ours).items():
            stack.extend(zip(nodes, offered.get(kind, []), strict=False))
    matched = len(ghosts)
    return Comparison(ghosts, len(tree.nodes) - matched, len(counterpart.nodes) - matched)


def _by_kind(node: Node) -> Mapping[tuple[str, str], list[Node]]:
    by_kind: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for child in node.children:
        by_kind[kind_of(child)].append(child)
    return by_kind
