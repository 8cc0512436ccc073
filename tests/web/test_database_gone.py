import sqlite3

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from console.performance.statements import listing
from tests.support.clients import script


@pytest.fixture
def without_database(app, monkeypatch):
    """`without_database(error)`: from now on every connection raises it."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    def leave(error: Exception) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(Engine, "connect", fail)

    return leave


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (InterfaceError("", {}, Exception("gone")), 500, "Something broke on our side"),
        (OperationalError("", {}, Exception("gone")), 503, "The database does not answer"),
        (RuntimeError("whatever"), 500, "Something broke on our side"),
    ],
)
@pytest.mark.parametrize("path", ["/acme/shop/issues/", "/login", "/no/such/page/here", "/account"])
def test_an_error_page_needs_no_database(as_vic, without_database, error, status, words, path):
    without_database(error)
    answer = as_vic.get(path)
    if path == "/no/such/page/here":
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
    else:
        assert answer.status_code == status
        assert words in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert "pharos.css" in answer.text, "not the plain page"


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("whatever"), 500), (OperationalError("", {}, Exception("gone")), 503)],
)
def test_whoever_was_let_in_keeps_the_rail_when_a_page_breaks(
    app, as_vic, monkeypatch, error, status
):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(listing, "listed", fail)
    answer = as_vic.get("/acme/shop/performance/statements/")
    assert answer.status_code == status
    rail = answer.text.partition('<nav class="rail"')[2].partition("</nav>")[0]
    assert 'href="/acme/shop/issues/"' in rail
    assert 'href="/acme/shop/performance/statements/" aria-current="page"' in rail


def test_scripts_get_a_problem_without_a_database(app, acme, without_database):
    without_database(InterfaceError("", {}, Exception("gone")))
    answer = script(app, "pht_x").get("/api/v1/acme/shop/issues")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SQLITE_FULL", "The disk of the database is full"),
        ("SQLITE_READONLY_DBMOVED", "The database takes no changes now"),
        ("SQLITE_BUSY_SNAPSHOT", "busy with another change"),
        ("SQLITE_INTERRUPT", "took longer than 15 seconds"),
        ("SQLITE_IOERR_READ", "does not answer"),
    ],
)
def test_the_sentence_names_the_cause(as_alice, acme, monkeypatch, name, words):
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorname = name

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("", {}, error)

    monkeypatch.setattr(listing, "listed", fail)
    answer = as_alice.get("/acme/shop/performance/statements/")
    assert answer.status_code == 503
    assert words in answer.text
