"""A console in a process of its own that is killed, and clients that note what it acknowledged."""

import json
import os
import random
import signal
import threading
import time
from http.client import HTTPConnection, HTTPException
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from console import runtime, status
from console.core.config import Config
from tests.ingest.conftest import envelope, error
from tests.support.forks import FORKS

CLIENTS = 4
PATIENCE = 20.0


def serve(settings: Config) -> None:
    """What `pharos serve --port 0` runs, without the second that Python needs to import it."""
    os.setpgid(0, 0)
    runtime.serve(settings, host="127.0.0.1", port=0, threads=CLIENTS)


def started(settings: Config) -> tuple[BaseProcess, str]:
    """A serving process and its address."""
    note = settings.instance / status.NOTE
    note.unlink(missing_ok=True)
    process = FORKS.Process(target=serve, args=(settings,), daemon=True)
    process.start()
    return process, address_of(note)


def killed_under_load(settings: Config, project_id: int, key: str) -> list[str]:
    """The ids that a console acknowledged before it was killed at a random moment."""
    process, url = started(settings)
    clients = [Client(url, project_id, key) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(random.uniform(0.1, 0.9))
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    for client in clients:
        client.join()
    return [event_id for client in clients for event_id in client.acknowledged]


class Client(threading.Thread):
    """Sends one event after the other until nobody answers."""

    def __init__(self, url: str, project_id: int, key: str) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=5)
        self._path = f"/api/{project_id}/envelope/?sentry_key={key}"

    def run(self) -> None:
        deadline = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                self._send(error(f"Error{random.randrange(5)}", event_id=uuid4().hex))
        except (OSError, HTTPException):
            self._connection.close()

    def _send(self, event: dict[str, object]) -> None:
        self._connection.request("POST", self._path, envelope(("event", event)))
        answer = self._connection.getresponse()
        if answer.status == 200 and json.loads(answer.read()) is not None:
            self.acknowledged.append(str(event["event_id"]))


def address_of(note: Path) -> str:
    """Where the console answers that writes this note, once it does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if note.exists() and (text := note.read_text()):
            return str(json.loads(text)["url"])
        time.sleep(0.01)
    raise AssertionError("the console did not start")
