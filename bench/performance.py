"""Fills a store with 10 M spans and page loads, and times every page and query of performance.

Beside each query it times the same SQL on a bare DuckDB connection to the same file, without the
store's limits: what the engine itself takes. Prints one JSON line per measure, milliseconds.

    python -m bench performance [--spans 10000000] [--page-loads 10000000] [--folder FOLDER]
"""

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import duckdb
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import page_loads, pages
from bench import spans as span_records
from bench.spans import ORGANIZATION, PRINTS, PROJECT, RELEASES, ROUTES
from bench.telemetry import disk_mb, rss_mb, tell, timed
from console.accounts import passwords, people, projects, releases
from console.app import create_app
from console.core import clock, migrations
from console.core.config import Config
from console.core.db import db
from console.core.tenancy import organization_scope
from console.performance.endpoints import time_spent
from console.telemetry import requests as endpoints
from console.telemetry import spans, statements, traces, vital_causes, vital_rollups, vitals
from console.telemetry.scope import Scope
from console.telemetry.store import EXTENSION, TelemetryStore
from console.telemetry.vital_splits import Steps, VitalsWanted

Question = Callable[[Scope], Any]
Asked = tuple[str, Any]
TRIES = 5
RANGES = {"24 h": timedelta(days=1), "7 d": timedelta(days=7), "30 d": timedelta(days=30)}
ENDPOINT, PAGE = ROUTES[0], "/shop/section0/:id"
ALL, ONE_PAGE = VitalsWanted(), VitalsWanted(page=PAGE)
QUESTIONS: dict[str, Question] = {
    "P50/P95/P99 by endpoint": endpoints.endpoints,
    "P95 by release": lambda s: endpoints.p95_by_release(s, RELEASES[1:]),
    "P95 trends of 50": lambda s: endpoints.p95_trends(s, ROUTES[:50], 3600),
    "latency over time": lambda s: endpoints.moments(s, 3600),
    "one endpoint": lambda s: endpoints.overall(s, ENDPOINT),
    "by an attribute": lambda s: endpoints.overall(replace(s, attributes=(("user.plan", "pro"),))),
    "where its time goes": lambda s: time_spent.around_percentiles(s, ENDPOINT),
    "newest traces": lambda s: traces.traces(s, traces.TracesWanted()),
    "slowest traces": lambda s: traces.traces(s, traces.TracesWanted(), sort="duration"),
    "durations of traces": lambda s: traces.durations(s, traces.TracesWanted()),
    "statements": lambda s: statements.statements(s, statements.StatementsWanted()),
    "statements of an endpoint": lambda s: statements.statements(
        s, statements.StatementsWanted(endpoint=ENDPOINT)
    ),
    "callers of a statement": lambda s: statements.callers(s, PRINTS[0]),
    "vitals": lambda s: vitals.overview(s, ALL),
    "vitals by page": lambda s: vitals.by(s, ALL, "page"),
    "vitals by device": lambda s: vitals.by(s, ALL, "device"),
    "LCP by page and day": lambda s: vitals.trends_of_each(
        s, ALL, "LCP", Steps(86_400, "page", [PAGE])
    ),
    "LCP by day": lambda s: vitals.trend(s, ALL, "LCP", 86_400),
    "distribution of LCP": lambda s: vitals.distribution(s, ONE_PAGE, "LCP"),
    "LCP elements of a page": lambda s: vital_causes.causes(s, ONE_PAGE, "LCP"),
    "worst page loads": lambda s: vital_causes.worst(s, ONE_PAGE, "LCP"),
}


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        app = console(Path(folder), options)
        store: TelemetryStore = app.extensions[EXTENSION]
        with app.app_context():
            tell("roll up", days=vital_rollups.roll_up(ORGANIZATION))
            asked = dict(ask_everything())
            trace_id, at = ask_for_a_trace()
        visit_everything(app, trace_id, at)
        tell("store", disk_mb=round(disk_mb(options.folder)), rss_mb=rss_mb())
        store.close()
        ask_the_bare_engine(options.folder / f"{ORGANIZATION}.duckdb", asked)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--page-loads", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="kept, and filled only if it is empty")
    return parser.parse_args()


def console(folder: Path, options: argparse.Namespace) -> Flask:
    """A console whose first project has all of the data."""
    settings = Config(instance=folder).prepared()
    migrations.upgrade(settings)
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    options.folder = options.folder or settings.instance / "telemetry"
    store = TelemetryStore(
        options.folder, settings.telemetry_memory_mb, settings.telemetry_open_limit
    )
    app.extensions[EXTENSION] = store
    if ORGANIZATION not in store.organizations():
        span_records.fill(store, options.spans)
        page_loads.fill(store, options.page_loads)
    with app.app_context():
        own_a_project()
    gc.freeze()  # as `pharos serve` does
    return app


def own_a_project() -> None:
    """Organization 1 with project 1, whose releases came out while the data was sent."""
    password = passwords.hash_password(pages.PASSWORD)
    user = people.add(pages.EMAIL, "Bench", password)
    projects.create_organization("bench", owner=user)
    projects.create_project("one")
    db.session.commit()
    with organization_scope(ORGANIZATION):
        for number, version in enumerate(RELEASES):
            came_out = clock.now() - timedelta(days=30 - number * 10)
            releases.saw(PROJECT, [("production", version, came_out)])
        db.session.commit()


def ask_everything() -> Iterator[tuple[str, list[Asked]]]:
    """Time each query over each time range; yield its SQL."""
    for name, question in QUESTIONS.items():
        for label, length in RANGES.items():
            asked_of = scope(length)
            ask = partial(question, asked_of)
            with recorded() as statements_:
                first = timed(ask)
            times = [timed(ask) for _ in range(TRIES)]
            measure = f"{name}, {label}"
            tell(measure, p50_ms=round(median(times), 1), first_ms=round(first, 1), **load())
            yield measure, statements_


def ask_for_a_trace() -> tuple[str, str]:
    """Time looking a trace up; return its id and its time for the pages."""
    (row, *_) = traces.traces(scope(timedelta(days=1)), traces.TracesWanted()).rows
    near = scope(timedelta(days=30)).around(row.timestamp, timedelta(hours=1))
    times = [timed(lambda: spans.trace(near, row.trace_id)) for _ in range(TRIES)]
    tell("a trace, with a time hint", p50_ms=round(median(times), 1), **load())
    return row.trace_id, row.timestamp.isoformat()


def scope(length: timedelta) -> Scope:
    return Scope(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        since=clock.now() - length,
        until=clock.now(),
    )


def visit_everything(app: Flask, trace_id: str, at: str) -> None:
    """Time the pages and their panels through the whole application, signed in."""
    client = app.test_client()
    client.post("/login", data={"email": pages.EMAIL, "password": pages.PASSWORD})
    endpoint = {"name": ENDPOINT}
    addresses = {
        "endpoints": ("endpoints/", {}),
        "latency charts": ("latency", {}),
        "endpoint": ("endpoint", endpoint),
        "endpoint: charts": ("latency", endpoint),
        "endpoint: time": ("endpoint/time", endpoint),
        "endpoint: statements": ("endpoint/statements", endpoint),
        "endpoint: traces": ("endpoint/traces", endpoint),
        "traces": ("traces/", {}),
        "trace": (f"traces/{trace_id}", {"at": at}),
        "statements": ("queries/", {}),
        "statement": (f"queries/{PRINTS[0]}", {}),
        "web vitals": ("vitals/", {}),
        "web vitals: cards": ("vitals/cards", {}),
        "web vitals: trend": ("vitals/trend", {}),
        "web vitals of a page": ("vitals/page", {"page": PAGE}),
    }
    for name, (path, query) in addresses.items():
        for range_ in ("24h", "7d", "30d"):
            url = f"/bench/one/performance/{path}?{urlencode(query | {'range': range_})}"
            tell(f"page {name}, {range_}", **pages.timed(client, url), **load())


@contextmanager
def recorded() -> Iterator[list[Asked]]:
    """Collect the statements that telemetry runs inside, with their parameters."""
    statements: list[Asked] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "$1" in statement:  # the state database writes its parameters in another way
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


def ask_the_bare_engine(path: Path, asked: dict[str, list[Asked]]) -> None:
    """Time the same SQL on a bare DuckDB connection, with the engine's own memory limit."""
    with duckdb.connect(path, read_only=True, config={"threads": 2}) as connection:
        for measure, statements_ in asked.items():

            def run(every: list[Asked] = statements_) -> None:
                for statement, parameters in every:
                    connection.execute(statement, parameters).fetchall()

            times = [timed(run) for _ in range(TRIES)]
            tell(f"bare: {measure}", p50_ms=round(median(times[1:]), 1), **load())


def load() -> dict[str, float]:
    return {"load_average": round(os.getloadavg()[0], 1)}


if __name__ == "__main__":
    main()
