"""A real Flask app with the unmodified sentry-sdk, in its own process, that breaks when asked."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import sentry_sdk
from flask import Flask

PATIENCE = 10


def make_app() -> Flask:
    """Return the app, set up as the connect page tells."""
    sentry_sdk.init(
        dsn=os.environ["SENTRY_DSN"],
        release=os.environ.get("RELEASE", "cart@1.0.0"),
        environment=os.environ.get("ENVIRONMENT", "production"),
        traces_sample_rate=1.0,
        send_default_pii=True,
    )
    app = Flask("cart")

    @app.get("/")
    def fine() -> str:
        return "fine"

    @app.get("/boom")
    def boom() -> str:
        cart = {"items": 3, "total": 0}
        return str(share(cart["items"], cart["total"]))

    @app.get("/lookup")
    def lookup() -> str:
        try:
            return {"a": "b"}["missing"]
        except KeyError as error:
            raise LookupError("no such customer") from error

    return app


def share(items: int, total: int) -> float:
    """Divide, and sometimes by zero."""
    return items / total


class RunningApp:
    """The app's process and its address."""

    def __init__(self, port: int) -> None:
        """Remember where it listens."""
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> int:
        """Open a page and return its status."""
        try:
            with urlopen(self.url + path, timeout=PATIENCE) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code


@contextmanager
def running(dsn: str, **environ: str) -> Iterator[RunningApp]:
    """Run the app with a DSN in its environment; what it queued is sent when it ends."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.flask_app", str(port)],
        env=os.environ | {"SENTRY_DSN": dsn} | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    app = RunningApp(port)
    try:
        _wait_for(app, process)
        yield app
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(app: RunningApp, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            app.get("/")
        except URLError:
            time.sleep(0.05)
            continue
        return
    raise AssertionError("the Flask app ended by itself")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the SDK flushes at exit
    make_app().run(port=int(sys.argv[1]), threaded=True)
