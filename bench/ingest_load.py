"""Load on the envelope endpoint, in a process of its own; prints one JSON line.

Requests are bytes made before the clock starts (a fresh event id each, one of GROUPS exception
types, gzip as the SDK does), sent over kept-alive sockets: the generator shares the cores with what
it measures, so it must cost little. With --fresh no event comes twice however long it runs: what
differs, the envelope's header, is a gzip member of its own, made when the request is sent.
"""

import argparse
import gzip
import json
import socket
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

ID, KIND = "e" * 32, "PricingErrorNNN"  # stand for what differs from event to event
SECOND = "%Y-%m-%dT%H:%M:%S"

Make = Callable[[int], bytes]
"""The request of a number."""


def main() -> None:
    arguments = parsed_arguments()
    load = Load(maker(arguments), arguments)
    print(json.dumps(load.result(load.run_all())))


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("envelope", type=Path)
    parser.add_argument("dsn")
    parser.add_argument("--conns", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--pool", type=int, default=4000, help="requests that are sent round robin")
    parser.add_argument("--fresh", action="store_true", help="no event twice, whatever the pool")
    parser.add_argument("--count", type=int, default=0, help="send each request of the pool once")
    parser.add_argument("--rate", type=float, default=0, help="requests/s; 0: as fast as answered")
    return parser.parse_args()


def maker(arguments: argparse.Namespace) -> Make:
    """What makes the requests, as the options want them."""
    if arguments.fresh:
        return fresh_requests(arguments)
    made = made_requests(arguments)
    return lambda number: made[number % len(made)]


def fresh_requests(arguments: argparse.Namespace) -> Make:
    """Events with an id that stands in the envelope's header alone; one body for each group."""
    url = urllib.parse.urlsplit(arguments.dsn)
    header, item_header, payload = arguments.envelope.read_bytes().split(b"\n", 2)
    envelope, item, event = json.loads(header), json.loads(item_header), json.loads(payload)
    del event["event_id"], event["timestamp"]
    bodies = []
    for group in range(arguments.groups):
        event["exception"]["values"][-1]["type"] = f"PricingError{group:03d}"
        body = json.dumps(event, separators=(",", ":"))
        text = f"\n{json.dumps(item | {'length': len(body)})}\n{body}\n"
        bodies.append(gzip.compress(text.encode(), 5))

    def make(number: int) -> bytes:
        now = time.strftime(SECOND, time.gmtime())
        own = envelope | {"event_id": uuid.uuid4().hex, "sent_at": f"{now}.000000Z"}
        member = gzip.compress(json.dumps(own).encode(), 1)
        return request(url, member + bodies[number % len(bodies)])

    return make


def made_requests(arguments: argparse.Namespace) -> list[bytes]:
    """The whole HTTP requests, one for each event."""
    url = urllib.parse.urlsplit(arguments.dsn)
    header, item_header, payload = arguments.envelope.read_bytes().split(b"\n", 2)
    envelope, item, event = json.loads(header), json.loads(item_header), json.loads(payload)
    event["event_id"] = envelope["event_id"] = ID
    event["timestamp"] = envelope["sent_at"] = f"{time.strftime(SECOND, time.gmtime())}.000000Z"
    event["exception"]["values"][-1]["type"] = KIND
    body = json.dumps(event, separators=(",", ":"))
    text = "\n".join([json.dumps(envelope), json.dumps(item | {"length": len(body)}), body, ""])
    made = []
    for number in range(arguments.count or arguments.pool):
        kind = f"PricingError{number % arguments.groups:03d}"
        envelope_text = text.replace(ID, uuid.uuid4().hex).replace(KIND, kind)
        made.append(request(url, gzip.compress(envelope_text.encode(), 5)))
    return made


def request(url: urllib.parse.SplitResult, body: bytes) -> bytes:
    head = (
        f"POST /api{url.path}/envelope/ HTTP/1.1\r\nHost: {url.hostname}:{url.port}\r\n"
        "User-Agent: sentry.python/2.75.0\r\nContent-Type: application/x-sentry-envelope\r\n"
        f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n"
        f"X-Sentry-Auth: Sentry sentry_key={url.username}, sentry_version=7,"
        " sentry_client=sentry.python/2.75.0\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Threads that each send the next request when the last one was answered."""

    def __init__(self, make: Make, arguments: argparse.Namespace) -> None:
        """Keep what makes the requests; the clock starts now."""
        url = urllib.parse.urlsplit(arguments.dsn)
        self.make = make
        self.address = (url.hostname or "127.0.0.1", url.port or 80)
        self.once, self.rate, self.conns = arguments.count, arguments.rate, arguments.conns
        self.started = time.perf_counter()
        self.stop = self.started + arguments.seconds
        self.lock = threading.Lock()
        self.sent = 0
        self.latencies: list[float] = []
        self.codes: dict[str, int] = {}

    def run_all(self) -> float:
        """Send over all connections; the seconds that it took."""
        threads = [threading.Thread(target=self.run) for _ in range(self.conns)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - started

    def run(self) -> None:
        connection: socket.socket | None = None
        latencies, codes = [], []
        while (number := self.next_number()) is not None:
            began = time.perf_counter()
            try:
                connection = connection or socket.create_connection(self.address, timeout=30)
                code, keep = exchanged(connection, self.make(number))
            except OSError as error:
                code, keep = type(error).__name__, False
            latencies.append(time.perf_counter() - began)
            codes.append(code)
            if not keep and connection is not None:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()
        with self.lock:
            self.latencies += latencies
            for code in codes:
                self.codes[code] = self.codes.get(code, 0) + 1

    def next_number(self) -> int | None:
        with self.lock:
            number = self.sent
            self.sent += 1
        if self.once and number >= self.once:
            return None
        if self.rate:
            time.sleep(max(self.started + number / self.rate - time.perf_counter(), 0))
        return number if time.perf_counter() < self.stop else None

    def result(self, seconds: float) -> dict[str, Any]:
        ordered = sorted(self.latencies)

        def quantile(share: float) -> float:
            return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2)

        return {
            "connections": self.conns,
            "requests": len(ordered),
            "seconds": round(seconds, 2),
            "per_second": round(len(ordered) / seconds, 1),
            "codes": self.codes,
            "p50_ms": quantile(0.5),
            "p95_ms": quantile(0.95),
            "p99_ms": quantile(0.99),
            "max_ms": quantile(1),
        }


def exchanged(connection: socket.socket, request: bytes) -> tuple[str, bool]:
    """The status of the answer, and whether the connection stays open."""
    connection.sendall(request)
    received = connection.recv(65536)
    while b"\r\n\r\n" not in received:
        received += more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    head = head.lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
    while len(body) < length:
        body += more(connection)
    return head[9:12].decode(), b"connection: close" not in head


def more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionResetError("closed before the answer was whole")
    return received


if __name__ == "__main__":
    main()
