"""Sends wrong requests to every route, as every person, on both databases; one JSON line a run.

The requests go through the whole stack but the server's socket; then some hundred go over a socket
to a served console, with bytes that no client library sends. A fault is an answer of 5xx, an
exception that escapes, an answer that takes 5 s of processor time, or none at all. Exits 1 for any.

    python -m bench fuzz [--requests 5000] [--seed 1] [--database sqlite] [--only NUMBER …]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from console.core.config import Config
from tests.fuzz import sockets
from tests.fuzz.run import run
from tests.support import databases, postgres
from tests.support.consoles import console
from tests.support.databases import SECRET, Database

DATABASES = ("sqlite", "postgresql")


def main() -> None:
    options, faults = arguments(), 0
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        shared = Path(folder)
        shared.chmod(0o755)  # PostgreSQL runs in it under another account
        try:
            for name in options.database:
                for seed in options.seed:
                    faults += fuzz(shared, name, seed, options)
        finally:
            postgres.stop(shared)
    sys.exit(1 if faults else 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--seed", type=int, nargs="*", default=[1])
    parser.add_argument("--database", nargs="*", choices=DATABASES, default=DATABASES)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of requests to send again")
    return parser.parse_args()


def fuzz(shared: Path, name: str, seed: int, options: argparse.Namespace) -> int:
    """One run on one database; the number of its faults."""
    instance = shared / f"{name}-{seed}"
    database = make_database(shared, name, instance)
    settings = Config(
        instance=instance,
        secret_key=SECRET,
        database_url=database.database_url,
        owner_database_url=database.owner_database_url,
        trusted_proxies=1,  # what proxies say is then believed, whatever it is
    )
    numbers = options.only or range(options.requests)
    with console(settings, templates=str(shared)) as app:
        done = run(app, seed, numbers)
    tell(name, "stack", **done.figures)
    if options.only:
        return len(done.faults)
    served = sockets.run(instance, database, seed)
    tell(name, "socket", **served.figures)
    return len(done.faults) + len(served.faults)


def make_database(shared: Path, name: str, instance: Path) -> Database:
    """A migrated database without rows."""
    if name == "postgresql":
        instance.mkdir()
        return databases.postgresql(shared, instance, "bench")
    return databases.sqlite(shared, instance)


def tell(database: str, over: str, **figures: Any) -> None:
    """Print a run as one line."""
    named = {"bench": "fuzz", "database": database, "over": over, "at": time.strftime("%F")}
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({**named, **figures, "load_average": load}), flush=True)


if __name__ == "__main__":
    main()
