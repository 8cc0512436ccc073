"""Fixtures of the error tests."""

import itertools
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.errors.models import Issue
from console.telemetry.store import EXTENSION
from tests.errors import samples, searches
from tests.support import factories
from tests.support.statements import statements_of
from tests.telemetry.samples import error


@pytest.fixture
def statements(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """Collects what reaches the state database, in a `with` block."""
    return lambda: statements_of(app)


@pytest.fixture
def make_issue(app: Flask) -> Callable[..., Issue]:
    """`make_issue(acme, title=…, events=…)` adds an issue with so many stored events."""
    runs = itertools.count(1)

    def make_issue(project: Project, **fields: Any) -> Issue:
        hash_ = fields.setdefault("hash", token_hex(16))
        issue = factories.make_issue(app, project, **fields)
        run, count = next(runs), max(issue.events, issue.users) if issue.events else 0
        last = min(issue.last_seen, clock.now() - timedelta(seconds=1))
        events = [
            error(
                -run,
                organization_id=project.organization_id,
                project_id=project.id,
                at=last if number else issue.first_seen,
                grouping_hash=hash_,
                title=issue.title,
                level=issue.level.value,
                category=issue.category.value,
                user_key=f"{number + 1:016x}" if number < issue.users else "",
            )
            for number in reversed(range(count))
        ]
        app.extensions[EXTENSION].write_own(project.organization_id, events, run)
        return issue

    return make_issue


@pytest.fixture
def send(app: Flask) -> Callable[..., str]:
    """`send(acme, event)` gives an event to the project as an SDK would, and digests it."""

    def send(project: Project, event: dict[str, Any] | None = None, **more: Any) -> str:
        given = {"event_id": token_hex(16), **(event or samples.raised()), **more}
        key = factories.public_key(app, project)
        answer = app.test_client().post(
            f"/api/{project.id}/store/",
            data=json.dumps(given),
            headers={"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"},
        )
        assert answer.status_code == 200, answer.text
        app.extensions["pharos.pipeline"].drain()
        found: str = given["event_id"]
        return found

    return send


@pytest.fixture
def the_issue(app: Flask, acme: Project) -> Callable[[], Issue]:
    """Read the one issue of acme, in a Session of its own."""

    def the_issue() -> Issue:
        with factories.inside(app, acme):
            return factories.detached(db.session.scalars(select(Issue)).one())

    return the_issue


@pytest.fixture
def get(as_script, acme):
    """Ask the API with a token of acme's project that may read issues."""
    script = as_script(acme, "issues:read")
    return lambda url, **arguments: script.get(url, query_string=arguments or None)


@pytest.fixture
def runs(acme: Project, send: Callable[..., str]) -> dict[str, str]:
    """Three issues of one event each, by their names."""
    events = {}
    for name, more in searches.RUNS.items():
        frames = [{"function": f"in_{name.lower()}", "filename": f"{name}.py", "in_app": True}]
        events[name] = send(acme, searches.raised(name, "fell over", frames=frames, **more))
    return events
