"""Which rows of a trace are open: as many as fit on a page, groups first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

from console.performance.traces.groups import Gap, Group, Item, grouped, items
from console.performance.traces.selection import Selection, View
from console.performance.traces.tree import Node, Tree

TOP = ""
"""The key of the trace itself, above its roots."""
WORTH_OPENING = 20


@dataclass(frozen=True, slots=True)
class Rest:
    """The part of a branch that does not fit; `key` names the branch, `skip` entries are shown."""

    key: str
    count: int
    skip: int


Entry: TypeAlias = Item | Rest


class Branches:
    """The branches of a trace that are open, by their key, within a budget of rows."""

    def __init__(self, tree: Tree, view: View, selection: Selection) -> None:
        """Begin with all branches shut."""
        self._tree, self._view, self._selection = tree, view, selection
        self._longest = tree.main.duration
        self._in_chain: set[str] = set()
        self._below: dict[str, Sequence[Item]] = {}
        self.open: dict[str, Sequence[Entry]] = {}
        self.is_capped = False

    def grow(self, key: str, budget: int, skip: int = 0) -> None:
        """Open the branch `key` and what is below it, the upper levels first.

        Branches that a person opened come before all others. Of a branch that does not fit, the
        groups, then failures, then the longest spans are kept, without the first `skip` of these.
        """
        order = count()
        waiting: list[tuple[bool, int, int, str, Sequence[Item]]] = []
        heappush(waiting, (False, 0, next(order), key, self._of_key(key)))
        while waiting and budget > 0:
            _, level, _, branch, below = heappop(waiting)
            is_first = level == 0
            taken = self._fitting(branch, below, budget, skip if is_first else 0, force=is_first)
            if not taken:
                self.is_capped = True
                continue
            self.open[branch] = taken
            budget -= len(taken)
            for item in taken:
                item_key = key_of(item)
                below = self.below(item) if self._is_wanted(item) else ()
                if below:
                    entry = (
                        item_key not in self._view.opened,
                        level + 1,
                        next(order),
                        item_key,
                        below,
                    )
                    heappush(waiting, entry)
        self.is_capped |= bool(waiting)

    def below(self, entry: Entry) -> Sequence[Item]:
        """The selected items below an entry."""
        if isinstance(entry, Gap | Rest):
            return ()
        key = key_of(entry)
        if key not in self._below:
            self._below[key] = self._kept(self._items(entry))
        return self._below[key]

    def is_opened_chain(self, entry: Entry) -> bool:
        """Whether a chain shows its members one by one."""
        return is_chain(entry) and key_of(entry) in self._view.opened

    def _items(self, item: Node | Group) -> Sequence[Item]:
        if isinstance(item, Node):
            return items(item, self._longest, in_chain=item.id in self._in_chain)
        if item.kind == "siblings":
            return item.members
        if self.is_opened_chain(item):
            self._in_chain.update(member.id for member in item.members[:-1])
            return item.members[:1]
        return items(item.members[-1], self._longest)

    def _kept(self, items: Iterable[Item]) -> list[Item]:
        shown = self._selection.shown
        return [
            item
            for item in items
            if (isinstance(item, Gap) and item.id in self._selection.gaps)
            or (isinstance(item, Node) and item.id in shown)
            or (isinstance(item, Group) and any(m.id in shown for m in item.members))
        ]

    def _is_wanted(self, entry: Entry) -> bool:
        """Whether a branch is open unless there is no room."""
        if isinstance(entry, Gap | Rest):
            return False
        key = key_of(entry)
        if isinstance(entry, Group) and entry.kind == "siblings":
            return key in self._view.opened
        return key not in self._view.shut

    def _fitting(
        self, key: str, below: Sequence[Item], budget: int, skip: int, *, force: bool
    ) -> Sequence[Entry]:
        """The entries of a branch that fit; none if it is better left shut."""
        if not skip and len(below) <= budget:
            return below
        if not force and budget < WORTH_OPENING:
            return ()
        ranked = sorted(below, key=_weight)[skip:]
        if len(ranked) <= budget:
            return sorted(ranked, key=lambda item: item.start)
        self.is_capped = True
        room = budget - 1
        rest = Rest(key, len(ranked) - room, skip + room)
        return [*sorted(ranked[:room], key=lambda item: item.start), rest]

    def _of_key(self, key: str) -> Sequence[Item]:
        """The items below the row with this key; [] if there is no such row."""
        if key == TOP:
            return self._kept(grouped(self._tree.roots))
        node = self._tree.nodes.get(key[-16:])
        if node is None:
            return ()
        if len(key) == 16:
            return self.below(node)
        siblings = node.parent.children if node.parent else self._tree.roots
        for item in grouped(siblings):
            if key_of(item) == key:
                return self.below(item)
        return ()


def key_of(entry: Entry) -> str:
    """The key of a row in addresses: a span id, with the prefix g for a group, c for a chain."""
    if isinstance(entry, Rest):
        return f"{entry.key}-{entry.skip}"
    if isinstance(entry, Group):
        return ("c" if entry.kind == "chain" else "g") + entry.id
    return entry.id


def is_chain(entry: Entry) -> bool:
    """Whether an entry is a chain of only children."""
    return isinstance(entry, Group) and entry.kind == "chain"


def _weight(item: Item) -> tuple[bool, bool, int]:
    """Orders items by importance, for branches that do not fit."""
    if isinstance(item, Node):
        return True, not (item.failed or item.failed_below), item.start - item.end
    return False, not isinstance(item, Group), item.start - item.end
