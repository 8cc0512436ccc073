"""A console in a process of its own with short limits, and senders who mean it no good."""

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from console import runtime
from console import serve as server
from console import status as state
from console.core.config import Config
from console.ingest.front import bodies, rsgi
from tests.ingest.killed import address_of
from tests.support.forks import FORKS

LIMITS: dict[ModuleType, dict[str, float]] = {
    bodies: {"WINDOW_SECONDS": 1.0, "WINDOW_BYTES": 50, "DRAIN_SECONDS": 0.2},
    rsgi: {
        "STRANGERS_OF_ONE": 20,
        "SENDERS_OF_ONE": 40,
        "SENDER_PATIENCE": 0.2,
        "FORM_PATIENCE": 0.2,
    },
    server: {"HEADER_TIMEOUT_MS": 1_500},
}
PAGES = 2
SLOW_PAGE, SLOW_LINK = "/login", "/shared/a-token"
PATIENCE = 30.0


def run(settings: Config, files: int) -> None:
    """Serve with short limits; two pages never end, and of files there are `files`."""
    os.setpgid(0, 0)
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    for module, limits in LIMITS.items():
        for name, value in limits.items():
            setattr(module, name, value)
    make_front = rsgi.Front

    def front_with_endless_page(app: Flask, pages: int) -> rsgi.Front:
        for path in (SLOW_PAGE, SLOW_LINK):
            endpoint, _ = app.url_map.bind("pharos").match(path)
            app.view_functions[endpoint] = endless
        return make_front(app, pages)

    vars(server)["Front"] = front_with_endless_page
    runtime.serve(settings, host="127.0.0.1", port=0, threads=PAGES)


def endless(**_of_address: str) -> str:
    time.sleep(60)
    return ""


class Strict:
    """A console with short limits that runs, and how to reach it."""

    def __init__(self, url: str, project_id: int, key: str, process: Any) -> None:
        """`key` is the project's."""
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 0)
        self.path = f"/api/{project_id}/envelope/"
        self.key = key
        self.process = process

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Send a request whole, and return status and body of the answer."""
        with closing(HTTPConnection(*self.address, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def event(self, body: Any) -> int:
        """Send an envelope with the project's key."""
        return self.send("POST", f"{self.path}?sentry_key={self.key}", body)[0]

    def open(self, beginning: bytes) -> socket.socket:
        """A connection on which so much was sent."""
        connection = socket.create_connection(self.address, timeout=PATIENCE)
        connection.sendall(beginning)
        return connection

    def head(self, *, key: str = "", path: str = "", **headers: str) -> bytes:
        """The header of an event, all of it."""
        query = f"?sentry_key={key}" if key else ""
        fields = {"Host": "pharos", **{k.replace("_", "-"): v for k, v in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {path or self.path}{query} HTTP/1.1\r\n{lines}\r\n".encode()


def status(connection: socket.socket) -> int:
    """The status of the answer on a connection; 0 if it ends without one."""
    try:
        received = connection.recv(65_536)
    except ConnectionResetError:
        return 0
    return int(received[9:12]) if received else 0


@contextmanager
def strict_console(
    settings: Config, project_id: int, key: str, *, files: int = 0
) -> Iterator[Strict]:
    """Run a console with short limits meanwhile."""
    note = settings.instance / state.NOTE
    process = FORKS.Process(target=run, args=(settings, files), daemon=True)
    process.start()
    try:
        yield Strict(address_of(note), project_id, key, process)
    finally:
        if process.pid is not None and process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
