"""What PostgreSQL's failures mean, and how little the log says of one outage."""

import logging
import re
import socket
import sqlite3
from io import StringIO

import pytest
from granian.log import configure_logging
from psycopg import errors
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from console.core import leases, logs, outages
from console.core.database_errors import explained, is_outage
from console.core.db import db
from console.serve import OneProcess


def lost(words: str = "server closed the connection unexpectedly") -> OperationalError:
    return OperationalError("SELECT 1", {}, errors.OperationalError(words))


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        (
            'FATAL:  password authentication failed for user "app"',
            "wrong password, or none; write @",
        ),
        ("fe_sendauth: no password supplied", "wrong password, or none"),
        ('FATAL:  role "app" does not exist', "the role is not there"),
        ('FATAL:  database "pharos" does not exist', "the database is not there"),
        ('FATAL:  permission denied for database "pharos"', "the role may not connect"),
        ("permission denied for schema public", "the role lacks a right"),
        ("must be owner of table issue", "the role lacks a right"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "the server lets nobody in from here"),
        ("server does not support SSL, but SSL was required", "TLS cannot be agreed on"),
        ("[Errno -2] Name or service not known", "no such host; write @"),
        ("connection failed: Connection refused", "no server listens there"),
        ("connection timeout expired", "the server cannot be reached"),
        ("FATAL:  sorry, too many clients already", "the server has no place left"),
        ("FATAL:  the database system is starting up", "the server starts or stops"),
        ("FATAL:  Passwort falsch", "the database does not answer"),
    ],
)
def test_a_failure_to_connect_is_explained(words, meaning):
    assert explained(lost(words), "OWNER_DATABASE_URL").startswith(f"OWNER_DATABASE_URL: {meaning}")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (lost(), True),
        (errors.AdminShutdown("terminating connection"), True),
        (errors.TooManyConnections("no place left"), True),
        (errors.QueryCanceled("canceling statement due to statement timeout"), False),
        (errors.DeadlockDetected("deadlock detected"), False),
        (ValueError("a bug"), False),
        (None, False),
    ],
)
def test_only_a_lost_database_is_an_outage(error, expected):
    assert is_outage(error) is expected


@pytest.fixture
def written(monkeypatch):
    """What a running console has written to standard error."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stderr = StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr(outages, "present", outages.Outage())
    logs.begin()
    yield stderr
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_an_outage_is_two_lines_however_often_it_is_met(written, clock):
    engine = create_engine("sqlite://", poolclass=StaticPool)
    outages.watch(engine)
    for _ in range(3):
        for name in ("apscheduler.executors.default", "console.app"):
            logging.getLogger(name).error("it raised an exception", exc_info=lost())
        assert outages.present.takes(lost())
    clock.move(seconds=90)
    engine.connect().close()
    engine.connect().close()
    begins, ends = written.getvalue().splitlines()
    assert " ERROR console.core.outages: an outage begins, " in begins
    assert begins.endswith("(server closed the connection unexpectedly)")
    assert ends.endswith(
        "console.core.outages: the outage has ended after 90 s: the database answers again"
    )


def test_the_servers_own_lines_are_like_all_others(written):
    server = OneProcess(print, socket.create_server(("127.0.0.1", 0)))
    configure_logging(server.log_level, server.log_config, server.log_enabled)
    logging.getLogger("_granian").error("a connection broke")
    server._listener.close()
    assert written.getvalue().endswith("+00:00 ERROR _granian: a connection broke\n")


def test_every_line_has_its_time_level_and_origin(written):
    logging.getLogger("console.jobs").info("retention is done")
    logging.getLogger("apscheduler.scheduler").info("Added job")
    logging.getLogger("console.jobs").error("the job failed", exc_info=ValueError("a bug"))
    first, second, *traceback = written.getvalue().splitlines()
    stamp = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 "
    assert re.search(stamp + "INFO console.jobs: retention is done$", first)
    assert re.search(stamp + "ERROR console.jobs: the job failed$", second)
    assert traceback[-1] == "  ValueError: a bug"


def test_a_database_that_is_full_keeps_nobody_from_an_orderly_end(app, caplog, monkeypatch):
    """At SIGTERM: what comes after the lease was given back would not have been done."""

    def full(*_):
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("disk is full"))

    with app.app_context(), monkeypatch.context() as broken:
        broken.setattr(db.session, "execute", full)
        leases.let_go("digest", "me")
    assert "the lease digest was not given back and ends by itself: disk is full" in caplog.text
