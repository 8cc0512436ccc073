"""The unmodified Python SDK: whatever it sends is stored or counted, and resends change nothing."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from console.core import clock
from console.telemetry.question import within
from console.telemetry.scope import Scope
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import span
from tests.clients.python_app import QUERIES, REQUESTS, run
from tests.fakes import relay


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
    # The application calls nobody: a client that sends while a request runs records itself.
    mine = within(span, scope) & (span.c.op != "http.client")
    query = select(*columns, span.c.http_status, span.c.release).where(mine)
    return Counter(map(tuple, store.rows(scope, query)))
