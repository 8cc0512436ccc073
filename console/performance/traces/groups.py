"""What stands below a span: its children, alike ones as one, and the gaps that none explains."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from console.performance.names import PAGE, RESOURCE
from console.performance.traces.tree import Node, merged

ALIKE = 5
CHAIN = 3
GAP_US = 100_000
GAP_SHARE = 0.05
BROWSER = "javascript"
_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w.$:@?])-?\d+(?:\.\d+)?\b")


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a span's time that no child explains, long enough to ask why."""

    parent: Node
    start: int
    end: int

    @property
    def id(self) -> str:
        return f"{self.parent.id}-{self.start}"


@dataclass(frozen=True, slots=True)
class Group:
    """Spans shown as one: leaves that did the same, or a chain: each only calls the next."""

    kind: Literal["siblings", "chain"]
    members: Sequence[Node]

    @property
    def id(self) -> str:
        return self.members[0].id

    @property
    def start(self) -> int:
        return min(member.start for member in self.members)

    @property
    def end(self) -> int:
        return max(member.end for member in self.members)

    @property
    def busy(self) -> int:
        """Microseconds in which one of the members ran at least."""
        return sum(end - start for start, end in merged((m.start, m.end) for m in self.members))

    @property
    def failed(self) -> int:
        return sum(member.failed for member in self.members)


Item: TypeAlias = Node | Gap | Group


def items(node: Node, longest: int, *, in_chain: bool = False) -> list[Item]:
    """Children, groups and gaps of a node by start; `longest` is the duration of the root.

    Of a node `in_chain`, one that an opened chain shows by itself, the chain goes on as it is.
    """
    below: list[Item] = list(node.children) if in_chain else grouped(node.children)
    return sorted([*gaps(node, longest), *below], key=lambda item: item.start)


def grouped(nodes: Iterable[Node]) -> list[Item]:
    """The nodes, five or more leaves alike as one and three or more in a chain as one."""
    alike: dict[tuple[str, str], list[Node]] = defaultdict(list)
    rest: list[Item] = []
    for node in nodes:
        if node.children:
            chain = _chain(node)
            rest.append(Group("chain", chain) if len(chain) >= CHAIN else node)
        else:
            alike[kind_of(node)].append(node)
    for members in alike.values():
        rest.extend([Group("siblings", members)] if len(members) >= ALIKE else members)
    return sorted(rest, key=lambda item: item.start)


def gaps(node: Node, longest: int) -> list[Gap]:
    """What of a node's time is long, and explained by nothing below it.

    A browser's main thread is not traced as a whole, so pages would be all gaps.
    """
    span = node.span
    if not node.children or span.category in {PAGE, RESOURCE} or span.platform == BROWSER:
        return []
    least = max(GAP_US, longest * GAP_SHARE)
    return [Gap(node, start, end) for start, end in node.bare if end - start >= least]


def kind_of(node: Node) -> tuple[str, str]:
    """What spans must share to be alike: statement or call, else operation and description."""
    span = node.span
    if span.fingerprint:
        return span.category, span.fingerprint
    return span.op, span.name


def parameters(names: Sequence[str]) -> list[list[str]]:
    """The inline values in which statements of one shape differ, by their place in the text."""
    found = [_LITERAL.findall(name) for name in names]
    if len({len(values) for values in found}) != 1:
        return []
    places = [list(dict.fromkeys(values)) for values in zip(*found, strict=True)]
    return [values for values in places if len(values) > 1]


def _chain(node: Node) -> list[Node]:
    """The node and those below it of which each is the only child and does the same operation."""
    chain = [node]
    while len(chain[-1].children) == 1:
        only = chain[-1].children[0]
        if only.span.op != node.span.op or not node.span.op or only.failed or only.span.is_segment:
            break
        chain.append(only)
    return chain if not node.failed else [node]
