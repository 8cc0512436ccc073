"""A console that may be killed, and clients that note what it acknowledged."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import UUID, uuid4

import duckdb

from bench.ingest import DRAIN_SECONDS, ROOT, SETTINGS
from tests.support import postgres

CLIENTS = 4
START_SECONDS = 60.0
PAUSE_SECONDS = 0.005  # between two events of a client: a load, not a flood
DATABASE = "pharos_faults"


class Console:
    """`pharos serve` on an instance folder of its own, which survives its process."""

    def __init__(self, instance: Path, environ: Mapping[str, str] | None = None) -> None:
        """Prepare a console that `start` will run; `environ` is added to its environment."""
        self.instance = instance
        self.url = ""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
        kept |= {"PHAROS_INSTANCE": str(instance), "PYTHONUNBUFFERED": "1"}
        self.environ = kept | dict(environ or {})
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end(signal.SIGKILL)  # nothing to do after a fault's own, orderly end

    def start(self, files: int | None = None) -> Self:
        """Start it and wait for its address; raise SystemExit with what it printed if it ends.

        `files` is how many it may have open.
        """
        self.instance.mkdir(parents=True, exist_ok=True)
        log = self.instance.with_suffix(".log")
        note = self.instance / "serving.json"
        note.unlink(missing_ok=True)
        with log.open("ab") as printed:
            self.process = subprocess.Popen(
                [*limited(files), sys.executable, "-m", "console.cli", "serve", "--port", "0"],
                env=self.environ, cwd=ROOT, stdout=printed, stderr=printed,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not (note.exists() and note.read_bytes()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the console did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        self.url = str(json.loads(note.read_bytes())["url"])
        return self

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait until it has ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another `pharos` command on the same instance."""
        return subprocess.run(
            [sys.executable, "-m", "console.cli", *arguments],
            env=self.environ, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def project(self, organization: str = "acme") -> str:
        """Make a project; return the path of its envelopes with the key."""
        done = self.command("project", "create", "shop", "--organization", organization, "--json")
        if done.returncode:
            raise SystemExit(done.stderr)
        dsn = urlsplit(json.loads(done.stdout)["dsn"])
        return f"/api{dsn.path}/envelope/?sentry_key={dsn.username}"

    def healthy(self, probe: str = "/healthz") -> int:
        """The status of a probe; 0 when nobody answers."""
        try:
            with urlopen(f"{self.url}{probe}", timeout=5) as answer:
                return int(answer.status)
        except HTTPError as refusal:
            return refusal.code
        except (URLError, OSError):
            return 0

    def waiting(self) -> int:
        with closing(sqlite3.connect(self.instance / "spool.sqlite", timeout=10)) as spool:
            return int(spool.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def drain(self) -> float:
        """Wait until nothing waits; the seconds that it took."""
        began = time.monotonic()
        while self.waiting():
            if time.monotonic() - began > DRAIN_SECONDS:
                raise SystemExit(f"{self.waiting()} rows wait still")
            time.sleep(0.05)
        return round(time.monotonic() - began, 1)

    def stored(self) -> Counter[str]:
        """How often each error event is stored; the console must have ended."""
        ids: Counter[str] = Counter()
        for path in self.instance.rglob("*.duckdb"):
            with closing(duckdb.connect(str(path), read_only=True)) as telemetry:
                rows = telemetry.execute("SELECT event_id FROM error_event").fetchall()
            ids.update(UUID(str(event_id)).hex for (event_id,) in rows)
        return ids


def limited(files: int | None) -> list[str]:
    """The beginning of a command line that limits open files; None keeps the present limit."""
    return [] if files is None else ["prlimit", f"--nofile={files}", "--"]


@dataclass(slots=True)
class Tally:
    """The answers that clients got."""

    acknowledged: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    def p99(self) -> float:
        ordered = sorted(self.milliseconds) or [0.0]
        return round(ordered[int(len(ordered) * 0.99)], 1)

    def against(self, stored: Mapping[str, int]) -> dict[str, int]:
        """Count the acknowledged events, the ones that were lost and the ones stored twice."""
        return {
            "acknowledged": len(self.acknowledged),
            "lost": sum(event_id not in stored for event_id in self.acknowledged),
            "doubled": sum(times > 1 for times in stored.values()),
        }


class Client(threading.Thread):
    """Sends one event after the other, to whatever address the console has by then."""

    def __init__(self, console: Console, path: str, tally: Tally, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self._console, self._path, self._tally, self._ended = console, path, tally, ended
        self._connection: HTTPConnection | None = None

    def run(self) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            event_id, began = uuid4().hex, time.monotonic()
            try:
                answer = self._send(event_id)
            except (OSError, HTTPException) as error:
                self._connection = None
                answer = type(error).__name__
            self._tally.answers[answer] += 1
            if answer == "200":
                self._tally.acknowledged.append(event_id)
                self._tally.milliseconds.append((time.monotonic() - began) * 1000)

    def _send(self, event_id: str) -> str:
        if self._connection is None:
            self._connection = HTTPConnection(urlsplit(self._console.url).netloc, timeout=30)
        self._connection.request("POST", self._path, envelope(event_id))
        answer = self._connection.getresponse()
        answer.read()
        return str(answer.status)


@contextmanager
def clients(console: Console, path: str, count: int = CLIENTS) -> Iterator[Tally]:
    """Let clients send until the block ends; yield the tally of their answers."""
    tally, ended = Tally(), threading.Event()
    threads = [Client(console, path, tally, ended) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def envelope(event_id: str) -> bytes:
    """A small error event."""
    event: dict[str, Any] = {
        "event_id": event_id,
        "timestamp": time.time(),
        "platform": "python",
        "exception": {"values": [{"type": f"Error{event_id[0]}", "value": "it broke"}]},
    }
    lines = ({"event_id": event_id}, {"type": "event"}, event)
    return b"\n".join(json.dumps(line).encode() for line in lines)


@contextmanager
def cluster() -> Iterator[tuple[postgres.Server, dict[str, str]]]:
    """A PostgreSQL server of its own, and the settings of a console that uses it."""
    with tempfile.TemporaryDirectory(prefix="pharos-faults-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs under another account
        server = postgres.server(folder)
        try:
            postgres.create_database(server, DATABASE)
            yield (
                server,
                {
                    "DATABASE_URL": server.url(postgres.APP, DATABASE),
                    "OWNER_DATABASE_URL": server.url(postgres.OWNER, DATABASE),
                },
            )
        finally:
            postgres.stop(folder)
