"""How long a quiet organization waits beside a flood, and what fairness costs an accept.

    python -m bench fairness [--rows 50000] [--events 20]

One process: a spool with as many rows of one organization, its digest thread, and now and then an
event of another, timed until its issue is in the state database. Then accepts with and without
what fairness adds to the spool's file, in processor time, taking turns.
"""

import argparse
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from flask import Flask
from sqlalchemy import func, select

from bench.ingest import tell
from console.accounts.models import Project
from console.app import create_app
from console.core import clock, migrations
from console.core.config import Config
from console.core.crypto import seal
from console.core.db import db
from console.errors.models import Issue
from console.ingest import group_commit, holdings, pipeline, spool
from console.ingest.rows import pack
from console.ingest.spool import Spool, SpoolRow
from tests.ingest.conftest import envelope, error
from tests.support import factories

PATIENCE = 600.0
BODY = 8000  # bytes: a gzipped exception of 39 kB
ROUNDS, ACCEPTS = 7, 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--events", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pharos-fairness-") as folder:
        waits(Path(folder), options)
    with tempfile.TemporaryDirectory(prefix="pharos-fairness-") as folder:
        costs(Path(folder))


def waits(folder: Path, options: argparse.Namespace) -> None:
    """Events of a quiet organization beside the backlog of a noisy one."""
    settings = Config(instance=folder).prepared()
    migrations.upgrade(settings)
    app = create_app(settings)
    noisy, quiet = (
        factories.make_project(app, factories.make_organization(app, name))
        for name in ("noisy", "quiet")
    )
    with app.app_context():
        waiting = spool.current()
        flood(waiting, settings, noisy, options.rows)
        pipeline.current().start()
        time.sleep(1)
        seconds, began = [], time.monotonic()
        for number in range(options.events):
            seconds.append(shown_after(app, waiting, quiet, number))
            time.sleep(0.5)
        left = waiting.held().get(noisy.organization_id, holdings.Holding()).rows
        took = time.monotonic() - began
        pipeline.current().stop()
        waiting.close()
    tell(
        "a quiet organization beside a flood",
        noisy_rows=options.rows,
        noisy_rows_left=left,
        noisy_rows_per_second=round((options.rows - left) / took),
        quiet_events=options.events,
        median_seconds=round(statistics.median(seconds), 2),
        longest_seconds=round(max(seconds), 2),
        load_average=round(os.getloadavg()[0], 1),
    )


def flood(waiting: Spool, settings: Config, project: Project, rows: int) -> None:
    """Put exceptions of one organization into the spool's file at once."""
    waiting.append(row_of(project, error("Noise0")))
    sealed = [
        seal(settings.secret_key, pack(row_of(project, error(f"Noise{number % 20}"))))
        for number in range(rows)
    ]
    at = int(time.time() * 1e6)
    with closing(sqlite3.connect(settings.instance / "spool.sqlite")) as file, file:
        file.executemany(
            f"INSERT INTO waiting ({group_commit.COLUMNS}) VALUES {group_commit.PLACES}",  # noqa: S608 - constants
            (
                (project.organization_id, project.id, 1, at, "sentry.envelope", "", body, 0)
                for body in sealed
            ),
        )


def shown_after(app: Flask, waiting: Spool, project: Project, number: int) -> float:
    """The seconds from the accept of an event until its issue is there."""
    waiting.append(row_of(project, error(f"Quiet{number}")))
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        with factories.inside(app, project):
            issues = db.session.scalar(select(func.count()).select_from(Issue))
        if issues == number + 1:
            return time.monotonic() - began
        time.sleep(0.02)
    raise SystemExit("the quiet organization's event does not show")


def row_of(project: Project, event: dict[str, Any]) -> SpoolRow:
    return SpoolRow(
        organization_id=project.organization_id,
        project_id=project.id,
        key_id=1,
        received_at=clock.now(),
        kind="sentry.envelope",
        body=envelope(("event", event)),
    )


def costs(folder: Path) -> None:
    """The processor time of appends, with the index, counts and shares, and without."""
    body = random.randbytes(BODY)
    spent: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(ROUNDS):
        for name, seen in spent.items():
            waiting = Spool(folder / f"{number}.{name}", max_mb=512, secret_keys=("k" * 40,))
            with plain(waiting, folder / f"{number}.{name}") if name == "without" else _as_it_is():
                seen.append(appended(waiting, body, shares=name == "with"))
            waiting.close()
    tell(
        "an append of 8 kB, CPU",
        microseconds_with=round(min(spent["with"]), 1),
        microseconds_without=round(min(spent["without"]), 1),
        median_with=round(statistics.median(spent["with"]), 1),
        median_without=round(statistics.median(spent["without"]), 1),
        load_average=round(os.getloadavg()[0], 1),
    )


def appended(waiting: Spool, body: bytes, *, shares: bool) -> float:
    """Microseconds of CPU for each append, alone on its connection."""
    rows = [
        SpoolRow(
            organization_id=1 + number % 3,
            project_id=1,
            key_id=1,
            received_at=clock.now(),
            kind="sentry.envelope",
            body=body,
        )
        for number in range(ACCEPTS)
    ]
    waiting.append(rows[0])
    began = time.process_time()
    for row in rows:
        if shares:
            waiting.share_is_full(row.organization_id)
        waiting.append(row)
    return (time.process_time() - began) / ACCEPTS * 1e6


@contextmanager
def plain(waiting: Spool, path: Path) -> Iterator[None]:
    """A spool file without the index and counts of fairness, and without readers."""
    waiting.held()
    with closing(sqlite3.connect(path)) as file:
        file.executescript(
            "DROP INDEX waiting_organization; DROP TRIGGER waiting_comes;"
            " DROP TRIGGER waiting_goes; DROP TRIGGER letter_comes; DROP TRIGGER letter_goes"
        )
    fresh, holdings.FRESH_SECONDS = holdings.FRESH_SECONDS, 1e9
    yield
    holdings.FRESH_SECONDS = fresh


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


if __name__ == "__main__":
    main()
