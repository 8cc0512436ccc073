"""What came with a change: a release seen first shortly before, or a share that moved most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self

from sqlalchemy import func, select

from console.accounts.models import Project, Release
from console.changes.judged import Life, moved
from console.changes.readings import DAY, Place, given, midnight
from console.changes.rules import DailyRule
from console.core.db import db
from console.metrics.shift import most_moved
from console.telemetry.measures import CannotAskError

RELEASE = "release"
EXPLAINING = frozenset(
    {RELEASE, "endpoint", "page", "method", "server", "device", "transaction", "platform"}
)
"""The dimensions whose shares say where a change comes from; a status says what it is."""
MOST_RELEASES = 5
LEAST_SHARE, LEAST_OF_EVENTS = 0.15, 0.5
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Cause:
    """What came with a change; it need not be the reason for it.

    Of a release, `at` is when it was seen first; of another dimension's value, `before` and `now`
    are its shares.
    """

    dimension: str = ""
    value: str = ""
    at: datetime | None = None
    before: float = 0.0
    now: float = 0.0

    @property
    def document(self) -> dict[str, Any]:
        """As a row keeps it; empty where nothing is known."""
        if not self.dimension:
            return {}
        at = {"at": self.at.isoformat()} if self.at else {}
        shares = {} if self.at else {"before": self.before, "now": self.now}
        return {"dimension": self.dimension, "value": self.value, **at, **shares}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The cause that a row keeps."""
        at = document.get("at")
        return cls(**{**document, "at": datetime.fromisoformat(at) if at else None})


def explained(project: Project, rule: DailyRule, place: Place, subject: str, life: Life) -> Cause:
    """What came with the last news of a change; an empty Cause where nothing did.

    Costs a statement of the state database, one of telemetry where a release is new, and else two
    for each dimension that may explain it.
    """
    where = {**place.where, **({rule.by: [subject]} if rule.by else {})}
    cause = _release(project, rule, place, where, life)
    return cause or _share(project, rule, place, where, life) or Cause()


def _release(
    project: Project, rule: DailyRule, place: Place, where: Mapping[str, Any], life: Life
) -> Cause | None:
    """The latest release that was seen first on that day or the one before, and did it."""
    new = _new_releases(project, place, life.moved_on)
    metric = given(rule.metric, project)
    if not new or RELEASE not in metric.dimensions:
        return Cause(RELEASE, *new[0]) if new else None
    scope = place.scope(project, life.moved_on, life.moved_on)
    parts = metric.value(scope, RELEASE, where=where)
    whole = sum(reading.samples for reading in parts.by_value.values())
    for version, at in new:
        reading = parts.by_value.get(version)
        if reading is None or reading.number is None:
            continue
        if metric.empty == "zero":
            has_done_it = reading.samples >= LEAST_OF_EVENTS * whole
        else:
            has_done_it = (
                metric.is_enough(reading) and moved(rule, life.before, reading.number) == life.way
            )
        if has_done_it:
            return Cause(RELEASE, version, at)
    return None


def _new_releases(project: Project, place: Place, day: date) -> Sequence[tuple[str, datetime]]:
    """The releases that were seen first on a day or the one before, the latest first."""
    first = func.min(Release.first_seen)
    query = select(Release.version, first).where(
        Release.project_id == project.id, Release.version != ""
    )
    if place.environment or place.where:
        query = query.where(Release.environment == place.environment)
    query = (
        query.group_by(Release.version)
        .having(first >= midnight(day) - DAY, first < midnight(day) + DAY)
        .order_by(first.desc(), Release.version.desc())
    )
    rows = db.session.execute(query.limit(MOST_RELEASES))
    return [(version, at) for version, at in rows]


def _share(
    project: Project, rule: DailyRule, place: Place, where: Mapping[str, Any], life: Life
) -> Cause | None:
    metric = given(rule.metric, project)
    now = place.scope(project, life.moved_on, life.moved_on)
    before = now.between(midnight(life.first_day) - WEEK, midnight(life.first_day))
    fixed = set(metric.dimensions) - EXPLAINING | {rule.by}
    try:
        shift = most_moved(metric, now, before, where=where, fixed=fixed)
    except CannotAskError:
        return None
    if shift is None or shift.by < LEAST_SHARE or not shift.value:
        return None
    return Cause(shift.dimension, shift.value, None, shift.before, shift.now)
