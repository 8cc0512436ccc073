"""Precision and recall over the shapes: python -m tests.performance.shapes.measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.performance.shapes.calls import CALLS, OTHER_CALLS
from tests.performance.shapes.fresh_calls import FRESH_CALLS
from tests.performance.shapes.kinds_of_calls import KINDS_OF_CALLS
from tests.performance.shapes.kinds_of_other_calls import KINDS_OF_OTHER_CALLS
from tests.performance.shapes.later_calls import LATER_CALLS
from tests.performance.shapes.later_statements import LATER_STATEMENTS
from tests.performance.shapes.latest_calls import LATEST_CALLS
from tests.performance.shapes.latest_statements import LATEST_STATEMENTS
from tests.performance.shapes.other_statements import OTHER_STATEMENTS
from tests.performance.shapes.public_calls import PUBLIC_CALLS
from tests.performance.shapes.public_other_calls import PUBLIC_OTHER_CALLS
from tests.performance.shapes.public_page_calls import PUBLIC_PAGE_CALLS
from tests.performance.shapes.second_kinds import SECOND_KINDS
from tests.performance.shapes.second_other_kinds import SECOND_OTHER_KINDS
from tests.performance.shapes.shape import REPEATED_CALL, REPEATED_STATEMENT, Shape, findings
from tests.performance.shapes.statements import STATEMENTS
from tests.performance.shapes.third_calls import THIRD_CALLS
from tests.performance.shapes.unseen_calls import UNSEEN_CALLS

SHAPES: Sequence[Shape] = (*STATEMENTS, *OTHER_STATEMENTS, *CALLS, *OTHER_CALLS)
LATER: Sequence[Shape] = (
    *LATER_STATEMENTS,
    *LATER_CALLS,
    *LATEST_STATEMENTS,
    *LATEST_CALLS,
    *UNSEEN_CALLS,
    *FRESH_CALLS,
    *THIRD_CALLS,
    *PUBLIC_CALLS,
    *PUBLIC_OTHER_CALLS,
    *PUBLIC_PAGE_CALLS,
    *KINDS_OF_CALLS,
    *KINDS_OF_OTHER_CALLS,
    *SECOND_KINDS,
    *SECOND_OTHER_KINDS,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """How many shapes were rightly reported, wrongly reported, and missed."""

    right: int
    wrong: Sequence[str]
    missed: Sequence[str]

    @property
    def precision(self) -> float:
        return self.right / ((self.right + len(self.wrong)) or 1)

    @property
    def recall(self) -> float:
        return self.right / ((self.right + len(self.missed)) or 1)


def measured(
    shapes: Sequence[Shape], kinds: frozenset[str], is_right: Callable[[Shape], bool]
) -> Measured:
    """What the detectors say about shapes, against what is right."""
    reported = {shape.name: bool(findings(shape) & kinds) for shape in shapes}
    return Measured(
        right=sum(reported[shape.name] and is_right(shape) for shape in shapes),
        wrong=[shape.name for shape in shapes if reported[shape.name] and not is_right(shape)],
        missed=[shape.name for shape in shapes if is_right(shape) and not reported[shape.name]],
    )


if __name__ == "__main__":
    halves = {
        "known": [shape for shape in SHAPES if not shape.held_out],
        "held out": [shape for shape in SHAPES if shape.held_out],
        "later": LATER,
    }
    for title, half in halves.items():
        for noun, kinds, is_right in (
            ("statements", REPEATED_STATEMENT, lambda shape: shape.statements),
            ("calls", REPEATED_CALL, lambda shape: shape.calls),
        ):
            result = measured(half, kinds, is_right)
            print(f"{title}, {noun}: {len(half)} shapes,", end=" ")
            print(f"precision {result.precision:.2f}, recall {result.recall:.2f}")
            print(f"  wrong: {result.wrong}\n  missed: {result.missed}")
