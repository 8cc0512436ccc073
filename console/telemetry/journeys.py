"""From page to page: which page people open after which, as far as page loads name people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import page_load

BREAK_US = 30 * 60 * 1_000_000
"""Who opens no page for longer has left: the next page begins another visit."""
Load = page_load.c


@dataclass(frozen=True, slots=True)
class Step:
    """How often a page came after another, and how often people left the first one for any."""

    page: str
    following: str
    times: int
    of: int

    @property
    def share(self) -> float:
        """The share of all steps from the page, 0 to 1."""
        return self.times / self.of


def steps(scope: Scope, page: str = "", limit: int = 20) -> list[Step]:
    """The steps that were made most often, of those from `page` if it is given.

    Loads of one person are in the order of their times; to load the same page again is no step.
    """

    def next_of(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.lead(column).over(partition_by=Load.user_key, order_by=Load.timestamp)

    at = func.epoch_us(Load.timestamp)
    loads = (
        select(
            Load.page.label("page"),
            next_of(Load.page).label("following"),
            at.label("at"),
            next_of(at).label("next_at"),
        )
        .where(within(page_load, scope), Load.user_key.is_not(None), Load.page != "")
        .subquery()
    )
    c = loads.c
    counted = (
        select(c.page, c.following, func.count().label("times"))
        .where(c.following.is_not(None), c.following != c.page, c.next_at - c.at < BREAK_US)
        .group_by(c.page, c.following)
        .subquery()
    )
    times = counted.c.times
    whole = func.sum(times).over(partition_by=counted.c.page).label("whole")
    query = select(counted.c.page, counted.c.following, times, whole)
    if page:
        query = query.where(counted.c.page == page)
    ordered = query.order_by(times.desc(), counted.c.page, counted.c.following).limit(limit)
    return [Step(of, to, int(count), int(all_)) for of, to, count, all_ in ask(scope, ordered)]
