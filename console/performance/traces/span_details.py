"""A span as its panel shows it: what it did, how long that usually takes, what is around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.performance.names import DB
from console.performance.statements.layout import laid_out
from console.performance.traces.critical_path import Path
from console.performance.traces.groups import kind_of
from console.performance.traces.tree import Node
from console.telemetry.spans import Timing

MOST_SIBLINGS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Everything that is known of a span."""

    node: Node
    timing: Timing | None
    critical_us: int
    """Microseconds of its own on the critical path."""

    @property
    def statement(self) -> str:
        """The SQL with a line per clause; "" for what is no database call."""
        return laid_out(self.node.span.name) if self.node.span.category == DB else ""

    @property
    def source(self) -> str:
        """Where in the code it was made, as path:line in function; "" if the client did not say."""
        attributes = self.node.span.attributes
        path = attributes.get("code.file.path") or attributes.get("code.filepath")
        line = attributes.get("code.line.number") or attributes.get("code.lineno")
        function = attributes.get("code.function.name") or attributes.get("code.function")
        where = f"{path}:{line}" if path and line else str(path or "")
        return f"{where} in {function}" if where and function else where or str(function or "")

    @property
    def attributes(self) -> list[tuple[str, Any]]:
        """All attributes by name; lists as text."""
        return [
            (name, ", ".join(map(str, value)) if isinstance(value, list) else value)
            for name, value in sorted(self.node.span.attributes.items())
        ]

    @property
    def alike(self) -> tuple[int, int]:
        """Its number among the siblings that did the same, and how many these are."""
        same = [node for node in self._siblings if kind_of(node) == kind_of(self.node)]
        return same.index(self.node) + 1, len(same)

    @property
    def around(self) -> Sequence[Node]:
        """Its nearest siblings in order of time, itself among them."""
        at = self._siblings.index(self.node)
        first = max(min(at - MOST_SIBLINGS // 2, len(self._siblings) - MOST_SIBLINGS), 0)
        return self._siblings[first : first + MOST_SIBLINGS]

    @property
    def siblings(self) -> int:
        """How many spans the parent calls, this one included."""
        return len(self._siblings)

    @property
    def _siblings(self) -> Sequence[Node]:
        return self.node.parent.children if self.node.parent else [self.node]


def details(node: Node, path: Path, timing: Timing | None) -> Details:
    """What the panel of a span says."""
    own = sum(end - start for start, end in path.get(node.id, ()))
    return Details(node=node, timing=timing, critical_us=own)
