"""Times the console's pages on 10 M events in 100,000 issues; one JSON line a page, milliseconds.

The processor's time stands beside the clock's: it says what a page costs while others work here.

The events come from the telemetry benchmark; the issues, with their hashes and releases, are
written beside them as the digest would have. Every request goes through the whole application,
signed in, without a network.

    python -m bench pages [--folder FOLDER]     FOLDER: a filled one of `bench telemetry --folder`
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from math import sqrt
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import telemetry
from bench.telemetry import HASHES, hash_of, tell
from console.accounts import passwords, people, projects
from console.app import create_app
from console.core import clock, migrations
from console.core.config import Config
from console.core.db import db
from console.core.folding import fold
from console.core.tenancy import organization_scope
from console.errors.models import Issue, IssueHash, IssueRelease, Level, Status
from console.telemetry import error_rollups
from console.telemetry.store import EXTENSION, TelemetryStore

EMAIL, PASSWORD = "bench@pharos.test", "as long as it must be"
TRIES = 20
ROWS = 5_000
INBOX = "/bench/one/issues/"
PAGES = {
    "inbox, by impact": INBOX,
    "inbox, by events": f"{INBOX}?sort=events",
    "inbox, by last seen": f"{INBOX}?sort=last_seen",
    "inbox, by first seen": f"{INBOX}?sort=first_seen",
    "inbox, all statuses": f"{INBOX}?status=all",
    "inbox, warnings": f"{INBOX}?level=warning",
    "inbox, one environment": f"{INBOX}?environment=staging",
    "inbox, text of some": f"{INBOX}?q=Error42",
    "inbox, text of none": f"{INBOX}?q=nowhere",
    "inbox, a tag": f"{INBOX}?q=server_name:web-3",
    "inbox, two tags": f"{INBOX}?q=server_name:web-3+browser:%22Firefox+7%22",
    "inbox, a tag, 30 days": f"{INBOX}?q=server_name:web-3&range=30d",
    "inbox, without a tag": f"{INBOX}?q=!has:server_name",
    "inbox, a person": f"{INBOX}?q=user:mia77@shop.example",
    "inbox, a transaction": f"{INBOX}?q=transaction:%22GET+/route/7%22",
    "inbox, text of a tag": f"{INBOX}?q=web-3",
    "inbox, without a text": f"{INBOX}?q=!web-3",
    "inbox, three words": f"{INBOX}?q=order+42+has",
    "inbox, not a release": f"{INBOX}?q=!release:shop@1.1.*",
    "inbox, a browser": f"{INBOX}?q=browser:%22Firefox+7%22",
    "inbox, a level and words": f"{INBOX}?q=level:warning+is:open+Error42",
    "inbox, by trend": f"{INBOX}?sort=trend",
    "inbox, counts": f"{INBOX}?q=events:%3E10+users:%3E%3D5",
    "inbox, few events": f"{INBOX}?q=events:%3C3",
    "inbox, equal counts": f"{INBOX}?q=events:3",
    "inbox, new in an environment": f"{INBOX}?environment=staging&sort=first_seen",
    "volume, a tag": f"{INBOX}volume?q=server_name:web-3",
    "completions": f"{INBOX}completions?word=server_name:",
    "inbox, last 24 hours": f"{INBOX}?range=24h",
    "inbox, last 7 days": f"{INBOX}?range=7d",
    "inbox, last 30 days": f"{INBOX}?range=30d",
    "inbox, fifth page": f"{INBOX}?page=5",
    "inbox, by events, 30 days": f"{INBOX}?sort=events&range=30d",
    "volume, 14 days": f"{INBOX}volume",
    "volume, compared": f"{INBOX}volume?compare=previous",
    "issue, most frequent": f"{INBOX}1/",
    "issue, rare": f"{INBOX}90000/",
    "issue, most frequent, 30 days": f"{INBOX}1/?range=30d",
    "issue, rare, 30 days": f"{INBOX}90000/?range=30d",
    "its events": f"{INBOX}1/events/",
    "its tags, frequent": f"{INBOX}1/tags",
    "its tags, rare": f"{INBOX}90000/tags",
    "its trend": f"{INBOX}1/trend",
    "its releases": f"{INBOX}1/releases",
    "intake": "/bench/one/intake",
    "connect": "/bench/one/connect",
    "projects": "/bench/",
    "projects, one's errors": f"{INBOX}summary",
}


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        app = console(Path(folder), options)
        client = app.test_client()
        client.post("/login", data={"email": EMAIL, "password": PASSWORD})
        for name, path in PAGES.items():
            tell(name, **timed(client, path), load_average=round(os.getloadavg()[0], 1))
        tell("memory", rss_mb=round(telemetry.rss_mb()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="filled before, and copied")
    return parser.parse_args()


def console(folder: Path, options: argparse.Namespace) -> Flask:
    """A console with all of it."""
    settings = Config(instance=folder).prepared()
    store = settings.instance / "telemetry"
    if options.folder:
        shutil.copytree(options.folder, store)
    migrations.upgrade(settings)
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    if not options.folder:
        options.folder = store
        telemetry.fill(app.extensions[EXTENSION], options)
    with app.app_context():
        write_issues(app.extensions[EXTENSION], options.events)
        began = time.process_time()
        periods = error_rollups.roll_up(telemetry.ORGANIZATION)
        tell("group errors", periods=periods, cpu_s=round(time.process_time() - began, 1))
    return app


def write_issues(store: TelemetryStore, events: int) -> None:
    """Organization 1 and its projects 1, 2 and 3; the issues of the first, with its events."""
    user = people.add(EMAIL, "Bench", passwords.hash_password(PASSWORD))
    organization = projects.create_organization("bench", owner=user)
    for name in ("one", "two", "three"):
        projects.create_project(name)
    db.session.commit()
    assert store.organizations() == [organization.id]
    with organization_scope(telemetry.ORGANIZATION):
        for begin in range(0, HASHES, ROWS):
            numbers = range(begin, begin + ROWS)
            db.session.execute(insert(Issue), [issue(number, events) for number in numbers])
            db.session.execute(insert(IssueHash), [issue_hash(number) for number in numbers])
            db.session.execute(insert(IssueRelease), [r for n in numbers for r in releases(n)])
        db.session.commit()


def owned(number: int) -> dict[str, Any]:
    return {"organization_id": telemetry.ORGANIZATION, "issue_id": number + 1}


def issue(number: int, of: int) -> dict[str, Any]:
    """The issue of the `number`th hash; low numbers are frequent, as in `telemetry.event`."""
    events = int(0.6 * of * (sqrt((number + 1) / HASHES) - sqrt(number / HASHES)))
    now = clock.now()
    title, kind = f"Error{number % 300}: order {number} has no price", f"Error{number % 300}"
    culprit = f"shop.module_{number % 900} in function_{number}"
    return {
        "id": number + 1,
        "organization_id": telemetry.ORGANIZATION,
        "project_id": 1,
        "title": title,
        "culprit": culprit,
        "kind": kind,
        "folded": fold(f"{title}\n{kind}\n{culprit}"),
        "searched": "\n".join(f"function_{number + n}\nshop/module_{n}.py" for n in range(20)),
        "level": Level.ERROR if number % 7 else Level.WARNING,
        "status": list(Status)[number % 10 // 8],
        "platform": "python",
        "first_seen": now - timedelta(days=29, seconds=number),
        "last_seen": now - timedelta(seconds=(number * 7919) % (2 * telemetry.DAY)),
        "events": max(events, 1),
        "users": max(events * 9 // 10, 1),
    }


def issue_hash(number: int) -> dict[str, Any]:
    made_of = [{"label": "in-app frames", "values": [f"shop.module_{number % 900}"]}]
    identity = {"project_id": 1, "hash": hash_of(number), "variant": "exception stack"}
    return owned(number) | identity | {"components": made_of}


def releases(number: int) -> Iterator[dict[str, Any]]:
    environment = "staging" if number % 9 == 0 else "production"
    for day in (1, 9, 17, 25):
        seen = clock.now() - timedelta(days=29 - day)
        yield owned(number) | {
            "environment": environment,
            "release": f"shop@1.{day}.0",
            "events": 1,
            "first_seen": seen,
            "last_seen": seen,
        }


def timed(client: FlaskClient, path: str) -> dict[str, float]:
    """p50, p95 and the first answer (cold) of a page, in milliseconds."""
    times, costs = [], []
    for _ in range(TRIES + 1):
        began, cost = time.perf_counter(), time.process_time()
        answer = client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        costs.append((time.process_time() - cost) * 1000)
        assert answer.status_code == 200, f"{path}: {answer.status}"
    p95 = quantiles(times[1:], n=20)[-1]
    return {
        "p50_ms": round(median(times[1:]), 1),
        "p95_ms": round(p95, 1),
        "first_ms": round(times[0], 1),
        "cpu_ms": round(median(costs[1:]), 1),
    }


if __name__ == "__main__":
    main()
