"""1,000 rules over 10 M spans, while 200 events a second come in and somebody reads pages.

A served console on SQLite. Most rules watch an endpoint's latency, count or errors; `--probes` of
them wait for the first event of an environment of their own, which is sent once, at some moment
within the run. Everything shares the machine: load, digest, evaluation and pages.

    python -m bench alerting [--spans 10000000] [--rules 1000] [--seconds 300] [--size small|large]
"""

import argparse
import gzip
import json
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any, Self
from urllib.parse import urlsplit

import duckdb
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import busy, performance
from bench import spans as span_records
from bench.ingest import Console, python, tell
from bench.ingest_load import SECOND, exchanged, request
from bench.spans import ORGANIZATION, PROJECT, ROUTES
from console.accounts.models import Key, Project
from console.alerting import rules
from console.alerting.condition import Condition, Level
from console.alerting.definition import Definition
from console.app import create_app
from console.core import clock, migrations
from console.core.config import Config
from console.core.db import db
from console.core.tenancy import organization_scope
from console.telemetry.records import Batch, Span
from console.telemetry.store import EXTENSION, TelemetryStore

METRICS = ("requests.p95", "requests.p50", "requests.p99", "requests.count", "requests.error_rate")
EVENTS = 200
PAGES = {
    "incidents": "/bench/one/alerts/incidents/",
    "rules": "/bench/one/alerts/rules/",
    "a rule": "/bench/one/alerts/rules/1",
    "endpoints, last 24 hours": "/bench/one/performance/endpoints/?range=24h",
}
MINUTE = 60.0
DELAY = 30.0
"""A window is complete so long after its end, at the least."""
LAST_PROBE = 150.0
"""Probes are sent up to so long before the end: their incidents are waited for."""
POLL = 0.5
STEP = timedelta(seconds=2.6)  # between requests: as dense as 10 M spans in 30 days
BATCH = 5_000


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-", dir=options.within) as folder:
        instance, envelope = Path(folder) / "instance", Path(folder) / "envelope"
        key = filled(instance, options)
        python("bench/envelope.py", str(envelope), *(["--small"] * (options.size == "small")))
        with Console(instance) as console:
            console.dsn = f"http://{key}@{urlsplit(console.url).netloc}/{PROJECT}"
            person = busy.signed_in(console.url)
            busy.ask(console, person, "calm", options.seconds / 3, PAGES)
            with (
                console.watched() as waited,
                Watch(instance) as watch,
                probing(console, envelope, options) as probes,
            ):
                with events(console, envelope, options):
                    busy.ask(console, person, "busy", options.seconds, PAGES)
                time.sleep(MINUTE)
            report(options, watch, probes)
            tell("console", longest_wait_seconds=round(waited["lag"], 2), peak_mb=waited["peak"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--rules", type=int, default=1_000)
    parser.add_argument("--probes", type=int, default=100, help="of the rules")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--size", choices=("small", "large"), default="small")
    parser.add_argument("--folder", type=Path, help="of telemetry filled before; it is copied")
    parser.add_argument("--within", type=Path, help="where temporary files are made")
    return parser.parse_args()


def filled(instance: Path, options: argparse.Namespace) -> str:
    """Make a console's folder with spans and rules; the public key of its project."""
    settings = Config(instance=instance).prepared()
    newest = clock.now()
    if options.folder:
        shutil.copytree(options.folder, settings.instance / "telemetry")
        newest = newest_request(settings.instance / "telemetry" / f"{ORGANIZATION}.duckdb")
    migrations.upgrade(settings)
    app = create_app(settings)
    store: TelemetryStore = app.extensions[EXTENSION]
    if not options.folder:
        span_records.fill(store, options.spans)
    with app.app_context():
        performance.own_a_project()
        move_up(store, newest)
        with organization_scope(ORGANIZATION):
            make_rules(options)
            key = db.session.scalars(select(Key.public_key).where(Key.project_id == PROJECT)).one()
            db.session.rollback()
        db.engine.dispose()
    store.close()
    return key


def newest_request(file: Path) -> datetime:
    with closing(duckdb.connect(file, read_only=True)) as telemetry:
        query = "SELECT max(timestamp) FROM span WHERE is_segment"
        newest: datetime = telemetry.execute(query).fetchall()[0][0]
        return newest.replace(tzinfo=UTC)


def move_up(store: TelemetryStore, at: datetime) -> None:
    """Add requests of the time since the folder was filled, and of this run."""
    until = clock.now() + timedelta(minutes=20)
    held: list[Span] = []
    position = store.position(ORGANIZATION) + 1
    while (at := at + STEP) < until:
        held += span_records.spans_of_request(position, at, 1.0)
    for first in range(0, len(held), BATCH):
        store.write(ORGANIZATION, Batch(spans=held[first : first + BATCH]), position)
        position += 1
    tell("moved up", spans=len(held))


def make_rules(options: argparse.Namespace) -> None:
    project = db.session.get_one(Project, PROJECT)
    for number in range(options.rules - options.probes):
        rules.create(project, f"Rule {number}", watching(number))
    for number in range(options.probes):
        rules.create(project, f"Probe {number}", waiting_for(number))
    db.session.commit()


def watching(number: int) -> Definition:
    """A rule for each metric of each endpoint."""
    where = {"endpoint": [ROUTES[number % len(ROUTES)]]}
    condition = Condition(op=">", levels={Level.WARNING: 1e9 - 1, Level.CRITICAL: 1e9})
    metric = METRICS[number // len(ROUTES) % len(METRICS)]
    return Definition(metric=metric, where=where, condition=condition)


def waiting_for(number: int) -> Definition:
    """A rule that one event of the probe's environment breaks."""
    condition = Condition(op=">", levels={Level.CRITICAL: 0})
    return Definition(
        metric="errors.events",
        environment=f"probe-{number}",
        window_seconds=60,
        condition=condition,
    )


@contextmanager
def events(console: Console, envelope: Path, options: argparse.Namespace) -> Iterator[None]:
    """Send events at their rate meanwhile, and print what was answered."""
    rate = ("--conns", "8", "--seconds", str(options.seconds), "--rate", str(EVENTS))
    sender = threading.Thread(
        target=lambda: tell("events", **console.load(envelope, "--fresh", *rate))
    )
    sender.start()
    yield
    sender.join()


@contextmanager
def probing(
    console: Console, envelope: Path, options: argparse.Namespace
) -> Iterator[dict[int, float]]:
    """Send one event for each probe meanwhile; when each was accepted, Unix seconds."""
    accepted: dict[int, float] = {}
    began = time.time()
    length = max(options.seconds - LAST_PROBE, options.seconds / 2)

    def send() -> None:
        for number in range(options.probes):
            moment = began + length * number / options.probes
            time.sleep(max(moment - time.time(), 0))
            accepted[number] = send_probe(console, envelope, number)

    sender = threading.Thread(target=send)
    sender.start()
    yield accepted
    sender.join()


def send_probe(console: Console, envelope: Path, number: int) -> float:
    """Send the event of a probe; when it was accepted."""
    header, item, payload = envelope.read_bytes().split(b"\n", 2)
    event = json.loads(payload) | {"environment": f"probe-{number}"}
    event["event_id"], now = uuid.uuid4().hex, time.strftime(SECOND, time.gmtime())
    event["timestamp"] = f"{now}.000000Z"
    head = json.loads(header) | {"event_id": event["event_id"], "sent_at": event["timestamp"]}
    body = json.dumps(event)
    own = json.dumps(json.loads(item) | {"length": len(body)})
    url = urlsplit(console.dsn)
    packed = gzip.compress(f"{json.dumps(head)}\n{own}\n{body}\n".encode(), 1)
    with socket.create_connection((url.hostname or "", url.port or 80), timeout=30) as connection:
        code, _ = exchanged(connection, request(url, packed))
    assert code == "200", code
    return time.time()


class Watch:
    """Looks twice a second up to when every rule is decided, and which probes' incidents are there.

    Times are Unix seconds.
    """

    def __init__(self, instance: Path) -> None:
        """Begin to look."""
        self.file = f"file:{instance / 'state.sqlite'}?mode=ro"
        self.positions: list[tuple[float, float]] = []
        """Now, and the end of the last window that all rules have decided."""
        self.incidents: dict[int, tuple[float, float]] = {}
        """By probe: the end of the window that breached, and when its incident was there."""
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self.thread.join()

    def run(self) -> None:
        while not self.ended.wait(POLL):
            ((least,),) = self.asked(  # of the bench's own rules, not those every project has
                "SELECT min(evaluated_until) FROM rule "
                "WHERE name LIKE 'Rule %' OR name LIKE 'Probe %'"
            )
            self.positions.append((time.time(), moment(least)))
            for name, breach in self.asked(
                "SELECT rule.name, incident.breached_at FROM incident JOIN rule "
                "ON rule.id = incident.rule_id WHERE rule.name LIKE 'Probe %'"
            ):
                self.incidents.setdefault(int(name.split()[1]), (moment(breach), time.time()))

    def asked(self, query: str) -> list[Any]:
        """The rows of the console's state."""
        with closing(sqlite3.connect(self.file, uri=True, timeout=30)) as state:
            return state.execute(query).fetchall()

    def lateness(self) -> Iterator[float]:
        """For each minute: how long after its windows were complete all rules had decided them."""
        first, last = (int(self.positions[n][1] // MINUTE) for n in (0, -1))
        for minute in range(first + 1, last + 1):
            done = next(at for at, until in self.positions if until >= minute * MINUTE)
            yield done - minute * MINUTE - DELAY


def report(options: argparse.Namespace, watch: Watch, probes: dict[int, float]) -> None:
    """Print how late each minute's windows were, and how long incidents took."""
    late = list(watch.lateness())
    tell(
        "evaluation",
        rules=options.rules,
        minutes=len(late),
        seconds_after_complete=[round(seconds, 1) for seconds in late],
        evaluations=watch.asked("SELECT count(*) FROM evaluation")[0][0],
        load_average=round(os.getloadavg()[0], 1),
    )
    opened = watch.incidents
    tell(
        "breach to incident",
        probes=len(probes),
        opened=len(opened),
        from_event_seconds=spread([opened[n][1] - at for n, at in probes.items() if n in opened]),
        from_end_of_window_seconds=spread([seen - breach for breach, seen in opened.values()]),
    )


def spread(seconds: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(seconds, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(max(seconds), 1)}


def moment(stored: str) -> float:
    """Unix seconds of a time as SQLite keeps it."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC).timestamp()


if __name__ == "__main__":
    main()
