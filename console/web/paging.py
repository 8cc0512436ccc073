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
    page_size: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // self.page_size))


def first_row(page_size: int) -> int:
    """How many rows stand on the pages before the one that the address asks for."""
    return (counted("page") - 1) * page_size


def numbered(rows: Sequence[T], page_size: int) -> Numbered[T]:
    """The page of `rows` that the address asks for, the last one beyond the end."""
    number = min(counted("page"), -(-len(rows) // page_size) or 1)
    return Numbered(
        rows[(number - 1) * page_size : number * page_size], number, len(rows), page_size
    )
