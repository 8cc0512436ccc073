"""Rules and requests for the tests of alerting."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from flask import Flask

from console.accounts.models import Project
from console.alerting.condition import Condition, Level
from console.alerting.definition import Definition
from console.alerting.evaluation import begin, evaluate
from console.alerting.models import Rule
from console.alerting.settling import settle
from console.core.db import db
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.support.statements import statements_of
from tests.telemetry.samples import NOON, span


@pytest.fixture
def statements(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """Collects what reaches the state database, in a `with` block."""
    return lambda: statements_of(app)


@pytest.fixture
def counted_requests(app, inside):
    """Store 20 requests in each minute from noon on, as long as a function of their time says."""
    positions = itertools.count(1)

    def store(
        project: Project,
        milliseconds: Callable[[datetime], int],
        minutes: int,
        since: datetime = NOON,
    ) -> None:
        moments = [since + timedelta(seconds=3 * number) for number in range(minutes * 20)]
        own = {"organization_id": project.organization_id, "project_id": project.id}
        request = {"category": "request", "endpoint": "GET /a", "is_segment": True}
        position = next(positions)
        spans = [
            span(position, at=at, duration_us=milliseconds(at) * 1000, **own, **request)
            for at in moments
        ]
        with inside(project):
            batch = Batch(spans=spans)
            app.extensions[EXTENSION].write(project.organization_id, batch, position)

    return store


@pytest.fixture
def live(acme, inside, clock):
    """Evaluate acme's rules, and settle late data, every 20 seconds for so many minutes."""

    def live(minutes: float) -> None:
        for _ in range(int(minutes * 3)):
            clock.move(seconds=20)
            with inside(acme):
                evaluate(acme.organization_id)
                settle(acme.organization_id)

    clock.set(NOON)
    return live


@pytest.fixture
def make_rule(inside):
    """`make_rule(acme, levels=…)` adds a rule that begins now; fields of its document by name."""

    def make_rule(project: Project, *, name: str = "API is slow", **changes: object) -> int:
        document = {**RULE, **changes}
        with inside(project):
            rule = Rule(project_id=project.id, name=name, document=document)
            begin(rule)
            db.session.add(rule)
            db.session.commit()
            return rule.id

    return make_rule


RULE = Definition(
    metric="requests.p95",
    condition=Condition(
        op=">",
        levels={Level.CRITICAL: 1000, Level.WARNING: 500},
        recovery=450,
        minimum_samples=10,
    ),
).document
