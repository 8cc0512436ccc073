"""A read neither fails nor waits for long because something only wants to be noted."""

import logging
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import delete, event, select, text

from console.accounts.models import Project
from console.core import noting
from console.core.db import db
from console.dashboards import links, making
from console.dashboards.links_models import ShareLink, ShareVisit, Visit
from console.telemetry.tile import EXTENSION
from tests.support.clients import HTMX

READ_ONLY = {
    "sqlite": "PRAGMA query_only=ON",
    "postgresql": "SET default_transaction_read_only = on",
}


@contextmanager
def locked(database, settings):
    """Somebody else writes all the time."""
    if database.database_url:
        with psycopg.connect(database.owner_database_url) as owner:
            for table in ("share_link", "login_session", "api_token"):
                owner.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield
            return
    path = settings.instance / "state.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("BEGIN IMMEDIATE")
        yield
        own.execute("ROLLBACK")


@contextmanager
def read_only(app):
    """The database takes no writes, as a full disk or a standby server does."""
    with app.app_context():
        engine = db.engine

    def refuse(connection, _entry):
        with closing(connection.cursor()) as cursor:
            cursor.execute(READ_ONLY[engine.dialect.name])
        if engine.dialect.name == "postgresql":
            connection.commit()

    engine.dispose()
    event.listen(engine, "connect", refuse)
    try:
        yield
    finally:
        event.remove(engine, "connect", refuse)
        engine.dispose()


@pytest.mark.usefixtures("both_databases")
@pytest.mark.parametrize("trouble", ["locked", "read only"])
def test_pages_links_and_the_api_are_read_while_nobody_can_write(
    app, acme, inside, client, as_vic, as_script, share, database, settings, clock, caplog, trouble
):
    path, link_id = share()
    script = as_script(acme, "dashboards:read")
    clock.move()
    assert client.get(path).status_code == 200
    clock.move(minutes=30)  # so that sessions and tokens want to be noted again
    caplog.clear()
    caplog.set_level(logging.WARNING, "console")
    bad = locked(database, settings) if trouble == "locked" else read_only(app)
    began = time.monotonic()
    with bad:
        for _ in range(2):
            shared = client.get(path)
            assert shared.status_code == 200
            assert "Hello nobody" in shared.text
            assert as_vic.get("/acme/shop/dashboards").status_code == 200
            assert script.get("/api/v1/acme/shop/dashboards").status_code == 200
    assert time.monotonic() - began < 6 * (noting.LOCK_SECONDS + 3)
    lines = [record.getMessage() for record in caplog.records if record.name == noting.log.name]
    # Each is logged once, however often it happens; after a wait for a lock nobody waits again.
    assert len(lines) == (1 if trouble == "locked" else 3)
    assert all("not noted, 1 times" in line for line in lines)
    clock.move(seconds=noting.PAUSE_SECONDS)
    with inside(acme):
        assert db.session.get_one(ShareLink, link_id).views == 1
    assert client.get(path).status_code == 200
    with inside(acme):
        assert db.session.get_one(ShareLink, link_id).views == 2


@pytest.mark.usefixtures("both_databases")
def test_a_database_that_takes_no_changes_is_named_where_somebody_saves(
    app, as_alice, acme, make_dashboard
):
    path = f"/acme/shop/dashboards/{make_dashboard(acme)[0]}/links"
    form = {"name": "Carol", "range": "24h", "zone": "UTC"}
    with read_only(app):
        assert as_alice.get(path).status_code == 200
        answer = as_alice.post(path, data=form)
    assert answer.status_code == 503
    assert "The database takes no changes now" in answer.text
    assert answer.headers["Retry-After"]
    assert as_alice.post(path, data=form).status_code == 200


@pytest.mark.usefixtures("both_databases")
def test_a_tile_whose_connection_is_lost_says_so_and_the_others_go_on(
    app, acme, as_vic, make_dashboard, both_databases, monkeypatch
):
    if both_databases == "sqlite":
        pytest.skip("a file is not lost in the middle of a statement")

    def die(_viewing):
        db.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    kinds = app.extensions[EXTENSION]
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    dashboard_id, tiles = make_dashboard(acme)
    paths = [f"/acme/shop/dashboards/{dashboard_id}/tiles/{tile}" for tile in tiles]
    with monkeypatch.context() as patch:
        dying = {name: replace(own, answer=die) for name, own in kinds.items()}
        patch.setitem(app.extensions, EXTENSION, dying)
        for path in paths:
            answer = as_vic.get(path, headers=HTMX)
            assert answer.status_code in {200, 503}
            assert "The database does not answer right now" in answer.text
    assert all(as_vic.get(path, headers=HTMX).status_code == 200 for path in paths)


@pytest.mark.usefixtures("both_databases")
def test_a_dashboard_that_is_saved_while_its_project_is_deleted_is_a_conflict(
    app, acme, as_alice, inside, monkeypatch
):
    """Each of the two began when the other had not ended."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    create = making.create

    def create_late(project, *rest, **more):
        db.session.execute(delete(Project).where(Project.id == project.id))
        return create(project, *rest, **more)

    monkeypatch.setattr(making, "create", create_late)
    answer = as_alice.post("/acme/shop/dashboards/", data={"title": "Late", "template": ""})
    assert answer.status_code == 409
    assert "deleted meanwhile" in answer.text


def test_a_look_at_a_link_that_is_deleted_meanwhile_is_no_error(acme, inside, share, caplog):
    _, link_id = share()
    with inside(acme):
        db.session.delete(db.session.get_one(ShareLink, link_id))
        db.session.commit()
        links.viewed(link_id, Visit.PAGE, "curl")
        assert db.session.scalars(select(ShareVisit)).all() == []
    assert "not noted" not in caplog.text
