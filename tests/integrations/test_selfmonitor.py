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

from console.accounts.access import access_of
from console.accounts.models import Organization, Project
from console.accounts.slugs import OPERATORS
from console.core.db import db
from console.ingest import pipeline, spool
from console.integrations.report_limit import MOST
from console.integrations.selfmonitor import POLL_RATE, SpoolTransport, trace_rate
from console.telemetry import store
from tests.ingest.conftest import envelope, error
from tests.support.factories import PASSWORD, inside
from tests.support.live import Connected, Server
from tests.support.waiting import until


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


def test_reports_go_into_the_operators_organization(both_databases, app, transport, acme, globex):
    for _ in range(2):
        report(transport)
    rows = spool.current().read()
    with app.app_context():
        own = db.session.scalars(select(Organization).where(Organization.builtin)).one()
        assert own.slug == "pharos-operators"
        assert own.id not in {acme.organization_id, globex.organization_id}
    assert [row.organization_id for row in rows] == [own.id] * 2
    pipeline.current().drain()
    with inside(app, own):
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
        ("/account", {}, 1.0),
        ("/api/7/envelope/", {}, 0.0),
        ("/prefix/api/7/store/", {}, 0.0),
        ("/tunnel/", {}, 0.0),
        ("/static/1/app.css", {}, 0.0),
        ("/healthz", {}, 0.0),
        ("/login", {}, 0.0),
        ("/setup", {}, 0.0),
        ("/invite/phi_x", {}, 0.0),
        ("/there/is/no/such/page", {}, 0.0),
    ],
)
def test_pages_of_members_are_traced_and_nothing_that_strangers_ask(app, path, headers, rate):
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", **headers}
    assert trace_rate(app, {"wsgi_environ": environ}) == rate


def test_no_public_address_is_traced(app):
    """Sign-in, links with tokens, shared pages: also those that come later."""
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        built = rule.build(dict.fromkeys(rule.arguments, "1"), append_unknown=False)
        assert built is not None
        method = min(rule.methods or {"GET"})
        environ = {"PATH_INFO": built[1], "REQUEST_METHOD": method}
        is_public = access is None or access.kind == "public"
        if is_public:
            assert trace_rate(app, {"wsgi_environ": environ}) == 0.0, rule.rule


def test_a_fresh_console_shows_its_own_errors_and_traces(server):
    shop = server.project()
    operate = ("user", "create", "ada@acme.test", "--organization", "acme", "--role", "owner")
    server.run(*operate, "--password-stdin", stdin=f"{PASSWORD}\n")
    for _ in range(3):
        _send(shop)
        shop.outcomes()
    own = _own_project(server, shop)
    shop.wait_for(event=3)
    with _broken_issues(server):
        for _ in range(2 * MOST):
            with suppress(HTTPError):
                shop.issues()
    own.wait_for(event=MOST, span=2)
    assert [issue["kind"] for issue in own.issues()] == ["LookupError"]
    assert shop.wait_for(event=3)["event", "stored"] == 3
    time.sleep(1)
    assert own.outcomes()["event", "stored"] == MOST, "a flood, or a report of a report"


def test_with_a_dsn_it_reports_there(server, database, tmp_path):
    elsewhere = server.project()
    watched = Server(tmp_path / "watched", database, SENTRY_DSN=elsewhere.dsn)
    watched.run("migrate")
    watched.start()
    watched.project().outcomes()
    elsewhere.wait_for(span=1)
    watched.stop()


def _own_project(server: Server, shop: Connected) -> Connected:
    """The console's own project, as a script sees it, once it is there."""
    until(
        lambda: (
            shop.outcomes() is not None
            and OPERATORS in json.loads(server.run("status", "--json"))["positions"]
        ),
        "a project of the console's own",
    )
    listing = ("project", "list", "--organization", OPERATORS, "--json")
    dsn = json.loads(server.run(*listing))["pharos"]
    of = ("--organization", OPERATORS, "--project", "pharos")
    token = server.run("token", "create", *of).strip()
    return Connected(dsn, f"{server.url}/api/v1/{OPERATORS}/pharos", token, OPERATORS, "pharos")


def _send(to: Connected) -> None:
    key, _, rest = to.dsn.removeprefix("http://").partition("@")
    host, _, project_id = rest.partition("/")
    url = f"http://{host}/api/{project_id}/envelope/?sentry_key={key}"
    urlopen(Request(url, envelope(("event", error())))).close()


@contextmanager
def _broken_issues(server: Server) -> Iterator[None]:
    """The running console's issues hold what no code of it can read, for a moment."""
    connection = sqlite3.connect(server.instance / "state.sqlite", timeout=10)
    connection.execute("UPDATE issue SET level = 'no level'")
    connection.commit()
    yield
    connection.execute("UPDATE issue SET level = 'error'")
    connection.commit()
    connection.close()
