"""Times pages while 200 events and 1,000 spans a second come in; one JSON line a page.

A served console with the events and issues of `bench pages`, into whose first project events of
38 KB and OpenTelemetry's spans are sent at a steady rate, in an open loop. Meanwhile a person who
is signed in asks for each page in turn. Everything shares the machine. The pages are timed without
the load first, and asked on after it until they are as fast again.

    python bench/busy.py [--events 1000000] [--seconds 60] [--folder FOLDER]
"""

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import pages, telemetry
from bench.ingest import Console, python, tell
from bench.ingest_load import Load
from bench.tracing import CLIENTS, SPANS, again, caught
from console.accounts.models import Key
from console.core.db import db
from console.core.tenancy import organization_scope
from console.telemetry.store import EXTENSION

EVENTS, PER_SECOND = 200, 1_000
QUICK_ANSWERS, LONGEST_RECOVERY_SECONDS = 3, 300
PAGES = {
    "inbox": pages.INBOX,
    "inbox, last 24 hours": f"{pages.INBOX}?range=24h",
    "endpoints": "/bench/one/performance/endpoints/",
    "endpoints, last 24 hours": "/bench/one/performance/endpoints/?range=24h",
}


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        instance = Path(folder) / "instance"
        key = filled(instance, options)
        envelope = Path(folder) / "exception.envelope"
        python("bench/envelope.py", str(envelope))
        with Console(instance) as console:
            console.dsn = f"http://{key}@{urlsplit(console.url).netloc}/1"
            person = signed_in(console.url)
            calm = ask(console, person, "calm", options.seconds / 3)
            with console.watched() as watched, load(console, envelope, options.seconds):
                ask(console, person, "busy", options.seconds)
            recovered(console, person, calm)
            tell("console", longest_wait_seconds=round(watched["lag"], 2), peak_mb=watched["peak"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--folder", type=Path, help="filled by `bench telemetry`, and copied")
    return parser.parse_args()


def filled(instance: Path, options: argparse.Namespace) -> str:
    """Make a console's folder with all of it; the public key of its first project."""
    app = pages.console(instance, options)
    with app.app_context(), organization_scope(telemetry.ORGANIZATION):
        key: str = db.session.scalars(select(Key.public_key).where(Key.project_id == 1)).one()
        db.session.rollback()
        db.engine.dispose()
    app.extensions[EXTENSION].close()
    return key


def signed_in(url: str) -> OpenerDirector:
    """A browser's cookies after signing in."""
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    form = opener.open(f"{url}/login", timeout=60).read().decode()
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', form)[0]
    fields = {"email": pages.EMAIL, "password": pages.PASSWORD, "csrf_token": token}
    opener.addheaders = [("Referer", f"{url}/login"), ("Origin", url)]
    opener.open(f"{url}/login", urlencode(fields).encode(), timeout=60).read()
    return opener


def ask(
    console: Console,
    person: OpenerDirector,
    name: str,
    seconds: float,
    asked: Mapping[str, str] = PAGES,
) -> Mapping[str, list[float]]:
    """Ask for the pages in turn, and print what they took; returns it in milliseconds."""
    times, until = defaultdict(list), time.monotonic() + seconds
    cpu, began = console.cpu_seconds(), time.monotonic()
    while time.monotonic() < until:
        for page, path in asked.items():
            times[page].append(milliseconds(console, person, path))
    share = (console.cpu_seconds() - cpu) / (time.monotonic() - began)
    for page, taken in times.items():
        tell(
            f"{name}: {page}",
            asked=len(taken),
            p50_ms=round(median(taken), 1),
            p95_ms=round(quantiles(taken, n=20)[-1], 1) if len(taken) > 1 else None,
            console_cores=round(share, 2),
            load_average=round(os.getloadavg()[0], 1),
        )
    return times


def milliseconds(console: Console, person: OpenerDirector, path: str) -> float:
    """Ask for a page, check that it is the one, and return how long it took."""
    asked = time.perf_counter()
    with person.open(f"{console.url}{path}", timeout=120) as answer:
        text = answer.read().decode()
    taken = (time.perf_counter() - asked) * 1000
    assert urlsplit(answer.url).path == urlsplit(path).path, answer.url
    assert "<main" in text
    return taken


def recovered(console: Console, person: OpenerDirector, calm: Mapping[str, list[float]]) -> None:
    """Ask on after the load; print when all rows are digested, and when pages are as fast again.

    A page is as fast again from the first of three answers in a row that each take at most what
    19 of 20 took without the load.
    """
    ended = time.monotonic()
    usual = {page: quantiles(times, n=20)[-1] for page, times in calm.items()}
    quick: dict[str, list[float]] = {page: [] for page in PAGES}
    while any(len(since) < QUICK_ANSWERS for since in quick.values()):
        if time.monotonic() - ended > LONGEST_RECOVERY_SECONDS:
            raise SystemExit(f"not as fast as before: {quick}, usually {usual}")
        for page, path in PAGES.items():
            asked = time.monotonic() - ended
            is_quick = milliseconds(console, person, path) <= usual[page]
            if len(quick[page]) < QUICK_ANSWERS:
                quick[page] = [*quick[page], asked] if is_quick else []
    pages_after = {page: round(since[0], 1) for page, since in quick.items()}
    digested = round(console.drain() - ended, 1)
    tell("after the load", pages_quick_after_seconds=pages_after, digested_after_seconds=digested)


@contextmanager
def load(console: Console, envelope: Path, seconds: float) -> Iterator[None]:
    """Send events and spans at their rates meanwhile, and print what was answered."""
    rate = ("--conns", "8", "--seconds", str(seconds), "--rate", str(EVENTS))
    bodies, traces = caught(CLIENTS["OTLP, protobuf"])
    dsn = urlsplit(console.dsn)
    copies = int(seconds * PER_SECOND / SPANS) + 1
    requests = [request for _ in range(copies) for request in again(bodies, traces, dsn)]
    plain = argparse.Namespace(
        dsn=console.dsn,
        conns=2,
        seconds=seconds,
        count=len(requests),
        rate=PER_SECOND / SPANS * len(bodies),
    )
    spans = Load(requests.__getitem__, plain)
    senders = [
        threading.Thread(target=lambda: tell("events", **console.load(envelope, "--fresh", *rate))),
        threading.Thread(target=lambda: tell("span requests", **spans.result(spans.run_all()))),
    ]
    for sender in senders:
        sender.start()
    yield
    for sender in senders:
        sender.join()


if __name__ == "__main__":
    main()
