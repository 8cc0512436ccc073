"""Numbered pages of a list: which of them the address asks for, and what stands on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from console.web.ids import counted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Numbered(Generic[T]):
    """One page of a list of `count` rows, `each` of them on a page; `ui.numbered` leads on."""

    rows: Sequence[T]
    number: int
    count: int
    each: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // self.each))


def first_row(each: int) -> int:
    """How many rows stand on the pages before the one that the address asks for."""
    return (counted("page") - 1) * each


def numbered(rows: Sequence[T], each: int) -> Numbered[T]:
    """The page of `rows` that the address asks for, the last one beyond the end."""
    number = min(counted("page"), -(-len(rows) // each) or 1)
    return Numbered(rows[(number - 1) * each : number * each], number, len(rows), each)
