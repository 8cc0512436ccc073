"""1,000 rules over many spans: how long their windows of a minute take to decide.

The console is in this process, on SQLite, with nothing else to do: what events coming in at the
same time and pages cost beside it is not in these figures.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from console.accounts.models import Project
from console.alerting import evaluation, rules
from console.alerting.condition import Condition, Level
from console.alerting.definition import Definition
from console.alerting.models import Evaluation, Incident, Rule
from console.app import create_app
from console.core import clock
from console.core.config import Config
from console.core.db import db
from console.telemetry import store
from console.telemetry.records import Batch
from tests.support import databases
from tests.support.factories import inside, make_cast
from tests.telemetry.samples import span

METRICS = ("requests.p95", "requests.p50", "requests.count", "requests.error_rate")
ENDPOINTS = 250
BATCH = 20_000
HOURS = 24
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench alerting")
    parser.add_argument("--rules", type=int, default=1_000)
    parser.add_argument("--spans", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pharos-alerting-") as name:
        print(json.dumps(measured(Path(name), options.rules, options.spans)))


def measured(folder: Path, many: int, spans: int) -> dict[str, Any]:
    """Seconds of each of some rounds, in which every rule has one more window to decide."""
    instance = folder / "instance"
    instance.mkdir()
    settings: Config = databases.config(databases.sqlite(folder, instance), instance)
    app = create_app(settings)
    project = make_cast(app, "acme", {})
    with inside(app, project):
        minute = clock.now().replace(second=0, microsecond=0)
        fill(project, minute, spans)
        for number in range(many):
            rules.create(project, f"Rule {number}", definition(number))
        db.session.commit()
        seconds = []
        for number in range(ROUNDS):
            clock.freeze(minute + timedelta(minutes=number + 1, seconds=45))
            began = time.monotonic()
            while evaluation.evaluate(project.organization_id)["rules evaluated"]:
                pass
            seconds.append(round(time.monotonic() - began, 2))
        late = select(func.count(Rule.id)).where(Rule.evaluated_until < clock.now() - 2 * MINUTE)
        return {
            "bench": "alerting",
            "rules": many,
            "spans": spans,
            "seconds of each minute's windows": seconds,
            "evaluations": db.session.scalar(select(func.count(Evaluation.id))),
            "incidents": db.session.scalar(select(func.count(Incident.id))),
            "rules late": db.session.scalar(late),
            "load": round(os.getloadavg()[0], 1),
        }


MINUTE = timedelta(minutes=1)


def definition(number: int) -> Definition:
    """A rule for each metric of each endpoint, and again with other levels."""
    metric = METRICS[number // ENDPOINTS % len(METRICS)]
    where = {"endpoint": [f"GET /{number % ENDPOINTS}"]}
    levels = {Level.WARNING: 900, Level.CRITICAL: 950 + number % 10}
    return Definition(metric=metric, where=where, condition=Condition(op=">", levels=levels))


def fill(project: Project, until: datetime, count: int) -> None:
    """Requests of the last hours, and of the minutes that will be evaluated."""
    since, step = until - timedelta(hours=HOURS), timedelta(hours=HOURS) / count
    telemetry = store.current()
    for position, numbers in enumerate(batches(count + int(ROUNDS * MINUTE / step)), 1):
        spans = [
            span(
                position,
                at=since + step * n,
                organization_id=project.organization_id,
                project_id=project.id,
                trace_id=uuid4().hex,
                category="request",
                is_segment=True,
                endpoint=f"GET /{n % ENDPOINTS}",
                duration_us=(n * 7919) % 1_000_000,
            )
            for n in numbers
        ]
        telemetry.write(project.organization_id, Batch(spans=spans), position)


def batches(count: int) -> Iterator[range]:
    for first in range(0, count, BATCH):
        yield range(first, min(first + BATCH, count))


if __name__ == "__main__":
    main()
