"""The waterfall of a trace: its rows with bars on one axis, and what is to be said about it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from console.performance.names import DB
from console.performance.statements import text as sql_text
from console.performance.traces.branches import TOP, Branches, Entry, Rest, key_of
from console.performance.traces.critical_path import Path, critical_path
from console.performance.traces.ghosts import Comparison, Ghost
from console.performance.traces.groups import Gap, Group, gaps, parameters
from console.performance.traces.page_marks import PageMark, PagePhase, marks, phases
from console.performance.traces.selection import Selection, View, category_of, selected, window
from console.performance.traces.time_shares import GAP, Share, time_shares
from console.performance.traces.tree import Interval, Node, Tree, merged, preorder
from console.web.units import even_ticks

MOST_ROWS = 500
MORE_ROWS = 200
LONGEST_LABEL = 300
FINEST = 0.05
"""Stretches closer than this, in percent of the window, are drawn as one."""

Kind = Literal["span", "siblings", "chain", "gap", "rest"]


@dataclass(frozen=True, slots=True)
class SpanBar:
    """A stretch of time in percent of the window."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: levels and positions count from 1."""

    level: int
    position: int
    siblings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRow:
    """One row: a span, a group of spans, a gap, or what did not fit."""

    kind: Kind
    key: str
    place: Place
    label: str
    entry: Entry
    category: str = ""
    is_open: bool | None = None
    """None: there is nothing to open."""
    is_match: bool = False
    failed: bool = False
    failed_below: int = 0
    """Failed spans that the row hides; 0 when it is open."""
    hidden: int = 0
    """Spans that opening it would show, or may show further down."""
    duration: int | None = None
    fraction: float | None = None
    """Of the main root's duration."""
    whole: SpanBar | None = None
    own: Sequence[SpanBar] = ()
    """Self time of a span, each member of a group."""
    critical: Sequence[SpanBar] = ()
    """Its own part of the critical path; of a shut row also that of what it hides."""
    phases: Sequence[tuple[str, SpanBar]] = ()
    ghost: SpanBar | None = None
    change: int | None = None
    """By how many microseconds it took longer than its counterpart in the other trace."""

    @property
    def node(self) -> Node | None:
        """The span that the row is about; of a group its first."""
        if isinstance(self.entry, Node):
            return self.entry
        return self.entry.members[0] if isinstance(self.entry, Group) else None

    @property
    def own_outline(self) -> str:
        return outline(self.own)

    @property
    def critical_outline(self) -> str:
        return outline(self.critical)

    @property
    def values(self) -> list[list[str]]:
        """The inline values in which the statements of a group differ."""
        if not isinstance(self.entry, Group) or self.kind != "siblings":
            return []
        return parameters([member.span.name for member in self.entry.members])


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """A trace as its page shows it."""

    tree: Tree
    view: View
    selection: Selection
    path: Path
    rows: Sequence[WaterfallRow]
    since: int
    until: int
    shares: Sequence[Share]
    marks: Sequence[PageMark]
    comparison: Comparison | None
    unshown: int
    """Spans that have no row because a page bears only so many."""

    @property
    def length(self) -> int:
        return self.until - self.since

    @property
    def ticks(self) -> list[tuple[float, int]]:
        """Round moments of the axis in microseconds since the trace began, with their places."""
        moments = even_ticks(self.since, self.until)
        return [(100 * (at - self.since) / max(self.length, 1), at) for at in moments]

    @property
    def critical_spans(self) -> int:
        return len(self.path)

    def bar(self, start: int, end: int) -> SpanBar | None:
        """A stretch of time as a part of the window; None outside of it."""
        return Axis(self.since, self.until).bar(start, end)


def waterfall(tree: Tree, view: View, comparison: Comparison | None = None) -> Waterfall:
    """The rows of a trace, at most MOST_ROWS of them."""
    drawing = _Drawing(tree, view, comparison)
    drawing.branches.grow(TOP, MOST_ROWS)
    rows = drawing.rows(TOP, 1)
    since, until = window(tree, view)
    return Waterfall(
        tree=tree,
        view=view,
        selection=drawing.selection,
        path=drawing.path,
        rows=rows,
        since=since,
        until=until,
        shares=time_shares(tree, drawing.gaps),
        marks=marks(tree),
        comparison=comparison,
        unshown=drawing.unshown(rows),
    )


def branch(
    tree: Tree, view: View, comparison: Comparison | None, key: str, *, level: int, skip: int = 0
) -> list[WaterfallRow]:
    """The rows below one row, at most MORE_ROWS, the first of them at `level`."""
    drawing = _Drawing(tree, view, comparison)
    drawing.branches.grow(key, MORE_ROWS, skip)
    return drawing.rows(key, level)


@dataclass(frozen=True, slots=True)
class Axis:
    """The window that bars are drawn in, in microseconds since the trace began."""

    since: int
    until: int

    def bar(self, start: int, end: int) -> SpanBar | None:
        """The part of a stretch that lies in the window; None if there is none."""
        first, last = max(start, self.since), min(end, self.until)
        if first > last:
            return None
        length = self.until - self.since
        x, width = (first - self.since) / length * 100, (last - first) / length * 100
        return SpanBar(round(min(x, 99.9), 3), round(width, 3))

    def bars(self, stretches: Iterable[Interval]) -> list[SpanBar]:
        """The same of many, those nearer to each other than can be seen made one."""
        blur = round((self.until - self.since) * FINEST / 100)
        near = merged((start, max(end, start + 1) + blur) for start, end in stretches)
        drawn = (self.bar(start, max(end - blur, start)) for start, end in near)
        return [bar for bar in drawn if bar is not None]


class _Drawing:
    """What all rows of a trace have in common."""

    def __init__(self, tree: Tree, view: View, comparison: Comparison | None) -> None:
        self.tree = tree
        self.path = critical_path(tree.roots)
        longest = tree.main.duration
        self.gaps = [gap for node in tree.nodes.values() for gap in gaps(node, longest)]
        self._gaps_of: dict[str, list[Gap]] = {}
        for gap in self.gaps:
            self._gaps_of.setdefault(gap.parent.id, []).append(gap)
        self.selection = selected(tree, view, self.path, self.gaps)
        self.branches = Branches(tree, view, self.selection)
        self._view = view
        self._axis = Axis(*window(tree, view))
        self._ghosts: Mapping[str, Ghost] = comparison.ghosts if comparison else {}

    def rows(self, key: str, level: int) -> list[WaterfallRow]:
        """The rows below `key`, each followed by those below it."""
        rows = []
        stack = self._numbered(key, level)
        while stack:
            entry, place = stack.pop()
            row = self._row(entry, place)
            rows.append(row)
            stack.extend(self._numbered(row.key, place.level + 1))
        return rows

    def unshown(self, rows: Collection[WaterfallRow]) -> int:
        """How many selected spans have no row, and are in no group that is shut by choice."""
        if not self.branches.is_capped:
            return 0
        folded = sum(len(r.entry.members) for r in rows if isinstance(r.entry, Group))
        return max(len(self.selection.shown) - sum(r.kind == "span" for r in rows) - folded, 0)

    def _numbered(self, key: str, level: int) -> list[tuple[Entry, Place]]:
        """The entries below a row, the last first."""
        entries = self.branches.open.get(key, ())
        numbered = [(entry, Place(level, n, len(entries))) for n, entry in enumerate(entries, 1)]
        return numbered[::-1]

    def _row(self, entry: Entry, place: Place) -> WaterfallRow:
        if isinstance(entry, Rest):
            label = f"{entry.count:,} more spans"
            return WaterfallRow(
                kind="rest", key=key_of(entry), entry=entry, place=place, label=label
            )
        if isinstance(entry, Gap):
            return self._gap(entry, place)
        return self._spans(entry, place)

    def _gap(self, gap: Gap, place: Place) -> WaterfallRow:
        duration = gap.end - gap.start
        return WaterfallRow(
            kind="gap",
            key=key_of(gap),
            entry=gap,
            place=place,
            label="no instrumentation",
            category=GAP,
            is_match=self._view.category == GAP,
            duration=duration,
            fraction=self._fraction(duration),
            whole=self._axis.bar(gap.start, gap.end),
        )

    def _spans(self, entry: Node | Group, place: Place) -> WaterfallRow:
        members = entry.members if isinstance(entry, Group) else (entry,)
        duration = entry.busy if isinstance(entry, Group) else entry.duration
        is_open = self._is_open(entry)
        ghost = self._ghost(members)
        hides = not is_open and not isinstance(entry, Group)
        return WaterfallRow(
            kind=entry.kind if isinstance(entry, Group) else "span",
            key=key_of(entry),
            entry=entry,
            place=place,
            label=_label(entry),
            category=category_of(members[0]),
            is_open=is_open,
            is_match=any(member.id in self.selection.matches for member in members),
            failed=any(member.failed for member in members),
            failed_below=entry.failed_below if hides and isinstance(entry, Node) else 0,
            hidden=_hidden(entry),
            duration=duration,
            fraction=self._fraction(duration),
            whole=self._axis.bar(entry.start, entry.end),
            own=self._own(entry),
            critical=self._critical(members, with_below=hides),
            phases=self._phases(phases(members[0])) if isinstance(entry, Node) else (),
            ghost=self._axis.bar(ghost.start, ghost.end) if ghost else None,
            change=entry.end - entry.start - ghost.duration if ghost else None,
        )

    def _is_open(self, entry: Node | Group) -> bool | None:
        if not self.branches.below(entry):
            return None
        if isinstance(entry, Group) and entry.kind == "chain":
            return self.branches.is_opened_chain(entry)
        return key_of(entry) in self.branches.open

    def _own(self, entry: Node | Group) -> list[SpanBar]:
        """Self time without gaps, which have their own rows; of a group when each member ran."""
        if isinstance(entry, Node):
            gaps = {(gap.start, gap.end) for gap in self._gaps_of.get(entry.id, ())}
            return self._axis.bars(stretch for stretch in entry.bare if stretch not in gaps)
        if entry.kind == "chain":
            return self._axis.bars(s for member in entry.members for s in member.bare)
        return self._axis.bars((member.start, member.end) for member in entry.members)

    def _critical(self, members: Iterable[Node], *, with_below: bool) -> list[SpanBar]:
        nodes = preorder(members) if with_below else members
        return self._axis.bars(part for node in nodes for part in self.path.get(node.id, ()))

    def _phases(self, phases: Iterable[PagePhase]) -> list[tuple[str, SpanBar]]:
        drawn = ((phase.name, self._axis.bar(phase.start, phase.end)) for phase in phases)
        return [(name, bar) for name, bar in drawn if bar is not None]

    def _ghost(self, members: Iterable[Node]) -> Ghost | None:
        ghosts = [self._ghosts[member.id] for member in members if member.id in self._ghosts]
        if not ghosts:
            return None
        return Ghost(min(g.start for g in ghosts), max(g.end for g in ghosts))

    def _fraction(self, duration: int) -> float | None:
        whole = self.tree.main.duration
        return duration / whole if whole else None


def outline(bars: Iterable[SpanBar]) -> str:
    """Bars as one SVG path, 100 wide and 1 high: a row may have hundreds of pieces."""
    return "".join(f"M{bar.x:g} 0h{max(bar.width, FINEST):g}v1H{bar.x:g}z" for bar in bars)


def label_of(node: Node) -> str:
    """What a span did in one line: its description, else its operation."""
    text = " ".join((node.span.name or node.span.op or "span without a name").split())
    return text if len(text) <= LONGEST_LABEL else text[:LONGEST_LABEL] + "…"


def _label(entry: Node | Group) -> str:
    if isinstance(entry, Node):
        return _short(entry)
    if entry.kind == "chain":
        first, last = entry.members[0], entry.members[-1]
        return f"{_short(first)} → … → {_short(last)}"
    return f"{len(entry.members)}× {_short(entry.members[0])}"


def _short(node: Node) -> str:
    """Its label, from where statements begin to differ: without their columns."""
    label = label_of(node)
    return sql_text.shortened(label) if node.span.category == DB else label


def _hidden(entry: Node | Group) -> int:
    if isinstance(entry, Node):
        return entry.below
    return len(entry.members) - (entry.kind == "chain")
