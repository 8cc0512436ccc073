"""Injects the faults of a bad day into live consoles under load; one JSON line each.

The faults: repeated kills on both databases, a full disk, PostgreSQL frozen and gone, damaged
files, a clock that jumps. Each line says how many events were acknowledged, lost and stored twice.
Slow clients have a separate benchmark (strangers), and so have backups (backup).

    python -m bench faults [kill disk postgresql files clock] [--rounds 20] [--seconds 20]

The full disk is a small file system in memory and needs root; the jumps of the clock need a C
compiler. Without them, the benchmark says what is missing and leaves the line out.
"""

import argparse
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.broken import Console, Tally, clients, cluster
from bench.ingest import tell
from tests.support import postgres

DISK_MB = 64
HEADER = 4096  # bytes at the beginning of a file, overwritten
JUMPS = {"+1 h": 3600, "-1 h": -3600, "+30 days": 30 * 86400, "back": 0}
MOVED_CLOCK = Path(__file__).with_name("moved_clock.c")  # faketime breaks Python's own sleep
SECONDS = struct.Struct("=q")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--rounds", type=int, default=20, help="of kills on each database")
    parser.add_argument("--seconds", type=float, default=20, help="that an outage takes")
    options = parser.parse_args()
    unknown = set(options.faults) - set(FAULTS)
    if unknown:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}")
    for name in options.faults or FAULTS:
        with tempfile.TemporaryDirectory(prefix="pharos-faults-") as folder:
            FAULTS[name](Path(folder), options)


def kill(folder: Path, options: argparse.Namespace) -> None:
    """SIGKILL at a random moment under load, again and again, on both databases."""
    with Console(folder / "sqlite") as console:
        killed_often("sqlite", console, options.rounds)
    with cluster() as (_, environ), Console(folder / "postgresql", environ) as console:
        killed_often("postgresql", console, options.rounds)


def killed_often(database: str, console: Console, rounds: int) -> None:
    path = console.start().project()
    console.end()
    tally, began = Tally(), time.monotonic()
    for _ in range(rounds):
        console.start()
        with clients(console, path) as sent:
            time.sleep(random.uniform(0.2, 1.5))
            console.end(signal.SIGKILL)
        tally.acknowledged += sent.acknowledged
    console.start()
    drained = console.drain()
    # A row that two of the kills met alone is blamed for them: a dead letter, and kept as one.
    retry = ("dead-letters", "retry", "--organization", "acme", "--project", "shop")
    retried = console.command(*retry).stdout.split()[0]
    console.drain()
    report(
        f"kill -9, {database}", console, tally,
        rounds=rounds, dead_letters_retried=int(retried),
        drained_seconds=drained, seconds=round(time.monotonic() - began),
    )  # fmt: skip


def disk(folder: Path, options: argparse.Namespace) -> None:
    """The disk of the instance folder fills up, and gets room again."""
    with small_disk(folder / "disk") as room:
        if room is not None:
            with Console(room / "instance") as console:
                fill_up(console, room / "filler", options)


def fill_up(console: Console, filler: Path, options: argparse.Namespace) -> None:
    path = console.start().project()
    with clients(console, path) as tally:
        time.sleep(options.seconds / 10)
        fill(filler)
        full_from = time.monotonic()
        while not refusals(tally) and time.monotonic() - full_from < options.seconds:
            fill(filler)
            time.sleep(0.2)
        time.sleep(options.seconds / 4)
        refused, health = refusals(tally), console.healthy()
        filler.unlink()
        freed, before = time.monotonic(), len(tally.acknowledged)
        while len(tally.acknowledged) == before and time.monotonic() - freed < 60:
            time.sleep(0.02)
        again = round(time.monotonic() - freed, 2)
        time.sleep(options.seconds / 10)
    console.drain()
    report(
        "disk full", console, tally, answers=dict(tally.answers), refused_while_full=refused,
        healthz_while_full=health, accepts_again_after_seconds=again,
        integrity=integrity(console),
    )  # fmt: skip


def postgresql(folder: Path, options: argparse.Namespace) -> None:
    """PostgreSQL frozen (SIGSTOP), then stopped at once and started again, under load."""
    with cluster() as (server, environ), Console(folder / "instance", environ) as console:
        path = console.start().project()
        for fault, outage in (("frozen", frozen), ("stopped", stopped)):
            with clients(console, path) as tally:
                time.sleep(2)
                with outage(server):
                    time.sleep(1)
                    tally.milliseconds.clear()
                    before = len(tally.acknowledged)
                    page, seconds = timed(lambda: console.command("status"))
                    time.sleep(options.seconds)
                    during, p99 = len(tally.acknowledged) - before, tally.p99()
                    slowest = max(tally.milliseconds or [0])
                time.sleep(2)
            drained = console.drain()
            report(
                f"PostgreSQL {fault}", console, tally, restart=True,
                outage_seconds=options.seconds, accepted_meanwhile=during, p99_ms=p99,
                slowest_ms=round(slowest, 1), status_exit=page.returncode,
                status_seconds=round(seconds, 1), drained_seconds=drained,
                answers=dict(tally.answers),
            )  # fmt: skip


@contextmanager
def frozen(server: postgres.Server) -> Iterator[None]:
    pids = processes(Path(server.folder))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def stopped(server: postgres.Server) -> Iterator[None]:
    cluster_folder = Path(server.folder)
    os.kill(postmaster(cluster_folder), signal.SIGQUIT)
    try:
        yield
    finally:
        postgres.start(cluster_folder)


def processes(cluster_folder: Path) -> list[int]:
    """The postmaster and its children."""
    pid = postmaster(cluster_folder)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *map(int, children)]


def postmaster(cluster_folder: Path) -> int:
    return int((cluster_folder / "postmaster.pid").read_text(encoding="ascii").split()[0])


def files(folder: Path, options: argparse.Namespace) -> None:
    """The spool, a telemetry file and the state database lose their first page."""
    for name, pattern in (
        ("spool", "spool.sqlite"), ("telemetry", "telemetry/*.duckdb"), ("state", "state.sqlite"),
    ):  # fmt: skip
        with Console(folder / name) as console:
            path = console.start().project()
            with clients(console, path):
                time.sleep(options.seconds / 10)
            console.drain()
            console.end()
            damaged = max(
                console.instance.glob(pattern), key=lambda candidate: candidate.stat().st_size
            )
            with damaged.open("r+b") as file:
                file.write(random.Random(8).randbytes(HEADER))
            tell(f"damaged {name}", **after_damage(console, path))


def after_damage(console: Console, path: str) -> dict[str, Any]:
    """How the console starts, what it says, and whether it takes events."""
    try:
        console.start()
    except SystemExit as refusal:
        return {"starts": False, "words": str(refusal).strip().splitlines()[-1][-300:]}
    with clients(console, path) as tally:
        time.sleep(2)
    status = console.command("status")
    return {
        "starts": True,
        "healthz": console.healthy(),
        "answers": dict(tally.answers),
        "status_exit": status.returncode,
        "status": status.stdout.splitlines(),
        "aside": sorted(path.name for path in console.instance.rglob("*damaged*")),
    }


def clock(folder: Path, options: argparse.Namespace) -> None:
    """The machine's clock jumps an hour ahead and back, and 30 days, under load."""
    library = folder / "moved_clock.so"
    compiler = shutil.which("cc")
    if compiler is None:
        print("clock: left out, no C compiler (cc) is installed", file=sys.stderr)
        return
    build = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(MOVED_CLOCK), "-ldl"]
    subprocess.run(build, check=True)
    moved = folder / "seconds"
    moved.write_bytes(SECONDS.pack(0))
    environ = {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(moved)}
    with Console(folder / "instance", environ) as console:
        jumps(console, moved, options)


def jumps(console: Console, moved: Path, options: argparse.Namespace) -> None:
    path = console.start().project()
    answers: dict[str, dict[str, int]] = {}
    ready: dict[str, int] = {}
    with clients(console, path) as tally:
        time.sleep(2)
        for jump, seconds in JUMPS.items():
            with moved.open("r+b") as page:  # the same file: the console has mapped it
                page.write(SECONDS.pack(seconds))
            before = Counter(tally.answers)
            time.sleep(options.seconds / len(JUMPS))
            answers[jump] = dict(tally.answers - before)
            ready[jump] = console.healthy("/ready")
    drained = console.drain()
    lines = console.instance.with_suffix(".log").read_text().splitlines()
    report(
        "clock jumps", console, tally, answers=answers, ready=ready, drained_seconds=drained,
        log=[line for line in lines if "ERROR" in line or "WARNING" in line][:10],
    )  # fmt: skip


def report(
    measure: str, console: Console, tally: Tally, *, restart: bool = False, **figures: Any
) -> None:
    """End the console, and compare what it acknowledged with what it has stored."""
    console.end()
    counts = tally.against(console.stored())
    load = round(os.getloadavg()[0], 1)
    tell(measure, **counts, **figures, load_average=load)
    if restart:
        console.start()


def integrity(console: Console) -> dict[str, str]:
    """SQLite's integrity check of each of its files."""
    verdicts = {}
    for name in ("spool.sqlite", "state.sqlite"):
        with closing(sqlite3.connect(console.instance / name)) as database:
            verdicts[name] = str(database.execute("PRAGMA quick_check").fetchone()[0])
    return verdicts


@contextmanager
def small_disk(mount: Path) -> Iterator[Path | None]:
    """A file system of DISK_MB, or None where this account may not mount one."""
    mount.mkdir()
    program, back = shutil.which("mount"), shutil.which("umount")
    command = [str(program), "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(mount)]
    if program is None or back is None or subprocess.run(command, check=False).returncode:
        print("disk: left out, mounting a small disk needs root", file=sys.stderr)
        yield None
        return
    try:
        yield mount
    finally:
        subprocess.run([back, str(mount)], check=True)


def fill(filler: Path) -> None:
    """Write a file until the disk is full."""
    try:
        with filler.open("ab", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
    except OSError:
        return


def refusals(tally: Tally) -> int:
    return sum(count for answer, count in tally.answers.items() if answer != "200")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began


FAULTS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "kill": kill,
    "disk": disk,
    "postgresql": postgresql,
    "files": files,
    "clock": clock,
}

if __name__ == "__main__":
    main()
