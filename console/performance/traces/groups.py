"""The entries below a span: child spans, groups of similar ones, and unexplained gaps."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from console.performance.names import INTERFACES, RESOURCE, WAITING
from console.performance.traces.tree import Node, merged
from console.telemetry.spans import SpanRow

ALIKE = 5
CHAIN = 3
GAP_US = 100_000
GAP_SHARE = 0.05
BROWSER = "javascript"
_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w.$:@?])-?\d+(?:\.\d+)?\b")


@dataclass(frozen=True, slots=True)
class Gap:
    """A long part of a span's time that no child span explains."""

    parent: Node
    start: int
    end: int

    @property
    def id(self) -> str:
        return f"{self.parent.id}-{self.start}"


@dataclass(frozen=True, slots=True)
class Group:
    """Spans shown as one: similar leaves, or a chain in which each span calls the next."""

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
        """Microseconds in which at least one member ran."""
        return sum(end - start for start, end in merged((m.start, m.end) for m in self.members))

    @property
    def failed(self) -> int:
        return sum(member.failed for member in self.members)


Item: TypeAlias = Node | Gap | Group


def items(node: Node, longest: int, *, in_chain: bool = False) -> list[Item]:
    """Child spans, groups and gaps of a node by start; `longest` is the duration of the root.

    A node `in_chain` belongs to an opened chain, whose rest is not grouped again.
    """
    below: list[Item] = list(node.children) if in_chain else grouped(node.children)
    return sorted([*gaps(node, longest), *below], key=lambda item: item.start)


def grouped(nodes: Iterable[Node]) -> list[Item]:
    """The nodes, with five or more similar leaves, and chains of three or more, as groups."""
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
    """The long parts of a node's time that nothing below explains.

    The main thread of a browser or an app is not traced as a whole: pages would be all gaps. A
    client that waits for an answer explains the time by that: what serves its call has its own
    span.
    """
    span = node.span
    is_page = span.category in INTERFACES | {RESOURCE} or span.platform == BROWSER
    if not node.children or is_page or waits(span):
        return []
    least = max(GAP_US, longest * GAP_SHARE)
    return [Gap(node, start, end) for start, end in node.bare if end - start >= least]


def waits(span: SpanRow) -> bool:
    """Whether a span is a client's: in its time the program waits for an answer."""
    return span.category in WAITING or (span.kind in {"client", "producer"} and not span.is_segment)


def kind_of(node: Node) -> tuple[str, str]:
    """What similar spans share: statement or call, else operation and description."""
    span = node.span
    if span.fingerprint:
        return span.category, span.fingerprint
    return span.op, span.name


def parameters(names: Sequence[str]) -> list[list[str]]:
    """The inline values in which statements of one shape differ, by their place in the text."""
    literals = [_LITERAL.findall(name) for name in names]
    if len({len(values) for values in literals}) != 1:
        return []
    places = [list(dict.fromkeys(values)) for values in zip(*literals, strict=True)]
    return [values for values in places if len(values) > 1]


def _chain(node: Node) -> list[Node]:
    """The node and its only descendants with the same operation, each the only child."""
    chain = [node]
    while len(chain[-1].children) == 1:
        only = chain[-1].children[0]
        if only.span.op != node.span.op or not node.span.op or only.failed or only.span.is_segment:
            break
        chain.append(only)
    return chain if not node.failed else [node]
