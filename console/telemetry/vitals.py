"""Questions about web vitals: what visitors felt, by page, device and release, and what made it.

Days that are over are asked of their rollup where there is one, everything else of the page loads
themselves. How many loads were good or poor is exact; P75 of page loads is told to half a per cent,
with rollups it is interpolated within a bucket of 4 %. Values are milliseconds, of CLS a score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    ScalarSelect,
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

from console.telemetry.dialect import UtcTimestamp, bucket, nearest_rank, sampled
from console.telemetry.page_loads import begins_day
from console.telemetry.question import ORGANIZATION, PROJECT, SINCE, ask, buckets, within
from console.telemetry.scope import Scope
from console.telemetry.tables import page_load, vital_day
from console.telemetry.web_vitals import BY_NAME, FINE, METRICS, WebVital

Load = page_load.c
By = Literal["page", "device", "release"]
Split: TypeAlias = "By | Top | int | ColumnElement[Any]"
"""A column, its largest values, the seconds of a time bucket, or one value for all."""
OTHER = "\0"
"""What `Top` calls the page loads beyond its limit; no client can send it."""
LOADS = ""
"""The metric under which all page loads are counted, whatever they measured."""
LEVELS: Mapping[str, tuple[str, ...]] = {
    "device": ("device",),
    "release": ("release",),
    "page": ("page",),
    "page and device": ("page", "device"),
}
"""What each level of the rollup tells apart besides environments, the smallest level first.

One with everything would have more rows than there are page loads: 200 pages on three devices had
14 M of 10 M loads. What no level tells is asked of the page loads.
"""
SMALLEST = "device"
Times: TypeAlias = tuple[datetime, datetime]
SHARE = 0.75
DAY = timedelta(days=1)
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Vital:
    """One metric over many page loads: P75, and how many loads were good, so-so and poor."""

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
    """All that is known of some page loads; `name` is their page, device or release, or ""."""

    name: str
    loads: int
    """How many page loads there were, whatever they measured."""
    metrics: dict[str, Vital]
    """By the metric's name: LCP, INP, CLS, FCP, TTFB, FID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsWanted:
    """Which page loads: an empty filter passes everything."""

    page: str | None = None
    """A page by its exact name; "" for loads whose page is not known, None for all."""
    text: str = ""
    """Part of the page's name, in any case."""
    device: str = ""
    sample: int = 1
    """One page load in so many is looked at: enough for P75 where there are very many."""


@dataclass(frozen=True, slots=True)
class VitalMoments:
    """One metric per time bucket; None where nothing measured it."""

    starts: Sequence[datetime]
    vitals: Sequence[Vital | None]


@dataclass(frozen=True, slots=True)
class Top:
    """The values of a column that `largest` selects, and `OTHER` for the rest together."""

    column: str
    largest: ScalarSelect[Any]


def overview(scope: Scope, wanted: VitalsWanted) -> Vitals:
    """All page loads of the scope together."""
    found = _vitals(scope, wanted, literal(""))
    return found[0] if found else Vitals("", 0, {})


def readings(
    scope: Scope, wanted: VitalsWanted, metrics: Sequence[str], top: Top | None = None
) -> list[Vitals]:
    """Some metrics of all page loads together, or of each value that `top` asks for."""
    return _vitals(scope, wanted, top or literal(""), [BY_NAME[name] for name in metrics])


def by(scope: Scope, wanted: VitalsWanted, dimension: By, limit: int = 200) -> list[Vitals]:
    """The page loads by page, device or release, those with most loads first."""
    found = _vitals(scope, wanted, dimension)
    return sorted(found, key=lambda one: (-one.loads, one.name))[:limit]


def trend(scope: Scope, wanted: VitalsWanted, metric: str, seconds: int) -> VitalMoments:
    """One metric per time bucket; whole UTC days are many times as quick as shorter steps."""
    return trends(scope, wanted, [metric], seconds)[metric]


def trends(
    scope: Scope, wanted: VitalsWanted, metrics: Sequence[str], seconds: int
) -> dict[str, VitalMoments]:
    """The same of several metrics, asked at once."""
    starts = buckets(scope, seconds)
    found: dict[str, list[Vital | None]] = {name: [None] * len(starts) for name in metrics}
    # A rollup lies at the start of its day: steps of a day from another hour would misplace it.
    for one in _vitals(scope, wanted, seconds, [BY_NAME[name] for name in metrics]):
        for name, vital in one.metrics.items():
            found[name][int(one.name)] = vital
    return {name: VitalMoments(starts, moments) for name, moments in found.items()}


def distribution(scope: Scope, wanted: VitalsWanted, metric: str) -> dict[int, int]:
    """How many page loads lie in each bucket of a metric."""
    days = _days_told(scope, wanted, literal(""))
    counted = _counted(scope, wanted, literal(""), [BY_NAME[metric]], days, all_loads=False)
    query = select(counted.c.bucket, func.sum(counted.c.loads)).group_by(counted.c.bucket)
    return {number: int(loads) for number, loads in ask(scope, query)}


def rolled_days(scope: Scope) -> list[datetime]:
    """The days that lie in the scope whole and are told by their rollup."""
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
    days = _days_told(scope, wanted, split)
    if not days:
        return _of_page_loads(scope, wanted, split, metrics)
    counted = _counted(scope, wanted, split, metrics, days, all_loads=True)
    split_, metric, number = counted.c.split, counted.c.metric, counted.c.bucket
    loads = func.sum(counted.c.loads).label("loads")
    summed = select(split_, metric, number, loads).group_by(split_, metric, number).subquery()
    each, total = (summed.c.split, summed.c.metric), func.sum(summed.c.loads)
    ranked = select(
        *summed.c,
        total.over(partition_by=each, order_by=summed.c.bucket).label("up_to"),
        total.over(partition_by=each).label("total"),
    ).subquery()
    at, n = ranked.c.bucket, ranked.c.loads
    reached = ranked.c.up_to >= SHARE * ranked.c.total
    last_fair = case({one.name: one.steps for one in METRICS}, value=ranked.c.metric, else_=0)
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
    found: dict[str, tuple[int, dict[str, Vital]]] = {}
    for name, which, number_, within_, up_to, good, fair, poor in ask(scope, query):
        count, vitals = found.get(str(name), (0, {}))
        if which == LOADS:
            count = int(good)
        else:
            place = ceil(SHARE * (good + fair + poor)) - (up_to - within_) - 0.5
            p75 = BY_NAME[which].value_in(number_, float(place / within_))
            vitals[which] = Vital(which, p75, int(good), int(fair), int(poor))
        found[str(name)] = (count, vitals)
    return [Vitals(name, count, vitals) for name, (count, vitals) in found.items()]


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
    names = [one.name for one in metrics] + [LOADS] * all_loads
    gaps = _gaps(scope, days)
    parts = [_of_loads(scope, wanted, split, gap, name) for gap in gaps for name in names]
    if days:
        level = _level(scope, wanted, split)
        parts.append(_of_rollups(scope, wanted, split, level, days, names))
    return union_all(*parts).cte("counted")


def _days_told(scope: Scope, wanted: VitalsWanted, split: Split) -> list[datetime]:
    """The days whose rollup tells what is asked."""
    steps_in_days = isinstance(split, int) and split % DAY_SECONDS == 0 and begins_day(scope.since)
    if isinstance(split, int) and not steps_in_days:
        return []
    return rolled_days(scope) if _level(scope, wanted, split) else []


def _of_page_loads(
    scope: Scope, wanted: VitalsWanted, split: Split, metrics: Sequence[WebVital]
) -> list[Vitals]:
    """The same from page loads alone, which one look at each is enough for."""
    columns: list[ColumnElement[Any]] = []
    for metric in metrics:
        at = Load[metric.bucket_column]
        # As parameters they would be of a larger type, which each row would be cast to.
        limits: list[ColumnElement[int]] = [
            literal_column(str(limit)) for limit in (0, metric.steps * FINE)
        ]
        up_to = [func.count().filter(at <= limit) for limit in limits]
        columns += [nearest_rank(at, literal_column(str(SHARE))), *up_to, func.count(at)]
    query = (
        select(_split(page_load, split).label("split"), func.count(), *columns)
        .where(within(page_load, scope), *filters(page_load, wanted))
        .having(func.count() > 0)
    )
    if isinstance(split, int | str | Top):  # to group by a constant takes half as long again
        query = query.group_by("split")
    found = []
    for name, loads, *figures in ask(scope, query):
        vitals = {}
        for number, metric in enumerate(metrics):
            at, good, fair, every = figures[4 * number : 4 * number + 4]
            if every:
                ratings = good, fair - good, every - fair
                vitals[metric.name] = Vital(metric.name, metric.fine_value(at), *ratings)
        found.append(Vitals(str(name), loads, vitals))
    return found


def _of_loads(
    scope: Scope,
    wanted: VitalsWanted,
    split: Split,
    gap: Times,
    metric: str,
) -> Select[Any, Any, Any, Any]:
    value, at = _split(page_load, split), bucket_of(metric)
    return (
        select(
            value.label("split"),
            literal(metric).label("metric"),
            at.label("bucket"),
            func.count().label("loads"),
        )
        .where(within(page_load, scope), _between(*gap), *filters(page_load, wanted))
        .where(at.is_not(None))
        .group_by("split", "bucket")
    )


def bucket_of(metric: str) -> ColumnElement[Any]:
    """The bucket that a page load counts in for a metric, NULL where it did not measure it."""
    if metric == LOADS:
        return literal(0, SmallInteger)
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
            _split(vital_day, split).label("split"),
            stored.metric,
            stored.bucket,
            func.sum(stored.loads).label("loads"),
        )
        .where(
            within(vital_day, scope),
            stored.level == level,
            stored.timestamp.in_(list(days)),
            stored.metric.in_(list(metrics)),
            *filters(vital_day, wanted),
        )
        .group_by("split", stored.metric, stored.bucket)
    )


def _level(scope: Scope, wanted: VitalsWanted, split: Split) -> str:
    """The smallest level that tells apart what is asked about; "" if none does."""
    if wanted.sample > 1:
        return ""
    asked = {
        "release": scope.release,
        "device": wanted.device,
        "page": wanted.text or wanted.page is not None,
    }
    needed = {name for name, filtered in asked.items() if filtered}
    if isinstance(split, str | Top):
        needed.add(split if isinstance(split, str) else split.column)
    needed.discard("environment")  # which every level tells apart
    return next((name for name, told in LEVELS.items() if needed.issubset(told)), "")


def _split(table: Any, split: Split) -> ColumnElement[Any]:
    if isinstance(split, Top):
        column = table.c[split.column]
        return case((column.in_(split.largest), column), else_=OTHER)
    if isinstance(split, int):
        return bucket(table.c.timestamp, SINCE, split)
    return table.c[split] if isinstance(split, str) else split


def filters(table: Any, wanted: VitalsWanted) -> list[ColumnElement[bool]]:
    """The conditions that page loads, or rows of their rollup, must meet to be wanted."""
    asked = []
    if wanted.page is not None:
        asked.append(table.c.page == wanted.page)
    if wanted.text:
        asked.append(table.c.page.icontains(wanted.text, autoescape=True))
    if wanted.device:
        asked.append(table.c.device == wanted.device)
    if wanted.sample > 1:
        asked.append(sampled(Load.page_id, wanted.sample))
    return asked


def _between(begin: datetime, end: datetime) -> ColumnElement[bool]:
    times = literal(begin, UtcTimestamp), literal(end, UtcTimestamp)
    return and_(Load.timestamp >= times[0], Load.timestamp < times[1])


def _gaps(scope: Scope, days: Sequence[datetime]) -> list[Times]:
    """What of the scope's time lies in none of these days, from and until when.

    Each is asked for by itself: to leave the days out, all of their rows would be looked at.
    """
    if not days:
        return [(scope.since, scope.until)]
    begins, ends = [scope.since, *(day + DAY for day in days)], [*days, scope.until]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin < end]
