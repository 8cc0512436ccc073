"""A store of its own for each test, and an app that answers from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from console.telemetry.store import EXTENSION, TelemetryStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "telemetry"


@pytest.fixture
def store(folder: Path) -> Iterator[TelemetryStore]:
    store = TelemetryStore(folder, memory_mb=96, open_limit=4)
    yield store
    store.close()


@pytest.fixture
def asking(store: TelemetryStore) -> Iterator[TelemetryStore]:
    """The store as that of the running app: questions find it."""
    app = Flask("asking")
    app.extensions[EXTENSION] = store
    with app.app_context():
        yield store
