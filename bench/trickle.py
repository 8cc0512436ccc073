"""What a console costs that gets little or nothing: processor time per second, and how late.

For a while nothing comes, then 5 errors and 5 requests of 10 spans come every second, each on its
own and at a moment of its own.

    python bench/trickle.py [--seconds 60]
"""

import argparse
import json
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.ingest import Console, python, tell

EVENTS, REQUESTS, SPANS = 5, 5, 10  # events and requests a second, spans of a request
SETTLING = 15.0  # seconds after the start, until imports, first questions and jobs are over
CHANCE = Random(5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each part")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as folder:
        envelope = Path(folder) / "exception.envelope"
        python("bench/envelope.py", str(envelope))
        with Console(Path(folder) / "instance") as console:
            time.sleep(SETTLING)
            before = console.cpu_seconds()
            time.sleep(options.seconds)
            idle = console.cpu_seconds() - before
            tell("idle", percent_of_a_core=round(100 * idle / options.seconds, 1))
            trickle(console, envelope.read_bytes(), options.seconds)


def trickle(console: Console, envelope: bytes, seconds: float) -> None:
    """Send little and tell what it costs; the first seconds are not counted."""
    senders = [
        threading.Thread(target=send, args=(console, lambda: event_of(envelope), EVENTS, seconds)),
        threading.Thread(target=send, args=(console, transaction, REQUESTS, seconds)),
    ]
    for sender in senders:
        sender.start()
    time.sleep(5)
    with console.watched() as watched:
        before, began = console.cpu_seconds(), time.monotonic()
        for sender in senders:
            sender.join()
        lasted = time.monotonic() - began
        used = console.cpu_seconds() - before
    console.drain()
    tell(
        "trickle",
        events_per_second=EVENTS,
        spans_per_second=REQUESTS * SPANS,
        percent_of_a_core=round(100 * used / lasted, 1),
        longest_wait_seconds=round(watched["lag"], 2),
    )


def send(console: Console, make: Callable[[], bytes], rate: int, seconds: float) -> None:
    """Post a fresh body at moments of its own, so many in a second."""
    dsn = urlsplit(console.dsn)
    url = f"{console.url}/api{dsn.path}/envelope/"
    headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={dsn.username}"}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with urlopen(Request(url, make(), headers), timeout=30) as answer:
            answer.read()
        time.sleep(CHANCE.expovariate(rate))


def event_of(envelope: bytes) -> bytes:
    """The captured error with an id of its own."""
    header, item, payload = envelope.split(b"\n", 2)
    event = json.loads(payload)
    event["event_id"] = uuid.uuid4().hex
    event["timestamp"] = time.time()
    own = json.loads(header) | {"event_id": event["event_id"]}
    return _envelope(own, json.loads(item), event)


def transaction() -> bytes:
    """A request of ten spans, as Sentry's clients send it."""
    now, trace = time.time(), uuid.uuid4().hex
    root = uuid.uuid4().hex[:16]
    spans = [
        {
            "trace_id": trace,
            "span_id": uuid.uuid4().hex[:16],
            "parent_span_id": root,
            "op": "http.client",
            "description": f"GET http://prices.test/{number}",
            "start_timestamp": now - 0.09 + number / 100,
            "timestamp": now - 0.085 + number / 100,
        }
        for number in range(SPANS - 1)
    ]
    event = {
        "type": "transaction",
        "transaction": "GET /books/:id",
        "event_id": uuid.uuid4().hex,
        "start_timestamp": now - 0.1,
        "timestamp": now,
        "contexts": {"trace": {"trace_id": trace, "span_id": root, "op": "http.server"}},
        "spans": spans,
    }
    return _envelope({"event_id": event["event_id"]}, {"type": "transaction"}, event)


def _envelope(header: object, item: dict[str, object], content: object) -> bytes:
    payload = json.dumps(content).encode()
    lines = json.dumps(header), json.dumps(item | {"length": len(payload)})
    return b"\n".join([*(line.encode() for line in lines), payload])


if __name__ == "__main__":
    main()
