import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from sentry_sdk.envelope import Envelope
from sentry_sdk.types import Event
from sqlalchemy import select

from console.accounts.models import Project
from console.core.db import db
from console.core.tenancy import enter_organization
from console.ingest import pipeline, spool
from console.integrations.selfmonitor import POLL_RATE, SpoolTransport, trace_rate
from console.telemetry import store
from tests.factories import make_organization
from tests.ingest.conftest import envelope, error
from tests.live import Connected, Server


@pytest.fixture
def transport(app):
    """The transport of a console in this process."""
    with app.app_context():
        yield SpoolTransport(app, spool.current())
        spool.current().close()
        store.current().close()


def report(transport: SpoolTransport) -> None:
    reported = Envelope()
    reported.add_event(cast("Event", error("KeyError")))
    transport.capture_envelope(reported)
    transport.flush(5.0)


def test_reports_go_into_the_built_in_project_of_the_first_organization(app, transport):
    first = make_organization(app, "acme")
    make_organization(app, "globex")
    for _ in range(2):
        report(transport)
    rows = spool.current().read()
    assert [row.organization_id for row in rows] == [first.id] * 2
    pipeline.current().drain()
    with app.app_context():
        enter_organization(first.id)
        project = db.session.scalars(select(Project)).one()
        assert (project.slug, project.builtin, project.id) == ("pharos", True, rows[0].project_id)


def test_before_the_set_up_nothing_is_kept(app, transport):
    report(transport)
    assert spool.current().depth().rows == 0


@pytest.mark.parametrize(
    ("path", "headers", "rate"),
    [
        ("/acme/shop/issues/", {}, 1.0),
        ("/acme/shop/issues/", {"HTTP_PHAROS_PART": "x"}, POLL_RATE),
        ("/api/v1/acme/shop/issues", {}, 1.0),
        ("/api/7/envelope/", {}, 0.0),
        ("/prefix/api/7/store/", {}, 0.0),
        ("/tunnel/", {}, 0.0),
        ("/static/1/app.css", {}, 0.0),
        ("/healthz", {}, 0.0),
    ],
)
def test_pages_are_traced_and_ingest_is_not(path, headers, rate):
    assert trace_rate({"wsgi_environ": {"PATH_INFO": path, **headers}}) == rate


def test_a_fresh_console_shows_its_own_errors_and_traces(server):
    shop = server.project()
    for _ in range(3):
        _send(shop)
        urlopen(f"{server.url}/login").close()
    own = _own_project(server)
    with _missing_table(server, "user"), suppress(HTTPError):
        urlopen(f"{server.url}/login")
    own.wait_for(event=1, span=2)
    assert [issue["kind"] for issue in own.issues()] == ["OperationalError"]
    assert shop.wait_for(event=3)["event", "stored"] == 3
    time.sleep(1)
    assert own.outcomes()["event", "stored"] == 1, "what was reported is not reported again"


def test_with_a_dsn_it_reports_there(server, database, tmp_path):
    elsewhere = server.project()
    watched = Server(tmp_path / "watched", database, SENTRY_DSN=elsewhere.dsn)
    watched.run("migrate")
    watched.start()
    urlopen(f"{watched.url}/login").close()
    elsewhere.wait_for(span=1)
    watched.stop()


def _own_project(server: Server) -> Connected:
    """The built-in project, as a script sees it, once it is there."""
    listing = ("project", "list", "--organization", "acme", "--json")
    deadline = time.monotonic() + 20
    while "pharos" not in (found := json.loads(server.run(*listing))):
        assert time.monotonic() < deadline, "the console made no project of its own"
        time.sleep(0.2)
        urlopen(f"{server.url}/login").close()
    of = ("--organization", "acme", "--project", "pharos")
    token = server.run("token", "create", *of).strip()
    return Connected(found["pharos"], f"{server.url}/api/v1/acme/pharos", token, "acme", "pharos")


def _send(to: Connected) -> None:
    key, _, rest = to.dsn.removeprefix("http://").partition("@")
    host, _, project_id = rest.partition("/")
    url = f"http://{host}/api/{project_id}/envelope/?sentry_key={key}"
    urlopen(Request(url, envelope(("event", error())))).close()


@contextmanager
def _missing_table(server: Server, table: str) -> Iterator[None]:
    """A table of the running console's database is not there for a moment."""
    connection = sqlite3.connect(server.instance / "state.sqlite", timeout=10)
    connection.execute(f'ALTER TABLE "{table}" RENAME TO away')
    yield
    connection.execute(f'ALTER TABLE away RENAME TO "{table}"')
    connection.close()
