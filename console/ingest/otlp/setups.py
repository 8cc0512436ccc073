"""How an application is connected by OpenTelemetry."""

from console.ingest.setups import Setup

OPENTELEMETRY = """\
export OTEL_SERVICE_NAME="my-app"
export OTEL_RESOURCE_ATTRIBUTES="service.version=1.0.0,deployment.environment.name=production"
export OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
export OTEL_EXPORTER_OTLP_COMPRESSION="gzip"
export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="%SERVER%/v1/traces"
export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer%20%KEY%"
export OTEL_METRICS_EXPORTER="none" OTEL_LOGS_EXPORTER="none"
opentelemetry-instrument python app.py
"""

OPENTELEMETRY_NOTES = """\
Traces only: errors and their stacks come with a Sentry client, which may run beside it.
Every OpenTelemetry SDK reads these variables; the last line starts a Python application.
A collector sends here with its otlphttp exporter: the same address and header.
PostHog's Python client sends its spans too: its host is this server, its token is the key.
""".splitlines()

SETUPS = (
    Setup(
        "opentelemetry",
        "OpenTelemetry",
        "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\n"
        "opentelemetry-bootstrap -a install",
        "run.sh",
        OPENTELEMETRY,
        notes=tuple(OPENTELEMETRY_NOTES),
        trace="Spans are sent every five seconds, and when the process ends in order. Nothing is"
        " left out unless OTEL_TRACES_SAMPLER says so.",
    ),
)
