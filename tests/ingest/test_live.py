"""The endpoints behind the real server: what only sockets do."""

import gzip
import http.client
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from console.core.config import ConfigError
from console.serve import serve
from tests.ingest.envelopes import ENCODE, envelope, event, item
from tests.support.live import Server


@pytest.fixture
def address(server: Server) -> tuple[str, int]:
    url = urlsplit(server.url)
    assert url.hostname
    assert url.port
    return url.hostname, url.port


@pytest.fixture
def sdk(dsn) -> tuple[str, dict[str, str]]:
    """Path and headers of an SDK that was given the DSN."""
    url = urlsplit(dsn)
    path = f"/api{url.path}/envelope/"
    return path, {"X-Sentry-Auth": f"Sentry sentry_key={url.username}, sentry_version=7"}


def pieces(body: bytes) -> Iterator[bytes]:
    """A body without a length, which http.client sends chunked."""
    for start in range(0, len(body), 100):
        yield body[start : start + 100]


def post(address: tuple[str, int], path: str, body: Any, headers: dict[str, str]) -> int:
    with closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
        connection.request("POST", path, body=body, headers=headers)
        return connection.getresponse().status


def test_bodies_come_whole_in_every_encoding_with_and_without_a_length(address, sdk):
    path, headers = sdk
    for name, encode in ENCODE.items():
        encoded = headers | ({"Content-Encoding": name} if name else {})
        body = encode(envelope())
        assert post(address, path, body, encoded) == 200, name
        assert post(address, path, pieces(body), encoded) == 200, f"{name}, chunked"
    assert post(address, path, pieces(b"nonsense"), headers) == 400


def test_a_client_that_goes_away_or_lies_harms_nobody(address, sdk):
    path, headers = sdk
    body = gzip.compress(envelope())
    fields = {**headers, "Host": "pharos", "Content-Encoding": "gzip"}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    for framing in (
        f"Content-Length: {len(body) + 50}\r\n\r\n".encode() + body,
        b"Content-Length: -1\r\n\r\n" + body,
        b"Content-Length: nonsense\r\n\r\n" + body,
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ):
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head.encode() + framing)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(1000)
        assert not answer or answer.startswith(b"HTTP/1.1 4"), (framing[:40], answer)
    assert post(address, path, body, headers | {"Content-Encoding": "gzip"}) == 200


@pytest.mark.parametrize(("senders", "sent"), [(200, 1), (20, 300_000)])
def test_slow_senders_do_not_keep_others_out(address, sdk, senders, sent):
    """A request takes a thread once its headers are there: many with slow bodies take them all."""
    path, headers = sdk
    fields = {**headers, "Host": "pharos", "Content-Length": "400000"}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    slow = [socket.create_connection(address) for _ in range(senders)]
    try:
        for connection in slow:
            connection.sendall(head.encode() + b"\r\n" + b"{" * sent)
        time.sleep(0.5)
        began = time.monotonic()
        assert post(address, path, envelope(), headers) == 200
        assert time.monotonic() - began < 5
    finally:
        for connection in slow:
            connection.close()
    assert post(address, path, large(), headers) == 200


def large() -> bytes:
    """An envelope that is not read whole before it is given a thread."""
    return envelope(item("attachment", b"x" * 1_000_000))


def test_what_a_full_spool_refuses_is_counted_once_there_is_room(instance, database):
    server = Server(instance, database, PHAROS_SPOOL_MAX_MB="1").start()
    try:
        project = server.project()
        url = urlsplit(project.dsn)
        headers = {"X-Sentry-Auth": f"Sentry sentry_key={url.username}"}
        body = envelope(item("event", event()), item("attachment", os.urandom(2_000_000)))
        there = (url.hostname or "", url.port or 0)
        assert post(there, f"/api{url.path}/envelope/", body, headers) == 503
        assert project.wait_for(event=1, attachment=1) == {
            ("event", "refused"): 1,
            ("attachment", "refused"): 1,
        }
        (reason,) = {row["reason"] for row in project.get("outcomes")["outcomes"]}
        assert reason == "storage full"
    finally:
        server.stop()


def test_a_port_that_cannot_be_is_refused_with_a_sentence():
    with pytest.raises(ConfigError, match="ports end at 65535"):
        serve(pytest.fail, host="127.0.0.1", port=65_536, threads=1, ready=print, closing=print)


def test_a_port_that_is_taken_is_refused_with_a_sentence():
    """With SO_REUSEPORT, as granian binds, two consoles would take turns at requests."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(pytest.fail, host="127.0.0.1", port=port, threads=1, ready=print, closing=print)
