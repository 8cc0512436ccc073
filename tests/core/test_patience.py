"""A database that hangs, or takes too long, keeps no page and no job for ever."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from console.core import patience, patient_connection
from console.core.db import db
from tests.support.clients import HTMX

postgresql = pytest.mark.postgresql


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


def backends(database) -> list[int]:
    """Process ids of the app's connections: the server serves other tests as well."""
    with psycopg.connect(database.owner_database_url) as owner:
        found = owner.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in found]


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Processes that get no time meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@postgresql
def test_a_frozen_server_is_given_up_and_found_again(
    both_databases, database, as_alice, acme, monkeypatch, caplog
):
    monkeypatch.setattr(patient_connection, "FIRST_SECONDS", 1.0)
    page = "/acme/shop/issues/"
    assert as_alice.get(page).status_code == 200
    caplog.clear()
    with frozen(backends(database)), socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        connect: Any = vars(psycopg.Connection)["connect"].__func__
        monkeypatch.setattr(
            patient_connection.PatientConnection,
            "connect",
            classmethod(
                lambda cls, **options: connect(
                    cls, f"host=127.0.0.1 port={port}", connect_timeout=options["connect_timeout"]
                )
            ),
        )
        limits = patient_connection.CONNECT_SECONDS, patient_connection.PROBE_CONNECT_SECONDS
        for longest in (1 + limit for limit in limits):
            began = time.monotonic()
            answer = as_alice.get(page)
            assert time.monotonic() - began < longest + 2
            assert answer.status_code == 503
            assert "does not answer" in answer.text
    monkeypatch.undo()
    assert as_alice.get(page).status_code == 200
    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(" ")[2][:14] for line in said] == ["outage begins,", "outage has end"]


@postgresql
@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("PAGE_SECONDS", "took longer than 15 seconds"),
        ("PAGE_LOCK_SECONDS", "busy with another change"),
    ],
)
def test_a_page_that_takes_too_long_says_why(
    both_databases, database, as_alice, acme, monkeypatch, limit, words
):
    monkeypatch.setattr(patience, "PAGE_LOCK_SECONDS", 60.0)
    monkeypatch.setattr(patience, limit, 0.3)
    with psycopg.connect(database.owner_database_url) as owner:
        owner.execute("LOCK TABLE issue IN ACCESS EXCLUSIVE MODE")
        page = as_alice.get("/acme/shop/issues/")
        part = as_alice.get("/acme/shop/issues/", headers=HTMX)
    for answer in (page, part):
        assert answer.status_code == 503
        assert words in answer.text
        assert answer.headers["Retry-After"]
    assert as_alice.get("/acme/shop/issues/").status_code == 200


@postgresql
def test_limits_end_with_the_transaction(both_databases, app):
    """Behind a pooler the connection is another's next."""
    asked = text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
    with app.test_request_context():
        assert db.session.execute(asked).one() == ("15s", "5s")
        db.session.remove()
        with db.engine.connect() as connection:
            assert connection.execute(asked).one() == ("0", "0")
    with app.app_context():
        assert db.session.execute(asked).one() == ("10min", "1min")
        db.session.remove()


class Refused(Exception):
    """What a driver raises."""

    def __init__(self, **attributes: str) -> None:
        super().__init__("refused")
        self.__dict__.update(attributes)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Refused(sqlstate="57014"), "took longer than 15 seconds"),
        (Refused(sqlstate="55P03"), "busy with another change"),
        (Refused(sqlite_errorname="SQLITE_BUSY_SNAPSHOT"), "busy with another change"),
        (Refused(sqlstate=""), "does not answer"),
        (Refused(), "does not answer"),
    ],
)
def test_the_words_are_those_of_the_cause(cause, words):
    assert words in patience.sentence(OperationalError("SELECT", {}, cause))


def test_a_pool_without_a_connection_says_so():
    assert "in use" in patience.sentence(PoolTimeoutError())
