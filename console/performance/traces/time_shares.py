"""Where the time of a trace went: each moment belongs to the deepest span that runs in it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

from console.performance.names import APP, CACHE, DB, HTTP, RENDER, RESOURCE
from console.performance.traces.groups import Gap
from console.performance.traces.tree import Interval, Tree

GAP = "gap"
SHOWN = (DB, CACHE, HTTP, RENDER, RESOURCE, APP, GAP)


@dataclass(frozen=True, slots=True)
class Share:
    """A category, its microseconds and what fraction of the whole they are."""

    category: str
    duration: int
    fraction: float


def time_shares(tree: Tree, gaps: Iterable[Gap]) -> list[Share]:
    """The categories that took any time, in the order of SHOWN.

    They add up to the time of the roots, which for one root is its duration; a span that outlives
    its root counts only as long as that runs.
    """
    spent: dict[str, int] = defaultdict(int)
    running: list[tuple[int, int, int, str]] = []  # the deepest first, then the last to start
    at = 0
    for start, end, depth, category in [*sorted(_intervals(tree, gaps)), (1 << 62, 1 << 62, 0, "")]:
        while running and at < start:
            _, _, until, running_category = running[0]
            if until <= at:
                heappop(running)
                continue
            stop = min(until, start)
            spent[running_category] += stop - at
            at = stop
        at = max(at, start)
        heappush(running, (-depth, -start, end, category))
    whole = sum(spent.values()) or 1
    return [Share(name, spent[name], spent[name] / whole) for name in SHOWN if spent[name]]


def _intervals(tree: Tree, gaps: Iterable[Gap]) -> list[tuple[int, int, int, str]]:
    """(start, end, depth, category), each clipped to its root."""
    window: dict[str, Interval] = {}
    intervals = []
    for node in tree.nodes.values():
        first, last = window[node.parent.id] if node.parent is not None else (node.start, node.end)
        window[node.id] = first, last
        category = node.span.category if node.span.category in SHOWN else APP
        intervals.append((max(node.start, first), min(node.end, last), node.depth, category))
    for gap in gaps:
        first, last = window[gap.parent.id]
        intervals.append((max(gap.start, first), min(gap.end, last), gap.parent.depth + 1, GAP))
    return [interval for interval in intervals if interval[0] < interval[1]]
