"""Whoever sends slowly, too much, half or nothing holds up nobody else."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing, suppress
from os import urandom

import pytest
from sqlalchemy import select

from console.core.db import db
from console.core.loops import finished
from console.ingest.front import bodies
from console.ingest.front.places import Places
from console.intake.models import Outcome
from tests.ingest.envelopes import ENCODE, envelope, event, item
from tests.support import factories
from tests.support.strangers import SLOW_LINK, SLOW_PAGE, Strict, status, strict_console
from tests.support.waiting import until

EVENT = envelope()


@pytest.fixture
def key(app, acme) -> str:
    return factories.public_key(app, acme)


@pytest.fixture
def console(settings, acme, key) -> Iterator[Strict]:
    with strict_console(settings, acme.id, key) as console:
        yield console


def ledger(app, project) -> dict[tuple[str, str, str], int]:
    """What the console has counted of the project, once it has been digested."""

    def counted() -> dict[tuple[str, str, str], int]:
        with factories.inside(app, project):
            found = {
                (row.item_type, row.outcome, row.reason): row.quantity
                for row in db.session.scalars(select(Outcome))
            }
        return found if sum(found.values()) >= 4 else {}

    return until(counted, "four outcomes", every=0.2)


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def test_slow_senders_are_told_so_while_others_go_on(console):
    beginnings = {
        "known": console.head(key=console.key, Content_Length="90000") + b"{",
        "chunked": console.head(key=console.key, Transfer_Encoding="chunked") + b"5\r\n{",
        "stranger": console.head(path="/tunnel/", Content_Length="90000") + b"{",
        "header": b"POST /tunnel/ HTTP/1.1\r\nHost: pha",
    }
    answered: dict[str, set[int]] = {}
    with ExitStack() as stack:
        slow = {
            kind: [stack.enter_context(console.open(beginning)) for _ in range(15)]
            for kind, beginning in beginnings.items()
        }
        for _ in range(5):
            began = time.monotonic()
            assert console.event(EVENT) == 200
            assert console.send("GET", "/healthz")[0] == 200
            assert time.monotonic() - began < 5
        for kind, connections in slow.items():
            answered[kind] = {status(connection) for connection in connections}
        slow.pop("header")
        ends = [connection for connections in slow.values() for connection in connections]
        assert [connection.recv(1) for connection in ends] == [b""] * len(ends)
    assert answered == {"known": {408}, "chunked": {408}, "stranger": {408}, "header": {0}}


def test_a_sender_who_dribbles_at_a_pace_gets_through(console):
    body = EVENT.ljust(600)
    with console.open(console.head(key=console.key, Content_Length="600")) as connection:
        for start in range(0, 600, 100):
            connection.sendall(body[start : start + 100])
            time.sleep(0.4)
        assert status(connection) == 200


def test_the_key_is_judged_before_a_body_comes(console):
    for head, expected in (
        (console.head(key="0" * 32, Content_Length="9000000"), 403),
        (console.head(key="no-key", Content_Length="9000000"), 403),
        (console.head(key=console.key, Content_Length="90000000"), 413),
        (console.head(path="/api/1/beacon/", Content_Length="90000"), 413),
    ):
        with console.open(head) as connection:
            connection.settimeout(10)
            assert status(connection) == expected


@pytest.mark.parametrize("encoding", sorted(set(ENCODE) - {""}))
def test_an_envelope_with_its_key_inside_is_judged_by_its_beginning(console, acme, encoding):
    answers = []
    for key in ("0" * 32, console.key):
        dsn = f"http://{key}@pharos/{acme.id}"
        whole = envelope(item("attachment", urandom(400_000)), item("event", event()), dsn=dsn)
        body = ENCODE[encoding](whole)
        head = console.head(
            path="/tunnel/", Content_Length=str(len(body)), Content_Encoding=encoding
        )
        with console.open(head + body[:200_000]) as connection:
            if key == console.key:
                connection.sendall(body[200_000:])
            answers.append(status(connection))
    assert answers == [403, 200]


def test_who_sends_too_much_to_its_end_reads_why_it_is_refused(console):
    """To a client that cannot write on, the network has failed: it keeps the body, to try again."""
    size = 30 << 20
    with console.open(console.head(key=console.key, Content_Length=str(size))) as connection:
        connection.settimeout(30)
        connection.sendall(bytes(size))
        assert status(connection) == 413


def test_one_address_has_a_share_of_the_places(console):
    head = console.head(key=console.key, Content_Length="90000")
    with ExitStack() as stack:
        slow = [stack.enter_context(console.open(head)) for _ in range(60)]
        answered = [status(connection) for connection in slow]
    assert set(answered) == {408, 503}
    assert answered.count(503) == 20
    assert console.event(EVENT) == 200


def test_few_forms_may_be_large(console):
    head = console.head(path="/theme", Content_Length="900000")
    with ExitStack() as stack:
        slow = [stack.enter_context(console.open(head + bytes(100_000))) for _ in range(12)]
        small = console.send("POST", "/theme", b"theme=dark")[0]
        answered = [status(connection) for connection in slow]
    assert small == 400  # as it is no form of the console's
    assert (answered.count(408), answered.count(503)) == (4, 8)
    assert console.send("POST", "/theme", b"theme=dark&x=" + bytes(900_000))[0] == 400


async def pieces(*sent: bytes) -> AsyncIterator[bytes]:
    for piece in sent:
        yield piece
    yield b""


def test_who_waits_for_a_place_is_not_told_to_be_slow(monkeypatch):
    monkeypatch.setattr(bodies, "WINDOW_SECONDS", 0.05)

    async def waits() -> bytes:
        room = bodies.Room(Places(1, 1, patience=30.0), beyond=10)
        await room.places.take("another")
        body = bodies.Body(pieces(b"x" * 20, b"y" * 20), None, room=room, address="one")
        asyncio.get_running_loop().call_later(0.3, room.places.give_back, "another")
        await body.read(1_000)
        return body.content

    assert finished(waits()) == b"x" * 20 + b"y" * 20


def test_a_header_holds_little(console):
    for size, expected in ((20_000, 200), (40_000, 431)):
        fields = b"X: " + b"x" * size
        with console.open(b"GET /healthz HTTP/1.1\r\nHost: pharos\r\n" + fields) as connection:
            if expected == 200:
                connection.sendall(b"\r\n\r\n")
            assert status(connection) == expected


def test_an_answer_that_nobody_reads_holds_little(console):
    ask = b"GET /static/000000000000/pharos.css HTTP/1.1\r\nHost: pharos\r\n\r\n"
    assert console.process.pid is not None
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(console.address)
        connection.sendall(ask * 300)
        connection.settimeout(30)  # the first answer may take its time on a busy machine
        assert connection.recv(1, socket.MSG_PEEK)
        time.sleep(1)  # meanwhile the kernel takes what it takes: less, and nothing is shown
        os.kill(console.process.pid, signal.SIGSTOP)
        try:
            held = waiting(connection)
        finally:
            os.kill(console.process.pid, signal.SIGCONT)
    assert 0 < held < 600_000


def waiting(connection: socket.socket) -> int:
    """How many bytes come of what a frozen console has sent."""
    connection.settimeout(1)
    size = 0
    with suppress(TimeoutError):
        while piece := connection.recv(65_536):
            size += len(piece)
    return size


def test_a_body_that_is_cut_is_refused_and_counted(console, app, acme):
    piece = EVENT[:-20]
    in_chunks = console.head(key=console.key, Transfer_Encoding="chunked")
    with_length = console.head(key=console.key, Content_Length="5000")
    for head, body in (
        (in_chunks, chunked(EVENT, end=b"")),
        (in_chunks, chunked(piece, end=b"9\r\nab")),
        (in_chunks, chunked(piece, end=b"zz\r\n")),
        (with_length, EVENT),
    ):
        with console.open(head + body) as connection:
            connection.shutdown(1)
            assert status(connection) == 400
    assert console.send("GET", "/healthz")[0] == 200
    assert ledger(app, acme) == {("envelope", "invalid", "undecodable"): 4}


def test_pages_that_hang_hold_up_neither_events_nor_health(console):
    page = f"GET {SLOW_PAGE} HTTP/1.1\r\nHost: pharos\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(console.open(page))
        time.sleep(0.5)
        for _ in range(5):
            began = time.monotonic()
            assert console.event(EVENT) == 200
            assert console.send("GET", "/healthz")[0] == 200
            assert console.send("GET", "/ready")[0] == 200
            assert time.monotonic() - began < 5


def test_pages_of_links_that_hang_hold_up_no_member(console):
    link = f"GET {SLOW_LINK} HTTP/1.1\r\nHost: pharos\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(console.open(link))
        time.sleep(0.5)
        for _ in range(5):
            began = time.monotonic()
            assert console.send("GET", "/nowhere")[0] == 308  # to "/nowhere/"
            assert time.monotonic() - began < 5


def test_a_console_that_stops_waits_for_no_body_and_for_what_it_answers(console):
    with ExitStack() as stack:
        head = console.head(key=console.key, Content_Length="900")
        slow = [stack.enter_context(console.open(head)) for _ in range(5)]
        idle = stack.enter_context(console.open(b"GET /healthz HTTP/1.1\r\nHost: pharos\r\n\r\n"))
        assert status(idle) == 200
        console.process.terminate()
        assert {status(connection) for connection in slow} <= {503, 408}
        console.process.join(30)
    assert console.process.exitcode == 0


def test_requests_that_mean_two_things_are_refused(console):
    for fields in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"X: a\r\n b: c\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ):
        raw = b"POST /tunnel/ HTTP/1.1\r\nHost: pharos\r\n" + fields + b"\r\n0\r\n\r\n"
        with console.open(raw) as connection:
            assert status(connection) == 400, fields


def test_files_that_run_out_come_back(settings, acme, key):
    with strict_console(settings, acme.id, key, files=160) as console:
        with ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(console.open(b"GET / HTTP/1.1\r\n"))
            time.sleep(1)
        assert console.event(EVENT) == 200
        assert console.send("GET", "/healthz")[0] == 200
        assert console.process.is_alive()
