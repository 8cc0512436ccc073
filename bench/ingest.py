"""Accepts, digests and stores a real exception envelope in a fresh console; one JSON line each.

Closed loops of 1, 4 and 16 connections, draining, a steady 200 events/s, memory and disk. The load
generator, the console and its digest share the machine.

    python bench/ingest.py --seconds 20
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
SETTINGS = ("PHAROS_", "SENTRY_", "DATABASE_URL", "OWNER_DATABASE_URL", "SMTP_URL", "SECRET_KEY")
DRAIN_SECONDS = 600
STEADY = 200
POOL = 20_000


def main() -> None:
    options = parsed_arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        envelope = Path(folder) / "exception.envelope"
        python("bench/envelope.py", str(envelope))
        with Console(Path(folder) / "instance", decoders=options.decoders) as console:
            tell("memory, idle", pss_mb=console.memory())
            for connections in options.connections:
                accept(console, envelope, connections, options.seconds)
            steady(console, envelope, options.seconds)
            account(console)


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each load")
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--decoders", default="auto", help="PHAROS_DECODERS of the console")
    return parser.parse_args()


def accept(console: "Console", envelope: Path, connections: int, seconds: float) -> None:
    """Run a closed loop, and then time how fast the backlog is digested."""
    with console.watched() as watched:
        load = console.load(envelope, "--conns", str(connections), "--seconds", str(seconds))
        backlog, began = console.waiting(), time.monotonic()
        drained = console.drain()
    tell(
        "accept",
        **load,
        backlog=backlog,
        digested_during_per_second=round((load["requests"] - backlog) / load["seconds"], 1),
        drained_per_second=round(backlog / (drained - began), 1) if backlog else None,
        peak_pss_mb=watched["peak"],
        load_average=round(os.getloadavg()[0], 1),
    )


def steady(console: "Console", envelope: Path, seconds: float) -> None:
    """Send at a steady rate, and print how long the oldest event waited to become visible."""
    with console.watched() as watched:
        options = ("--conns", "8", "--seconds", str(seconds), "--rate", str(STEADY))
        load = console.load(envelope, *options)
        began = time.monotonic()
        lag = console.drain() - began
    tell(
        "steady",
        **load,
        longest_wait_seconds=round(watched["lag"], 2),
        visible_after_the_last_seconds=round(lag, 2),
    )


def account(console: "Console") -> None:
    """Print whether everything accepted is stored, and its memory and disk."""
    outcomes = console.outcomes()
    stored = sum(o["quantity"] for o in outcomes if o["outcome"] in {"stored", "duplicate"})
    unique = sum(o["quantity"] for o in outcomes if o["outcome"] == "stored")
    telemetry = sum(f.stat().st_size for f in (console.instance).rglob("*.duckdb*"))
    tell(
        "account",
        accepted=console.accepted,
        digested=stored,
        stored=unique,
        telemetry_bytes_per_stored_event=round(telemetry / max(unique, 1)),
        cpu_ms_per_event=round(1000 * console.cpu_seconds() / console.accepted, 2),
        of_it_decoders=round(1000 * console.decoders_cpu_seconds() / console.accepted, 2),
        pss_mb=console.memory(),
    )


class Console:
    """`pharos serve` on an instance folder of its own, with one project."""

    def __init__(self, instance: Path, *, decoders: str = "auto") -> None:
        """Prepare a console that runs inside a `with` block."""
        self.instance = instance
        self.accepted = 0
        kept = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
        self.environ = kept | {"PHAROS_INSTANCE": str(instance), "PYTHONUNBUFFERED": "1"}
        self.environ["PHAROS_DECODERS"] = decoders

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "console.cli", "serve", "--port", "0"]
        self.process = subprocess.Popen(
            command, env=self.environ, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        command = [sys.executable, "-m", "console.cli", "project", "create", "shop"]
        made = subprocess.check_output(
            [*command, "--organization", "acme", "--json"], env=self.environ, cwd=ROOT
        )
        self.made = json.loads(made)
        dsn = urlsplit(self.made["dsn"])
        self.dsn = f"http://{dsn.username}@{urlsplit(self.url).netloc}{dsn.path}"
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def load(self, envelope: Path, *options: str) -> dict[str, Any]:
        options = ("--pool", str(POOL), *options)  # no event twice: those would cost digest less
        done = python("bench/ingest_load.py", str(envelope), self.dsn, *options)
        result: dict[str, Any] = json.loads(done)
        self.accepted += result["codes"].get("200", 0)
        return result

    def outcomes(self) -> list[dict[str, Any]]:
        """The outcomes of today, from the API."""
        today = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime())
        request = urllib.request.Request(
            f"{self.url}/api/v1/acme/shop/outcomes?since={today}",
            headers={"Authorization": f"Bearer {self.made['api_token']}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            outcomes: list[dict[str, Any]] = json.load(answer)["outcomes"]
            return outcomes

    def waiting(self) -> int:
        return int(self._ask("SELECT count(*) FROM waiting"))

    def drain(self) -> float:
        """Wait until the spool is empty; return the time."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.waiting():
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.waiting()} rows wait still")
            time.sleep(0.05)
        return time.monotonic()

    def memory(self) -> int:
        """Proportional set size of all its processes, in MB."""
        return sum(_pss(pid) for pid in self.pids()) >> 10

    def pids(self) -> list[int]:
        """The console, and the processes that decode for it."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        texts = [task.read_text(encoding="utf-8") for task in tasks]
        return [self.process.pid, *(int(pid) for text in texts for pid in text.split())]

    def cpu_seconds(self) -> float:
        """The processor time of everything: start, accept, decode, digest, jobs."""
        return sum(_ticks(pid) for pid in self.pids()) / os.sysconf("SC_CLK_TCK")

    def decoders_cpu_seconds(self) -> float:
        """The part of it that is not the console's own process."""
        return sum(_ticks(pid) for pid in self.pids()[1:]) / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def watched(self) -> Iterator[dict[str, float]]:
        """Watch the highest memory, and the longest wait of the oldest row, inside."""
        seen: dict[str, float] = {"peak": 0, "lag": 0}
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.25):
                seen["peak"] = max(seen["peak"], self.memory())
                oldest = self._ask("SELECT min(received_at) FROM waiting") or time.time() * 1e6
                seen["lag"] = max(seen["lag"], time.time() - oldest / 1e6)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield seen
        finally:
            ended.set()
            watcher.join()

    def _ask(self, query: str) -> Any:
        with closing(sqlite3.connect(self.instance / "spool.sqlite", timeout=10)) as spool:
            return spool.execute(query).fetchone()[0]


def _pss(pid: int) -> int:
    """In kB; nothing of a process that ended just now."""
    with suppress(FileNotFoundError, ProcessLookupError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        return int(text.partition("\nPss:")[2].split()[0])
    return 0


def _ticks(pid: int) -> int:
    """The processor ticks of a process, and of its children that have ended."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return sum(map(int, text.rpartition(")")[2].split()[11:15]))


def python(*arguments: str) -> str:
    return subprocess.check_output([sys.executable, *arguments], cwd=ROOT, text=True)


def tell(measure: str, **figures: Any) -> None:
    print(json.dumps({"measure": measure, **figures}), flush=True)


if __name__ == "__main__":
    main()
