"""The requests that the performance benchmark asks about: spans through the store's own writer."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import exp
from random import Random
from typing import Any

from bench.telemetry import tell
from console.core import clock
from console.performance.describe import fingerprint_of
from console.telemetry.records import Batch, Span
from console.telemetry.store import TelemetryStore

ORGANIZATION, PROJECT = 1, 1
DAYS = 30
BATCH = 5_000
ENDPOINTS, STATEMENTS = 200, 400
CHILDREN = 9
RELEASES = ("shop@2.0.0", "shop@2.1.0", "shop@2.1.1")
chance = Random(7)

ROUTES = [f"{'GET' if n % 4 else 'POST'} /shop/section{n}/:id" for n in range(ENDPOINTS)]
TEXT = "SELECT c#, total FROM table@ WHERE id = ? AND kind# = ?"
TEXTS = [TEXT.replace("#", str(n)).replace("@", str(n % 60)) for n in range(STATEMENTS)]
PRINTS = [fingerprint_of("db", text) for text in TEXTS]


def fill(store: TelemetryStore, count: int) -> None:
    """Requests of 9 children each, evenly over 30 days; few endpoints get most of them."""
    began, start = time.perf_counter(), clock.now() - timedelta(days=DAYS)
    requests = count // (CHILDREN + 1)
    step = timedelta(days=DAYS) / requests
    position = store.position(ORGANIZATION)
    held: list[Span] = []
    for number in range(requests):
        held += spans_of_request(position + 1, start + step * number, number / requests)
        if len(held) >= BATCH:
            position += 1
            store.write(ORGANIZATION, Batch(spans=held), position)
            held = []
    store.write(ORGANIZATION, Batch(spans=held), position + 1)
    seconds = time.perf_counter() - began
    tell("fill spans", rows=count, rows_per_second=round(count / seconds))


def spans_of_request(position: int, at: datetime, done: float) -> Iterator[Span]:
    route = int(ENDPOINTS * chance.random() ** 3)
    trace_id, segment_id = f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(64):016x}"
    length = int(exp(chance.gauss(11 + route % 7 / 4, 0.7)))
    failed = chance.random() < 0.01
    common: dict[str, Any] = {
        "organization_id": ORGANIZATION,
        "project_id": PROJECT,
        "position": position,
        "trace_id": trace_id,
        "segment_id": segment_id,
        "segment_name": ROUTES[route],
        "received_at": at,
        "environment": "staging" if chance.random() < 0.05 else "production",
        "release": RELEASES[int(done * 2.999)],
        "platform": "python",
        "sdk": "sentry.python.flask/2.75.0",
        "server_name": f"web-{route % 4}",
    }
    yield Span(
        **common,
        span_id=segment_id,
        is_segment=True,
        timestamp=at,
        duration_us=length,
        op="http.server",
        name=ROUTES[route],
        source="route",
        status="internal_error" if failed else "ok",
        category="request",
        endpoint=ROUTES[route],
        http_method=ROUTES[route].split()[0],
        http_route=ROUTES[route].split()[1],
        http_status=500 if failed else 200,
        user_key=f"{chance.randrange(1, 200_000):016x}",
        attributes={
            "url.path": f"/shop/section{route}/{chance.randrange(9999)}",
            "user.plan": chance.choice(("free", "pro")),
        },
    )
    for child in range(CHILDREN):
        yield from_child(common, at, length, route, child)


def from_child(common: dict[str, Any], at: datetime, length: int, route: int, child: int) -> Span:
    statement = (route * 3 + child) % STATEMENTS
    is_query = child < 6
    return Span(
        **common,
        span_id=f"{chance.getrandbits(64):016x}",
        parent_span_id=common["segment_id"],
        timestamp=at + timedelta(microseconds=length * child // 10),
        duration_us=int(length / 12 * chance.random()) + 1,
        op="db" if is_query else "template.render",
        name=TEXTS[statement].replace("?", "%s") if is_query else "page.html",
        status="ok",
        category="db" if is_query else "render",
        fingerprint=PRINTS[statement] if is_query else "",
        statement=TEXTS[statement] if is_query else "",
        attributes={"db.system.name": "postgresql"} if is_query else {},
    )
