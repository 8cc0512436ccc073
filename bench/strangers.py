"""Senders who mean no good beside a good client, against a live console; one JSON line each.

Bodies and headers at one byte a second, with the key, another's or none; connections that send
nothing, or read nothing of what they asked for; keys that nobody knows. Each line says what the
good client and /healthz met meanwhile, and what the others were answered.

    python -m bench strangers [nobody slow idle unread unknown files] [--senders 600] [--seconds 20]
"""

import argparse
import os
import resource
import selectors
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.broken import Console, Tally, clients
from bench.ingest import tell

IDLE = 10_000
UNREAD = 200
FILES = 96
ASKED = b"GET /static/000000000000/pharos.css HTTP/1.1\r\nHost: pharos\r\n\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--senders", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    unknown = set(options.kinds) - set(KINDS)
    if unknown:
        parser.error(f"there is no kind {', '.join(sorted(unknown))}")
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for kind in options.kinds or KINDS:
        with tempfile.TemporaryDirectory(prefix="pharos-strangers-") as folder:
            measured(kind, Path(folder), options)


def measured(kind: str, folder: Path, options: argparse.Namespace) -> None:
    with Console(folder / "instance") as console:
        limit = FILES if kind == "files" else None
        path = console.start(files=limit).project()
        crowd = Crowd(console.url, KINDS[kind](path, options))
        with clients(console, path) as tally:
            time.sleep(1)
            tally.milliseconds.clear()
            with crowd.there(), probed(console.url) as health:
                began, before = time.monotonic(), len(tally.acknowledged)
                time.sleep(options.seconds)
                seconds, accepted = time.monotonic() - began, len(tally.acknowledged) - before
                figures = process_figures(console)
                connected = crowd.connected
            p99, slowest = tally.p99(), max(tally.milliseconds or [0])
        tell(
            f"strangers: {kind}", strangers=len(crowd.beginnings), connected_at_the_end=connected,
            accepted_per_second=round(accepted / seconds, 1), p99_ms=p99,
            slowest_ms=round(slowest, 1), good_answers=dict(tally.answers),
            healthz_p99_ms=health.p99(), healthz_answers=dict(health.answers),
            strangers_answers=dict(crowd.answers), **figures,
            healthy_afterwards=console.healthy(), load_average=round(os.getloadavg()[0], 1),
        )  # fmt: skip


def nobody(path: str, options: argparse.Namespace) -> list[tuple[bytes, bytes]]:
    """What is met without any of them."""
    del path, options
    return []


def slow(path: str, options: argparse.Namespace) -> list[tuple[bytes, bytes]]:
    """A quarter each: header, body with the key, with another's, without one; a byte a second."""
    address = path.partition("?")[0]
    kinds = [
        (f"POST {path} HTTP/1.1\r\nHost: pha".encode(), b"r"),
        (head(path, "Content-Length: 200000"), b"{"),
        (head(f"{address}?sentry_key={'0' * 32}", "Content-Length: 200000"), b"{"),
        (head("/tunnel/", "Transfer-Encoding: chunked"), b"1\r\n{\r\n"),
    ]
    return [kinds[number % len(kinds)] for number in range(options.senders)]


def idle(path: str, options: argparse.Namespace) -> list[tuple[bytes, bytes]]:
    """Half send nothing, half one request and then nothing."""
    del path, options
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    kinds = [(b"", b""), (b"GET /healthz HTTP/1.1\r\nHost: pharos\r\n\r\n", b"")]
    return [kinds[number % 2] for number in range(min(IDLE, hard - 500))]


def unread(path: str, options: argparse.Namespace) -> list[tuple[bytes, bytes]]:
    """Ask for a large file again and again, and read nothing."""
    del path, options
    return [(ASKED * 50, b"")] * UNREAD


def unknown(path: str, options: argparse.Namespace) -> list[tuple[bytes, bytes]]:
    """A key for each that nobody knows, and a body that does not come."""
    address = path.partition("?")[0]
    return [
        (head(f"{address}?sentry_key={number:032x}", "Content-Length: 200000"), b"")
        for number in range(1, options.senders + 1)
    ]


def head(path: str, field: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: pharos\r\n{field}\r\n\r\n".encode()


KINDS = {
    "nobody": nobody,
    "slow": slow,
    "idle": idle,
    "unread": unread,
    "unknown": unknown,
    "files": idle,
}


class Crowd:
    """Connections that each send their beginning, and then a little every second.

    Whoever is thrown out comes back at once.
    """

    def __init__(self, url: str, beginnings: list[tuple[bytes, bytes]]) -> None:
        """Nobody comes before `there`."""
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 0)
        self.beginnings = beginnings
        self.answers: Counter[str] = Counter()
        self.reads = not (beginnings and beginnings[0][0].startswith(ASKED))
        self._selector = selectors.DefaultSelector()
        self._ended = threading.Event()

    @property
    def connected(self) -> int:
        """How many are connected now."""
        return len(self._selector.get_map() or ())

    @contextmanager
    def there(self) -> Iterator[None]:
        """Keep them there meanwhile."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        for beginning in self.beginnings:
            self._come(beginning)
            if self._ended.is_set():
                break
        due = time.monotonic() + 1
        while not self._ended.is_set():
            for key, _ in self._selector.select(max(due - time.monotonic(), 0)):
                self._hear(key)
            if time.monotonic() >= due:
                due += 1
                self._send_more()
        for key in list(self._selector.get_map().values()):
            self._leave(key)

    def _come(self, beginning: tuple[bytes, bytes]) -> None:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.2)
        try:
            connection.connect(self.address)
            connection.setblocking(False)
            if beginning[0]:
                connection.send(beginning[0])
        except OSError as error:
            self.answers[type(error).__name__] += 1
            connection.close()
            return
        events = selectors.EVENT_READ if self.reads else selectors.EVENT_WRITE
        self._selector.register(connection, events, beginning)

    def _hear(self, key: selectors.SelectorKey) -> None:
        connection: Any = key.fileobj
        try:
            if not self.reads:
                connection.send(b"")
                time.sleep(0.001)
                return
            received = connection.recv(65_536)
        except OSError:
            received = b""
        if received:
            self.answers[received[9:12].decode("latin-1")] += 1
            return
        self.answers["closed"] += 1
        self._leave(key)
        self._come(key.data)

    def _send_more(self) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data[1]:
                try:
                    key.fileobj.send(key.data[1])  # type: ignore[union-attr]
                except OSError:
                    self._hear(key)

    def _leave(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        key.fileobj.close()  # type: ignore[union-attr]


@contextmanager
def probed(url: str) -> Iterator[Tally]:
    """How /healthz does, asked ten times a second by a connection of its own each time."""
    tally, ended = Tally(), threading.Event()

    def probe() -> None:
        while not ended.wait(0.1):
            began = time.monotonic()
            try:
                with urlopen(f"{url}/healthz", timeout=30) as answer:
                    tally.answers[str(answer.status)] += 1
            except OSError as error:
                tally.answers[type(error).__name__] += 1
            tally.milliseconds.append((time.monotonic() - began) * 1000)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield tally
    finally:
        ended.set()
        thread.join()


def process_figures(console: Console) -> dict[str, int]:
    """Memory in MB, threads and open files of the console."""
    assert console.process is not None
    folder = Path(f"/proc/{console.process.pid}")
    pss = (folder / "smaps_rollup").read_text(encoding="ascii").partition("\nPss:")[2].split()[0]
    return {
        "pss_mb": int(pss) >> 10,
        "threads": len(list((folder / "task").iterdir())),
        "files": len(list((folder / "fd").iterdir())),
    }


if __name__ == "__main__":
    main()
