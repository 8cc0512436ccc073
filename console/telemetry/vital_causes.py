"""Questions about what made a web vital: elements, interactions and shifts, and the worst loads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    String,
    and_,
    func,
    literal,
    or_,
    select,
    try_cast,
    type_coerce,
)

from console.telemetry.dialect import json_path, json_text, quantiles
from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import page_load
from console.telemetry.vital_splits import VitalsWanted, filters
from console.telemetry.web_vitals import BY_NAME

Load = page_load.c
LOOKED_AT = 20_000
"""How many of the latest page loads are read: attribution is most of what the store holds."""
PARTS = {
    "LCP": ("lcp.ttfb", "lcp.load_delay", "lcp.load_duration", "lcp.render_delay"),
    "INP": ("inp.input_delay", "inp.processing", "inp.presentation"),
    "CLS": ("cls.shift_value", "cls.shift_time"),
}
"""The parts of each metric besides its target: milliseconds, and the value of a shift."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An element that made a metric, in some page loads; `parts` are medians by name."""

    target: str
    detail: str
    """LCP: the address of the resource. INP: the kind of interaction."""
    loads: int
    p75: float
    worst: float
    parts: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class WorstLoad:
    """A page load with one metric's value, and the trace that it is part of, if any."""

    page_id: str
    timestamp: datetime
    value: float
    page: str
    path: str
    device: str
    release: str
    environment: str
    trace_id: str
    target: str


def causes(scope: Scope, wanted: VitalsWanted, metric: str, limit: int = 10) -> list[Cause]:
    """What made a metric in the latest LOOKED_AT loads that report it, most frequent first."""
    column = BY_NAME[metric].column
    scope = _latest(scope, wanted, column)
    names = PARTS[metric]
    latest = (
        select(Load[column].label("value"), Load.attribution)
        .where(_measured(scope, wanted, column), _says(f"{column}.target"))
        .subquery()
    )
    attribution = latest.c.attribution
    detail = {"LCP": "lcp.url", "INP": "inp.type"}.get(metric, "")
    query = (
        select(
            _text(attribution, f"{column}.target").label("target"),
            (_text(attribution, detail) if detail else literal("")).label("detail"),
            func.count().label("loads"),
            quantiles(latest.c.value, 0.75),
            func.max(latest.c.value),
            *[func.median(try_cast(_text(attribution, name), Double)) for name in names],
        )
        .group_by("target", *(["detail"] if detail else []))
        .order_by(func.count().desc(), "target")
        .limit(limit)
    )
    return [
        Cause(target, detail_ or "", loads, p75[0], worst, dict(zip(names, parts, strict=True)))
        for target, detail_, loads, p75, worst, *parts in ask(scope, query)
    ]


def parts(scope: Scope, wanted: VitalsWanted, metric: str) -> tuple[int, dict[str, float | None]]:
    """How many of the latest loads report the parts of a metric, and the median of each part."""
    column, names = BY_NAME[metric].column, PARTS[metric]
    scope = _latest(scope, wanted, column)
    latest = (
        select(Load.attribution)
        .where(
            _measured(scope, wanted, column),
            or_(*[_says(name) for name in names[1:]]),
        )
        .subquery()
    )
    medians = [func.median(try_cast(_text(latest.c.attribution, name), Double)) for name in names]
    ((count, *values),) = ask(scope, select(func.count(), *medians).select_from(latest))
    return count, dict(zip(names, values, strict=True))


def worst(scope: Scope, wanted: VitalsWanted, metric: str, limit: int = 10) -> Sequence[WorstLoad]:
    """The page loads with the highest values of a metric."""
    column = BY_NAME[metric].column
    query = (
        select(
            Load.page_id,
            Load.timestamp,
            Load[column],
            Load.page,
            Load.path,
            Load.device,
            Load.release,
            Load.environment,
            Load.trace_id,
            func.coalesce(_text(Load.attribution, f"{column}.target"), ""),
        )
        .where(_measured(scope, wanted, column))
        .order_by(Load[column].desc(), Load.timestamp.desc(), Load.page_id)
        .limit(limit)
    )
    return [WorstLoad(*row) for row in ask(scope, query)]


def _latest(scope: Scope, wanted: VitalsWanted, column: str) -> Scope:
    """The end of the scope in which the latest LOOKED_AT loads measured a metric.

    It is a separate query, so that older rows are not read at all.
    """
    query = (
        select(Load.timestamp)
        .where(_measured(scope, wanted, column))
        .order_by(Load.timestamp.desc())
        .offset(LOOKED_AT - 1)
        .limit(1)
    )
    rows = list(ask(scope, query))
    return scope.between(rows[0][0], scope.until) if rows else scope


def _measured(scope: Scope, wanted: VitalsWanted, column: str) -> ColumnElement[bool]:
    known = Load[column].is_not(None)
    return and_(within(page_load, scope), known, *filters(page_load, wanted))


def _says(name: str) -> ColumnElement[bool]:
    """Whether an attribution has a key, by its text: rows without it need no JSON parsing."""
    return type_coerce(Load.attribution, String).contains(f'"{name}"')


def _text(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    return json_text(column, json_path(name))
