"""Whether alerting is alive, for every page: looked up beside the requests, and kept in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from flask import Flask, current_app
from sqlalchemy import func, select

from console.accounts.models import Organization
from console.alerting import watchdog
from console.alerting.watchdog import Standstill
from console.core import clock
from console.core.db import db, reading
from console.core.leases import JobRun
from console.core.tenancy import organization_scope
from console.web.filters import GAP, duration

EXTENSION = "pharos.alerting-pulse"
TICK = "evaluate"
STALE = timedelta(minutes=1)
QUIET = "nothing to do"


@dataclass(slots=True)
class Liveness:
    """When rules were looked at last, and what stands still, by organization."""

    looked_at: datetime | None = None
    """When this process has looked it up; None where nothing does."""
    began_at: datetime | None = None
    """When it did so first."""
    ticked_at: datetime | None = None
    troubles: Mapping[int, Sequence[Standstill]] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        """Whether rules were looked at lately."""
        return self.ticked_at is not None and clock.now() - self.ticked_at < STALE

    @property
    def begins(self) -> bool:
        """Whether this process has only just begun to look: the first evaluation may be to come."""
        began_at = self.began_at
        return not self.is_alive and began_at is not None and clock.now() - began_at < STALE

    @property
    def age(self) -> str:
        """How long ago rules were looked at last."""
        if self.ticked_at is None:
            return GAP
        ago = max(clock.now() - self.ticked_at, timedelta(0))
        return f"{ago.seconds} s" if ago < STALE else duration(ago)

    @property
    def is_known(self) -> bool:
        """Whether this process knows anything: a served one looks every few seconds."""
        return self.looked_at is not None


def init_app(app: Flask) -> None:
    """Give the app its memory."""
    app.extensions[EXTENSION] = Liveness()


def current() -> Liveness:
    """What is known of alerting in this process."""
    return cast("Liveness", current_app.extensions[EXTENSION])


def look() -> None:
    """Look up how alerting goes; every process that serves pages does, every few seconds."""
    pulse = current()
    with reading():
        pulse.ticked_at = _last_run(TICK)
        has_troubles = _summary(watchdog.JOB) not in ("", QUIET)
        ids = list(db.session.scalars(select(Organization.id))) if has_troubles else []
        db.session.rollback()
    troubles: dict[int, Sequence[Standstill]] = {}
    for organization_id in ids:
        with organization_scope(organization_id), reading():
            troubles[organization_id] = watchdog.troubles()
            db.session.rollback()
    pulse.troubles, pulse.looked_at = troubles, clock.now()
    pulse.began_at = pulse.began_at or pulse.looked_at


def _last_run(job: str) -> datetime | None:
    return db.session.scalar(select(func.max(JobRun.started_at)).where(JobRun.job == job))


def _summary(job: str) -> str:
    own = select(JobRun.summary).where(JobRun.job == job, JobRun.finished_at.is_not(None))
    return db.session.scalar(own.order_by(JobRun.id.desc()).limit(1)) or ""
