"""A question that takes too long ends, and the next on its connection does not."""

import time

import duckdb
import pytest

from console.core import patience
from console.telemetry import store
from console.telemetry.database import TelemetryTooSlow
from console.telemetry.time_limit import TimeLimit

ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 7"


def test_what_runs_past_its_time_is_interrupted_and_nothing_after_it():
    limit, connection = TimeLimit(), duckdb.connect()
    began = time.monotonic()
    with (
        pytest.raises(duckdb.InterruptException),
        limit.held(0.1, connection.interrupt),
    ):
        connection.execute(ENDLESS).fetchall()
    assert time.monotonic() - began < 20
    with limit.held(60, connection.interrupt):
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_page_whose_question_takes_too_long_says_so(app, acme):
    with (
        app.app_context(),
        patience.within(0.1),
        store.current().using(acme.organization_id) as database,
    ):
        with pytest.raises(TelemetryTooSlow) as slow, database.transaction() as connection:
            connection.exec_driver_sql(ENDLESS)
        assert not database.broken
    assert "took longer than 15 seconds" in patience.sentence(slow.value)
