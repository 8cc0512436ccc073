"""Days of requests, page loads and errors, and the job that judges them."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from console.accounts import releases
from console.accounts.models import Project
from console.changes.daily import judge
from console.changes.models import Change
from console.core.db import db
from console.core.tenancy import enter_organization
from console.telemetry.records import Batch, PageLoad
from console.telemetry.store import EXTENSION
from tests.support.factories import detached
from tests.telemetry.samples import error, span

TODAY = datetime(2026, 11, 20, 9, tzinfo=UTC)  # a Friday
YESTERDAY = TODAY.date() - timedelta(days=1)
PER_DAY = 60
POSITIONS = itertools.count(1)  # of an organization, whose projects share a file


def days_ago(number: int) -> date:
    return TODAY.date() - timedelta(days=number)


def moments(ago: int, count: int) -> list[datetime]:
    """So many moments of a day, from eight o'clock on."""
    start = datetime.combine(days_ago(ago), datetime.min.time(), UTC) + timedelta(hours=8)
    return [start + timedelta(hours=14) * number / count for number in range(count)]


class Past:
    """Writes what a project's days had, straight into telemetry."""

    def __init__(self, app: Flask, project: Project) -> None:
        self._app, self.project = app, project
        self._own = {"organization_id": project.organization_id, "project_id": project.id}

    def requests(
        self,
        endpoint: str,
        milliseconds: Sequence[float | None],
        *,
        per_day: int = PER_DAY,
        received_at: datetime | None = None,
        **fields: Any,
    ) -> None:
        """So many requests on each day up to yesterday, each as long as its number; None: none."""
        plain = {"environment": "production", "release": "shop@1", "category": "request"}
        position = next(POSITIONS)
        spans = [
            span(
                position,
                **self._own,
                **(plain | fields),
                endpoint=endpoint,
                is_segment=True,
                timestamp=at,
                received_at=received_at or at,
                duration_us=int(long * 1000),
            )
            for ago, long in zip(range(len(milliseconds), 0, -1), milliseconds, strict=True)
            if long is not None
            for at in moments(ago, per_day)
        ]
        self._write(Batch(spans=spans), (plain | fields)["environment"], spans)

    def loads(self, page: str, lcp: Sequence[float]) -> None:
        """The same for loads of a page, by their LCP in milliseconds."""
        position = next(POSITIONS)
        loads = [
            PageLoad(
                position=position,
                page_id=f"{ago:04x}{number:012x}",
                timestamp=at,
                received_at=at,
                page=page,
                device="desktop",
                source="beacon",
                environment="production",
                release="shop@1",
                lcp=long,
                organization_id=self.project.organization_id,
                project_id=self.project.id,
            )
            for ago, long in zip(range(len(lcp), 0, -1), lcp, strict=True)
            for number, at in enumerate(moments(ago, PER_DAY))
        ]
        self._write(Batch(page_loads=loads), "production", loads)

    def errors(self, grouping_hash: str, counts: Sequence[int], **fields: Any) -> None:
        """The same for the events of an issue, so many on each day."""
        plain = {"environment": "production", "release": "shop@1", "level": "error"}
        position = next(POSITIONS)
        events = [
            error(
                position,
                **self._own,
                **(plain | fields),
                grouping_hash=grouping_hash,
                user_key=f"{number:016x}",
                at=at,
            )
            for ago, count in zip(range(len(counts), 0, -1), counts, strict=True)
            for number, at in enumerate(moments(ago, count))
        ]
        self._write(Batch(errors=events), "production", events)

    def release(self, version: str, ago: int, environment: str = "production") -> None:
        """Let a release be seen first so many days ago."""
        with self._app.app_context():
            self._saw([(environment, version, moments(ago, 1)[0])])

    def _write(self, batch: Batch, environment: str, records: Sequence[Any]) -> None:
        position = records[0].position
        with self._app.app_context():
            self._app.extensions[EXTENSION].write(self.project.organization_id, batch, position)
            self._saw([(environment, record.release, record.timestamp) for record in records])

    def _saw(self, seen: Sequence[tuple[str, str, datetime]]) -> None:
        enter_organization(self.project.organization_id)
        releases.saw(self.project.id, seen)
        db.session.commit()


@pytest.fixture
def past(app, acme, clock) -> Past:
    """Acme's past; the present is TODAY."""
    clock.set(TODAY)
    return Past(app, acme)


@pytest.fixture
def judged(inside) -> Callable[[Project], list[Change]]:
    """Do the daily job for a project's organization, and return all its changes."""

    def judged(project: Project) -> list[Change]:
        with inside(project):
            judge(project.organization_id)
            rows = db.session.scalars(select(Change).order_by(Change.first_day, Change.id)).all()
            return [detached(row) for row in rows]

    return judged
