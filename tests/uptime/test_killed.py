"""Processes that are killed while they try a check: no due try is lost, none counts twice."""

import os
import random
import signal
import time
from datetime import datetime
from multiprocessing.synchronize import Event
from typing import Any

from console.app import create_app
from console.core import clock as console_clock
from console.core.config import Config
from console.telemetry.store import EXTENSION
from console.uptime import schedule
from tests.support.forks import FORKS
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

ROUNDS = 12
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
