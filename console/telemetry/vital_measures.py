"""Measures of web vitals: P75 of page loads, from the queries of the vitals pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import and_, func, literal_column, select

from console.telemetry import vitals
from console.telemetry.dialect import nearest_rank
from console.telemetry.measures import Answer, Asked, Measure, Rows, Source
from console.telemetry.question import within
from console.telemetry.scope import Scope
from console.telemetry.tables import page_load
from console.telemetry.vital_splits import REST, Top, VitalsWanted, filters
from console.telemetry.vitals import SHARE
from console.telemetry.web_vitals import BY_NAME

Load = page_load.c
_SINGLE = Rows(
    name="page loads",
    within=lambda scope: and_(
        within(page_load, scope), *filters(page_load, VitalsWanted(text=scope.text))
    ),
    at=Load.timestamp,
    dimensions={name: Load[name] for name in ("page", "device", "environment", "release")},
    heeds=frozenset({"environment", "release", "text"}),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageLoads(Source):
    """Page loads, and for days that are over their rollup, as the pages read them.

    Where rollups may answer for whole days, one more small statement asks which days have one.
    Series by a dimension, and loads without an environment or release, are counted from page loads
    alone. The `number` of a measure is a web vital's name.
    """

    def answer(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> list[list[Answer]]:
        """The answers of each measure."""
        where = {name: value for name, value in asked.where.items() if isinstance(value, str)}
        is_series_by = asked.by is not None and asked.seconds is not None
        is_unnamed = "" in (where.get("environment"), where.get("release"))
        if is_series_by or is_unnamed or len(where) < len(asked.where):
            return _SINGLE.answer(scope, [_of_each(measure.number) for measure in measures], asked)
        narrowed = _narrowed(scope, where)
        if narrowed is None:
            return [[] for _ in measures]
        wanted = VitalsWanted(
            page=where.get("page"), device=where.get("device", ""), text=scope.text
        )
        names = [measure.number for measure in measures]
        if asked.seconds is not None:
            trends = vitals.trends(narrowed, wanted, names, asked.seconds)
            return [list(_course(trends[name].vitals)) for name in names]
        top = _top(narrowed, wanted, asked.by, asked.limit) if asked.by is not None else None
        parts = vitals.readings(narrowed, wanted, names, top)
        return [list(_parts(parts, name)) for name in names]


PAGE_LOADS = PageLoads(name=_SINGLE.name, dimensions=_SINGLE.dimensions, heeds=_SINGLE.heeds)


def p75(name: str) -> Measure:
    """P75 of a web vital in milliseconds, or CLS's score; samples are loads that measured it."""
    return Measure(PAGE_LOADS, name, None)


def _top(scope: Scope, wanted: VitalsWanted, by: str, limit: int) -> Top:
    """The values of a dimension with most page loads."""
    column = Load[by]
    mine = and_(within(page_load, scope), *filters(page_load, wanted))
    largest = select(column).where(mine).group_by(column).order_by(func.count().desc(), column)
    return Top(by, largest.limit(limit).correlate(None).scalar_subquery())


def _narrowed(scope: Scope, where: Mapping[str, str]) -> Scope | None:
    """The scope with the filters of the question; None if they exclude each other."""
    environment = where.get("environment", scope.environment)
    release = where.get("release", scope.release)
    if scope.environment not in ("", environment) or scope.release not in ("", release):
        return None
    return replace(scope, environment=environment, release=release)


def _of_each(name: str) -> Measure:
    """P75 of single page loads, to half a per cent."""
    vital = BY_NAME[name]
    number = nearest_rank(Load[vital.bucket_column], literal_column(str(SHARE)))
    return Measure(_SINGLE, number, func.count(Load[vital.bucket_column]), vital.fine_value)


def _course(moments: Sequence[vitals.Vital | None]) -> Iterator[Answer]:
    for number, vital in enumerate(moments):
        if vital:
            yield Answer("", number, vital.p75, vital.loads, vital.loads)


def _parts(parts: Sequence[vitals.Vitals], name: str) -> Iterator[Answer]:
    for part in parts:
        if vital := part.metrics.get(name):
            value = None if part.name == REST else part.name
            yield Answer(value, 0, vital.p75, vital.loads, part.loads)
