"""Whether the data of a window has come: how long it is on its way, and what waits for digest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError

from console.core import absences, clock
from console.core.absences import Away
from console.core.db import database_time
from console.metrics.catalogue import CATALOGUE
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.metric import values
from console.telemetry.scope import Owned, Scope

EXTENSION = "pharos.alerting.completeness"
LEAST_DELAY, MOST_DELAY = timedelta(seconds=30), timedelta(minutes=5)
LAG_OF = timedelta(hours=1)
"""The delay follows the arrivals of so much time."""
MEASURED_FOR = timedelta(minutes=5)
IN_DIGEST = timedelta(seconds=5)
"""What came so recently may wait for digest: the delay allows for it."""
ABSENT_SHARE = 10
"""A window of which the console missed less than one part in so many counts as whole."""
LONGEST_PAST = timedelta(days=8)
PATIENCE = timedelta(minutes=5)
"""A window whose data waits for digest is decided so much later at the latest, and says so."""

Waiting = Callable[[int, int], datetime | None]
"""When the oldest row came that a project has waiting for digest; None without any."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """How far a project's data has come, as evaluation sees it at the moment `now`."""

    now: datetime
    delay: timedelta
    """A window is decided so long after its end."""
    watermark: datetime
    """All that had come before this moment was digested."""
    absences: Sequence[Away] = ()
    """When the console was away: what was sent then has not come."""

    @property
    def until(self) -> datetime:
        """Windows that end up to here are decided now."""
        whole = min(self.now, self.watermark + IN_DIGEST) - self.delay
        return max(whole, self.now - self.delay - PATIENCE)

    def lacks(self, at: datetime, window: timedelta) -> str:
        """Why the window that ended at a moment is decided on part of its data; "" if it is not."""
        away = self.absent(at, window)
        if away is not None:
            return away.words
        if at + self.delay <= self.watermark + IN_DIGEST:
            return ""
        return f"late: what came after {self.watermark:%H:%M:%S} UTC waits for digest"

    def absent(self, at: datetime, window: timedelta) -> Away | None:
        """The absence that takes a notable share of the window that ended at a moment."""
        since = at - window
        for away in self.absences:
            if min(away.until, at) - max(away.since, since) >= window / ABSENT_SHARE:
                return away
        return None


@dataclass(slots=True)
class _Known:
    waiting: Waiting
    delays: dict[int, tuple[float, timedelta]]
    """By project: when the delay was measured, on the steady clock, and what it was."""


def init_app(app: Flask, waiting: Waiting) -> None:
    """Let evaluation ask what waits for digest."""
    app.extensions[EXTENSION] = _Known(waiting, {})


def of(project: Owned, now: datetime | None = None) -> Completeness:
    """How far the project's data has come, by the database's time."""
    known: _Known = current_app.extensions[EXTENSION]
    now = now or database_time()
    oldest = known.waiting(project.organization_id, project.id)
    watermark = now if oldest is None else min(oldest, now)
    away = absences.between(now - LONGEST_PAST, now)
    # Events have times of this machine's clock: where the database's is ahead, they come later.
    ahead = max(now - clock.now(), timedelta(0))
    return Completeness(now, delay(project) + ahead, watermark, away)


def delay(project: Owned) -> timedelta:
    """How long after its end a window of the project is decided: P99 of what was measured."""
    known: _Known = current_app.extensions[EXTENSION]
    measured_at, present = known.delays.get(project.id, (None, LEAST_DELAY))
    if measured_at is None or clock.monotonic() - measured_at > MEASURED_FOR.total_seconds():
        present = min(max(_measured(project), LEAST_DELAY), MOST_DELAY)
        known.delays[project.id] = clock.monotonic(), present
    return present


def _measured(project: Owned) -> timedelta:
    """The longest P99 of the arrival of a kind of records, over the last hour."""
    now = clock.now()
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=now - LAG_OF,
        until=now,
    )
    lags = [metric for metric in CATALOGUE.values() if metric.id.endswith("_lag")]
    try:
        answers = values(lags, scope)
    except (TelemetryUnavailable, DBAPIError):
        return LEAST_DELAY
    enough = [
        answers[metric.id].whole.number or 0.0
        for metric in lags
        if answers[metric.id].whole.samples >= metric.least
    ]
    return timedelta(milliseconds=max(enough, default=0.0))
