"""An application under the unmodified OpenTelemetry SDK: requests with queries, one that fails."""

import json
import os
import subprocess
import sys

REQUESTS, QUERIES = 3, 2
APP = """
import importlib, json, os
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

exporter = importlib.import_module(os.environ["EXPORTER"]).OTLPSpanExporter()
resource = Resource.create({"service.version": "cart@1.0.0", "deployment.environment.name": "live"})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("cart")
sent = []
for number in range(3):
    known = {"http.request.method": "GET", "url.path": f"/items/{number}"}
    with tracer.start_as_current_span("GET", kind=SpanKind.SERVER, attributes=known) as span:
        sent.append(format(span.get_span_context().span_id, "016x"))
        span.set_attribute("http.route", "/items/<int:number>")
        span.set_attribute("http.response.status_code", 500 if number == 2 else 200)
        for _ in range(2):
            statement = {"db.system.name": "sqlite", "db.query.text": "SELECT 1"}
            with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT, attributes=statement):
                pass
        if number == 2:
            span.record_exception(ValueError("item 2 is sold out, password='hunter2hunter2'"))
            span.set_status(Status(StatusCode.ERROR, "sold out"))
provider.shutdown()
print(json.dumps(sent))
"""
PROTOBUF = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
JSON = "opentelemetry.exporter.otlp.json.http.trace_exporter"


def run(environ: dict[str, str], exporter: str = PROTOBUF) -> list[str]:
    """Run the app in a process of its own; return the span ids of its requests."""
    done = subprocess.run(
        [sys.executable, "-c", APP],
        env=os.environ | {"EXPORTER": exporter} | environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "Failed to export" not in done.stderr
    return list(json.loads(done.stdout))
