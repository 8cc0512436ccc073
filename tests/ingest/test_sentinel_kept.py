"""The secret of test_sentinel, sent to a whole console: no file, row, page or log has it."""

import json
import logging
import re
from collections import Counter, deque
from pathlib import Path

import pytest
from sqlalchemy import inspect, text, update
from werkzeug.routing import MapAdapter

from console.accounts.models import MonitoringConfig
from console.core.db import db
from console.ingest.client_json import load_json
from console.ingest.sentry.envelope import parse_envelope
from console.telemetry import bodies as packed
from console.telemetry.tables import error_event, span
from tests.ingest.conftest import envelope
from tests.ingest.corpus.reading import CLIENTS, bodies
from tests.ingest.test_sentinel import SENTINEL, planted
from tests.support.crawl import kind_of
from tests.support.factories import inside, public_key

OF_A_KIND = 10  # there are eight events; beyond, the same is sorted and filtered otherwise
LINK = re.compile(r'(?:href|hx-get)="(/[^"#]*)')


@pytest.fixture
def everything_sent(app, acme, client, waiting, instance, database):
    """What unmodified clients sent, the secret in every place; accepted, not yet digested."""
    with inside(app, acme):  # the recordings bear the times that they were made at
        db.session.execute(update(MonitoringConfig).values(retention_days=3650))
        db.session.commit()
    path = f"/api/{acme.id}/envelope/?sentry_key={public_key(app, acme)}"
    for sender in CLIENTS:
        for body in bodies(sender):
            items = [
                (item.type, planted(load_json(item.payload))) for item in parse_envelope(body).items
            ]
            assert client.post(path, data=envelope(*items)).status_code == 200
    broken = b'{}\n{"type":"event"}\n{"password": "%s" %s' % (SENTINEL.encode(), SENTINEL.encode())
    assert client.post(path, data=broken).status_code == 200
    client.post(f"/api/{acme.id}/envelope/", data=SENTINEL)
    client.post(path, data=envelope(), headers={"X-Sentry-Auth": f"Sentry sentry_key={SENTINEL}"})
    app.extensions["pharos.refusals"].flush()
    return waiting


@pytest.mark.slow
def test_a_planted_secret_is_nowhere(
    both_databases,
    app,
    acme,
    everything_sent,
    digest,
    stored,
    as_ada,
    as_script,
    client,
    instance,
    caplog,
    capfd,
):
    caplog.set_level(logging.DEBUG)
    assert everything_sent.depth().rows > 20
    assert files_with_it(instance) == []
    digest.drain()
    assert len(stored(acme).events()) == 8
    assert stored(acme).spans() > 24
    assert rows_with_it(app, acme, stored(acme)) == []
    pages = pages_of(as_ada, "/acme/shop/", app.url_map.bind("localhost"))
    assert len(pages) > 20
    assert [url for url, page in pages.items() if SENTINEL in page] == []
    script = as_script(acme, "issues:read", "outcomes:read")
    for path in ("issues", "outcomes"):
        answer = script.get(f"/api/v1/acme/shop/{path}")
        assert answer.status_code == 200
        assert SENTINEL not in answer.text
    everything_sent.close()
    assert files_with_it(instance) == []
    assert SENTINEL not in caplog.text + "".join(capfd.readouterr())


def files_with_it(instance: Path) -> list[str]:
    """The files of the instance folder that hold the secret as it was sent."""
    files = [path for path in instance.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if SENTINEL.encode() in path.read_bytes()]


def rows_with_it(app, project, stored) -> list[str]:
    """Tables of either store that hold it, compressed or not."""
    found = [
        table.name
        for table in (error_event, span)
        for row in stored.rows(table)
        if SENTINEL in repr(row)
        or SENTINEL in json.dumps(packed.unpack(row._mapping.get("body", b"")))
    ]
    with app.app_context(), db.engine.connect() as connection:
        connection.execution_options(unscoped=True)
        if connection.dialect.name == "postgresql":
            setting = {"id": str(project.organization_id)}
            connection.execute(text("SELECT set_config('app.organization_id', :id, true)"), setting)
        for table in inspect(connection).get_table_names():
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
            found += [table for row in rows if SENTINEL in repr(row)]
    return found


def pages_of(browser, start: str, adapter: MapAdapter) -> dict[str, str]:
    """The pages and parts that links of the console lead to, of each kind OF_A_KIND at most."""
    pages: dict[str, str] = {}
    kinds = Counter[str | None]()
    waiting = deque([start])
    while waiting:
        url = waiting.popleft()
        kind = kind_of(url, adapter)
        if url in pages or kinds[kind] == OF_A_KIND:
            continue
        kinds[kind] += 1
        answer = browser.get(url, follow_redirects=True)
        pages[url] = answer.text
        waiting += [
            link.replace("&amp;", "&")
            for link in LINK.findall(answer.text)
            if not link.startswith(("/static", "/logout"))
        ]
    return pages
