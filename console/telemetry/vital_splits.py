"""How page loads are narrowed and split for the queries about web vitals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, ScalarSelect, String, case, cast

from console.telemetry.dialect import bucket, sampled
from console.telemetry.question import SINCE
from console.telemetry.tables import page_load

By = Literal["page", "device", "release"]
REST = "\0"
"""The name of the page loads beyond the limit of `Top`; no client can send it."""
SECONDS_OF_A_DAY = int(timedelta(days=1).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsWanted:
    """Which page loads: an empty filter passes everything."""

    page: str | None = None
    """A page by its exact name; "" for loads whose page is not known, None for all."""
    text: str = ""
    """Part of the page's name, in any case."""
    device: str = ""
    sample: int = 1
    """One page load in so many is read: enough for P75 where there are very many."""


@dataclass(frozen=True, slots=True)
class Top:
    """The values of a column that `largest` selects, and `REST` for the rest together."""

    column: str
    largest: ScalarSelect[Any]


@dataclass(frozen=True, slots=True)
class Steps:
    """Time buckets of so many seconds, of all page loads or of each of a column's `names`."""

    seconds: int
    column: By | None = None
    names: Sequence[str] = ()

    @property
    def are_days(self) -> bool:
        return self.seconds % SECONDS_OF_A_DAY == 0

    def read(self, name: str) -> tuple[int, str]:
        """The number of the bucket and the column's value that a part's name stands for."""
        number, _, value = name.partition(" ")
        return int(number), value


Split: TypeAlias = By | Top | Steps | ColumnElement[Any]
"""How to split page loads: by a column, its largest values or time buckets, or not."""


def column_of(split: Split) -> str | None:
    """The column that tells the parts of a split apart, besides time."""
    if isinstance(split, Top | Steps):
        return split.column
    return split if isinstance(split, str) else None


def part_of(table: Any, split: Split) -> ColumnElement[Any]:
    """The part that a page load, or a row of their rollup, belongs to."""
    if isinstance(split, Top):
        column = table.c[split.column]
        return case((column.in_(split.largest), column), else_=REST)
    if isinstance(split, Steps):
        number = bucket(table.c.timestamp, SINCE, split.seconds)
        return cast(number, String) + " " + table.c[split.column] if split.column else number
    return table.c[split] if isinstance(split, str) else split


def filters(
    table: Any, wanted: VitalsWanted, split: Split | None = None
) -> list[ColumnElement[bool]]:
    """The conditions of the filters and of a split, for page loads or rows of their rollup."""
    asked = []
    if wanted.page is not None:
        asked.append(table.c.page == wanted.page)
    if wanted.text:
        asked.append(table.c.page.icontains(wanted.text, autoescape=True))
    if wanted.device:
        asked.append(table.c.device == wanted.device)
    if wanted.sample > 1:
        asked.append(sampled(page_load.c.page_id, wanted.sample))
    if isinstance(split, Steps) and split.column:
        asked.append(table.c[split.column].in_(list(split.names)))
    return asked
