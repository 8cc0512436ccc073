"""Checks of servers on this machine, tried as the console's jobs would."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from console.accounts.models import Project
from console.core.config import Config
from console.core.db import db
from console.telemetry.store import EXTENSION
from console.telemetry.tables import check_result
from console.uptime import headers, probe, schedule
from console.uptime.models import Check
from console.uptime.probe import Request
from tests.support import databases
from tests.support.scheduled import perform


@pytest.fixture
def settings(database: databases.Database, instance: Any) -> Config:
    """A console that may call this machine, and asks nobody else."""
    config = databases.config(database, instance)
    return replace(config, private_addresses=True, rdap_url="off")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the second try come at once."""
    monkeypatch.setattr(probe, "CONFIRM_SECONDS", 0.0)


@pytest.fixture
def make_check(inside: Any) -> Callable[..., int]:
    """`make_check(acme, url, name=…, **settings)` adds a check that is due; returns its id."""

    def make_check(project: Project, url: str, **given: Any) -> int:
        columns = {name: given.pop(name) for name in list(given) if hasattr(Check, name)}
        sealed = given.pop("headers", {})
        slug = columns.setdefault("slug", "shop")
        with inside(project):
            check = Check(
                project_id=project.id,
                settings=Request(url=url, **given).document,
                sealed=headers.sealed(sealed),
                **{"name": slug.title()} | columns,
            )
            db.session.add(check)
            db.session.commit()
            return check.id

    return make_check


@pytest.fixture
def try_all(app: Any) -> Callable[..., str]:
    """Try what is due, and wait until it is stored; returns what the job says."""

    def try_all(seconds: float = 20) -> str:
        with app.app_context():
            summary = perform("try-checks")
            assert schedule.current().settled(seconds)
        return summary

    return try_all


@pytest.fixture
def stored(inside: Any) -> Callable[[Project, int], Check]:
    """`stored(acme, id)` is a check as the database has it."""

    def stored(project: Project, check_id: int) -> Check:
        with inside(project):
            check = db.session.get_one(Check, check_id)
            db.session.expunge(check)
            return check

    return stored


@pytest.fixture
def results(app: Any) -> Callable[[Project], list[Any]]:
    """`results(acme)` are all results of a project's checks, in order."""

    def results(project: Project) -> list[Any]:
        using = app.extensions[EXTENSION].using(project.organization_id)
        with using as database, database.transaction() as connection:
            rows = check_result.select().order_by(
                check_result.c.client_timestamp, check_result.c.timestamp
            )
            return list(connection.execute(rows))

    return results
