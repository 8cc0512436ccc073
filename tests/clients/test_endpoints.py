"""Real web apps with unmodified SDKs: both trace life cycles give the same rows."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import func, select

from console.app import create_app
from console.core import clock
from console.core.config import Config
from console.telemetry import requests
from console.telemetry.question import ask, within
from console.telemetry.scope import Scope
from console.telemetry.tables import span, statement
from tests.clients import web_apps
from tests.clients.web_apps import LIFECYCLES
from tests.support import consoles
from tests.support.live import Connected, Server

pytestmark = pytest.mark.slow
Rows = dict[tuple[str, str], tuple[float, float]]
"""Requests, and how many of them failed, by category and name."""

SEARCH = "SELECT COUNT(*) FROM {} WHERE title LIKE ?"
FLASK_ROWS: Rows = {
    ("request", "GET shelf.book"): (4, 0),
    ("request", "POST shelf.add_book"): (1, 0),
    ("request", "GET shelf.search"): (2, 0),
    ("request", "GET slow"): (1, 0),
    ("request", "GET broken"): (2, 2),
    ("request", "POST nightly"): (1, 0),
    ("request", "GET (no route)"): (2, 0),
    ("request", "DELETE (no route)"): (1, 0),
    ("task", "reindex"): (1, 0),
    ("task", "send_letters"): (1, 1),
}
DJANGO_ROWS: Rows = {
    ("request", "GET /books/{number}"): (4, 0),
    ("request", "POST /books"): (1, 0),
    ("request", "GET /books/search"): (2, 0),
    ("request", "GET /slow"): (1, 0),
    ("request", "GET /broken"): (2, 2),
    ("request", "GET (no route)"): (2, 0),
    ("request", "DELETE /books/{number}"): (1, 0),
}
FASTAPI_ROWS = DJANGO_ROWS | {("request", "POST /nightly"): (1, 0)}
EXPRESS_ROWS: Rows = {
    ("request", "GET /books/:number"): (4, 0),
    ("request", "POST /books"): (1, 0),
    ("request", "GET /books/search"): (2, 0),
    ("request", "GET /slow"): (1, 0),
    ("request", "GET /broken"): (2, 2),
    ("request", "GET (no route)"): (2, 0),
    ("request", "DELETE /books"): (1, 0),  # of the router, which is mounted there, the rest is none
    ("request", "POST /nightly"): (1, 0),
    ("task", "reindex"): (1, 0),
    ("task", "send letters"): (1, 1),
}
SQLALCHEMY = {
    "SELECT book.id, book.title FROM book WHERE book.id = ?": 4,
    "INSERT INTO book (title) VALUES (?)": 1,
    SEARCH.format("book"): 2,
    "SELECT book.id, book.title FROM book": 1,
    "SELECT book.title FROM book ORDER BY book.title": 1,
}
BOOK = '"books_book"."id", "books_book"."title" FROM "books_book" WHERE "books_book"."id"'
DJANGO = {
    f"SELECT {BOOK} = ? LIMIT ?": 4,
    'INSERT INTO "books_book" ("title") VALUES (?) RETURNING "books_book"."id"': 1,
    SEARCH.format("books_book"): 2,
    f"SELECT {BOOK} IN (?)": 1,
}


PYTHON = {
    "flask": (web_apps.flask, FLASK_ROWS, SQLALCHEMY),
    "django": (web_apps.django, DJANGO_ROWS, DJANGO),
    "fastapi": (web_apps.fastapi, FASTAPI_ROWS, SQLALCHEMY),
}
EXPRESS = {
    "SELECT id, title FROM book WHERE id = ?": 4,
    "INSERT INTO book (title) VALUES (?)": 1,
    SEARCH.format("book"): 2,
    "SELECT id, title FROM book WHERE id IN (?)": 1,
    "SELECT title FROM book ORDER BY title": 1,
}


@pytest.mark.parametrize(("app", "rows", "queries"), PYTHON.values(), ids=PYTHON)
def test_python_gives_the_same_rows_in_both_life_cycles(
    server, settings, tmp_path, app, rows, queries
):
    project = server.project()
    web_apps.in_both(app, project.dsn, tmp_path)
    digested(project)
    with stored(server, settings, project) as (static, stream):
        assert endpoints(static) == rows
        assert endpoints(stream) == rows
        assert statements(static) == queries
        assert statements(stream) == queries
        # What runs before the first request is part of no transaction; streams alone tell of it,
        # as segments, which are no requests.
        assert orphans(static) == set()
        assert {"CREATE TABLE", "INSERT INTO"} <= orphans(stream)


@pytest.mark.node
@pytest.mark.postgresql
def test_express_gives_the_same_rows_but_for_what_its_sdk_drops(server, settings, tmp_path):
    project = server.project()
    web_apps.in_both(web_apps.express, project.dsn, tmp_path)
    lost = digested(project)["transaction", "lost_by_client"]
    with stored(server, settings, project) as (static, stream):
        assert endpoints(stream) == EXPRESS_ROWS
        assert statements(stream) == EXPRESS
        # Without streaming @sentry/node sends no transaction that was answered with 404 (its
        # `ignoreStatusCodes`), and says in a client report how many it dropped.
        unanswered = {("request", "GET (no route)"), ("request", "DELETE /books")}
        answered = {key: row for key, row in EXPRESS_ROWS.items() if key not in unanswered}
        answered["request", "GET /books/:number"] = (3, 0)
        assert endpoints(static) == answered
        assert lost == total(EXPRESS_ROWS) - total(answered) == 4
        assert statements(static) == EXPRESS | {"SELECT id, title FROM book WHERE id = ?": 3}
        assert late_children(static) == late_children(stream) == ["reindex"]


def test_sampled_requests_are_estimated(server, settings, tmp_path):
    project = server.project()
    visits = [("GET", f"/books/{number % 5 + 1}", 200) for number in range(40)]
    app = partial(web_apps.python, "flask_app", visits, sample_rate="0.5")
    web_apps.in_both(app, project.dsn, tmp_path)
    digested(project)
    with stored(server, settings, project) as scopes:
        for scope in scopes:
            (found,) = requests.endpoints(scope)
            assert 0 < found.latency.received < len(visits)  # or a coin fell one way 40 times
            assert found.latency.count == 2 * found.latency.received
            assert found.latency.estimated


def digested(project: Connected) -> Counter[tuple[str, str]]:
    """Wait until all that was sent so far is stored; what became of it."""
    dsn = urlsplit(project.dsn)
    url = f"http://{dsn.netloc.partition('@')[2]}/api{dsn.path}/envelope/?sentry_key={dsn.username}"
    # One comes after the other: when this is counted, so is everything before it.
    urlopen(Request(url, b'{}\n{"type":"feedback"}\n{}\n'), timeout=10).close()
    return project.wait_for(feedback=1)


@contextmanager
def stored(server: Server, settings: Config, project: Connected) -> Iterator[list[Scope]]:
    """Read what a stopped console has stored; a scope for each life cycle."""
    server.stop()
    app = create_app(settings)
    now, day = clock.now(), timedelta(days=1)
    project_id = int(project.dsn.rpartition("/")[2])
    everything = Scope(organization_id=1, project_id=project_id, since=now - day, until=now + day)
    with app.app_context():
        yield [replace(everything, environment=lifecycle) for lifecycle in LIFECYCLES]
    consoles.close(app)


def endpoints(scope: Scope) -> Rows:
    found = requests.endpoints(scope)
    return {(one.category, one.name): (one.latency.count, one.latency.failed) for one in found}


def statements(scope: Scope) -> dict[str, int]:
    """How often each statement was run by requests and tasks."""
    serving = select(span.c.segment_id).where(within(span, scope), span.c.endpoint != "")
    query = (
        select(statement.c.text, func.count())
        .join_from(span, statement, span.c.fingerprint == statement.c.fingerprint)
        .where(within(span, scope), span.c.category == "db", span.c.segment_id.in_(serving))
        .group_by(statement.c.text)
    )
    return dict(map(tuple, ask(scope, query)))


def orphans(scope: Scope) -> set[str]:
    """The first two words of every segment that is no request."""
    query = select(span.c.name).where(within(span, scope), span.c.is_segment, span.c.endpoint == "")
    return {" ".join(name.split()[:2]) for (name,) in ask(scope, query)}


def late_children(scope: Scope) -> list[str]:
    """Spans that ended after their request did."""
    query = select(span.c.name).where(within(span, scope), span.c.op == "function")
    return [name for (name,) in ask(scope, query)]


def total(rows: Rows) -> float:
    return sum(requests for requests, _ in rows.values())
