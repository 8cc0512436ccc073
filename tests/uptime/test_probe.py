"""One look at a URL: what it means, when it is believed, and that nothing private is reached."""

import asyncio
import socket
import time
from contextlib import closing

import pytest

from console.core import http
from console.core.addresses import is_public
from console.core.loops import finished
from console.telemetry.records import CheckOutcome
from console.uptime.probe import MOST_BYTES, Request, attempt, look
from console.uptime.prober import OwnConnection
from tests.fakes.peer import Peer, dripping, endless, plain, redirect

UP, SLOW, DOWN = CheckOutcome.UP, CheckOutcome.SLOW, CheckOutcome.DOWN


async def connected() -> bool:
    return True


async def cut_off() -> bool:
    return False


@pytest.fixture
def tried(peer):
    """What a try of the peer's root says, with its answer and settings of the check."""

    def tried(answer, **settings):
        peer.answers["/"] = answer
        settings = {"url": peer.url(), "allow_private": True, "timeout_seconds": 1} | settings
        return finished(attempt(Request(**settings)))

    return tried


@pytest.mark.parametrize(
    ("answer", "settings", "outcome", "why"),
    [
        (plain(b"welcome"), {}, UP, ""),
        (plain(b"welcome"), {"text": "welcome"}, UP, ""),
        (plain(b"welcome"), {"text": "good-bye"}, DOWN, "does not contain “good-bye”"),
        (plain(b"", "503 Busy"), {}, DOWN, "Status 503 instead of 200-299."),
        (plain(b"", "503 Busy"), {"statuses": "200, 503"}, UP, ""),
        (plain(b"", "404 No"), {"statuses": "400-499"}, UP, ""),
        (plain(b"", "999 Denied"), {"statuses": "200, 999"}, UP, ""),
        (redirect("/b"), {}, UP, ""),
        (redirect("/b"), {"redirects": False}, DOWN, "200-299. It leads to /b"),
        (redirect("/b"), {"redirects": False, "statuses": "302"}, UP, ""),
        (plain(b"welcome"), {"slow_ms": 0}, SLOW, "slow from 0 ms on"),
        (endless, {}, UP, "The answer was cut after 256 KB."),
        (plain(b"x" * 10_000_000), {}, UP, "The answer was cut after 256 KB."),
        (plain(b"x" * MOST_BYTES + b"end"), {"text": "end"}, DOWN, "in what was read of it"),
        (dripping, {}, DOWN, "No complete answer within 1 seconds."),
        (lambda _connection, _request: time.sleep(3), {}, DOWN, "No complete answer"),
        (lambda connection, _: connection.sendall(b"SSH-2.0\r\n"), {}, DOWN, "is not HTTP"),
    ],
)  # fmt: skip
def test_what_an_answer_means(tried, answer, settings, outcome, why):
    answer = tried(answer, **settings)
    assert answer.outcome is outcome
    assert why in answer.why
    assert answer.counts


def test_what_is_sent(tried, peer):
    tried(plain(b""), method="POST", headers={"X-Token": "s3cret"}, body="ping")
    assert peer.requests[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"X-Token: s3cret" in peer.requests[0]


def test_what_was_answered_is_kept_as_text_that_can_be_shown(tried):
    answer = tried(plain(b"Oh no\x00\xff<b>" + b"x" * 5_000, "500 Broken"))
    assert answer.answered.startswith("Oh no\ufffdÿ<b>xxx")
    assert len(answer.answered) == 1_000
    assert (answer.status, answer.milliseconds is not None) == (500, True)


def test_a_failure_is_believed_when_the_second_try_fails_too(peer):
    request = Request(url=peer.url(), allow_private=True)
    peer.answers["/"] = plain(b"", "500 Broken")
    first, second = finished(look(request, connected))
    assert (first.counts, second.counts) == (False, True)
    assert second.outcome is DOWN


def test_a_failure_that_the_second_try_does_not_repeat_does_not_count(peer):
    def once(connection, request):
        answer = plain(b"") if len(peer.requests) > 1 else plain(b"", "500 Broken")
        answer(connection, request)

    peer.answers["/"] = once
    first, second = finished(look(Request(url=peer.url(), allow_private=True), connected))
    assert (first.outcome, first.counts) == (DOWN, False)
    assert first.why.startswith("Not counted: the second try was answered.")
    assert (second.outcome, second.counts) == (UP, True)


def test_nothing_counts_while_the_console_itself_is_cut_off(peer):
    peer.answers["/"] = plain(b"", "500 Broken")
    (only,) = finished(look(Request(url=peer.url(), allow_private=True), cut_off))
    assert not only.counts
    assert "own connection" in only.why
    assert len(peer.requests) == 1


def test_a_console_that_has_no_more_connections_blames_nobody(peer, monkeypatch):
    def full(*_args):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(http._Line, "socket", full)
    (only,) = finished(look(Request(url=peer.url(), allow_private=True), connected))
    assert not only.counts
    assert "limit of open files" in only.why


def test_a_name_that_cannot_be_asked_about_for_want_of_files_is_no_fault_of_its_server(monkeypatch):
    """The resolver needs a file; without one, it says of every name that it does not know it."""
    request = Request(url="http://shop.invalid/", allow_private=True)
    with monkeypatch.context() as short:
        short.setattr("socket.getaddrinfo", lambda *_a, **_k: _raise(socket.gaierror(-3)))
        short.setattr("os.open", lambda *_args: _raise(OSError(24, "Too many open files")))
        (only,) = finished(look(request, connected))
    assert (only.counts, "limit of open files" in only.why) == (False, True)
    assert "cannot be resolved" in finished(look(request, connected))[-1].why


def _raise(error):
    raise error


def test_the_own_connection_works_if_one_address_answers_and_is_asked_once(peer):
    with closing(Peer()) as gone:
        nobody = gone.url()
    peer.answers["/"] = plain(b"", "404 No")

    async def asked(*addresses):
        connection = OwnConnection(addresses)
        return await asyncio.gather(*(connection.works() for _ in range(5)))

    assert finished(asked(nobody, peer.url())) == [True] * 5
    assert len(peer.requests) == 1
    assert finished(asked(nobody)) == [False] * 5
    assert finished(asked()) == [True] * 5


PRIVATE = [
    "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
    "017700000001", "0", "0.0.0.0", "127.0.0.1.", "localhost.", "LOCALHOST", "①②⑦.⓪.⓪.①",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[fe80::1%25lo]", "[fc00::1]",
    "[fec0::1]", "[0:0:0:0:0:0:0:1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "private.test", "both.test",
    "rebinding.test", "mapped.test",
]  # fmt: skip
WRONG = [
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/",
    "dict://127.0.0.1:{port}/", "ws://127.0.0.1:{port}/", "//127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/", "http://", "http:///", "http://user@127.0.0.1:{port}/",
    "http://8.8.8.8@127.0.0.1:{port}/", "http://user:secret@localhost:{port}/",
    "http://127.0.0.1:{port}#@8.8.8.8/", "http://127.0.0.1:{port}\\@8.8.8.8/",
    "http://8.8.8.8\\@127.0.0.1:{port}/", "http://127.0.0.1:{port}?@8.8.8.8/",
    "http://127.0.0.1 :{port}/", "http://127.0.0.1%00.test:{port}/", "http://%31%32%37.0.0.1:{port}/",
    "http://[::1/", "http://127.0.0.1:99999/", "\thttp://127.0.0.1:{port}/", "unix:/var/run/x.sock",
]  # fmt: skip
RESOLVED = {
    "private.test": [["10.0.0.1"]],
    "both.test": [["8.8.8.8", "127.0.0.1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "rebinding.test": [["192.0.2.1"], ["127.0.0.1"]],
}
"""What names mean: at the first time they are asked for, and later."""


OUTSIDE = ("127.0.0.2", "192.0.2.1")
"""Addresses that stand for the internet; nobody answers at the second."""


def test_no_hostile_url_reaches_this_machine(peer, monkeypatch):
    """Directly, and behind a redirect from a server that may be called."""
    urls = [f"http://{host}:{peer.port}/reached" for host in PRIVATE]
    urls += [url.format(port=peer.port) for url in WRONG]
    asked: dict[str, int] = {}
    resolve = socket.getaddrinfo

    def resolved(host, port, *args, **options):
        if host not in RESOLVED:
            return resolve(host, port, *args, **options)
        answers, asked[host] = RESOLVED[host], asked.get(host, -1) + 1
        addresses = answers[min(asked[host], len(answers) - 1)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)

    async def attempted(url):
        return await attempt(Request(url=url, timeout_seconds=2))

    async def all_of(urls):
        return await asyncio.gather(*map(attempted, urls))

    answers = finished(all_of(urls))
    assert [url for url, answer in zip(urls, answers, strict=True) if answer.is_good] == []
    assert peer.requests == []
    # A redirect begins at a server of the internet: here at another address of this machine.
    monkeypatch.setattr(http, "is_public", lambda a: a in OUTSIDE or is_public(a))
    asked.clear()
    with closing(Peer("127.0.0.2")) as outside:
        outside.answers |= {f"/{place}": redirect(url) for place, url in enumerate(urls)}
        answers = finished(all_of([outside.url(f"/{place}") for place in range(len(urls))]))
        assert len(outside.requests) >= len(urls)
    reached = [url for url, answer in zip(urls, answers, strict=True) if answer.is_good]
    # Said in a Location, these are paths of the server that sends it.
    assert set(reached) <= {"http:///", f"http:127.0.0.1:{peer.port}/"}
    assert peer.requests == []
