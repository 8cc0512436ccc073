"""Requests that no client library sends, byte by byte to a served console."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from tests.fuzz.run import Run
from tests.support.databases import Database
from tests.support.live import Server

PATIENCE_SECONDS = 20.0
PROMISE_SECONDS = 2.0
REQUESTS = 300
MOST = 1 << 20
OK = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LINES = (
    b"GET /", b"GET  /  HTTP/1.1", b"get / http/1.1", b"GET / HTTP/1.0", b"GET / HTTP/0.9",
    b"GET / HTTP/2.0", b"GET / HTTP/9.9", b"PRI * HTTP/2.0\r\n\r\nSM", b"\x16\x03\x01\x02\0\x01\0",
    b"\0\0\0\0",
    *(b"%b HTTP/1.1" % line for line in (
        b"GET /", b"GET /\xff\xfe", b"GET /?\xff=\xfe", b"GET /\0", b"GET /?a=\0", b"GET /%00",
        b"GET /?a=%00", b"GET /\xc3\xa9?\xc3\xa9", b"GET *", b"OPTIONS *", b"GET http://x/login",
        b"GET http://[", b"GET //login", b"GET /..//../login", b"CONNECT x:443", b"TRACE /login",
        b"PROPFIND /login", b"G\xffT /", b"GET /login#x", b"GET /" + b"a" * 64_000,
        b"GET /?" + b"a=b&" * 16_000, b"GET /login?[]=|^`{}\\<>", b"POST /login", b"POST /setup",
        b"PUT /theme", b"POST /theme", b"HEAD /login", b"POST /api/1/envelope/",
        b"POST /api/1/store/?sentry_key=\xff", b"POST /v1/traces", b"POST /tunnel",
        b"GET /static/000000000000/" + b"x" * 300,
    )),
)  # fmt: skip
HEADS = (
    b"Host: x", b"", b"Host: x\r\nHost: y", b"Host: ", b"Host: \xff", b"Host: " + b"x" * 300,
    *(b"Host: x\r\n%b" % head for head in (
        b"X: a\0b", b"X\0: b", b" folded: 1", b"X: \xff\xfe", b"X", b": b", b"X : b",
        b"Cookie: theme=\xff; a=\\", b"HX-Current-URL: http://[\r\nHX-Request: true",
        b"Referer: \xff", b"X: " + b"y" * 64_000, b"X: y\r\n" * 300 + b"Y: z",
        b"Expect: 100-continue", b"Upgrade: websocket\r\nConnection: Upgrade",
        b"Upgrade: h2c\r\nHTTP2-Settings: x", b"User-Agent: \x01\x02\x7f",
        b"Authorization: Bearer \xff", b"If-Modified-Since: \xff",
        b"X-Forwarded-For: \xff\r\nX-Forwarded-Host: [",
    )),
)  # fmt: skip
TAILS = (
    b"Content-Length: 0\r\n\r\n", b"Content-Length: -1\r\n\r\n", b"Content-Length: x\r\n\r\n",
    b"Content-Length: 5\r\n\r\nab", b"Content-Length: 99999999999999999999\r\n\r\n",
    b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", b"Content-Length: 3\r\n\r\na=\xff",
    b"Transfer-Encoding: x\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    *(b"Transfer-Encoding: chunked\r\n\r\n%b" % body for body in (
        b"x\r\n", b"5\r\nab", b"-1\r\n\r\n", b"ffffffffffffffffff\r\n", b"2\r\na=\r\n0\r\n\r\n",
    )),
    *(b"Content-Length: 9\r\nContent-Type: %b\r\n\r\n%b" % (kind, body) for kind, body in (
        (b"application/x-www-form-urlencoded", b"theme=%00"), (b"\xff", b'{"a":"b"}'),
        (b"multipart/form-data; boundary=\xff", b"--\xff\r\n\r\n\r\n"),
    )),
)  # fmt: skip


def run(instance: Path, database: Database, seed: int) -> Run:
    """Serve the console and send to it; it must answer or hang up, and live on."""
    server = Server(instance, database).start()
    done, began = Run(seed), time.monotonic()
    try:
        address = urlsplit(server.url)
        for number, sent in enumerate(requests(Random(seed))):
            note(done, number, sent, answer(address.hostname or "", address.port or 0, sent))
        note(done, REQUESTS, OK, answer(address.hostname or "", address.port or 0, OK))
        if not done.answers["2xx"]:
            done.faults.append("nothing was answered 2xx in the end")
    finally:
        server.stop()
    done.seconds = time.monotonic() - began
    return done


def requests(random: Random) -> Iterator[bytes]:
    """Each odd line, head and tail in the company of plain ones, then mixtures."""
    plain = (b"GET /login HTTP/1.1", b"POST /login HTTP/1.1", b"POST /api/1/envelope/ HTTP/1.1")
    made = [(line, b"Host: x", b"") for line in LINES]
    made += [(line, head, b"") for line, head in product(plain, HEADS)]
    made += [(line, b"Host: x", tail) for line, tail in product(plain[1:], TAILS)]
    while len(made) < REQUESTS:
        made.append((random.choice(LINES), random.choice(HEADS), random.choice(TAILS)))
    for line, head, tail in made[:REQUESTS]:
        yield line + b"\r\n" + head + b"\r\nConnection: close\r\n" + (tail or b"\r\n")


def note(done: Run, number: int, sent: bytes, status: int | None) -> None:
    """Count an answer: 0 is a connection that was closed, None one that stayed open and silent."""
    done.answers["silent" if status is None else f"{status // 100}xx" if status else "closed"] += 1
    if status is None or (status >= 500 and status != 505):
        done.faults.append(f"--seed {done.seed}, socket {number}: {status} for {sent[:160]!r}")


def answer(host: str, port: int, sent: bytes) -> int | None:
    """The status of the answer to these bytes; 0 if the console hung up, None if it kept silent."""
    received = b""
    with closing(socket.create_connection((host, port), PROMISE_SECONDS)) as peer:
        with suppress(ConnectionError):
            peer.sendall(sent)
        try:
            received = read(peer)
            if not final(received):
                peer.shutdown(socket.SHUT_WR)  # what was promised does not come
                peer.settimeout(PATIENCE_SECONDS)
                received += read(peer)
        except ConnectionError:
            return final(received) or 0
    return final(received) if received else 0


def read(peer: socket.socket) -> bytes:
    """What comes until the console hangs up, or is silent for the socket's patience."""
    received = b""
    with suppress(TimeoutError):
        while len(received) < MOST and (part := peer.recv(1 << 16)):
            received += part
    return received


def final(received: bytes) -> int | None:
    """The status of what is no mere "go on"; None if there is none yet."""
    found = re.findall(rb"^HTTP/1\.[01] ([2-5]\d\d) ", received, re.MULTILINE)
    return int(found[0]) if found else None
