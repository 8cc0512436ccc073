"""Fills one organization's telemetry through the store's own writer and times every question.

Prints one JSON line per measure: milliseconds of the median, the slowest and the first (cold) try,
and of the processor's time, which says what a question costs when others use the machine as well.

    python -m bench telemetry [--events 10000000] [--folder FOLDER]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from flask import Flask

sys.path.insert(0, str(Path(__file__).parents[1]))

from console.core import clock
from console.telemetry import bodies, distributions, errors, spans
from console.telemetry.records import Batch, ErrorEvent, Span
from console.telemetry.scope import Scope
from console.telemetry.store import EXTENSION, TelemetryStore

ORGANIZATION = 1
PROJECTS = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)
HASHES = 100_000
USERS = 200_000
DAYS = 30
BATCH = 5_000
DAY = 86_400
TRIES = 7
SMALL_BODY = bodies.pack({"title": "small, so that many fit"})

chance = random.Random(1)


def tell(measure: str, **figures: Any) -> None:
    print(json.dumps({"measure": measure, **figures}), flush=True)


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        options.folder = options.folder or Path(temporary, "telemetry")
        measure(options, Path(temporary))


def measure(options: argparse.Namespace, temporary: Path) -> None:
    store = TelemetryStore(options.folder, options.memory_mb, open_limit=4)
    if ORGANIZATION not in store.organizations():
        fill(store, options)
    app = Flask("bench")
    app.extensions[EXTENSION] = store
    with app.app_context():
        ask_everything(options.events)
        write_everything(store, options.events)
    weigh(temporary)
    tell("memory", rss_mb=rss_mb())
    store.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="kept, and filled only if it is empty")
    parser.add_argument("--memory-mb", type=int, default=192)
    return parser.parse_args()


def hash_of(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 2


def event(position: int, at: datetime) -> ErrorEvent:
    group = int(chance.random() ** 2 * HASHES)
    user = chance.randrange(1, USERS)
    return ErrorEvent(
        organization_id=ORGANIZATION,
        project_id=chance.choice(PROJECTS),
        position=position,
        event_id=f"{chance.getrandbits(128):032x}",
        timestamp=at + timedelta(seconds=chance.random() * 20),
        received_at=at,
        grouping_hash=hash_of(group),
        level="error" if group % 7 else "warning",
        kind=f"Error{group % 300}",
        title=f"Error{group % 300}: order {group} has no price",
        culprit=f"shop.module_{group % 900} in function_{group}",
        platform="python",
        environment="staging" if group % 9 == 0 else "production",
        release=f"shop@1.{at.day}.{at.hour // 12}",
        transaction=f"GET /route/{group % 200}",
        user_key=f"{user:016x}",
        trace_id=f"{chance.getrandbits(128):032x}",
        span_id=f"{chance.getrandbits(64):016x}",
        handled=False,
        sdk="sentry.python.flask",
        tags={
            "browser": f"Firefox {group % 30}",
            "server_name": f"web-{chance.randrange(12)}",
            "url": f"https://shop.example.com/route/{group % 200}",
            "runtime": "CPython 3.13",
            "user": f"mia{user}@shop.example",
        },
        body=SMALL_BODY,
    )


def span(position: int, at: datetime) -> Span:
    number = position * 31 + chance.randrange(40)
    return Span(
        organization_id=ORGANIZATION,
        project_id=1,
        position=position,
        trace_id=f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}",
        span_id=f"{chance.getrandbits(64):016x}",
        timestamp=at,
        duration_us=chance.randrange(1_000_000),
        received_at=at,
        op="db",
        name="SELECT id, total FROM orders WHERE customer_id = %s",
        attributes={"db.system.name": "postgresql", "code.line.number": number % 500},
    )


def fill(store: TelemetryStore, options: argparse.Namespace) -> None:
    events, folder = options.events, options.folder
    began = time.perf_counter()
    start = clock.now() - timedelta(days=DAYS)
    rows = 0
    for position, (count, make) in enumerate(batches(events, options.spans), 1):
        at = start + timedelta(days=DAYS) * (rows % events) / events
        step = timedelta(days=DAYS) / events
        records = [make(position, at + step * number) for number in range(count)]
        rows += count
        batch = Batch(errors=records) if make is event else Batch(spans=records)
        store.write(ORGANIZATION, batch, position)
    seconds = time.perf_counter() - began
    store.close()
    tell("fill", rows=rows, rows_per_second=round(rows / seconds), disk_mb=round(disk_mb(folder)))


def disk_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*.duckdb*")) / 1e6


def batches(events: int, spans_: int) -> Iterator[tuple[int, Callable[[int, datetime], Any]]]:
    for count, make in ((events, event), (spans_, span)):
        for begin in range(0, count, BATCH):
            yield min(BATCH, count - begin), make


def ask_everything(events: int) -> None:
    month = Scope(
        organization_id=ORGANIZATION,
        project_id=1,
        since=clock.now() - timedelta(days=DAYS, minutes=1),
        until=clock.now() + timedelta(days=1),
    )
    fortnight = replace(month, since=clock.now() - timedelta(days=14))
    day = replace(month, since=clock.now() - timedelta(days=1))
    fifty = [hash_of(number) for number in range(0, 50_000, 1000)]
    top, rare = [hash_of(0)], [hash_of(70_001)]
    old = errors.events_of(replace(month, until=clock.now() - timedelta(days=15)), fifty)[0]
    recent = errors.events_of(replace(month, until=clock.now() - timedelta(hours=1)), fifty)[0]
    near = month.around(old.timestamp, timedelta(hours=1))
    questions: dict[str, Callable[[], Any]] = {
        "event, with a time hint": lambda: errors.event(near, old.event_id),
        "event, without": lambda: errors.event(month, old.event_id),
        "event of a known issue": lambda: errors.event(month, old.event_id, [old.grouping_hash]),
        "event of today": lambda: errors.event(month, recent.event_id),
        "latest event, 30 d": lambda: errors.latest_event(month, top),
        "events of an issue, 30 d": lambda: errors.events_of(month, top),
        "next page of them": lambda: errors.events_of(month, top, before=old.mark),
        "neighbours, frequent issue, 30 d": lambda: errors.neighbours(month, top, old.mark),
        "neighbours, rare issue, 30 d": lambda: errors.neighbours(month, rare, old.mark),
        "50 sparklines, 24 h": lambda: errors.issue_trends(day, fifty, 3600),
        "50 sparklines, 14 d": lambda: errors.issue_trends(fortnight, fifty, DAY),
        "trend of an issue, 30 d": lambda: errors.issue_trends(month, top, DAY),
        "totals of an issue, 30 d": lambda: errors.totals_by_group(month, top),
        "tags, frequent issue, 30 d": lambda: distributions.tag_distributions(month, top),
        "tags, rare issue, 30 d": lambda: distributions.tag_distributions(month, rare),
        "volume by level, 24 h": lambda: errors.volume(day, 3600),
        "volume by level, 14 d": lambda: errors.volume(fortnight, 6 * 3600),
        "volume by level, 30 d": lambda: errors.volume(month, DAY),
        "trace, with a time hint": lambda: spans.trace(near, old.trace_id),
        "trace, 30 d": lambda: spans.trace(month, old.trace_id),
    }
    for name, question in questions.items():
        cpu = time.process_time()
        times = [timed(question) for _ in range(TRIES)]
        cpu = (time.process_time() - cpu) / TRIES * 1000
        figures = {"p50_ms": round(median(times), 1), "slowest_ms": round(max(times), 1)}
        tell(name, rows=events, **figures, first_ms=round(times[0], 1), cpu_ms=round(cpu, 1))


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def write_everything(store: TelemetryStore, events: int) -> None:
    """What a batch costs on a full table: new, single, resent, of any day, beside a reader."""
    position = store.position(ORGANIZATION)

    def write(records: Sequence[ErrorEvent]) -> float:
        return timed(lambda: store.write(ORGANIZATION, Batch(errors=records), position))

    def fresh(count: int, days: int = 0) -> list[ErrorEvent]:
        """Events of the next position, spread over some days."""
        nonlocal position
        position += 1
        ages = (timedelta(days=chance.random() * days) for _ in range(count))
        return [event(position, clock.now() - age) for age in ages]

    tell_spread("write 500 events", [write(fresh(500)) for _ in range(60)], rows=events)
    tell_spread("write one event", [write(fresh(1)) for _ in range(60)], rows=events)
    tell_spread("write 500 events of 30 days", [write(fresh(500, DAYS)) for _ in range(20)])
    sent = fresh(500)
    write(sent)
    position += 1
    resent = [replace(error, position=position) for error in sent]
    tell_spread("write 500 resent events", [write(resent) for _ in range(20)], rows=events)
    with reading(store) as reads:
        large = (fresh(100) for _ in range(300))
        bodies_ = (bodies.pack({"noise": chance.randbytes(6000).hex()}) for _ in range(300))
        writes = [
            write([replace(error, body=body) for error in batch])
            for batch, body in zip(large, bodies_, strict=True)
        ]
    tell_spread("write 100 events of 6 KB beside a reader", writes)
    tell_spread("read beside the writer and its checkpoints", reads)


@contextmanager
def reading(store: TelemetryStore) -> Iterator[list[float]]:
    """A thread that asks for the chart of the last hour again and again; how long it took."""
    app = Flask("reader")
    app.extensions[EXTENSION] = store
    done = threading.Event()
    reads: list[float] = []
    since, until = clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)
    last_hour = Scope(organization_id=ORGANIZATION, project_id=1, since=since, until=until)

    def read() -> None:
        with app.app_context():
            while not done.is_set():
                reads.append(timed(lambda: errors.volume(last_hour, 60)))
                time.sleep(0.02)

    reader = threading.Thread(target=read)
    reader.start()
    yield reads
    done.set()
    reader.join()


def tell_spread(measure: str, times: list[float], **figures: Any) -> None:
    percentiles = quantiles(times, n=100)
    spread = {"p50_ms": round(median(times), 1), "p99_ms": round(percentiles[98], 1)}
    tell(measure, **figures, **spread, slowest_ms=round(max(times), 1))


def weigh(temporary: Path) -> None:
    """Disk per stored event: the envelope's event 5,000 times, with other ids, users and times."""
    envelope, folder = temporary / "envelope", temporary / "weighed"
    script = Path(__file__).with_name("envelope.py")
    subprocess.run([sys.executable, str(script), str(envelope)], check=True)
    sent = json.loads(envelope.read_bytes().split(b"\n")[2])
    store = TelemetryStore(folder, 192, open_limit=1)
    count, raw = 5000, 0
    for position in range(1, count // 100 + 1):
        records = []
        for _ in range(100):
            record = event(position, clock.now())
            sent |= {"event_id": record.event_id, "user": {"id": record.user_key}}
            for crumb in sent["breadcrumbs"]["values"]:
                crumb["data"]["duration_ms"] = chance.random() * 100
            raw += len(json.dumps(sent))
            records.append(replace(record, body=bodies.pack(sent)))
        store.write(ORGANIZATION, Batch(errors=records), position)
    store.close()
    tell("disk", sent_bytes=raw // count, stored_bytes=round(disk_mb(folder) * 1e6 / count))


def rss_mb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
