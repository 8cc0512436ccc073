"""Digests spans of unmodified clients end to end in a fresh console; one JSON line per protocol.

Requests of ten spans (eight of them queries) as Sentry's SDK streams them and as OpenTelemetry's
exporters send them, caught once by a local listener and sent again with trace ids of their own.
The load generator, the console and its digest share the machine.

    python -m bench tracing [--spans 200000] [--connections 4]
"""

import argparse
import gzip
import http.server
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import sentry_sdk
from opentelemetry.exporter.otlp.json.http import trace_exporter as json_exporter
from opentelemetry.exporter.otlp.proto.http import trace_exporter as protobuf_exporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.ingest import Console, tell
from bench.ingest_load import Load

REQUESTS, QUERIES = 100, 8
SPANS = REQUESTS * (QUERIES + 2)
STORED = ("span", "stored")
STATEMENT = "SELECT c.id, c.total FROM cart c JOIN item i ON i.cart_id = c.id WHERE c.id = %s"


@dataclass(frozen=True, slots=True)
class Caught:
    """A request of a client: its path, the headers that matter, its body as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=200_000)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    for name, client in CLIENTS.items():
        bodies, traces = caught(client)
        with tempfile.TemporaryDirectory() as folder, Console(Path(folder) / "it") as console:
            copies, dsn = -(-options.spans // SPANS), urlsplit(console.dsn)
            requests = [request for _ in range(copies) for request in again(bodies, traces, dsn)]
            digest(name, console, requests, copies * SPANS, options.connections)


def digest(
    name: str, console: Console, requests: list[bytes], spans: int, connections: int
) -> None:
    """Send all of them once, and wait until nothing waits."""
    cpu, began = console.cpu_seconds(), time.monotonic()
    plain = argparse.Namespace(
        dsn=console.dsn, conns=connections, seconds=600, count=len(requests), rate=0
    )
    load = Load(requests.__getitem__, plain)
    sending = load.run_all()
    seconds = console.drain() - began
    outcomes = console.outcomes()
    stored = sum(o["quantity"] for o in outcomes if (o["item_type"], o["outcome"]) == STORED)
    tell(
        f"spans: {name}",
        spans=spans,
        stored=stored,
        requests=len(requests),
        codes=load.codes,
        accepted_per_second=round(spans / sending),
        end_to_end_per_second=round(spans / seconds),
        cpu_us_per_span=round((console.cpu_seconds() - cpu) / spans * 1e6, 1),
        pss_mb=console.memory(),
        load_average=round(os.getloadavg()[0], 1),
    )


def caught(client: Callable[[str], list[str]]) -> tuple[list[Caught], list[str]]:
    """What the client sends of its requests, and the ids of its traces."""
    requests: list[Caught] = []
    with listening(requests) as url:
        traces = client(url)
    return requests, traces


def sentry_client(url: str) -> list[str]:
    traces = []
    sentry_sdk.init(
        url.replace("//", f"//{uuid.uuid4().hex}@") + "/1",
        traces_sample_rate=1.0,
        trace_lifecycle="stream",
        release="shop@1",
        default_integrations=False,
        _experiments={"transport_compression_algo": "gzip"},  # type: ignore[typeddict-item]
    )
    for _ in range(REQUESTS):
        sentry_sdk.traces.new_trace()
        served = {"sentry.op": "http.server", "http.request.method": "GET"}
        with sentry_sdk.traces.start_span("GET /cart/<id>", attributes={**served}) as request:
            traces.append(request.trace_id)
            for _ in range(QUERIES):
                with sentry_sdk.traces.start_span(STATEMENT, attributes={"sentry.op": "db"}):
                    pass
            with sentry_sdk.traces.start_span("cart.html"):
                pass
    sentry_sdk.flush()
    sentry_sdk.get_client().close(timeout=10)
    return traces


def otlp_client(exporter: Callable[..., object], url: str) -> list[str]:
    provider = TracerProvider(resource=Resource.create({"service.name": "cart"}))
    exporting = exporter(endpoint=f"{url}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporting))  # type: ignore[arg-type]
    tracer, traces = provider.get_tracer("bench"), []
    for _ in range(REQUESTS):
        attributes = {"http.request.method": "GET", "http.route": "/cart/:id"}
        with tracer.start_as_current_span("GET /cart/:id", attributes=attributes) as request:
            traces.append(f"{request.get_span_context().trace_id:032x}")
            queried = {"db.system.name": "postgresql", "db.query.text": STATEMENT}
            for _ in range(QUERIES):
                with tracer.start_as_current_span("SELECT cart", attributes=queried):
                    pass
            with tracer.start_as_current_span("cart.html"):
                pass
    provider.shutdown()
    return traces


CLIENTS: dict[str, Callable[[str], list[str]]] = {
    "sentry, streamed": sentry_client,
    "OTLP, protobuf": lambda url: otlp_client(protobuf_exporter.OTLPSpanExporter, url),
    "OTLP, JSON": lambda url: otlp_client(json_exporter.OTLPSpanExporter, url),
}


def again(bodies: list[Caught], traces: list[str], dsn: SplitResult) -> Iterator[bytes]:
    """The same HTTP requests with other trace ids, for the project of this DSN."""
    fresh = {trace_id: uuid.uuid4().hex for trace_id in traces}
    for request in bodies:
        body = request.body
        for old, new in fresh.items():
            body = body.replace(old.encode(), new.encode())
            body = body.replace(bytes.fromhex(old), bytes.fromhex(new))
        packed = gzip.compress(body, 5)
        path = f"/api{dsn.path}/envelope/" if request.path.startswith("/api/") else request.path
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {dsn.hostname}:{dsn.port}\r\n"
            f"Content-Type: {request.headers['content-type']}\r\nContent-Encoding: gzip\r\n"
            f"Content-Length: {len(packed)}\r\nAuthorization: Bearer {dsn.username}\r\n"
            f"X-Sentry-Auth: Sentry sentry_key={dsn.username}, sentry_version=7\r\n\r\n"
        )
        yield head.encode() + packed


@contextmanager
def listening(requests: list[Caught]) -> Iterator[str]:
    """Keep what is sent to a free port."""

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            packed = headers.get("content-encoding") == "gzip"
            requests.append(Caught(self.path, headers, gzip.decompress(body) if packed else body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


if __name__ == "__main__":
    main()
