"""What the tests of ingest send, and what they find stored."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.errors.models import Issue
from console.ingest import pipeline, refusals, spool
from console.ingest.pipeline import Pipeline
from console.ingest.spool import Spool, SpoolRow
from console.intake.ledger import Count
from console.intake.models import Outcome
from console.telemetry import store
from console.telemetry.tables import error_event, span
from tests.ingest.envelopes import ENCODE
from tests.support.factories import inside, public_key


def error(kind: str = "ValueError", event_id: str = "", **fields: Any) -> dict[str, Any]:
    """An error event as clients send it."""
    exception = {"type": kind, "value": "it broke", "mechanism": {"handled": False}}
    return {
        "event_id": event_id or uuid4().hex,
        "timestamp": clock.now().isoformat(),
        "platform": "python",
        "level": "error",
        "exception": {"values": [exception]},
        **fields,
    }


def transaction(**fields: Any) -> dict[str, Any]:
    """A transaction of one segment and one child."""
    trace_id, now = uuid4().hex, clock.now().timestamp()
    child = {
        "trace_id": trace_id,
        "span_id": uuid4().hex[:16],
        "op": "db",
        "description": "SELECT 1",
    }
    trace = {"trace_id": trace_id, "span_id": uuid4().hex[:16], "op": "http.server"}
    return {
        "type": "transaction",
        "event_id": uuid4().hex,
        "transaction": "checkout",
        "start_timestamp": now - 1,
        "timestamp": now,
        "contexts": {"trace": trace},
        "spans": [{**child, "start_timestamp": now - 1, "timestamp": now}],
        **fields,
    }


def envelope(*items: tuple[str, Mapping[str, Any]]) -> bytes:
    """The envelope of items given as (type, payload)."""
    lines = [b"{}"]
    for type_, payload in items:
        body = orjson.dumps(payload)
        lines += [orjson.dumps({"type": type_, "length": len(body)}), body]
    return b"\n".join(lines) + b"\n"


@pytest.fixture
def waiting(app: Flask) -> Iterator[Spool]:
    """The app's spool; its files and those of telemetry are closed at the end."""
    with app.app_context():
        found, stored = spool.current(), store.current()
    yield found
    found.close()
    stored.close()


@pytest.fixture
def digest(app: Flask, waiting: Spool) -> Pipeline:
    """The app's digest, which runs when a test says so."""
    with app.app_context():
        return pipeline.current()


@pytest.fixture
def accepted(waiting: Spool) -> Callable[..., int]:
    """`accepted(project, error(), …)` spools an envelope as accept does."""

    def accept(project: Project, *events: Mapping[str, Any], body: bytes = b"") -> int:
        items = [(str(event.get("type") or "event"), event) for event in events]
        return waiting.append(
            SpoolRow(
                organization_id=project.organization_id,
                project_id=project.id,
                key_id=1,
                received_at=clock.now(),
                kind="sentry.envelope",
                body=body or envelope(*items),
            )
        )

    return accept


class Stored:
    """What a project has in its stores."""

    def __init__(self, app: Flask, project: Project) -> None:
        self._app, self._project = app, project

    def events(self) -> list[str]:
        """The id of every stored event, sorted; twice if it is stored twice."""
        return sorted(row.event_id for row in self.rows(error_event))

    def spans(self) -> int:
        return len(self.rows(span))

    def issues(self) -> dict[str, int]:
        """How many events each issue has counted."""
        with inside(self._app, self._project):
            query = select(Issue.title, Issue.events).where(Issue.project_id == self._project.id)
            return dict(db.session.execute(query).all())

    def ledger(self) -> dict[tuple[str, str, str], int]:
        """Quantities by type, outcome and reason."""
        with inside(self._app, self._project):
            rows = db.session.scalars(select(Outcome).where(Outcome.project_id == self._project.id))
            return {(row.item_type, row.outcome, row.reason): row.quantity for row in rows}

    def rows(self, table: Any) -> list[Any]:
        """The project's rows of a telemetry table."""
        with self._app.app_context():
            using = store.current().using(self._project.organization_id)
            with using as database, database.transaction() as connection:
                mine = select(table).where(table.c.project_id == self._project.id)
                return list(connection.execute(mine).all())


@pytest.fixture
def stored(app: Flask) -> Callable[[Project], Stored]:
    """`stored(project)` looks into the project's stores."""
    return lambda project: Stored(app, project)


@pytest.fixture
def key(app: Flask, acme: Project) -> str:
    return public_key(app, acme)


@pytest.fixture
def credentials(key: str) -> dict[str, str]:
    return {"X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7, sentry_client=py/2"}


@pytest.fixture
def send(
    client: FlaskClient, acme: Project, credentials: dict[str, str], waiting: Spool
) -> Callable[..., TestResponse]:
    """Post to acme's envelope endpoint with its key in the header, unless told otherwise."""

    def post(body: bytes, *, path: str = "", encoding: str = "", **headers: Any) -> TestResponse:
        sent: dict[str, str] = headers.pop("headers", credentials)
        if encoding:
            sent = sent | {"Content-Encoding": encoding}
        path = path or f"/api/{acme.id}/envelope/"
        answer: TestResponse = client.post(path, data=ENCODE[encoding](body), headers=sent)
        return answer

    return post


@pytest.fixture
def ledger(app: Flask, waiting: Spool) -> Callable[[], list[Count]]:
    """What accept counted as refused since the last call, by way of the spool."""

    def counts() -> list[Count]:
        app.extensions[refusals.EXTENSION].flush()
        rows = [row for row in waiting.read(limit_rows=10_000) if row.kind == refusals.KIND]
        waiting.forget({row.organization_id: row.position for row in rows})
        return [count for row in rows for count in refusals.from_spool(row)]

    return counts
