"""Processes that end or freeze while they try checks: no due try is lost, none counts twice."""

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.synchronize import Event
from typing import Any

from sqlalchemy import select

from console import ticker as machinery
from console.accounts.models import Project
from console.app import create_app
from console.core import clock as console_clock
from console.core.config import Config
from console.core.db import db
from console.telemetry.store import EXTENSION
from console.telemetry.tables import check_result
from console.ticker import Ticker
from console.uptime import schedule
from console.uptime.models import CheckState
from tests.alerting import evaluators
from tests.support.forks import FORKS
from tests.support.freezing import freeze
from tests.support.scheduled import named, perform
from tests.support.waiting import until
from tests.telemetry.samples import NOON

ROUNDS = 12
CLAIM_SECONDS = 3
MOST_DELAY = 1.2
"""Seconds until a process is killed: its first try and storing it take about as long."""


def test_kill_9_loses_no_try_and_none_counts_twice(
    acme, peer, clock, make_check, try_all, app, settings, stored, results, both_databases
):
    dice = random.Random(9)
    clock.set(NOON)
    check_id = make_check(acme, peer.url(), timeout_seconds=1)
    dues = []
    for _ in range(ROUNDS):
        due = stored(acme, check_id).next_due
        dues.append(due)
        app.extensions[EXTENSION].close()  # one process at a time can open the file
        _kill_while_it_tries(settings, due, dice.uniform(0, MOST_DELAY))
        clock.set(due)
        clock.move(seconds=40)  # longer than the claim of a process that is gone
        try_all()
        assert stored(acme, check_id).next_due > due
    counted = [row.client_timestamp for row in results(acme) if row.counts]
    assert counted == dues


def test_a_frozen_console_is_followed_and_nothing_counts_twice(
    acme, peer, make_check, app, settings, stored, tmp_path, both_databases
):
    """Two consoles on one database try a check every second; the first is frozen, and thaws."""
    console_clock.release()
    check_id = make_check(acme, peer.url(), interval_seconds=1, timeout_seconds=1)
    app.extensions[EXTENSION].close()
    shutil.copytree(settings.instance, tmp_path / "other")
    url = settings.database_url or f"sqlite:///{settings.instance}/state.sqlite"
    other = replace(settings, instance=tmp_path / "other", database_url=url)

    def next_due():
        return stored(acme, check_id).next_due

    with _consoles([settings, other]) as (first, _second):
        until(lambda: len(peer.requests) > 2, "the first tries")
        freeze(first.pid, settings.instance / "state.sqlite")
        frozen = time.monotonic()
        before = next_due()
        until(lambda: next_due() > before, "a try of the other console", seconds=120)
        took = time.monotonic() - frozen
        os.kill(first.pid or 0, signal.SIGCONT)
        tried = len(peer.requests)
        until(lambda: len(peer.requests) > tried + 3, "more tries")
    assert took < evaluators.LEASE_SECONDS + CLAIM_SECONDS + 5
    counted = [due for own in (settings, other) for due in _counted(own, acme)]
    assert before in counted, "what was under way is not lost"
    # It may have been written by the one, whose claim was still open when it froze.
    assert {due for due in counted if counted.count(due) > 1} <= {before}
    assert len(peer.requests) <= len(counted) + 2, "only what was under way was tried again"
    assert stored(acme, check_id).state is CheckState.UP


@contextmanager
def _consoles(all_settings: Sequence[Config]) -> Iterator[list[Any]]:
    processes: list[Any] = []
    try:
        for own in all_settings:
            began = FORKS.Event()
            process = FORKS.Process(target=_serve, args=(own, began), daemon=True)
            process.start()
            processes.append(process)
            assert began.wait(30)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def _serve(settings: Config, began: Event) -> None:
    """Try checks as a served console does, with a short lease."""
    machinery.LEASE_SECONDS, machinery.RENEW_SECONDS = evaluators.LEASE_SECONDS, 1
    schedule.SLACK = timedelta(seconds=CLAIM_SECONDS - 2)
    app: Any = create_app(settings)
    with app.app_context():
        schedule.alarm().start()
    Ticker(app, [replace(named("try-checks"), when=timedelta(seconds=1))]).start()
    began.set()
    time.sleep(120)


def _counted(settings: Config, project: Project) -> list[datetime]:
    """The due times of the results that a console has stored."""
    app: Any = create_app(settings)
    telemetry = app.extensions[EXTENSION]
    with telemetry.using(project.organization_id) as database, database.transaction() as connection:
        dues = list(connection.scalars(select(check_result.c.client_timestamp)))
    telemetry.close()
    with app.app_context():
        db.engine.dispose()
    return dues


def _kill_while_it_tries(settings: Config, at: datetime, delay: float) -> None:
    begins = FORKS.Event()
    process = FORKS.Process(target=_try, args=(settings, at, begins), daemon=True)
    process.start()
    assert begins.wait(20)
    time.sleep(delay)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(20)


def _try(settings: Config, at: datetime, begins: Event) -> None:
    app: Any = create_app(settings)
    console_clock.freeze(at)
    with app.app_context():
        begins.set()
        perform("try-checks")
        schedule.current().settled(20)
        time.sleep(20)
