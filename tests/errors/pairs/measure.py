"""How many pairs are told rightly: python -m tests.errors.pairs.measure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.errors.pairs.pair import FOLDER, Pair, pairs

ROUNDS = tuple(sorted(path.name for path in FOLDER.iterdir() if any(path.glob("*.json"))))


@dataclass(frozen=True, slots=True)
class Measured:
    """Pairs of one bug that were put together, pairs of two that were kept apart, and the rest."""

    together: float
    apart: float
    split: Sequence[str]
    merged: Sequence[str]


def measured(pairs_: Sequence[Pair]) -> Measured:
    """What grouping makes of these pairs, as shares from 0 to 1."""
    wrong = [pair for pair in pairs_ if not pair.is_told_rightly()]
    of_one_bug = sum(pair.same for pair in pairs_)
    split = [pair.name for pair in wrong if pair.same]
    merged = [pair.name for pair in wrong if not pair.same]
    return Measured(
        together=1 - len(split) / of_one_bug,
        apart=1 - len(merged) / (len(pairs_) - of_one_bug),
        split=split,
        merged=merged,
    )


if __name__ == "__main__":
    for title in ROUNDS:
        listed = pairs(title)
        result = measured(listed)
        same = sum(pair.same for pair in listed)
        print(f"{title}: {same} pairs of one bug, {result.together:.1%} together;", end=" ")
        print(f"{len(listed) - same} of two, {result.apart:.1%} apart")
        print("  split:", *result.split, "  merged:", *result.merged, sep="\n    ")
