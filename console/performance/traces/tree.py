"""The spans of a trace as a tree: each once, whatever their order, parents and clocks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from console.performance.names import TASK
from console.telemetry.errors import EventRow
from console.telemetry.spans import SpanRow

FINE = frozenset({"", "ok", "cancelled", "unknown"})
TOLERANCE = 1_000
"""Microseconds by which a child on another clock may stick out: less is no skew worth moving."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Interval = tuple[int, int]


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """A span in its place; times are microseconds since the trace began."""

    span: SpanRow
    start: int
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    errors: list[EventRow] = field(default_factory=list)
    depth: int = 0
    shift: int = 0
    """By how much its clock was corrected."""
    below: int = 0
    """How many spans are below it."""
    failed_below: int = 0

    @property
    def id(self) -> str:
        return self.span.span_id

    @property
    def duration(self) -> int:
        return self.span.duration_us

    @property
    def end(self) -> int:
        return self.start + self.span.duration_us

    @property
    def failed(self) -> bool:
        """Whether it failed itself: by its HTTP status, else its status, or by an error event."""
        if self.errors:
            return True
        if self.span.http_status is not None:
            return self.span.http_status >= 500
        return self.span.status not in FINE

    @property
    def root(self) -> "Node":
        """The top of its tree."""
        node = self
        while node.parent is not None:
            node = node.parent
        return node

    @property
    def covered(self) -> list[Interval]:
        """The stretches of its time in which a child runs, in order and apart from each other."""
        inside = ((max(c.start, self.start), min(c.end, self.end)) for c in self.children)
        return merged(inside)

    @property
    def bare(self) -> list[Interval]:
        """The stretches of its time in which no child runs: its self time."""
        uncovered, at = [], self.start
        for start, end in self.covered:
            if start > at:
                uncovered.append((at, start))
            at = end
        if at < self.end:
            uncovered.append((at, self.end))
        return uncovered

    @property
    def self_us(self) -> int:
        return sum(end - start for start, end in self.bare)


@dataclass(frozen=True, slots=True)
class Tree:
    """A trace and what had to be put right to show it."""

    roots: Sequence[Node]
    nodes: dict[str, Node]
    """By span id, parents before children and in order of time."""
    began: datetime
    duration: int
    duplicates: int = 0
    cycles: int = 0
    orphans: int = 0
    """Spans whose parent is missing, shown under their segment or under the first root."""
    headless: int = 0
    """Roots whose parent is not among the spans."""
    skewed: int = 0
    skew: int = 0
    """The largest correction of a clock, in microseconds."""
    early: int = 0
    """Spans that start before their parent by the very same clock."""
    loose: Sequence[EventRow] = ()
    """Errors that name no span of the trace."""

    @property
    def main(self) -> Node:
        """The first root that is a segment, else the first: what shares are shares of."""
        return next((root for root in self.roots if root.span.is_segment), self.roots[0])


def grown(spans: Iterable[SpanRow], errors: Iterable[EventRow] = ()) -> Tree:
    """The tree of a trace's spans, of which there must be one at least.

    Of a span that comes twice the first by start, then the longest counts.
    """
    given = sorted(spans, key=lambda s: (s.timestamp, s.span_id, -s.duration_us, s.name))
    nodes: dict[str, Node] = {}
    for span in given:
        nodes.setdefault(span.span_id, Node(span, (span.timestamp - _EPOCH) // _MICROSECOND))
    links = _Links(nodes)
    for child, parent in links.parent.items():
        if parent:
            nodes[child].parent = nodes[parent]
            nodes[parent].children.append(nodes[child])
    roots = [node for node in nodes.values() if node.parent is None]
    early = _correct_clocks(roots)
    loose = _attach(nodes, errors)
    first = min(node.start for node in nodes.values())
    ordered = _settled(roots, first)
    moved = [abs(node.shift) for node in ordered if node.shift]
    return Tree(
        roots=roots,
        nodes={node.id: node for node in ordered},
        began=_EPOCH + timedelta(microseconds=first),
        duration=max(node.end for node in ordered),
        duplicates=len(given) - len(nodes),
        cycles=links.cycles,
        orphans=links.orphans,
        headless=links.headless,
        skewed=len(moved),
        skew=max(moved, default=0),
        early=early,
        loose=loose,
    )


def preorder(roots: Iterable[Node]) -> Iterator[Node]:
    """All nodes, each before its children; a trace may be deeper than Python's stack."""
    stack = list(roots)[::-1]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals in order, those that touch made one, empty ones left out."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


class _Links:
    """Who is whose parent, such that every span hangs from a root: "" for none."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self.parent = {
            span_id: node.span.parent_span_id if node.span.parent_span_id in nodes else ""
            for span_id, node in nodes.items()
        }
        self.broken: set[str] = set()
        self.orphans = self.headless = 0
        self._break_cycles()
        self._head = {span_id: parent or span_id for span_id, parent in self.parent.items()}
        self._house()

    @property
    def cycles(self) -> int:
        return len(self.broken)

    def _break_cycles(self) -> None:
        """Make the first span of each cycle a root; nodes are in order of time."""
        place = {span_id: number for number, span_id in enumerate(self.nodes)}
        done: set[str] = set()
        for start in self.nodes:
            path: dict[str, None] = {}
            at = start
            while at and at not in done and at not in path:
                path[at] = None
                at = self.parent[at]
            if at in path:
                walked = list(path)
                first = min(walked[walked.index(at) :], key=place.__getitem__)
                self.parent[first] = ""
                self.broken.add(first)
            done.update(path)

    def _house(self) -> None:
        """Hang spans whose parent is missing under their segment, else under the first root."""
        adrift = [span_id for span_id, parent in self.parent.items() if not parent]
        adrift = [span_id for span_id in adrift if span_id not in self.broken]
        main = self._main(adrift)
        for span_id in adrift:
            span = self.nodes[span_id].span
            is_missing = bool(span.parent_span_id)
            segment = span.segment_id if span.segment_id in self.nodes else ""
            if span.is_segment or span_id == main:
                self.headless += is_missing
                continue
            home = segment or (main if is_missing else "")
            if not home or self._top(home) == span_id:
                self.headless += is_missing
                continue
            self.parent[span_id] = self._head[span_id] = home
            self.orphans += is_missing

    def _main(self, adrift: Sequence[str]) -> str:
        """The span under which orphans without a segment are shown."""
        spans = [self.nodes[span_id].span for span_id in adrift]
        proper = [s.span_id for s in spans if not s.parent_span_id and s.is_segment]
        proper += [s.span_id for s in spans if s.is_segment]
        proper += [s.span_id for s in spans if not s.parent_span_id]
        return proper[0] if proper else ""

    def _top(self, span_id: str) -> str:
        """The root above a span, found along paths that get shorter with each search."""
        while self._head[span_id] != span_id:
            self._head[span_id] = self._head[self._head[span_id]]
            span_id = self._head[span_id]
        return span_id


def _correct_clocks(roots: Iterable[Node]) -> int:
    """Move what another machine timed into its parent; return how many start early regardless."""
    early = 0
    for node in preorder(roots):
        if node.parent is None:
            continue
        if _clock(node) == _clock(node.parent):
            early += node.start < node.parent.start - node.parent.shift
            node.shift = node.parent.shift
        else:
            node.shift = _skew(node, node.parent)
        node.start += node.shift
    return early


def _clock(node: Node) -> str:
    return node.span.server_name or node.span.platform


def _skew(node: Node, parent: Node) -> int:
    """What puts a call's other side inside the call, in the middle where it fits.

    A task may rightly run after the span that queued it, so it only must not start before.
    """
    is_early = node.start < parent.start - TOLERANCE
    is_late = node.end > parent.end + TOLERANCE and node.duration <= parent.duration
    is_outside = node.start > parent.end + TOLERANCE
    if not is_early and (node.span.category == TASK or not (is_late or is_outside)):
        return 0
    slack = max(parent.duration - node.duration, 0)
    return parent.start + slack // 2 - node.start


def _attach(nodes: dict[str, Node], errors: Iterable[EventRow]) -> list[EventRow]:
    """Give each error event to the span that it names; return those that name none here."""
    loose: list[EventRow] = []
    for error in errors:
        node = nodes.get(error.span_id)
        (loose if node is None else node.errors).append(error)
    return loose


def _settled(roots: list[Node], first: int) -> list[Node]:
    """Order children by time, count from the trace's start, and sum up what is below each."""
    roots.sort(key=_place)
    ordered = []
    for node in preorder(roots):
        ordered.append(node)
        node.depth = node.parent.depth + 1 if node.parent else 0
        node.start -= first
        node.children.sort(key=_place)
    for node in reversed(ordered):
        if node.parent is not None:
            node.parent.below += node.below + 1
            node.parent.failed_below += node.failed_below + node.failed
    return ordered


def _place(node: Node) -> tuple[int, int, str]:
    return node.start, -node.duration, node.id
