"""Runs the apps of `tests/clients/apps` with the unmodified SDKs, and visits them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from tests.support import databases, javascript, postgres
from tests.support.run import shared

PATIENCE = 20
LIFECYCLES = ("static", "stream")

Visit = tuple[str, str, int]
"""Method, path, and the status that the app answers with."""
Run = Callable[[str, str, Path], None]
"""Run an app to its end: takes a DSN, the trace life cycle, and a folder for what it keeps."""

VISITS: Sequence[Visit] = (
    ("GET", "/books/1", 200),
    ("GET", "/books/2", 200),
    ("GET", "/books/3?from=home", 200),
    ("GET", "/books/404", 404),
    ("POST", "/books", 200),
    ("GET", "/books/search?q=ink", 200),
    ("GET", "/books/search?q=tea", 200),
    ("GET", "/broken", 500),
    ("GET", "/broken", 500),
    ("GET", "/nowhere/17", 404),
    ("GET", "/wp-login.php", 404),
    ("DELETE", "/books/1", 405),
    ("GET", "/slow", 200),  # last: what the SDK still has to do for the others is done by then
)
NIGHTLY: Visit = ("POST", "/nightly", 200)  # first: what it leaves behind ends before the app does


def python(
    module: str,
    visits: Sequence[Visit],
    dsn: str,
    lifecycle: str,
    folder: Path,
    *,
    sample_rate: str = "1",
) -> None:
    """Run one of the Python apps."""
    command = [sys.executable, "-m", f"tests.clients.apps.{module}"]
    environ = {"DSN": dsn, "LIFECYCLE": lifecycle, "SAMPLE_RATE": sample_rate}
    with _running(command, databases.ROOT, FOLDER=str(folder), **environ) as port:
        _visit(port, visits)


def express(dsn: str, lifecycle: str, folder: Path) -> None:
    """Run the Express app on this run's PostgreSQL server."""
    on = postgres.server(shared())
    app = databases.ROOT / "tests" / "clients" / "apps" / "express_app.mjs"
    script = folder / f"{app.stem}-{lifecycle}.mjs"
    script.symlink_to(app)
    (folder / "node_modules").symlink_to(javascript.PACKAGES)
    command = [javascript.node(), "--preserve-symlinks", "--preserve-symlinks-main", str(script)]
    environ = {"DSN": dsn, "LIFECYCLE": lifecycle, "SAMPLE_RATE": "1"}
    database = on.url(postgres.APP, "postgres")
    with _running(command, folder, DATABASE=database, **environ) as port:
        _visit(port, (NIGHTLY, *VISITS))


def in_both(run: Run, dsn: str, folder: Path) -> None:
    """Run an app in both trace life cycles at once, each in the environment of its name."""
    folders = [folder / lifecycle for lifecycle in LIFECYCLES]
    for own in folders:
        own.mkdir()
    with ThreadPoolExecutor(len(LIFECYCLES)) as pool:
        list(pool.map(partial(run, dsn), LIFECYCLES, folders))


@contextmanager
def _running(command: Sequence[str], folder: Path, **environ: str) -> Iterator[int]:
    """Run an app, which prints its port and ends when its standard input does."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            if said:
                yield int(said)
            _, complaints = process.communicate(timeout=PATIENCE)
            assert said, complaints
            assert process.returncode == 0, complaints
        finally:
            process.kill()


def _visit(port: int, visits: Sequence[Visit]) -> None:
    for method, path, status in visits:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        form = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        connection.request(method, path, "title=Added" if form else None, form)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        told = 404 if answer.status == 405 else answer.status  # to Express both are one
        assert told == (404 if status == 405 else status), (method, path, answer.status)


flask = partial(python, "flask_app", (NIGHTLY, *VISITS))
django = partial(python, "django_app", VISITS)
fastapi = partial(python, "fastapi_app", (NIGHTLY, *VISITS))
