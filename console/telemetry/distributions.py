"""Questions about how the events of an issue spread over the values of their tags."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, Subquery, func, literal, select

from console.telemetry.dialect import json_entries, struct_field
from console.telemetry.errors import of_groups
from console.telemetry.facts import COLUMNS
from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import error_event


@dataclass(frozen=True, slots=True)
class Share:
    """One value, how many events have it, and their share (0 to 1) of all events with the key."""

    value: str
    events: int
    share: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """The most frequent values of a key; `events` have the key, `values` may be more than shown."""

    key: str
    events: int
    values: int
    top: tuple[Share, ...]


def tag_distributions(scope: Scope, hashes: Iterable[str], top: int = 10) -> list[Distribution]:
    """The facts of an issue's events, by key; those that most events have come first."""
    columns = [part for name, column in COLUMNS.items() for part in (literal(name), column)]
    entries = (
        select(json_entries(error_event.c.tags, *columns).label("entry"))
        .where(within(error_event, scope), of_groups(hashes))
        .subquery()
    )
    return _distributions(scope, _pairs(entries), top)


def recent_facts(scope: Scope, events: int = 2_000, top: int = 50) -> dict[str, list[str]]:
    """The facts of the latest events of a project: the most frequent values of each name."""
    event = error_event.c
    latest = (
        select(
            event.tags, *[column.label(f"fact_{n}") for n, column in enumerate(COLUMNS.values())]
        )
        .where(within(error_event, scope), event.category == "error")
        .order_by(event.timestamp.desc())
        .limit(events)
        .subquery()
    )
    columns = [
        part
        for number, name in enumerate(COLUMNS)
        for part in (literal(name), latest.c[f"fact_{number}"])
    ]
    entries = select(json_entries(latest.c.tags, *columns).label("entry")).subquery()
    shown = _distributions(scope, _pairs(entries), top)
    return {facts.key: [share.value for share in facts.top] for facts in shown}


def _pairs(entries: Subquery) -> Select[str, str]:
    return select(
        struct_field(entries.c.entry, "key").label("key"),
        struct_field(entries.c.entry, "value").label("value"),
    )


def _distributions(scope: Scope, pairs: Select[str, str], top: int) -> list[Distribution]:
    pair = pairs.subquery()
    counted = (
        select(pair.c.key, pair.c.value, func.count().label("events"))
        .where(pair.c.value != "")
        .group_by(pair.c.key, pair.c.value)
        .subquery()
    )
    key, value, events = counted.c.key, counted.c.value, counted.c.events
    ranked = select(
        key,
        value,
        events,
        func.sum(events).over(partition_by=key).label("total"),
        func.count().over(partition_by=key).label("values"),
        func.row_number().over(partition_by=key, order_by=(events.desc(), value)).label("rank"),
    ).subquery()
    query = (
        select(ranked.c.key, ranked.c.total, ranked.c["values"], ranked.c.value, ranked.c.events)
        .where(ranked.c.rank <= top)
        .order_by(ranked.c.total.desc(), ranked.c.key, ranked.c.rank)
    )
    rows = groupby(ask(scope, query), key=itemgetter(0, 1, 2))
    return [
        _distribution(name, int(total), values, shares) for (name, total, values), shares in rows
    ]


def _distribution(key: str, total: int, values: int, shares: Iterable[Any]) -> Distribution:
    top = tuple(Share(value, events, events / total) for *_, value, events in shares)
    return Distribution(key, total, values, top)
