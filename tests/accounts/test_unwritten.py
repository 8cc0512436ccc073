"""While nothing can be written, people sign in and read; what is only noted keeps nobody out."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from console.accounts import sessions
from console.accounts.models import LoginSession, User
from console.accounts.unwritten import LASTS, Unwritten
from console.core.db import db
from console.core.persons import person_scope
from tests.accounts.authenticator import set_up
from tests.accounts.passkey_device import Device, added, log_in, request_options
from tests.support.factories import PASSWORD, in_name_of, the_person

login_session = LoginSession.__table__  # past the guard of a person's rows
WRITES = ("INSERT", "UPDATE", "DELETE")


class Full(sqlite3.OperationalError):
    """What SQLite raises on a full disk."""

    sqlite_errorname = "SQLITE_FULL"


@contextmanager
def full(app: Flask) -> Iterator[None]:
    """Within it, the state database takes no row."""

    def refuse(_connection, _cursor, statement, *_rest):
        if statement.lstrip().startswith(WRITES):
            raise OperationalError(statement, {}, Full("database or disk is full"))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", refuse)


@contextmanager
def locked(app: Flask) -> Iterator[None]:
    """Within it, another program holds SQLite's write lock."""
    with app.app_context():
        path = db.engine.url.database
    assert path is not None
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def sign_in(client, password=PASSWORD, email="alice@acme.test"):
    return client.post("/login", data={"email": email, "password": password})


@pytest.fixture
def rows(app, acme):
    """How many sign-ins of Alice the database has."""

    def rows():
        with app.app_context(), person_scope(the_person("alice@acme.test").id):
            return db.session.scalar(select(func.count()).select_from(login_session))

    return rows


def test_with_a_full_disk_people_sign_in_and_read(both_databases, app, client, acme, rows, clock):
    with full(app):
        assert sign_in(client).location == "/"
        for path in ("/acme/shop/issues/", "/acme/shop/settings/", "/account"):
            assert client.get(path).status_code == 200, path
        assert rows() == 0
    assert client.get("/acme/shop/issues/").status_code == 200
    assert rows() == 1
    clock.move(minutes=50)
    assert client.get("/acme/shop/issues/").status_code == 200
    assert rows() == 1


def test_while_another_program_writes_people_sign_in_and_read(app, client, acme, rows):
    with locked(app):
        assert sign_in(client).location == "/"
        for _ in range(3):
            assert client.get("/acme/shop/issues/").status_code == 200
    assert rows() == 0


def test_it_lasts_an_hour_at_most(app, client, acme, clock):
    with full(app):
        sign_in(client)
        clock.move(minutes=59)
        assert client.get("/acme/").status_code == 200
        clock.move(minutes=2)
        assert client.get("/acme/").location.startswith("/login")
    assert LASTS.total_seconds() == 3600


def test_it_ends_with_the_password_that_another_process_changes(app, client, acme, rows):
    with full(app):
        assert sign_in(client).location == "/"
        assert client.get("/acme/").status_code == 200
    with in_name_of(app, "alice@acme.test") as user_id:
        alice = db.session.get(User, user_id)
        assert alice is not None
        alice.password_hash = "another"
        db.session.commit()
    assert client.get("/acme/").location.startswith("/login")
    assert rows() == 0


def test_wrong_passwords_are_refused_and_slowed_down_all_the_same(app, client, acme, clock):
    with full(app):
        statuses = [sign_in(client, "wrong horse").status_code for _ in range(8)]
        assert statuses == [422] * 5 + [429] * 3
        assert sign_in(client).status_code == 429
        clock.jump(days=-1)
        clock.move(minutes=1)
        assert sign_in(client).location == "/"
        assert client.get("/acme/").status_code == 200


def test_a_flood_of_tries_on_others_does_not_free_the_next_guess(clock):
    memory, wait = Unwritten(), {"alice": lambda tries: timedelta(seconds=tries)}
    for number in range(12_000):
        memory.count({f"somebody {number}": lambda _: timedelta()})
        if not number % 4_000:
            memory.count(wait)
            clock.move(seconds=10)
    assert memory.count(wait) == timedelta()
    assert memory.wait(wait) > timedelta(seconds=3)


def test_the_second_step_is_not_left_out(app, client, acme):
    with in_name_of(app, "alice@acme.test") as user_id:
        alice = db.session.get(User, user_id)
        assert alice is not None
        alice.two_factor_since = alice.created_at
        db.session.commit()
    with full(app):
        assert sign_in(client).location == "/login/code"
        assert client.get("/acme/").location.startswith("/login")


@pytest.fixture
def phone(as_ada, clock):
    """Ada's app; the half minute of its first code is over."""
    clock.set(clock.now())
    phone = set_up(as_ada)
    clock.move(minutes=1)
    return phone


def second_step(client, code, path="/login/code"):
    assert sign_in(client, email="ada@acme.test").location == "/login/code"
    return client.post(path, data={"code": code})


def test_a_code_of_the_app_is_taken_once(both_databases, app, client, phone):
    code = phone.code()
    with full(app):
        assert second_step(client, "000000").status_code == 422
        assert client.get("/acme/").location.startswith("/login")
        assert second_step(client, code).location == "/"
        assert client.get("/acme/").status_code == 200
        assert second_step(app.test_client(), code).status_code == 422
    assert second_step(app.test_client(), code).status_code == 422


def test_a_recovery_code_is_taken_once(both_databases, app, client, phone):
    code, path = phone.recovery_codes[0], "/login/recovery-code"
    with full(app):
        assert second_step(client, "aaaa-bbbb-cccc", path).status_code == 422
        assert second_step(client, code, path).location == "/"
        assert client.get("/acme/").status_code == 200
        assert second_step(app.test_client(), code, path).status_code == 422
    assert second_step(app.test_client(), code, path).status_code == 422
    assert "9 recovery codes left" in client.get("/account").text
    assert second_step(app.test_client(), code, path).status_code == 422


@pytest.mark.parametrize("hindrance", [full, locked])
def test_a_passkey_is_taken_once(app, client, as_ada, hindrance):
    device = added(as_ada)
    with hindrance(app):
        assert log_in(client, Device()).status_code == 422
        options = request_options(client)
        with client.session_transaction() as kept:
            copy = dict(kept)
        answer = {"credential": device.signed(options), "next": "/acme/"}
        assert client.post("/login/passkey", data=answer).location == "/acme/"
        assert client.get("/acme/").status_code == 200
    thief = app.test_client()
    with thief.session_transaction() as session:
        session.update(copy)
    assert thief.post("/login/passkey", data=answer).status_code == 422
    assert client.get("/account").status_code == 200


def test_codes_are_not_guessed_while_nothing_can_be_written(app, client, phone):
    with full(app):
        assert sign_in(client, email="ada@acme.test").location == "/login/code"
        tries = [client.post("/login/code", data={"code": f"{n:06}"}) for n in range(8)]
        assert tries[-1].status_code == 429
        assert client.post("/login/code", data={"code": phone.code()}).status_code == 429


def test_codes_are_taken_while_another_program_writes(app, client, phone):
    with locked(app):
        assert second_step(client, phone.code()).location == "/"
        assert client.get("/acme/").status_code == 200
        code, path = phone.recovery_codes[1], "/login/recovery-code"
        assert second_step(app.test_client(), code, path).location == "/"


def test_signing_out_ends_it(app, client, acme):
    with full(app):
        sign_in(client)
        client.post("/logout")
        assert client.get("/acme/").location.startswith("/login")


def test_ending_a_persons_sessions_ends_it(app, client, acme):
    with full(app):
        sign_in(client)
        assert client.get("/acme/").status_code == 200
        with app.app_context():
            alice = the_person("alice@acme.test")
            with pytest.raises(Exception, match="full"):
                sessions.end_all(alice)
            db.session.rollback()
        assert client.get("/acme/").location.startswith("/login")


def test_a_token_that_was_not_used_for_long_reads(app, as_script, acme, clock):
    script = as_script(acme, "issues:read")
    assert script.get("/api/v1/acme/shop/issues").status_code == 200
    clock.move(days=1)
    with full(app):
        assert script.get("/api/v1/acme/shop/issues").status_code == 200
    with locked(app):
        clock.move(minutes=5)
        assert script.get("/api/v1/acme/shop/issues").status_code == 200


def test_what_cannot_be_saved_says_why(app, as_alice, acme):
    page = "/acme/shop/settings/"
    with full(app):
        assert as_alice.get(page).status_code == 200
        answer = as_alice.post("/logout")
    assert answer.status_code == 503
    assert "The disk of the database is full" in answer.text
