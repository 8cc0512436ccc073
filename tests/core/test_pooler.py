"""Behind a transaction pooler two consoles share one connection of the server, and nothing else."""

from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import select

from console.accounts.models import Project
from console.app import create_app
from console.core.db import db
from tests.support import pgbouncer, postgres
from tests.support.factories import inside
from tests.support.run import shared

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("both_databases")]
TURNS = 80


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


@pytest.fixture
def pooled(database, worker_id):
    """The database's URL through PgBouncer in transaction mode, with one connection."""
    folder = shared() / f"pgbouncer-{worker_id}"
    with pgbouncer.running(folder, postgres.server(shared()), database.database_url) as url:
        yield url


def test_alternating_transactions_see_their_own_rows(pooled, settings, acme, globex):
    consoles = [create_app(replace(settings, database_url=pooled)) for _ in range(2)]
    wrong = 0
    for turn in range(TURNS):
        project = (acme, globex)[turn % 2]
        with inside(consoles[turn // 2 % 2], project):
            wrong += [p.id for p in db.session.scalars(select(Project))] != [project.id]
            if turn % 3:
                db.session.commit()
    print(f"through a transaction pooler: {wrong} wrong of {TURNS}")
    assert wrong == 0
    for console in consoles:
        with console.app_context():
            db.engine.dispose()


def test_the_pooler_does_share(pooled):
    """What a session-level SET would do: the next client finds it."""
    with (
        psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as first,
        psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as second,
    ):
        first.execute("SET app.organization_id = '7'")
        found = second.execute("SELECT current_setting('app.organization_id', true)").fetchone()
        assert found == ("7",)
