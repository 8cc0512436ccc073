"""A digest in a process of its own, killed at a chosen point between its commits."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from console.app import create_app
from console.core.config import Config
from console.core.db import db
from console.ingest import digest, pipeline, turns
from console.telemetry.store import TelemetryStore

# The n-th commit of the state Session in a digest: 1 the issues, 2 the counters.
POINTS: dict[str, Callable[[], None]] = {}


def at(point: Callable[[], None]) -> Callable[[], None]:
    POINTS[point.__name__.replace("_", " ")] = point
    return point


def digest_and_die(settings: Config, point: str, batch_rows: int) -> None:
    """Digest what is spooled until the process kills itself at the point."""
    app = create_app(replace(settings))
    turns.ROUND_ROWS = turns.LEAST_ROWS = batch_rows
    with app.app_context():
        POINTS[point]()
        pipeline.current().drain()


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@at
def before_the_issues_are_committed() -> None:
    _on_commit(1, before=die)


@at
def after_the_issues_are_committed() -> None:
    _on_commit(1, after=die)


@at
def after_telemetry_is_committed() -> None:
    write = TelemetryStore.write

    def write_and_die(*args: Any) -> Any:
        write(*args)
        die()

    setattr(TelemetryStore, "write", write_and_die)  # noqa: B010 - a changed method


@at
def before_the_counters_are_committed() -> None:
    _on_commit(2, before=die)


@at
def after_the_counters_are_committed() -> None:
    _on_commit(2, after=die)


@at
def halfway_through_the_counters() -> None:
    setattr(digest, "advance", die)  # noqa: B010 - a name that it has imported


def _on_commit(
    number: int,
    *,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> None:
    commit, calls = db.session.commit, 0

    def counted() -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            before()
        commit()
        if calls == number:
            after()

    db.session.commit = counted  # type: ignore[method-assign]
