"""Which spans of a trace to look at: by what they say, how long they took and when they ran."""

from collections.abc import Collection
from dataclasses import dataclass

from console.performance.names import APP
from console.performance.traces.critical_path import Path
from console.performance.traces.groups import Gap
from console.performance.traces.time_shares import GAP, SHOWN
from console.performance.traces.tree import Node, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a trace is looked at; times are microseconds, what is empty leaves nothing out."""

    since: int | None = None
    until: int | None = None
    text: str = ""
    op: str = ""
    category: str = ""
    server: str = ""
    over: int | None = None
    errors_only: bool = False
    critical_only: bool = False
    opened: frozenset[str] = frozenset()
    shut: frozenset[str] = frozenset()

    @property
    def filters(self) -> bool:
        """Whether spans must have something to be shown, other than the time that they ran in."""
        texts = (self.text, self.op, self.category, self.server)
        return any(texts) or self.over is not None or self.errors_only or self.critical_only

    @property
    def zooms(self) -> bool:
        return self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class Selection:
    """The spans that match, and those that are shown: the ones that match and all above them."""

    matches: Collection[str]
    shown: Collection[str]
    gaps: Collection[str]
    """The ids of the gaps that are shown."""


def selected(tree: Tree, view: View, path: Path, gaps: Collection[Gap]) -> Selection:
    """What a view lets through. The part of the trace before `since` and after `until` is cut."""
    since, until = window(tree, view)
    inside = {n.id for n in tree.nodes.values() if n.start <= until and n.end >= since}
    seen = {gap for gap in gaps if gap.start < until and gap.end > since}
    if view.category == GAP:
        matches: set[str] = set()
        kept = {gap.parent.id for gap in seen}
    elif view.filters:
        matches = {span_id for span_id in inside if _matches(tree.nodes[span_id], view, path)}
        kept, seen = set(matches), set()
    else:
        matches, kept = set(), inside
    for node in reversed(tree.nodes.values()):
        if node.id in kept and node.parent is not None:
            kept.add(node.parent.id)
    return Selection(matches, kept, {gap.id for gap in seen})


def window(tree: Tree, view: View) -> tuple[int, int]:
    """The stretch of the trace that is looked at, a microsecond long at least."""
    since = min(max(view.since or 0, 0), max(tree.duration - 1, 0))
    until = tree.duration if view.until is None else min(view.until, tree.duration)
    return since, max(until, since + 1)


def category_of(node: Node) -> str:
    """The category as pages tell them apart: of a request or task itself it is the application."""
    return node.span.category if node.span.category in SHOWN else APP


def _matches(node: Node, view: View, path: Path) -> bool:
    span = node.span
    text = view.text.lower()
    return (
        (not text or text in span.name.lower() or text in span.op.lower() or text == span.span_id)
        and (not view.op or span.op == view.op)
        and (not view.category or category_of(node) == view.category)
        and (not view.server or span.server_name == view.server)
        and (view.over is None or node.duration >= view.over)
        and (not view.errors_only or node.failed)
        and (not view.critical_only or node.id in path)
    )
