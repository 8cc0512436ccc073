"""The unmodified Python SDK: whatever it sends is stored or counted, and resends change nothing."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from console.core import clock
from console.telemetry.question import within
from console.telemetry.scope import Scope
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import span
from tests.fakes import relay

REQUESTS, ERRORS, MESSAGES, QUERIES = 8, 4, 3, 2
APP = """
import os, sys
if os.environ["BROTLI"] == "absent":
    sys.modules["brotli"] = None
import flask, json, sentry_sdk, sqlalchemy
engine = sqlalchemy.create_engine("sqlite://")
engine.connect().close()
sent = []
sentry_sdk.init(
    dsn=os.environ["DSN"], release="cart@1.0.0", traces_sample_rate=1.0,
    trace_lifecycle=os.environ["LIFECYCLE"], max_breadcrumbs=5,
    before_send=lambda event, hint: sent.append(event["event_id"]) or event,
)
app = flask.Flask("cart")

@app.get("/items/<int:number>")
def item(number):
    with engine.connect() as connection:
        for _ in range(2):
            connection.execute(sqlalchemy.text("SELECT 1"))
    if number < 4:
        raise ValueError(f"item {number} is sold out")
    return "fine"

client = app.test_client()
statuses = [client.get(f"/items/{number}").status_code for number in range(8)]
for number in range(3):
    sentry_sdk.capture_message(f"cart {number} was left behind")
sentry_sdk.flush(10)
print(json.dumps({"sent": sent, "statuses": statuses}))
"""


def run(dsn: str, *, lifecycle: str = "static", brotli: str = "present") -> list[str]:
    """Run the app in a process of its own; return the ids of the events that its SDK sent."""
    done = subprocess.run(
        [sys.executable, "-c", APP],
        env=os.environ | {"DSN": dsn, "LIFECYCLE": lifecycle, "BROTLI": brotli},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert told["statuses"] == [500] * ERRORS + [200] * (REQUESTS - ERRORS)
    assert len(told["sent"]) == ERRORS + MESSAGES
    return list(told["sent"])


@pytest.mark.parametrize(
    ("lifecycle", "brotli"), [("static", "present"), ("static", "absent"), ("stream", "present")]
)
def test_every_event_and_span_is_stored(console, lifecycle, brotli):
    project = console.project(f"{lifecycle} {brotli}")
    sent = run(project.dsn, lifecycle=lifecycle, brotli=brotli)
    counted = project.wait_for(event=len(sent), span=REQUESTS * (1 + QUERIES))
    assert counted["event", "stored"] == len(sent)
    assert lost(counted) == {}
    assert stored_events(project) == set(sent)


def test_both_trace_lifecycles_give_the_same_rows(server, instance):
    rows = {}
    for lifecycle in ("static", "stream"):
        project = server.project(lifecycle)
        run(project.dsn, lifecycle=lifecycle)
        project.wait_for(span=REQUESTS * (1 + QUERIES))
        rows[lifecycle] = int(project.dsn.rpartition("/")[2])
    server.stop()
    store = TelemetryStore(instance / "telemetry", memory_mb=64, open_limit=1)
    shapes = {lifecycle: shape(store, project_id) for lifecycle, project_id in rows.items()}
    store.close()
    assert shapes["static"] == shapes["stream"]
    assert shapes["static"].total() == REQUESTS * (1 + QUERIES)


def test_resends_change_nothing(console):
    project = console.project("resends")
    with relay.between(console.url) as between:
        sent = run(between.dsn(project.dsn))
        before = project.wait_for(event=len(sent), span=REQUESTS * (1 + QUERIES))
        issues = project.issues()
        between.send_again()
    after = project.wait_for(event=2 * len(sent))
    assert after["event", "stored"] == before["event", "stored"] == len(sent)
    assert after["event", "duplicate"] == len(sent)
    assert after["span", "stored"] == before["span", "stored"]
    assert project.issues() == issues
    assert stored_events(project) == set(sent)


def lost(counted: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """What the console did not take; what the SDK itself dropped (its duplicates) is its own."""
    return {key: n for key, n in counted.items() if key[1] in {"refused", "invalid", "duplicate"}}


def stored_events(project) -> set[str]:
    """Return the ids of all events of all issues, as the API tells them."""
    return {
        event["id"]
        for issue in project.issues()
        for event in project.get(f"issues/{issue['id']}/events?limit=100")["events"]
    }


def shape(store: TelemetryStore, project_id: int) -> Counter[tuple[object, ...]]:
    """Count the stored spans by what should not depend on how they were sent."""
    now = clock.now()
    day = timedelta(days=1)
    scope = Scope(organization_id=1, project_id=project_id, since=now - day, until=now + day)
    columns = (span.c.is_segment, span.c.op, span.c.name, span.c.status, span.c.http_method)
    query = select(*columns, span.c.http_status, span.c.release).where(within(span, scope))
    return Counter(map(tuple, store.rows(scope, query)))
