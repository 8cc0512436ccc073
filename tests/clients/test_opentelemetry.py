"""The unmodified exporters of OpenTelemetry, Sentry's integration of it, and PostHog's tracing."""

import os
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from console.telemetry.store import TelemetryStore
from console.telemetry.tables import span
from tests.clients import otel_app
from tests.clients.otel_app import JSON, PROTOBUF, QUERIES, REQUESTS
from tests.support.live import Connected, Server

SPANS = REQUESTS * (1 + QUERIES)
POSTHOG = """
import os, posthog
client = posthog.Posthog(
    os.environ["KEY"], host=os.environ["HOST"],
    traces={"service_name": "till", "service_version": "till@2", "environment": "live"},
)
remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
with client.start_span("POST /checkout", parent=remote) as request:
    with client.start_span("charge", kind="client", attributes={"db.system": "postgresql",
            "db.statement": "UPDATE till SET open = true"}):
        pass
    try:
        with client.start_span("receipt"):
            raise ValueError("no paper, password='hunter2hunter2'")
    except ValueError:
        pass
client.flush()
client.shutdown()
"""
SENTRY = """
import os, sentry_sdk
from opentelemetry import trace
from sentry_sdk.integrations.otlp import OTLPIntegration
sentry_sdk.init(dsn=os.environ["DSN"], integrations=[OTLPIntegration()])
with trace.get_tracer("nightly").start_as_current_span("tidy up"):
    pass
trace.get_tracer_provider().shutdown()
"""


def environ(project: Connected, **more: str) -> dict[str, str]:
    """What the connect page says to set."""
    url = urlsplit(project.dsn)
    return {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{url.hostname}:{url.port}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"Authorization=Bearer%20{url.username}",
        "OTEL_SERVICE_NAME": "cart",
        **more,
    }


def stored(server: Server, project: Connected) -> list[Any]:
    """The project's spans, in their order of time; the server is ended to look at them."""
    server.stop()
    store = TelemetryStore(server.instance / "telemetry", memory_mb=64, open_limit=1)
    with store.using(1) as database, database.transaction() as connection:
        mine = select(span).where(span.c.project_id == int(project.dsn.rpartition("/")[2]))
        rows = list(connection.execute(mine.order_by(span.c.timestamp)).all())
    store.close()
    return rows


def run(script: str, **environ: str) -> None:
    subprocess.run([sys.executable, "-c", script], env=os.environ | environ, check=True, timeout=60)


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
@pytest.mark.parametrize("exporter", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_every_span_of_an_exporter_is_stored(console, exporter, compression):
    project = console.project(f"{exporter.split('.')[3]} {compression}")
    otel_app.run(environ(project, OTEL_EXPORTER_OTLP_COMPRESSION=compression), exporter)
    assert project.wait_for(span=SPANS) == {("span", "stored"): SPANS}


def test_both_exporters_give_the_same_rows_of_a_server_with_its_queries(server):
    columns = (
        "op", "name", "segment_name", "source", "origin", "status", "kind", "category", "endpoint",
        "http_method", "http_route", "http_status", "environment", "release", "platform",
    )  # fmt: skip
    project = server.project()
    segments = [otel_app.run(environ(project), exporter) for exporter in (PROTOBUF, JSON)]
    project.wait_for(span=2 * SPANS)
    rows = stored(server, project)
    first, second = rows[:SPANS], rows[SPANS:]
    for one, other in zip(first, second, strict=True):
        for column in columns:
            assert getattr(one, column) == getattr(other, column), column
    requests = [row for row in first if row.is_segment]
    assert [row.span_id for row in requests] == segments[0]
    assert [row.endpoint for row in requests] == ["GET /items/<int:number>"] * REQUESTS
    assert [row.http_status for row in requests] == [200, 200, 500]
    assert [row.status for row in requests] == ["ok", "ok", "internal_error"]
    assert (requests[0].release, requests[0].environment) == ("cart@1.0.0", "live")
    assert requests[0].sdk.startswith("opentelemetry/")
    assert requests[0].attributes["service.name"] == "cart"
    queries = [row for row in first if not row.is_segment]
    assert {(row.op, row.name, row.category) for row in queries} == {("db", "SELECT 1", "db")}
    assert [row.segment_id for row in queries] == [one for one in segments[0] for _ in range(2)]
    assert requests[2].attributes["exception.type"] == "ValueError"
    assert "hunter2hunter2" not in str([row.attributes for row in rows])


def test_posthogs_tracing(server):
    project = server.project()
    url = urlsplit(project.dsn)
    host = f"http://{url.hostname}:{url.port}"
    run(POSTHOG, KEY=f"phc_{url.username}", HOST=host)
    assert project.wait_for(span=3) == {("span", "stored"): 3}
    request, charge, receipt = stored(server, project)
    assert request.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert (request.is_segment, request.parent_span_id) == (True, "b7ad6b7169203331")
    assert (request.category, request.endpoint) == ("request", "POST /checkout")
    assert (request.release, request.environment, request.platform) == ("till@2", "live", "python")
    assert request.sdk.startswith("posthog-python/")
    assert (charge.op, charge.name) == ("db", "UPDATE till SET open = true")
    assert (charge.segment_id, charge.segment_name) == (request.span_id, "POST /checkout")
    assert receipt.status == "internal_error"
    assert receipt.attributes["exception.type"] == "ValueError"
    assert "hunter2hunter2" not in str(receipt.attributes)


def test_sentrys_integration_of_opentelemetry(server):
    project = server.project()
    run(SENTRY, DSN=project.dsn)
    project.wait_for(span=1)
    (row,) = stored(server, project)
    assert (row.name, row.origin, row.is_segment) == ("tidy up", "nightly", True)
