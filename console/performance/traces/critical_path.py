"""Which spans a request waited for, inferred from their times alone.

The rule comes from Uber's CRISP (USENIX ATC 2022), which Jaeger follows too: from the end of a span
go back to the child span that finished last, from its start to the one that finished last before
it, and so on; the time between is self time. Times cannot prove that one span waited for another,
so pages call the path inferred.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from console.performance.traces.tree import Interval, Node

Path = Mapping[str, Sequence[Interval]]


def critical_path(roots: Iterable[Node]) -> Path:
    """The intervals of self time on the critical path of each root, by span id.

    The intervals of one root add up to its whole duration, without overlap. A span on the path
    that spent all of its time in child spans has an empty list.
    """
    path: dict[str, list[Interval]] = defaultdict(list)
    stack = [(root, root.start, root.end) for root in roots]
    while stack:
        node, since, until = stack.pop()
        own, at = path[node.id], until
        for child in _last_first(node):
            start, end = max(child.start, since), min(child.end, until)
            if end > at or end <= start:
                continue
            if end < at:
                own.append((end, at))
            stack.append((child, start, end))
            at = start
        if at > since:
            own.append((since, at))
        own.reverse()
    return path


def _last_first(node: Node) -> list[Node]:
    """Child spans by their end, the last first; a child that outlives its parent ends with it."""
    return sorted(node.children, key=lambda c: (min(c.end, node.end), c.duration), reverse=True)
