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


def test_a_client_that_names_a_release_with_each_event_fills_no_list(
    both_databases, acme, accepted, digest, inside, as_alice
):
    at = clock.now().replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    many = releases.MOST_NEW + 30
    for start in range(0, many, 115):
        events = [error(release=f"r{start + n}", timestamp=at) for n in range(115)]
        accepted(acme, *events)
        digest.drain()
    accepted(acme, error(release="r0", timestamp=at))  # known: it needs no room
    digest.drain()
    with inside(acme):
        assert len(releases.versions(acme, 1000)) == releases.MOST_NEW
        day_before = clock.now() - timedelta(days=1)
        assert releases.saw(acme.id, [("", "r-of-yesterday", day_before)]) == 0
        several = [("", f"s{n}", day_before) for n in range(40_000)]
        assert releases.saw(acme.id, several) == 40_001 - releases.MOST_NEW
    page = as_alice.get("/acme/shop/intake").text
    assert releases.SURPLUS in page
    assert len(releases.SURPLUS) <= 80
