"""Queries about web vitals by page, device and release.

Past days are read from their rollup where there is one, everything else from the page loads
themselves. How many loads were good or poor is exact; P75 from page loads is exact to half a per
cent, from rollups it is interpolated within a bucket of 4 %. Values are milliseconds; CLS is a
score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.types import SmallInteger

from console.telemetry.days import DAY, begins_day, outside
from console.telemetry.dialect import UtcTimestamp, nearest_rank
from console.telemetry.question import ORGANIZATION, PROJECT, SINCE, ask, buckets, within
from console.telemetry.records import PIECE
from console.telemetry.scope import Scope
from console.telemetry.tables import page_load, vital_day
from console.telemetry.vital_splits import (
    By,
    Split,
    Steps,
    Top,
    VitalsWanted,
    column_of,
    filters,
    part_of,
)
from console.telemetry.web_vitals import BY_NAME, FINE, METRICS, WebVital

Load = page_load.c
LOADS = ""
"""The metric under which all page loads are counted, whatever they measured."""
LEVELS: Mapping[str, tuple[str, ...]] = {
    "device": ("device",),
    "release": ("release",),
    "page": ("page",),
    "page and device": ("page", "device"),
}
"""The columns of each level of the rollup besides the environment, the smallest level first.

A level with all columns would have more rows than there are page loads: for 200 pages on three
devices, 10 M loads made 14 M rows. Queries that no level answers read the page loads.
"""
SMALLEST = "device"
Times: TypeAlias = tuple[datetime, datetime]
SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Vital:
    """One metric over many page loads: P75, and how many loads were good, fair and poor."""

    metric: str
    p75: float
    good: int
    needs_improvement: int
    poor: int

    @property
    def loads(self) -> int:
        """How many page loads measured it."""
        return self.good + self.needs_improvement + self.poor


@dataclass(frozen=True, slots=True)
class Vitals:
    """The vitals of a group of page loads; `name` is their page, device or release, or ""."""

    name: str
    loads: int
    """How many page loads there were, whatever they measured."""
    metrics: dict[str, Vital]
    """By the metric's name: LCP, INP, CLS, FCP, TTFB, FID."""


@dataclass(frozen=True, slots=True)
class VitalMoments:
    """One metric per time bucket; None where nothing measured it."""

    starts: Sequence[datetime]
    vitals: Sequence[Vital | None]


def overview(scope: Scope, wanted: VitalsWanted) -> Vitals:
    """All page loads of the scope together."""
    whole = _vitals(scope, wanted, literal(""))
    return whole[0] if whole else Vitals("", 0, {})


def readings(
    scope: Scope, wanted: VitalsWanted, metrics: Sequence[str], top: Top | None = None
) -> list[Vitals]:
    """Some metrics of all page loads together, or of each value that `top` asks for."""
    return _vitals(scope, wanted, top or literal(""), [BY_NAME[name] for name in metrics])


def by(scope: Scope, wanted: VitalsWanted, dimension: By, limit: int = 200) -> list[Vitals]:
    """The page loads by page, device or release, those with most loads first."""
    parts = _vitals(scope, wanted, dimension)
    return sorted(parts, key=lambda part: (-part.loads, part.name))[:limit]


def trend(scope: Scope, wanted: VitalsWanted, metric: str, seconds: int) -> VitalMoments:
    """One metric per time bucket; whole UTC days are many times as fast as shorter buckets."""
    return trends(scope, wanted, [metric], seconds)[metric]


def trends(
    scope: Scope, wanted: VitalsWanted, metrics: Sequence[str], seconds: int
) -> dict[str, VitalMoments]:
    """The same for several metrics, by one query."""
    starts = buckets(scope, seconds)
    moments_of: dict[str, list[Vital | None]] = {name: [None] * len(starts) for name in metrics}
    # A rollup lies at the start of its day: steps of a day from another hour would misplace it.
    for step in _vitals(scope, wanted, Steps(seconds), [BY_NAME[name] for name in metrics]):
        for name, vital in step.metrics.items():
            moments_of[name][int(step.name)] = vital
    return {name: VitalMoments(starts, moments) for name, moments in moments_of.items()}


def trends_of_each(
    scope: Scope, wanted: VitalsWanted, metric: str, steps: Steps
) -> dict[str, list[float | None]]:
    """P75 of one metric per time bucket and name of `steps`: all sparklines of a table at once."""
    nothing: list[float | None] = [None] * len(buckets(scope, steps.seconds))
    courses = {name: nothing.copy() for name in steps.names}
    for part in _vitals(scope, wanted, steps, [BY_NAME[metric]]) if courses else ():
        number, name = steps.read(part.name)
        if vital := part.metrics.get(metric):
            courses[name][number] = vital.p75
    return courses


def distribution(scope: Scope, wanted: VitalsWanted, metric: str) -> dict[int, int]:
    """How many page loads lie in each bucket of a metric."""
    days = _rolled_up_days(scope, wanted, literal(""))
    counted = _counted(scope, wanted, literal(""), [BY_NAME[metric]], days, all_loads=False)
    query = select(counted.c.bucket, func.sum(counted.c.loads)).group_by(counted.c.bucket)
    return {number: int(loads) for number, loads in ask(scope, query)}


def rolled_days(scope: Scope) -> list[datetime]:
    """The whole days of the scope that have a rollup."""
    query = (
        select(vital_day.c.timestamp)
        .where(
            vital_day.c.organization_id == ORGANIZATION,
            vital_day.c.project_id == PROJECT,
            vital_day.c.level == SMALLEST,
            vital_day.c.timestamp >= SINCE,
            vital_day.c.timestamp <= scope.until - DAY,
        )
        .distinct()
        .order_by(vital_day.c.timestamp)
    )
    return [at for (at,) in ask(scope, query)]


def _vitals(
    scope: Scope,
    wanted: VitalsWanted,
    split: Split,
    metrics: Sequence[WebVital] = METRICS,
) -> list[Vitals]:
    """P75 and ratings of each part that the page loads are split into."""
    days = _rolled_up_days(scope, wanted, split)
    if not days:
        return _of_page_loads(scope, wanted, split, metrics)
    counted = _counted(scope, wanted, split, metrics, days, all_loads=True)
    split_, metric, number = counted.c.split, counted.c.metric, counted.c.bucket
    loads = func.sum(counted.c.loads).label("loads")
    summed = select(split_, metric, number, loads).group_by(split_, metric, number).subquery()
    partition, total = (summed.c.split, summed.c.metric), func.sum(summed.c.loads)
    ranked = select(
        *summed.c,
        total.over(partition_by=partition, order_by=summed.c.bucket).label("up_to"),
        total.over(partition_by=partition).label("total"),
    ).subquery()
    at, n = ranked.c.bucket, ranked.c.loads
    reached = ranked.c.up_to >= SHARE * ranked.c.total
    last_fair = case({vital.name: vital.steps for vital in METRICS}, value=ranked.c.metric, else_=0)
    query = select(
        ranked.c.split,
        ranked.c.metric,
        func.min(at).filter(reached),
        func.arg_min(n, at).filter(reached),
        func.min(ranked.c.up_to).filter(reached),
        func.coalesce(func.sum(n).filter(at <= 0), 0),
        func.coalesce(func.sum(n).filter(at > 0, at <= last_fair), 0),
        func.coalesce(func.sum(n).filter(at > last_fair), 0),
    ).group_by(ranked.c.split, ranked.c.metric)
    by_name: dict[str, tuple[int, dict[str, Vital]]] = {}
    for name, metric_name, number_, within_, up_to, good, fair, poor in ask(scope, query):
        count, vitals = by_name.get(str(name), (0, {}))
        if metric_name == LOADS:
            count = int(good)
        else:
            place = ceil(SHARE * (good + fair + poor)) - (up_to - within_) - 0.5
            p75 = BY_NAME[metric_name].value_in(number_, float(place / within_))
            vitals[metric_name] = Vital(metric_name, p75, int(good), int(fair), int(poor))
        by_name[str(name)] = (count, vitals)
    return [Vitals(name, count, vitals) for name, (count, vitals) in by_name.items()]


def _counted(
    scope: Scope,
    wanted: VitalsWanted,
    split: Split,
    metrics: Sequence[WebVital],
    days: Sequence[datetime],
    *,
    all_loads: bool,
) -> CTE:
    """Rows of (split, metric, bucket, loads) from rollups and page loads, to be summed up."""
    names = [metric.name for metric in metrics] + [LOADS] * all_loads
    gaps = outside([(day, day + DAY) for day in days], scope.since, scope.until)
    parts = [_of_loads(scope, wanted, split, gap, name) for gap in gaps for name in names]
    if days:
        level = _level(scope, wanted, split)
        parts.append(_of_rollups(scope, wanted, split, level, days, names))
    return union_all(*parts).cte("counted")


def _rolled_up_days(scope: Scope, wanted: VitalsWanted, split: Split) -> list[datetime]:
    """The days whose rollup can answer the query."""
    if isinstance(split, Steps) and not (split.are_days and begins_day(scope.since)):
        return []
    return rolled_days(scope) if _level(scope, wanted, split) else []


def _of_page_loads(
    scope: Scope, wanted: VitalsWanted, split: Split, metrics: Sequence[WebVital]
) -> list[Vitals]:
    """The same from page loads alone, in one pass over them."""
    columns: list[ColumnElement[Any]] = []
    for metric in metrics:
        at = Load[metric.bucket_column]
        # As parameters they would have a larger type, and every row would be cast to it.
        limits: list[ColumnElement[int]] = [
            literal_column(str(limit)) for limit in (0, metric.steps * FINE)
        ]
        up_to = [func.count().filter(at <= limit) for limit in limits]
        columns += [nearest_rank(at, literal_column(str(SHARE))), *up_to, func.count(at)]
    query = (
        select(
            part_of(page_load, split).label("split"),
            func.count().filter(Load.source != PIECE),
            *columns,
        )
        .where(within(page_load, scope), *filters(page_load, wanted, split))
        .having(func.count() > 0)
    )
    if isinstance(split, str | Top | Steps):  # to group by a constant takes half as long again
        query = query.group_by("split")
    parts = []
    for name, loads, *figures in ask(scope, query):
        vitals = {}
        for number, metric in enumerate(metrics):
            at, good, fair, every = figures[4 * number : 4 * number + 4]
            if every:
                ratings = good, fair - good, every - fair
                vitals[metric.name] = Vital(metric.name, metric.fine_value(at), *ratings)
        parts.append(Vitals(str(name), loads, vitals))
    return parts


def _of_loads(
    scope: Scope,
    wanted: VitalsWanted,
    split: Split,
    gap: Times,
    metric: str,
) -> Select[Any, Any, Any, Any]:
    value, at = part_of(page_load, split), bucket_of(metric)
    return (
        select(
            value.label("split"),
            literal(metric).label("metric"),
            at.label("bucket"),
            func.count().label("loads"),
        )
        .where(within(page_load, scope), _between(*gap), *filters(page_load, wanted, split))
        .where(at.is_not(None))
        .group_by("split", "bucket")
    )


def bucket_of(metric: str) -> ColumnElement[Any]:
    """The bucket that a page load counts in for a metric, NULL where it did not measure it."""
    if metric == LOADS:  # a vital alone is no load
        return case((Load.source != PIECE, literal(0, SmallInteger)))
    return cast(func.ceil(Load[BY_NAME[metric].bucket_column] / float(FINE)), SmallInteger)


def _of_rollups(
    scope: Scope,
    wanted: VitalsWanted,
    split: Split,
    level: str,
    days: Sequence[datetime],
    metrics: Sequence[str],
) -> Select[Any, Any, Any, Any]:
    stored = vital_day.c
    return (
        select(
            part_of(vital_day, split).label("split"),
            stored.metric,
            stored.bucket,
            func.sum(stored.loads).label("loads"),
        )
        .where(
            within(vital_day, scope),
            stored.level == level,
            stored.timestamp.in_(list(days)),
            stored.metric.in_(list(metrics)),
            *filters(vital_day, wanted, split),
        )
        .group_by("split", stored.metric, stored.bucket)
    )


def _level(scope: Scope, wanted: VitalsWanted, split: Split) -> str:
    """The smallest level that has all columns of the query; "" if there is none."""
    if wanted.sample > 1:
        return ""
    asked = {
        "release": scope.release,
        "device": wanted.device,
        "page": wanted.text or wanted.page is not None,
    }
    needed = {name for name, filtered in asked.items() if filtered}
    if column := column_of(split):
        needed.add(column)
    needed.discard("environment")  # which every level tells apart
    return next((name for name, told_apart in LEVELS.items() if needed.issubset(told_apart)), "")


def _between(begin: datetime, end: datetime) -> ColumnElement[bool]:
    times = literal(begin, UtcTimestamp), literal(end, UtcTimestamp)
    return and_(Load.timestamp >= times[0], Load.timestamp < times[1])
