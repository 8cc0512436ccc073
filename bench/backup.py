"""Backups under load, each restored into a fresh instance and compared; one JSON line each.

A live console, clients that note the id of every event it acknowledged, and N backups made by
`pharos backup`, throttled so that each takes about as long as is wanted. Each is restored, digested
to the end, and compared: every event that was acknowledged before the backup began must be in
telemetry exactly once, and the issues must have counted as many events as telemetry has.

    python -m bench backup [--backups 5] [--seconds 20] [--history 20000] [--rate 200]
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.ingest import ROOT, Console, tell

CLIENTS = 4
GROUPS = 20
LINE = {"filename": "app/pay.py", "function": "charge", "lineno": 7, "in_app": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backups", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="that each backup is to take")
    parser.add_argument("--history", type=int, default=20_000, help="events before the first one")
    parser.add_argument("--rate", type=float, default=200, help="events/s while backups are made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        console = Console(Path(folder) / "instance")
        console.environ["PHAROS_DEFAULT_QUOTA"] = "0"
        with console:
            with clients(console, 0) as history:
                while len(history) < options.history:
                    time.sleep(0.2)
            console.drain()
            with clients(console, options.rate) as acknowledged:
                for number in range(options.backups):
                    target = Path(folder) / f"backup-{number}"
                    before = [*history, *acknowledged]
                    figures = back_up(console, target, options.seconds)
                    figures["accepted_during"] = len(history) + len(acknowledged) - len(before)
                    compare(target, before, figures, Path(folder) / f"restored-{number}")


def back_up(console: Console, target: Path, seconds: float) -> dict[str, Any]:
    """Make one backup, throttled to about so many seconds."""
    size = sum(path.stat().st_size for path in console.instance.rglob("*") if path.is_file())
    rate = str(max(size / seconds / 1e6, 0.001)) if seconds else ""
    began = time.monotonic()
    run(console.environ, "backup", str(target), *(["--throttle", rate] if rate else []))
    manifest = json.loads((target / "manifest.json").read_bytes())
    return {
        "seconds": round(time.monotonic() - began, 1),
        "digest_paused_seconds": manifest["paused_seconds"],
        "mb": round(sum(file["size"] for file in manifest["files"].values()) / 1e6, 1),
        "throttled_to_mb_per_second": round(float(rate), 2) if rate else None,
        "rows_waiting_in_it": manifest["waiting"],
    }


def compare(target: Path, before: list[str], figures: dict[str, Any], fresh: Path) -> None:
    """Restore a backup, digest the rows that wait in it, and print what became of the events."""
    environ = {**os.environ, "PHAROS_INSTANCE": str(fresh), "PHAROS_BACKUP_DIR": ""}
    run(environ, "backup", "verify", str(target))
    began = time.monotonic()
    run(environ, "restore", str(target))
    restoring = time.monotonic() - began
    digest_all(environ, fresh)
    stored, counted = stored_events(fresh)
    times = Counter(stored)
    tell(
        "backup",
        **figures,
        acknowledged_before=len(before),
        lost=sum(1 for event_id in before if not times[int(event_id, 16)]),
        stored_twice=sum(1 for count in times.values() if count > 1),
        stored=len(stored),
        counted_by_issues=counted,
        counters_equal=counted == len(stored),
        restore_seconds=round(restoring, 1),
        load_average=round(os.getloadavg()[0], 1),
    )


def digest_all(environ: dict[str, str], instance: Path) -> None:
    """Serve the restored instance until nothing waits in its spool, and end it."""
    command = [sys.executable, "-m", "console.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL) as served:
        waiting = 1
        while waiting:
            if served.poll() is not None:
                raise SystemExit("the restored console ended by itself")
            time.sleep(0.5)
            with closing(sqlite3.connect(instance / "spool.sqlite", timeout=10)) as spool:
                (waiting,) = spool.execute("SELECT count(*) FROM waiting").fetchone()
        served.terminate()
        served.wait(60)


def stored_events(instance: Path) -> tuple[list[int], int]:
    """The ids of acme's events in telemetry, and how many events its issues have counted."""
    with closing(sqlite3.connect(instance / "state.sqlite")) as state:
        (acme,) = state.execute("SELECT id FROM organization WHERE slug = 'acme'").fetchone()
        project = "SELECT id FROM project WHERE organization_id = ? AND slug = 'shop'"
        (shop,) = state.execute(project, (acme,)).fetchone()
        counted = "SELECT coalesce(sum(events), 0) FROM issue WHERE project_id = ?"
        (issues,) = state.execute(counted, (shop,)).fetchone()
    path = instance / "telemetry" / f"{acme}.duckdb"
    with closing(duckdb.connect(path, read_only=True)) as telemetry:
        query = "SELECT event_id FROM error_event WHERE project_id = ?"
        rows = telemetry.execute(query, [shop]).fetchall()
    return [
        event_id.int if isinstance(event_id, UUID) else int(event_id) for (event_id,) in rows
    ], int(issues)


@contextmanager
def clients(console: Console, rate: float) -> Iterator[list[str]]:
    """Send from several threads; the list that the acknowledged ids are appended to."""
    acknowledged: list[str] = []
    ending = threading.Event()
    pause = CLIENTS / rate if rate else 0
    arguments = (console.dsn, acknowledged, ending, pause)
    threads = [threading.Thread(target=send, args=arguments) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def send(dsn: str, acknowledged: list[str], ending: threading.Event, pause: float) -> None:
    url = urlsplit(dsn)
    connection = HTTPConnection(str(url.hostname), url.port or 80, timeout=60)
    path = f"/api{url.path}/envelope/?sentry_key={url.username}"
    number = 0
    while not ending.is_set():
        began, event_id = time.monotonic(), uuid4().hex
        number += 1
        connection.request("POST", path, envelope(event_id, f"PriceError{number % GROUPS}"))
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            acknowledged.append(event_id)
        ending.wait(max(began + pause - time.monotonic(), 0))
    connection.close()


def envelope(event_id: str, kind: str) -> bytes:
    stack = {"frames": [LINE] * 10}
    exception = {"type": kind, "value": "no price", "stacktrace": stack}
    event = {
        "event_id": event_id,
        "timestamp": time.time(),
        "platform": "python",
        "level": "error",
        "exception": {"values": [exception]},
        "extra": {"random": os.urandom(500).hex()},  # which does not shrink
    }
    body = json.dumps(event).encode()
    head = json.dumps({"type": "event", "length": len(body)}).encode()
    return b"\n".join([b"{}", head, body, b""])


def run(environ: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "console.cli", *arguments]
    subprocess.run(
        command, env=environ, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )


if __name__ == "__main__":
    main()
