"""Which spans a request waited for, inferred from their times alone.

The rule is that of Uber's CRISP (USENIX ATC 2022), which Jaeger follows too: from the end of a span
go back to the child that finished last, from that child's start to the one that finished last
before it, and so on; what lies between is the span's own. Times cannot prove that one span waited
for another, so pages call the path inferred.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from console.performance.traces.tree import Interval, Node

Path = Mapping[str, Sequence[Interval]]


def critical_path(roots: Iterable[Node]) -> Path:
    """By span id the stretches of time that were the span's own on the path of its root.

    Together the stretches of one root are its whole duration, without overlap. A span that is on
    the path with all its time spent in children has an empty list.
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
    """Children by their end, the last first; what outlives the parent ends with it."""
    return sorted(node.children, key=lambda c: (min(c.end, node.end), c.duration), reverse=True)
