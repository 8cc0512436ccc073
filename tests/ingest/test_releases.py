"""The project learns its environments and releases from everything that it is sent."""

from datetime import timedelta

from sqlalchemy.event import listens_for, remove

from console.accounts import releases
from console.core import clock
from console.core.db import db
from tests.ingest.conftest import error, transaction


def test_the_project_learns_its_environments_and_releases(
    both_databases, acme, globex, accepted, digest, inside
):
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    now = clock.now()
    accepted(
        acme,
        error(
            release="shop@1.1", environment="production", timestamp=(now - 3 * minute).isoformat()
        ),
        error(environment="", timestamp=(now - 4 * minute).isoformat()),
        error(release="shop@1.0", environment="staging", timestamp=(now - minute).isoformat()),
    )
    digest.drain()
    with inside(acme):
        assert releases.environments(acme) == ["production", "staging"]
        assert releases.versions(acme) == ["shop@1.0", "shop@1.1"]
        assert [(r.version, r.environment) for r in releases.appeared(acme, now - hour, now)] == [
            ("shop@1.1", "production"),
            ("shop@1.0", "staging"),
        ]
    with inside(globex):
        assert releases.environments(globex) == []


def test_releases_are_noted_once_per_batch(app, acme, accepted, digest, inside):
    accepted(acme, error(release="shop@1"), error(release="shop@2"), transaction(release="shop@3"))
    with app.app_context():
        engine = db.engine
    noted = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith("INSERT INTO release "):
            noted.append(statement)

    listens_for(engine, "before_cursor_execute")(note)
    digest.drain()
    remove(engine, "before_cursor_execute", note)
    assert len(noted) == 1
    with inside(acme):
        assert set(releases.versions(acme)) == {"shop@1", "shop@2", "shop@3"}
