"""Judges the days of a project with 1 M spans and page loads: how long the daily job takes.

python -m bench changes [--spans 1000000] [--page-loads 200000] [--folder FOLDER]
"""

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import func, select, update

from bench import performance
from bench.spans import ORGANIZATION
from bench.telemetry import rss_mb, tell
from console.changes import daily
from console.changes.models import Change, JudgedDays
from console.core.db import db
from console.core.tenancy import organization_scope
from console.telemetry.store import TelemetryStore

DAY = timedelta(days=1)
TRIES = 3


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        app = performance.console(Path(folder), options)
        with app.app_context():
            judge("two weeks, the first time")
            for _ in range(TRIES):
                with organization_scope(ORGANIZATION):
                    newest = db.session.scalars(select(JudgedDays.last_day)).one()
                    db.session.execute(update(JudgedDays).values(last_day=newest - DAY))
                    db.session.commit()
                judge("a day")
            judge("nothing to do")
            with organization_scope(ORGANIZATION):
                rows = db.session.scalar(select(func.count(Change.id)))
                compared = db.session.scalar(select(func.max(JudgedDays.compared)))
        tell("changes", rows=rows, compared=compared, rss_mb=rss_mb())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--page-loads", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, help="kept, and filled only if it is empty")
    return parser.parse_args()


def judge(measure: str) -> None:
    """Do the job for the organization, and count what it asks telemetry."""
    asked = 0
    rows = TelemetryStore.rows

    def counted(*arguments_: Any) -> Any:
        nonlocal asked
        asked += 1
        return rows(*arguments_)

    TelemetryStore.rows = counted  # type: ignore[method-assign, assignment]
    began, cpu = time.perf_counter(), time.process_time()
    with organization_scope(ORGANIZATION):
        done = daily.judge(ORGANIZATION)
    TelemetryStore.rows = rows  # type: ignore[method-assign]
    tell(
        measure,
        ms=round((time.perf_counter() - began) * 1000),
        cpu_ms=round((time.process_time() - cpu) * 1000),
        statements=asked,
        **{name.replace(" ", "_"): count for name, count in done.items()},
    )


if __name__ == "__main__":
    main()
