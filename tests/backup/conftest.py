"""Instances with something in them, and backups of them."""

import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask

from console.accounts.models import Project
from console.backup import notes, orders
from console.backup.copies import Pace
from console.backup.making import make
from console.backup.manifest import Manifest
from console.ingest.pipeline import Pipeline
from tests.ingest.conftest import Stored, accepted, digest, error, stored, waiting

PATIENCE = 120.0  # seconds
__all__ = ["accepted", "digest", "stored", "waiting"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where backups are put."""
    return tmp_path / "backup"


@pytest.fixture
def backed_up(app: Flask, folder: Path) -> Callable[..., Manifest]:
    """`backed_up(…)` makes a backup of the app's instance into `folder`."""

    def back_up(target: Path = folder, **options: bool) -> Manifest:
        with app.app_context():
            return make(target, "the-instance", Pace(), **options)

    return back_up


@pytest.fixture
def ordered(app: Flask, folder: Path) -> Callable[..., notes.Note]:
    """`ordered(…)` does what `pharos backup FOLDER` does."""

    def order(target: Path = folder) -> notes.Note:
        with app.app_context():
            return orders.order_or_make(orders.Order(folder=str(target)), print)

    return order


@pytest.fixture
def filled(
    acme: Project,
    globex: Project,
    accepted: Callable[..., int],
    digest: Pipeline,
    stored: Callable[[Project], Stored],
) -> Stored:
    """What is stored of acme: three events of two issues, and two rows that wait."""
    accepted(acme, error("A"), error("B"), error("A"))
    accepted(globex, error("C"))
    digest.drain()
    accepted(acme, error("A"))
    accepted(globex, error("C"))
    return stored(acme)


def hashes(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder by its path in it."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Sender(threading.Thread):
    """Spools events as accept does, and notes the ids that were acknowledged."""

    def __init__(self, send: Callable[..., int], project: Project | None) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self._send, self._project = send, project
        self._ending = threading.Event()

    def run(self) -> None:
        deadline = time.monotonic() + PATIENCE  # a test that fails does not end it
        while not self._ending.wait(0.002) and time.monotonic() < deadline:
            event = error(f"Error{len(self.acknowledged) % 5}")
            self._send(self._project, event)
            self.acknowledged.append(str(event["event_id"]))

    def end(self) -> None:
        self._ending.set()
        self.join()
