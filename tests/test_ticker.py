"""The machinery of scheduled work, whatever the jobs are."""

import sqlite3
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import OperationalError

from console import ticker as machinery
from console.core import leases
from console.ticker import Job, Ticker
from tests.support.waiting import until


def test_jobs_wait_for_a_full_disk_with_one_line_of_log(app, monkeypatch, caplog):
    """Each look at each job was a traceback of fifty lines, every five seconds."""
    ran: list[str] = []
    tries: list[int] = []

    def runs() -> str:
        ran.append("tick")
        return "done"

    claim = leases.claim

    def claims_later(*asked: Any) -> int | None:
        tries.append(1)
        if len(tries) < 3:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise OperationalError("INSERT", {}, error)
        return claim(*asked)

    monkeypatch.setattr(leases, "claim", claims_later)
    ticker = Ticker(app, [Job("count", timedelta(seconds=1), runs)])
    ticker.start()
    until(lambda: bool(ran), "the job ran")
    ticker.stop()
    lines = [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    assert [record.getMessage() for record in lines] == [
        "count: waits for the state database: database or disk is full"
    ]
    assert lines[0].exc_info is None


def test_long_jobs_do_not_cost_a_process_its_leases(app):
    """Two of them fill the threads for jobs; leases are renewed by another."""
    leader = Ticker(app, [])
    leader.start()
    planned = leader._scheduler.get_jobs()
    renewals = [job.executor for job in planned if leader.lead in job.args]
    leader.stop()
    assert renewals == [machinery.LEASES]
