"""Rounds of a recursion in a stack: the same calls again and again, of which two say enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F")
LONGEST_ROUND = 12  # calls
FEWEST = 4  # rounds, before any of them are folded


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds of a recursion that are left out between its first and its last: `calls` are one's."""

    calls: int
    rounds: int


def with_rounds(frames: Sequence[F], keys: Sequence[Any]) -> Iterator[F | Rounds]:
    """The frames, of whose recursions the innermost and the outermost round are left.

    `keys` are what makes two calls the same.
    """
    index = 0
    while index < len(frames):
        calls, rounds = _recursion(keys, index)
        if rounds < FEWEST:
            yield frames[index]
            index += 1
            continue
        end = index + calls * rounds
        yield from frames[index : index + calls]
        yield Rounds(calls, rounds - 2)
        yield from frames[end - calls : end]
        index = end


def _recursion(keys: Sequence[Any], start: int) -> tuple[int, int]:
    """The calls of a round that begins here, and how many rounds follow one another."""
    best = (1, 1)
    for calls in range(1, LONGEST_ROUND + 1):
        end = start + calls
        while end < len(keys) and keys[end] == keys[end - calls]:
            end += 1
        rounds = (end - start) // calls
        if rounds >= FEWEST and rounds * calls > best[0] * best[1]:
            best = (calls, rounds)
    return best
