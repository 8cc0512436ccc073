"""Fixtures of all tests: databases, the console, its people, a live server, a browser."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from console.accounts.models import Organization, Project, Role
from console.core.clock import release
from console.core.config import Config
from console.errors.models import Issue
from tests.fakes import smtp as smtp_fake
from tests.fakes.peer import Peer
from tests.support import chromium as chromium_program
from tests.support import clients, consoles, databases, factories
from tests.support.databases import Database
from tests.support.kinds import pytest_collection_modifyitems, pytest_xdist_auto_num_workers
from tests.support.live import Server
from tests.support.movable_clock import MovableClock
from tests.support.run import (
    pytest_collection_finish,
    pytest_configure,
    pytest_unconfigure,
    shared,
)

__all__ = [
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_unconfigure",
    "pytest_xdist_auto_num_workers",
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def both_databases(request: pytest.FixtureRequest) -> str:
    """Run the test on SQLite and again on PostgreSQL; the name of the one in use."""
    name: str = request.param
    return name


@pytest.fixture
def instance(worker_id: str) -> Path:
    """The console's data folder: always the same of a worker, and empty."""
    folder = shared() / f"instance-{worker_id}"
    shutil.rmtree(folder, ignore_errors=True)
    return folder


@pytest.fixture
def database(request: pytest.FixtureRequest, instance: Path, worker_id: str) -> Database:
    """A fresh, migrated database: SQLite, or what `both_databases` says."""
    asked = "both_databases" in request.fixturenames
    if asked and request.getfixturevalue("both_databases") == "postgresql":
        return databases.postgresql(shared(), instance, worker_id)
    return databases.sqlite(shared(), instance)


@pytest.fixture
def settings(database: Database, instance: Path) -> Config:
    """The console's settings."""
    return databases.config(database, instance)


@pytest.fixture
def app(settings: Config) -> Iterator[Flask]:
    """A console in this process, with nothing in it."""
    with consoles.console(settings, templates=str(shared())) as app:
        yield app


@pytest.fixture
def inside(app: Flask) -> Callable[[Organization | Project | int], AbstractContextManager[None]]:
    """Give a function that opens a database Session of a project's organization."""
    return partial(factories.inside, app)


@pytest.fixture
def clock() -> Iterator[MovableClock]:
    """The console's clock, to be set and moved."""
    yield MovableClock()
    release()


@pytest.fixture
def acme(app: Flask) -> Project:
    """Project shop of acme, with Ada (owner), Alice (member) and Vic (viewer)."""
    people = {
        "ada@acme.test": Role.OWNER,
        "alice@acme.test": Role.MEMBER,
        "vic@acme.test": Role.VIEWER,
    }
    return factories.make_cast(app, "acme", people)


@pytest.fixture
def globex(app: Flask) -> Project:
    """Project shop of globex, with Eve (owner)."""
    return factories.make_cast(app, "globex", {"eve@globex.test": Role.OWNER})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


@pytest.fixture
def as_ada(app: Flask, acme: Project) -> FlaskClient:
    """Ada's browser: owner of acme."""
    return factories.signed_in(app, "ada@acme.test")


@pytest.fixture
def as_alice(app: Flask, acme: Project) -> FlaskClient:
    """Alice's browser: member of acme."""
    return factories.signed_in(app, "alice@acme.test")


@pytest.fixture
def as_vic(app: Flask, acme: Project) -> FlaskClient:
    """Vic's browser: viewer of acme."""
    return factories.signed_in(app, "vic@acme.test")


@pytest.fixture
def as_eve(app: Flask, globex: Project) -> FlaskClient:
    """Eve's browser: owner of globex, a stranger to acme."""
    return factories.signed_in(app, "eve@globex.test")


@pytest.fixture
def as_script(app: Flask) -> Callable[..., FlaskClient]:
    """`as_script(acme, "issues:read", …)` asks the API with a new token of the project."""
    return lambda *given, **fields: clients.script(app, clients.make_token(app, *given, **fields))


@pytest.fixture
def make_issue(app: Flask) -> Callable[..., Issue]:
    """`make_issue(acme, title=…, status=…)` adds an issue and returns it."""
    return partial(factories.make_issue, app)


@pytest.fixture
def server(instance: Path, database: Database) -> Iterator[Server]:
    """A live `pharos serve` on a free port."""
    server = Server(instance, database).start()
    yield server
    server.stop()


@pytest.fixture
def dsn(server: Server) -> str:
    """The DSN of a new project of the live server."""
    return server.project().dsn


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all browser tests of a worker."""
    with chromium_program.launched() as browser:
        yield browser


@pytest.fixture
def chromium(browser: Browser) -> Iterator[Page]:
    """A page of 1440 × 900 with a profile of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A web server on loopback that answers each connection as a function of the path says."""
    with closing(Peer()) as peer:
        yield peer


@pytest.fixture
def smtp() -> Iterator[smtp_fake.Mailbox]:
    """A mail server that keeps what it is given: `SMTP_URL` must be `smtp.url`."""
    with smtp_fake.serving() as mailbox:
        yield mailbox
